"""Segments at the clock and at hours before: expectations worked out by hand on three customers."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from c360_assets.settings import RfmBand, RfmRules, Rules
from c360_assets.ui.copies import Copies, Copy, Slice
from c360_assets.ui.data import segments
from c360_assets.ui.data.segments import Flow, History, Total
from c360_assets.ui.data.segments_choice import People, choice_of, compared_day, parameters_of
from c360_assets.ui.data.segments_steps import steps
from c360_assets.ui.pages.segments_people import PEOPLE
from c360_assets.ui.parts.table import State, sliced
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("three_customers")

THREE_CUSTOMERS = {
    "raw_user": """
        id,name,email,created_at
        1,Ann,ann@acme.com,2021-10-01
        2,Ben,ben@gmail.com,2021-10-01
        3,Zoë,zoe@beta.com,2021-10-01
        4,Dan,dan@beta.com,2021-11-02 12:30:00
    """,
    "raw_order": """
        order_id,user_id,created_at,order_cost
        o1,1,2021-11-01 10:00:00,100
        o2,2,2021-11-02 10:00:00,30
        o3,1,2021-11-03 10:00:00,50
        o4,3,2021-11-05 12:30:00,20
    """,
}
# Ann ordered 26 hours before, Ben 2: of two, the one is the lowest fifth and the other the highest
NOON = datetime(2021, 11, 2, 12)
LAST_HOUR = datetime(2021, 11, 5, 12)
TWO_BANDS = (
    RfmBand(max_recency_score=3, max_frequency_score=5, segment="Cold > Old"),
    RfmBand(max_recency_score=5, max_frequency_score=5, segment="Warm"),
)


def published(folder: Any, rules: Rules | None = None, **tables: str) -> Copy:
    world = World(folder, rules=rules or Rules()).write(**tables)
    world.build_everything().publish()
    return Copies(world.settings).current()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return published(tmp_path_factory.mktemp("three_customers"), **THREE_CUSTOMERS)


@pytest.fixture(scope="module")
def there(copy: Copy) -> History:
    return segments.history(copy)


def people_of(copy: Copy, people: People, sort: str | None = None, rows: int = 25) -> Slice:
    return sliced(copy, PEOPLE, State(sort, 1, rows), parameters_of(copy, people))


def names(found: Slice) -> list[str]:
    return [row["user_name"] for row in found.rows]


def full_cells(cells: tuple[segments.Cell, ...]) -> dict[str, tuple[str, int, Decimal | None]]:
    return {
        cell.key: (cell.segment, cell.customers, cell.monetary) for cell in cells if cell.customers
    }


def test_the_history_tells_its_hours_its_clock_and_its_segments(there: History) -> None:
    assert (there.first_hour, there.last_hour) == (datetime(2021, 11, 1, 10), LAST_HOUR)
    assert there.as_of == datetime(2021, 11, 5, 12, 30)
    assert there.has_money
    assert there.segments[0] == there.top_segment == "Champions"
    assert there.segments[-1] == "Hibernating"
    assert len(there.rules) == 25


def test_the_grid_at_the_clock_has_those_who_ordered_after_the_last_full_hour(
    copy: Copy, there: History
) -> None:
    cells = segments.grid(copy, there, None)
    assert len(cells) == 25
    assert full_cells(cells) == {
        "r3f5": ("Loyal Customers", 1, Decimal(150)),
        "r1f1": ("Hibernating", 1, Decimal(30)),
        "r5f1": ("New Customers", 1, Decimal(20)),
    }
    assert segments.prospects(copy, there, None) == 1
    assert segments.whole(cells) == Total(3, Decimal(200))


def test_the_grid_of_an_hour_is_that_of_then(copy: Copy, there: History) -> None:
    assert full_cells(segments.grid(copy, there, NOON)) == {
        "r1f1": ("Hibernating", 1, Decimal(100)),
        "r5f1": ("New Customers", 1, Decimal(30)),
    }
    # Zoë had not ordered yet, and Dan had no account yet
    assert segments.prospects(copy, there, NOON) == 1
    assert segments.prospects(copy, there, datetime(2021, 11, 2, 13)) == 2


def test_every_hour_is_as_the_formula_says(copy: Copy, there: History) -> None:
    found = steps(there, "hour")
    assert found is not None
    hours = [found.at(position) for position in range(found.count)]
    with copy._cursor() as cursor:
        expected = cursor.execute(
            "select date_hour, recency_score, frequency_score, count(*), sum(monetary)"
            " from marts.rfm_segments_hourly group by all"
        ).fetchall()
    assert len(hours) == len({row[0] for row in expected}) == 99
    answered = {
        (hour, cell.recency_score, cell.frequency_score, cell.customers, cell.monetary)
        for hour in hours
        for cell in segments.grid(copy, there, hour)
        if cell.customers
    }
    assert answered == set(expected)


def test_the_end_of_a_day_has_prospects_too(copy: Copy) -> None:
    found = segments.on_day(copy, date(2021, 11, 2))
    assert {name: total for name, total in found.items() if total.customers} == {
        "Hibernating": Total(1, Decimal(100)),
        "New Customers": Total(1, Decimal(30)),
        "prospects": Total(2, None),
    }
    assert segments.on_day(copy, date(2021, 10, 31)) == {}


def test_the_chart_has_every_day_or_the_last_ones(
    copy: Copy, there: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    days, every = segments.days(copy, there, None)
    assert every == 1
    assert [day.day.day for day in days] == [1, 2, 3, 4, 5]
    days, _ = segments.days(copy, there, 2)
    assert [day.day.day for day in days] == [4, 5]
    monkeypatch.setattr(segments, "MOST_DAYS", 3)
    days, every = segments.days(copy, there, None)
    assert every == 2
    assert [day.day.day for day in days] == [1, 3, 5]


def test_movements_have_first_orders_and_those_who_stay(copy: Copy) -> None:
    assert segments.flows(copy, NOON, None) == [
        Flow("Hibernating", "Loyal Customers", 1),
        Flow("New Customers", "Hibernating", 1),
        Flow("prospects", "New Customers", 1),
    ]
    assert segments.flows(copy, NOON, datetime(2021, 11, 2, 14)) == [
        Flow("Hibernating", "Hibernating", 1),
        Flow("New Customers", "New Customers", 1),
    ]


def test_movements_of_a_day_are_those_of_the_migrations(copy: Copy) -> None:
    found = segments.flows(copy, datetime(2021, 11, 3), datetime(2021, 11, 4))
    with copy._cursor() as cursor:
        expected = cursor.execute(
            "select from_segment, to_segment, customers from marts.rfm_migrations"
            " where period = 'day' and period_start = date '2021-11-03'"
        ).fetchall()
    assert expected
    assert {(flow.before, flow.after, flow.customers) for flow in found} == set(expected)


def test_cohorts_are_those_of_the_month_of_the_first_order(copy: Copy) -> None:
    found = segments.cohorts(copy)
    assert found is not None
    assert (found.first_month, found.last_month) == (date(2021, 11, 1), date(2021, 11, 1))
    assert [(cohort.month, cohort.customers) for cohort in found.cohorts] == [
        (date(2021, 11, 1), 3)
    ]
    (month,) = found.cohorts[0].months
    assert (month.active_customers, month.orders, month.monetary) == (3, 4, Decimal(200))
    assert month.retention_rate == 1.0
    # another month than there is leads to the nearest
    assert segments.cohorts(copy, date(1999, 1, 1)) == found


def test_people_at_the_clock_are_sorted_by_money(copy: Copy) -> None:
    found = people_of(copy, People())
    assert names(found) == ["Ann", "Ben", "Zoë"]
    assert found.total == 3
    ann = found.rows[0]
    assert (ann["recency_score"], ann["frequency_score"], ann["frequency"]) == (3, 5, 2)
    assert ann["recency_days"] == pytest.approx(2 + 2.5 / 24)
    assert ann["corporate_email"] == "acme.com"
    assert names(people_of(copy, People(), "recency_days")) == ["Zoë", "Ann", "Ben"]


def test_people_at_an_hour_are_as_they_were(copy: Copy) -> None:
    found = people_of(copy, People(at=NOON))
    assert names(found) == ["Ann", "Ben"]
    ann, ben = found.rows
    assert (ann["frequency"], ann["monetary"], ann["rfm_segment"]) == (1, 100, "Hibernating")
    assert ann["recency_days"] == pytest.approx(26 / 24)
    # their stage is that of the end of the day before, when Ben had not ordered
    assert (ann["lifecycle_stage"], ben["lifecycle_stage"]) == ("New", "Prospect")


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (People(recency_score=5, frequency_score=1), ["Zoë"]),
        (People(segment="Hibernating"), ["Ben"]),
        (People(at=NOON, segment="Hibernating"), ["Ann"]),
        (People(since=NOON, moved_from="Hibernating", segment="Loyal Customers"), ["Ann"]),
        (People(since=NOON, moved_from="prospects", segment="New Customers"), ["Zoë"]),
        (People(since=NOON, moved_from="prospects", segment="Hibernating"), []),
        (People(min_orders=2), ["Ann"]),
        (People(min_money=30.0), ["Ann", "Ben"]),
        (People(text="ZOE"), ["Zoë"]),
        (People(text="gmail.com"), ["Ben"]),
        (People(text="acme"), ["Ann"]),
        (People(text="n@acme.co"), ["Ann"]),
        (People(text="%"), []),
    ],
)
def test_people_are_those_who_fit_and_are_counted_alike(
    copy: Copy, people: People, expected: list[str]
) -> None:
    found = people_of(copy, people)
    assert names(found) == expected
    assert found.total == len(expected)


def test_segments_of_ones_own_take_the_place_of_the_usual_ones(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rules = Rules(rfm=RfmRules(grid=TWO_BANDS))
    copy = published(tmp_path_factory.mktemp("two_bands"), rules, **THREE_CUSTOMERS)
    there = segments.history(copy)
    assert there.segments == ("Warm", "Cold > Old")
    totals = segments.by_segment(segments.grid(copy, there, None))
    assert {name: total.customers for name, total in totals.items()} == {"Warm": 1, "Cold > Old": 2}
    # a `>` in a name does not lead astray
    query = {"moved": "Warm>Cold > Old", "from": "2021-11-02T12"}
    choice = choice_of(there, query)
    assert choice.problems == ()
    assert names(people_of(copy, choice.people)) == ["Ben"]


def test_without_amounts_there_is_no_money_to_choose(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    events = "event_id,user_id,event_name,timestamp\ne1,1,order_placed,2021-11-01 10:00:00"
    copy = published(
        tmp_path_factory.mktemp("no_amounts"),
        raw_user=THREE_CUSTOMERS["raw_user"],
        raw_event=events,
    )
    there = segments.history(copy)
    assert not there.has_money
    assert segments.whole(segments.grid(copy, there, None)) == Total(1, None)
    choice = choice_of(there, {"measure": "money", "cohorts": "money", "sales": "5"})
    assert (choice.measure, choice.cohort_measure) == ("customers", "retention")
    assert names(people_of(copy, choice.people)) == ["Ann"]


def test_without_an_order_there_are_only_prospects(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    copy = published(tmp_path_factory.mktemp("no_orders"), raw_user=THREE_CUSTOMERS["raw_user"])
    there = segments.history(copy)
    assert (there.first_hour, there.last_hour, there.as_of) == (None, None, None)
    assert segments.prospects(copy, there, None) == 4
    assert segments.days(copy, there, None) == ([], 1)
    assert segments.cohorts(copy) is None
    assert steps(there, "hour") is None
    assert choice_of(there, {}).since is None
    assert compared_day(there, choice_of(there, {})) is None
