"""What the start page says of the published copy and of Dagster's history."""

from datetime import date, datetime, timedelta

import pytest

from c360_assets.settings import FreshnessRules, Rules
from c360_assets.ui.copies import Copies
from c360_assets.ui.data.standing import KEPT_SECONDS, Freshness, History, standing
from c360_assets_tests.pipeline import World, instance_at

NOW = datetime(2021, 3, 10)
SOURCE = {
    "raw_user": """
        id,name,email,gaggle_id,created_at
        1,Ann,ann@acme.com,g1,2021-01-01
        2,Bob,bob@acme.com,g1,2021-01-02
        3,Cat,cat@gmail.com,g2,2021-01-03
        4,Dan,no address,g2,2021-01-04
        5,Eve,neither,g2,2021-01-04
        6,Fay,fay@beta.com,,not a day
    """,
    "raw_gaggle": "id,name,created_at\ng1,One,2021-01-01\ng2,Two,2021-01-01\ng3,Three,2021-01-01",
    "raw_order": """
        order_id,user_id,created_at,order_cost
        o1,1,2021-01-10 10:00:00,40
        o2,1,2021-02-20 10:00:00,10
        o3,2,2021-03-01 10:00:00,15
    """,
    "raw_event": """
        event_id,user_id,event_name,timestamp
        e1,3,login,2021-03-02 08:30:00
    """,
    "raw_ticket": """
        ticket_id,email,created_at,subject,status
        t1,ann@acme.com,2021-03-01 08:00:00,Help,open
        t2,cat@gmail.com,2021-02-28 08:00:00,Help,open
        t3,cat@gmail.com,2021-02-28 08:00:00,Thanks,closed
    """,
    "merged_user": """
        old_email,new_email
        bob@acme.com,bob@acme.com
        ann@acme.com,later@acme.com
        nobody@x.com,nobody@y.com
    """,
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("standing")).write(**SOURCE).build_everything()
    world.publish()
    return standing(Copies(world.settings).current(), world.settings)


def test_everything_is_counted(found):
    assert found.counts == {
        "contacts": 3,
        # acme.com; beta.com's one account was rejected, gmail.com is personal
        "companies": 1,
        "gaggles": 3,
        "customers": 2,
        "suggested_people": 0,
        "suggested_companies": 0,
        "open_tickets": 2,
        # from 2021-02-28 08:00 to the newest event
        "longest_waiting_hours": 48,
    }


def test_revenue_is_that_of_thirty_days_up_to_the_last(found):
    assert found.revenue.last_day == date(2021, 3, 2)
    assert found.revenue.amount == 25
    # the first day with figures is 2021-01-10: fewer than 30 days before those 30
    assert found.revenue.change is None


def test_rejected_rows_are_counted_by_reason_the_most_frequent_first(found):
    rows = [(each["source_table"], each["number_of_rows"]) for each in found.rejected.reasons]
    assert rows == [("raw_user", 2), ("raw_user", 1)]
    assert (found.rejected.number_of_reasons, found.rejected.number_of_rows) == (2, 3)
    assert all("row_json" not in each for each in found.rejected.reasons)


def test_refused_decisions_come_before_those_that_wait(found):
    rows = [(row["outcome"], row["source_row"]) for row in found.decisions.unsettled.rows]
    assert rows == [("refused", 1), ("pending", 2), ("pending", 3)]
    assert found.decisions.unsettled.total == 3
    assert found.decisions.outcomes == {"refused": 1, "pending": 2}


def test_the_newest_of_events_and_orders_tells_how_old_the_data_is(found):
    assert found.freshness.newest == datetime(2021, 3, 2, 8, 30)
    assert found.freshness.clock_is_newest
    assert found.freshness.behind == timedelta(0)


@pytest.mark.parametrize(("hours", "is_late"), [(24, True), (25, False)])
def test_data_older_than_the_clock_allows_is_late(hours, is_late):
    newest = datetime(2021, 3, 1, 11, 30)
    clock = newest + timedelta(hours=24, minutes=30)
    found = Freshness(NOW, "run", newest, clock, False, hours)
    assert found.is_late is is_late
    assert found.behind == timedelta(hours=24, minutes=30)


def test_without_event_or_order_the_data_counts_as_late():
    found = Freshness(NOW, "run", None, NOW, False, 36)
    assert found.is_late
    assert found.behind is None


def test_a_set_clock_is_the_one_that_the_figures_count_back_from(tmp_path):
    rules = Rules(freshness=FreshnessRules(max_age_hours=1))
    world = World(tmp_path, as_of="2021-04-01T00:00:00", rules=rules).write(**SOURCE)
    world.build_everything().publish()
    found = standing(Copies(world.settings).current(), world.settings).freshness
    assert (found.clock, found.clock_is_newest) == (datetime(2021, 4, 1), False)
    assert found.is_late


def test_looking_for_a_history_makes_none(tmp_path):
    settings = World(tmp_path).settings
    assert History(settings).read(NOW) is None
    assert not settings.home_dir.exists()


@pytest.mark.slow
def test_a_history_is_read_again_only_after_some_seconds(tmp_path):
    settings = World(tmp_path).settings
    seconds = [100.0]
    history = History(settings, lambda: seconds[0])
    with instance_at(settings):
        first = history.read(NOW)
        seconds[0] += KEPT_SECONDS
        assert history.read(NOW) is first
        seconds[0] += 1
        second = history.read(NOW)
    assert second is not first
    assert (second["runs"], second["checks"]["passed"]) == ([], 0)
    assert {"asset": "contacts", "materialized_at": None, "rows": None, "run_id": None} in second[
        "assets"
    ]
    assert len(second["checks"]["not_run"]) > 50
