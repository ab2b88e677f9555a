"""What Dagster sees: assets and their faces, jobs, the schedule, sensors and the days."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest

from c360_assets import contracts
from c360_assets.automation.jobs import newest_complete_day
from c360_assets.definitions import build_defs, build_partitions
from c360_assets.settings import EventRules, Rules, Settings
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("definitions")

RAW = {
    *("raw_user", "raw_gaggle", "raw_event", "raw_order", "raw_order_item", "raw_product"),
    *("raw_promo", "raw_address", "deals", "raw_campaign", "raw_campaign_target", "raw_ticket"),
    *("merged_user", "merged_company_domain"),
}
STAGING = {
    *("stg_users", "stg_gaggles", "stg_events", "stg_orders", "stg_order_items", "stg_products"),
    *("stg_promos", "stg_addresses", "stg_deals", "stg_campaigns", "stg_campaign_targets"),
    *("stg_tickets", "user_event_days"),
}
IDENTITY = {
    *("merge_journal", "contact_id_history", "user_identity", "domain_identity"),
    "merge_candidates",
}
MARTS = {
    *("contacts", "gaggle_domain_facts", "gaggle_facts", "corporate_accounts"),
    *("user_gaggle_facts", "upgrade_candidates", "rfm_segments", "search_index"),
    *("rfm_segment_history", "rfm_migrations"),
    *("customer_lifetime_value", "customer_profiles"),
    *("campaign_targets", "campaign_impact"),
    *("fct_sessions", "fct_orders", "dim_users", "kpi_daily", "support_queue"),
}
GROUPS = {
    **dict.fromkeys(RAW, "raw"),
    **dict.fromkeys(STAGING, "staging"),
    **dict.fromkeys(IDENTITY, "identity"),
    **dict.fromkeys(MARTS, "marts"),
    "published": "published",
    "crm_sync": "activation",
}
JOBS = {"everything", "daily_c360", "refresh_identity", "refresh_events"}
USERS = "id,name,email,created_at\n1,Ann,ann@acme.com,2021-01-01"
each_asset = pytest.mark.parametrize("name", sorted(GROUPS))


def events(*days: str) -> str:
    rows = [f"e{n},1,login,{day} 12:00:00" for n, day in enumerate(days)]
    return "\n".join(["event_id,user_id,event_name,timestamp", *rows])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("definitions"))
    return world.write(raw_user=USERS, raw_event=events("2021-03-01", "2021-03-04"))


@pytest.fixture(scope="module")
def defs(world: World) -> dg.Definitions:
    return build_defs(world.settings)


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


# --- assets --------------------------------------------------------------------------------------


def test_the_assets_are_the_bare_names_of_the_tables_and_no_other(specs):
    assert set(specs) == set(GROUPS)


def test_the_definitions_can_all_be_loaded(defs):
    dg.Definitions.validate_loadable(defs)


@each_asset
def test_an_asset_has_a_group_an_owner_kinds_and_a_description(specs, name):
    spec = specs[name]
    assert spec.group_name == GROUPS[name]
    assert spec.owners
    assert all(owner.startswith("team:") for owner in spec.owners)
    assert spec.kinds
    assert spec.description


@pytest.mark.parametrize("name", sorted(set(GROUPS) - {"published", "crm_sync"}))
def test_the_asset_of_a_table_shows_its_columns_and_where_it_lies(specs, name):
    table = contracts.table(name)
    metadata = specs[name].metadata
    schema = metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert [column.name for column in schema.columns] == list(table.column_names)
    for column in schema.columns:
        expected = table.column(column.name)
        assert (column.type, column.description) == (expected.type, expected.description)
        assert column.constraints.nullable is expected.is_nullable
    assert metadata["dagster/table_name"] == table.qualified_name
    assert specs[name].description.startswith(table.grain)


@pytest.mark.parametrize("name", ["contacts", "stg_users", "user_event_days"])
def test_the_description_of_a_table_of_sql_shows_the_sql(specs, name):
    assert "```sql\n-- One row per" in specs[name].description
    assert specs[name].code_version


def test_tables_with_the_same_sql_have_the_same_code_version(world, specs):
    again = {
        s.key.to_user_string(): s for s in build_defs(world.settings).resolve_all_asset_specs()
    }
    assert {n: s.code_version for n, s in again.items()} == {
        n: s.code_version for n, s in specs.items()
    }


def test_data_flows_from_raw_tables_to_the_crm(specs):
    before = {n: {d.asset_key.to_user_string() for d in s.deps} for n, s in specs.items()}
    assert all(before[name] == set() for name in RAW)
    for earlier, later in pairwise(
        [
            *("raw_user", "stg_users", "merge_journal", "contact_id_history", "user_identity"),
            "contacts",
            *("gaggle_domain_facts", "gaggle_facts", "corporate_accounts", "published"),
            "crm_sync",
        ]
    ):
        assert earlier in before[later], (earlier, later)
    assert before["merge_journal"] == {"merged_user", "merged_company_domain", "stg_users"}
    assert before["crm_sync"] == {"published"}
    assert {*MARTS, *IDENTITY} <= before["published"]


def test_every_asset_is_upstream_of_the_published_copy(defs):
    graph = defs.resolve_asset_graph()
    upstream = dg.AssetSelection.assets("published").upstream().resolve(graph)
    beside = {key.to_user_string() for key in graph.get_all_asset_keys() - upstream}
    # these are read where they lie, by whoever looks at single orders
    assert beside <= {"crm_sync", "stg_order_items", "raw_order_item"}


def test_the_rollup_of_days_and_profiles_are_partitioned_and_backfill_in_one_run(defs):
    graph = defs.resolve_asset_graph()
    partitioned = {
        k.to_user_string() for k in graph.get_all_asset_keys() if graph.get(k).is_partitioned
    }
    assert partitioned == {"user_event_days", "customer_profiles"}
    for name in partitioned:
        policy = graph.get(dg.AssetKey(name)).backfill_policy
        assert policy == dg.BackfillPolicy.single_run()


def test_every_blocking_check_is_one_of_an_asset_upstream_of_published(defs):
    graph = defs.resolve_asset_graph()
    blocking = {
        k.asset_key.to_user_string() for k in graph.asset_check_keys if graph.get(k).blocking
    }
    assert {"stg_users", "user_event_days", "user_identity", "contacts"} <= blocking
    # that of crm_sync itself comes after the copy, and must not keep it back
    assert "published" not in blocking
    upstream = graph.get(dg.AssetKey("published")).parent_keys
    assert dg.AssetKey("crm_sync") not in upstream


# --- jobs, schedule, sensors ---------------------------------------------------------------------


def test_the_jobs_are_there_and_say_what_they_do(defs):
    for name in JOBS:
        assert defs.resolve_job_def(name).description


def test_jobs_run_in_one_process(defs):
    for name in JOBS:
        assert defs.resolve_job_def(name).executor_def is dg.in_process_executor


@pytest.mark.parametrize("name", ["everything", "daily_c360"])
def test_a_full_job_covers_every_asset(defs, name):
    keys = defs.resolve_job_def(name).asset_layer.executable_asset_keys
    assert {key.to_user_string() for key in keys} == set(GROUPS)


def test_refreshing_identity_starts_at_the_merge_files(defs):
    keys = defs.resolve_job_def("refresh_identity").asset_layer.executable_asset_keys
    names = {key.to_user_string() for key in keys}
    assert names & RAW == {"merged_user", "merged_company_domain"}
    assert not names & STAGING
    assert {*IDENTITY, *MARTS, "published", "crm_sync"} <= names


def test_refreshing_events_starts_at_events_and_orders(defs):
    keys = defs.resolve_job_def("refresh_events").asset_layer.executable_asset_keys
    names = {key.to_user_string() for key in keys}
    assert names & RAW == {"raw_event", "raw_order"}
    assert "stg_users" not in names
    assert {"user_event_days", *MARTS, "published", "crm_sync"} <= names


def tick(defs: dg.Definitions, at: datetime) -> dg.RunRequest | None:
    """What the daily schedule asks for at that time."""
    schedule = defs.resolve_schedule_def("daily_c360_schedule")
    repository = defs.get_repository_def()
    with dg.build_schedule_context(
        scheduled_execution_time=at, repository_def=repository
    ) as context:
        requests = schedule.evaluate_tick(context).run_requests or []
    assert len(requests) <= 1
    return requests[0] if requests else None


def test_the_schedule_is_at_five_utc_for_the_daily_job(defs):
    schedule = defs.resolve_schedule_def("daily_c360_schedule")
    assert schedule.cron_schedule == "0 5 * * *"
    assert schedule.execution_timezone == "UTC"
    assert schedule.job_name == "daily_c360"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_the_schedule_asks_for_the_day_before(tmp_path):
    world = World(tmp_path).write(raw_user=USERS, raw_event=events("2021-03-01"))
    live = dg.DailyPartitionsDefinition("2021-03-01", timezone="UTC")
    defs = build_defs(world.settings, live)
    request = tick(defs, datetime(2021, 3, 9, 5, tzinfo=UTC))
    assert request is not None
    assert request.partition_key == "2021-03-08"
    later = tick(defs, datetime(2021, 3, 10, 5, tzinfo=UTC))
    assert later is not None
    assert later.run_key != request.run_key, "or Dagster would skip it as one it knows"


def test_the_schedule_of_a_history_asks_for_its_last_day(defs):
    request = tick(defs, datetime(2021, 3, 9, 5, tzinfo=UTC))
    assert request is not None
    assert request.partition_key == "2021-03-04"


def test_the_schedule_skips_while_no_day_is_over(defs):
    assert tick(defs, datetime(2021, 3, 1, 5, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2021-03-01T23:59:59+00:00", None),
        ("2021-03-02T00:00:00+00:00", "2021-03-01"),
        ("2021-03-02T01:00:00+02:00", None),  # still the first in UTC
        ("2021-03-04T05:00:00+00:00", "2021-03-03"),
    ],
)
def test_the_newest_complete_day_is_the_last_that_is_over_in_utc(now, day):
    partitions = dg.DailyPartitionsDefinition("2021-03-01", timezone="UTC")
    assert newest_complete_day(partitions, datetime.fromisoformat(now)) == day


def test_sensors_watch_by_themselves_and_say_what_for(defs):
    sensors = list(defs.sensors or [])
    assert len(sensors) >= 3
    for sensor in sensors:
        assert sensor.description, sensor.name
        assert sensor.default_status == dg.DefaultSensorStatus.RUNNING, sensor.name
        expected = 30 if sensor.name == "alerts" else 10
        assert sensor.minimum_interval_seconds == expected, sensor.name


# --- days ----------------------------------------------------------------------------------------

TODAY = date(2021, 6, 15)


def keys(settings: Settings) -> list[str]:
    now = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    return list(build_partitions(settings, TODAY).get_partition_keys(current_time=now))


def test_a_history_has_the_days_from_its_first_to_its_last(tmp_path):
    world = World(tmp_path).write(raw_user=USERS, raw_event=events("2021-03-01", "2021-03-04"))
    assert keys(world.settings) == ["2021-03-01", "2021-03-02", "2021-03-03", "2021-03-04"]


def test_orders_count_for_the_first_and_the_last_day_too(tmp_path):
    world = World(tmp_path).write(
        raw_user=USERS,
        raw_event=events("2021-03-02"),
        raw_order=(
            "order_id,user_id,created_at,order_cost\n"
            "o1,1,2021-03-01 23:59:59,1\no2,1,2021-03-03 00:00:00,1"
        ),
    )
    assert keys(world.settings) == ["2021-03-01", "2021-03-02", "2021-03-03"]


@pytest.mark.parametrize(
    ("age", "is_live"), [(0, True), (1, True), (7, True), (8, False), (400, False)]
)
def test_a_source_whose_newest_day_is_recent_goes_on_to_today(tmp_path, age, is_live):
    newest = TODAY - timedelta(days=age)
    world = World(tmp_path).write(raw_user=USERS, raw_event=events(str(newest)))
    assert keys(world.settings)[-1] == str(TODAY if is_live else newest)


@pytest.mark.parametrize(
    ("clock", "last"),
    [
        ("2021-05-01T00:00:00", "2021-05-01"),  # as the KPIs and the segments do
        ("2021-03-02T12:00:00", "2021-03-04"),  # facts after the clock are rolled up all the same
        ("2021-06-14T12:00:00", "2021-06-14"),  # of the last days, and not live for that
        ("2021-06-15T01:00:00", str(TODAY)),
        ("2031-01-01T00:00:00", str(TODAY)),
        ("now", str(TODAY)),
    ],
)
def test_a_clock_that_is_later_than_the_last_fact_ends_the_days(tmp_path, clock, last):
    world = World(tmp_path, as_of=clock)
    world.write(raw_user=USERS, raw_event=events("2021-03-01", "2021-03-04"))
    assert (keys(world.settings)[0], keys(world.settings)[-1]) == ("2021-03-01", last)


def test_the_first_day_may_be_set(tmp_path):
    rules = Rules(events=EventRules(first_day=date(2021, 3, 3)))
    world = World(tmp_path, rules=rules)
    world.write(raw_user=USERS, raw_event=events("2021-03-01", "2021-03-04"))
    assert keys(world.settings) == ["2021-03-03", "2021-03-04"]


@pytest.mark.parametrize("tables", [{}, {"raw_user": USERS}, {"raw_event": events()}])
def test_without_an_event_or_a_source_there_are_yesterday_and_today(tmp_path: Path, tables):
    world = World(tmp_path)
    if tables:
        world.write(**tables)
    assert keys(world.settings) == ["2021-06-14", "2021-06-15"]
    assert build_defs(world.settings)


def test_a_source_that_grows_has_more_days(tmp_path):
    world = World(tmp_path).write(raw_user=USERS, raw_event=events("2021-03-01"))
    assert keys(world.settings) == ["2021-03-01"]
    world.write(raw_event=events("2021-03-01", "2021-03-03"))
    assert keys(world.settings) == ["2021-03-01", "2021-03-02", "2021-03-03"]
