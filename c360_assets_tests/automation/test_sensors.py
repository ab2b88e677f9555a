"""The sensors on files, on real folders and a real Dagster instance; at the end, their runs."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance

from c360_assets.assets.events import DAYS_TAG
from c360_assets.automation import event_watch
from c360_assets.automation.sensors import build_file_sensors
from c360_assets.definitions import build_defs
from c360_assets.settings import Rules, Settings
from c360_assets_tests.automation.conftest import NO_TELEMETRY
from c360_assets_tests.pipeline import RANGE_END, RANGE_START, World, failures

MERGES = "old_email,new_email\n"
EVENTS = "event_id,user_id,event_name,timestamp\n"
NOVEMBER = dg.DailyPartitionsDefinition(start_date="2021-11-01", end_date="2021-11-11")
AT_ONCE = {"sensors": {"settle_seconds": 0}}


@dataclass
class Site:
    """A source folder, an instance, and one sensor with its cursor between ticks."""

    folder: Path
    name: str
    rules: dict = field(default_factory=lambda: AT_ONCE)
    partitions: dg.DailyPartitionsDefinition = NOVEMBER
    cursor: str | None = None
    instance: DagsterInstance = field(init=False)
    log: list[str] = field(default_factory=list)
    last: dg.SensorResult | None = None

    def __post_init__(self) -> None:
        self.instance = DagsterInstance.ephemeral(settings=NO_TELEMETRY)
        self.source.mkdir(exist_ok=True)

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def settings(self) -> Settings:
        return Settings(
            home=self.folder / "home", source=self.source, rules=Rules.model_validate(self.rules)
        )

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.source / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def write_days(self, name: str, *days: str) -> Path:
        rows = [f"{name}{n},1,login,{day} 10:00:00\n" for n, day in enumerate(days)]
        return self.write(f"raw_event/{name}.csv", EVENTS + "".join(rows))

    def build(self, *assets: str) -> None:
        """Record that the assets have been materialized now."""
        for asset in assets:
            self.instance.report_runless_asset_event(dg.AssetMaterialization(asset))

    def tick(self) -> list[dg.RunRequest]:
        built = build_file_sensors(self.settings, self.partitions)
        sensors = {sensor.name: sensor for sensor in built}
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        collector = logging.Handler(logging.WARNING)
        collector.emit = lambda record: self.log.append(record.getMessage())
        context.log.addHandler(collector)
        self.last = sensors[self.name](context)
        context.log.removeHandler(collector)
        self.cursor = self.last.cursor
        return list(self.last.run_requests or [])

    def asked(self) -> list[str]:
        """What the runs that a tick asks for are about: files of merges, or days."""
        return [about(request) for request in self.tick()]

    def told(self) -> str:
        """The log since the last call."""
        said, self.log[:] = "\n".join(self.log), []
        return said

    @property
    def skipped(self) -> str:
        assert self.last is not None
        reason = self.last.skip_reason
        return "" if reason is None else str(getattr(reason, "skip_message", reason))


def about(request: dg.RunRequest) -> str:
    prefix = "everything " if request.job_name == "everything" else ""
    return prefix + subject(request)


def subject(request: dg.RunRequest) -> str:
    tags = request.tags
    if RANGE_START in tags:
        return f"{tags[RANGE_START]}..{tags[RANGE_END]}"
    if DAYS_TAG in tags:
        return f"unknown to Dagster: {tags[DAYS_TAG]}"
    return request.partition_key or tags["c360/merge_files"]


@pytest.fixture
def merges(tmp_path: Path) -> Iterator[Site]:
    """The sensor `merge_files` on a folder without merges, after a run of everything."""
    site = Site(tmp_path, "merge_files")
    site.write("raw_user.csv", "id,name,email,created_at\n")
    site.build("stg_users", "merged_user", "merged_company_domain")
    assert site.tick() == []
    yield site
    site.instance.dispose()


@pytest.fixture
def events(tmp_path: Path) -> Iterator[Site]:
    """The sensor `event_files` on two days of events, after a run of everything."""
    site = Site(tmp_path, "event_files")
    site.write("raw_user.csv", "id,name,email,created_at\n1,Ann,ann@a.com,2021-10-01\n")
    site.write_days("one", "2021-11-01")
    site.write_days("two", "2021-11-02", "2021-11-03")
    site.build("stg_users", "raw_event", "raw_order")
    assert site.tick() == []
    yield site
    site.instance.dispose()


def test_the_sensors_run_by_themselves_as_often_as_the_settings_say(tmp_path: Path) -> None:
    settings = Settings(rules=Rules.model_validate({"sensors": {"interval_seconds": 7}}))
    sensors = build_file_sensors(settings, NOVEMBER)
    assert [sensor.name for sensor in sensors] == ["merge_files", "event_files"]
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.RUNNING}
    assert {sensor.minimum_interval_seconds for sensor in sensors} == {7}


# merge_files


def test_a_new_merge_file_asks_for_one_run_and_never_again(merges: Site) -> None:
    merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    merges.write("merged_company_domain_2.csv", "old_domain,new_domain\nx.com,y.com\n")
    assert merges.asked() == ["merged_company_domain_2.csv, merged_user.csv"]
    assert merges.asked() == []
    assert not merges.told()


def test_other_files_of_the_folder_are_no_merges(merges: Site) -> None:
    for name in ("raw_user.csv", "merged_user.csv.tmp", "merged_user.xlsx", "deals.csv"):
        merges.write(name, "old_email,new_email\na,b\n")
    assert merges.asked() == []


def test_content_that_comes_back_runs_again_under_another_key(merges: Site) -> None:
    requests = []
    for target in ("b", "c", "b"):
        merges.write("merged_user.csv", MERGES + f"a@x.com,{target}@x.com\n")
        requests += merges.tick()
    keys = [request.run_key for request in requests]
    assert len(set(keys)) == 3
    digests = [key.split(":")[2] for key in keys]
    assert digests[0] == digests[2] != digests[1]


def test_a_merge_file_that_was_only_touched_asks_for_nothing(merges: Site) -> None:
    path = merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    merges.tick()
    os.utime(path, (1, 1))
    assert merges.asked() == []


def test_a_half_written_merge_file_waits(merges: Site) -> None:
    merges.rules = {"sensors": {"settle_seconds": 600}}
    path = merges.write("merged_user.csv", MERGES + "a@x.com,b@x")
    assert merges.asked() == []
    assert "merged_user.csv" in merges.skipped
    merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    os.utime(path, (time.time() - 601, time.time() - 601))
    assert merges.asked() == ["merged_user.csv"]


def test_a_removed_merge_file_is_told_once_and_its_decisions_lapse(merges: Site) -> None:
    path = merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    merges.tick()
    path.unlink()
    assert merges.asked() == ["merged_user.csv"]
    assert merges.told() == "merge file merged_user.csv was removed: its decisions lapse"
    assert merges.asked() == []
    assert not merges.told()


def test_an_unreadable_merge_file_is_told_once_and_blocks_nothing(merges: Site) -> None:
    merges.write("merged_user_bad.csv", b"PK\x03\x04\0\0")
    assert merges.asked() == []
    told = merges.told()
    assert told.count("merged_user_bad.csv") == 1
    assert "NUL bytes" in told
    merges.write("merged_user_good.csv", MERGES + "a@x.com,b@x.com\n")
    assert merges.asked() == ["merged_user_good.csv"]
    assert not merges.told()


def test_an_unreadable_file_that_is_still_wrong_after_a_change_is_told_anew(merges: Site) -> None:
    merges.write("merged_user.csv", "wrong,header\n")
    merges.tick()
    merges.told()
    merges.write("merged_user.csv", "other,header\n")
    assert merges.asked() == []
    assert "old_email" in merges.told()


def test_a_mended_merge_file_asks_for_a_run(merges: Site) -> None:
    merges.write("merged_user.csv", "wrong,header\n")
    merges.tick()
    merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    assert merges.asked() == ["merged_user.csv"]


def test_what_a_merge_file_said_stands_when_it_becomes_unreadable(merges: Site) -> None:
    merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    merges.tick()
    merges.write("merged_user.csv", "")
    assert merges.asked() == []
    assert "what it said before stands" in merges.told()
    (merges.source / "merged_user.csv").unlink()
    assert merges.asked() == ["merged_user.csv"]
    assert "its decisions lapse" in merges.told()


def test_a_merge_file_that_was_mended_asks_for_a_run(merges: Site) -> None:
    merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    merges.tick()
    merges.write("merged_user.csv", "")
    merges.tick()
    merges.write("merged_user.csv", MERGES + "a@x.com,c@x.com\n")
    assert merges.asked() == ["merged_user.csv"]


def test_a_link_and_a_pipe_are_told_and_block_nothing(merges: Site) -> None:
    (merges.source / "merged_user_link.csv").symlink_to(merges.source / "raw_user.csv")
    os.mkfifo(merges.source / "merged_user_pipe.csv")
    assert merges.asked() == []
    told = merges.told()
    assert "symbolic link" in told
    assert "no regular file" in told


def test_rows_without_form_are_told_with_file_and_row_and_stop_nothing(merges: Site) -> None:
    merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\nonly-one\n,c@x.com\n")
    assert merges.asked() == ["merged_user.csv"]
    told = merges.told()
    assert "merged_user.csv, row 2 has 1 fields" in told
    assert "merged_user.csv, row 3 lacks the old or the new value" in told
    merges.write("merged_user_2.csv", MERGES)
    merges.tick()
    assert not merges.told()


def test_many_rows_without_form_are_counted(merges: Site) -> None:
    merges.write("merged_user.csv", MERGES + "one\n" * 14)
    merges.tick()
    assert "merged_user.csv has 4 more such rows" in merges.told()


def test_a_missing_merge_folder_is_told_once_and_nothing_lapses(merges: Site) -> None:
    path = merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    merges.tick()
    merges.source.rename(merges.folder / "away")
    assert (merges.asked(), merges.asked()) == ([], [])
    assert merges.told().count("cannot be listed") == 1
    (merges.folder / "away").rename(merges.source)
    assert path.exists()
    assert merges.asked() == []


def test_merge_files_wait_until_accounts_are_staged(tmp_path: Path) -> None:
    site = Site(tmp_path, "merge_files")
    site.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    assert site.asked() == []
    assert "no accounts" in site.skipped
    site.build("stg_users", "merged_user", "merged_company_domain")
    assert site.asked() == []
    assert "1 merge files" in site.skipped


def test_the_first_tick_asks_for_what_is_newer_than_the_latest_run(tmp_path: Path) -> None:
    site = Site(tmp_path, "merge_files")
    site.write("merged_user_1.csv", MERGES + "a@x.com,b@x.com\n")
    site.build("stg_users", "merged_user", "merged_company_domain")
    site.write("merged_user_2.csv", MERGES + "c@x.com,b@x.com\n")
    assert site.asked() == ["merged_user_2.csv"]


def test_the_first_tick_asks_for_a_run_where_the_identities_were_never_built(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, "merge_files")
    site.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
    site.build("stg_users")
    assert site.asked() == ["merged_user.csv"]


def test_the_numbers_in_run_keys_go_on_after_a_lost_cursor(merges: Site, monkeypatch) -> None:
    numbers = []
    for second in range(2):
        now = time.time() + second
        monkeypatch.setattr("c360_assets.automation.sensors.time.time", lambda now=now: now)
        merges.cursor = None if second else merges.cursor
        merges.write("merged_user.csv", MERGES + "a@x.com,b@x.com\n")
        (request,) = merges.tick()
        numbers.append(int(request.run_key.split(":")[1]))
    assert numbers[0] < numbers[1]


# event_files


def test_a_new_event_file_runs_its_days(events: Site) -> None:
    events.write_days("three", "2021-11-04")
    assert events.asked() == ["2021-11-04"]
    assert events.asked() == []


def test_days_in_a_row_run_together_and_the_others_apart(events: Site) -> None:
    events.write_days("three", "2021-11-04", "2021-11-05", "2021-11-06", "2021-11-09")
    assert events.asked() == ["2021-11-04..2021-11-06", "2021-11-09"]


def test_late_events_run_their_own_day_alone(events: Site) -> None:
    events.write_days("late", "2021-11-01")
    assert events.asked() == ["2021-11-01"]


def test_many_scattered_days_run_in_few_ranges(events: Site, monkeypatch) -> None:
    monkeypatch.setattr(event_watch, "MAX_RANGES", 2)
    events.write_days("late", "2021-11-01", "2021-11-03", "2021-11-05", "2021-11-10")
    assert events.asked() == ["2021-11-01..2021-11-05", "2021-11-10"]


def test_a_changed_file_runs_the_days_that_it_had_and_those_that_it_has(events: Site) -> None:
    events.write_days("two", "2021-11-03", "2021-11-07")
    assert events.asked() == ["2021-11-02..2021-11-03", "2021-11-07"]


def test_a_removed_file_runs_the_days_that_it_had(events: Site) -> None:
    (events.source / "raw_event" / "two.csv").unlink()
    assert events.asked() == ["2021-11-02..2021-11-03"]
    assert events.asked() == []


def test_orders_feed_the_same_days(events: Site) -> None:
    events.write("raw_order.csv", "order_id,user_id,created_at,order_cost\no1,1,2021-11-05,9\n")
    assert events.asked() == ["2021-11-05"]


def test_days_that_dagster_has_not_loaded_yet_are_named_by_a_tag(events: Site) -> None:
    events.write_days("three", "2021-10-30", "2021-11-10", "2021-11-11", "2021-11-12")
    assert events.asked() == [
        "2021-11-10",
        "unknown to Dagster: 2021-10-30",
        "unknown to Dagster: 2021-11-11..2021-11-12",
    ]


def test_every_run_of_a_tick_has_a_key_of_its_own_and_names_the_files(events: Site) -> None:
    events.write_days("three", "2021-11-04", "2021-11-06")
    first, second = events.tick()
    assert first.run_key != second.run_key
    assert first.tags["c360/event_files"] == "raw_event raw_event/three.csv"


def test_an_unreadable_event_file_is_told_once_and_blocks_nothing(events: Site) -> None:
    events.write("raw_event/bad.parquet", b"PAR1 and then nothing")
    events.write_days("three", "2021-11-04")
    assert events.asked() == ["2021-11-04"]
    assert events.told().count("raw_event/bad.parquet is left out") == 1
    assert events.asked() == []
    assert not events.told()


def test_a_file_without_the_columns_does_not_hide_the_days_of_the_others(events: Site) -> None:
    events.write("raw_event/bad.csv", "some,thing\n1,2\n")
    for name, day in (("three", "2021-11-04"), ("four", "2021-11-05"), ("five", "2021-11-07")):
        events.write_days(name, day)
    assert events.asked() == ["2021-11-04..2021-11-05", "2021-11-07"]
    assert "lacks" in events.told()


def test_a_mended_event_file_runs_the_days_from_before_it_broke_too(events: Site) -> None:
    events.write("raw_event/two.csv", b"\0\0\0")
    assert events.asked() == []
    events.write_days("two", "2021-11-05")
    assert events.asked() == ["2021-11-02..2021-11-03", "2021-11-05"]


def test_an_event_file_that_was_only_touched_asks_for_nothing(events: Site) -> None:
    os.utime(events.source / "raw_event" / "one.csv", (1, 1))
    assert events.asked() == []


def test_a_huge_file_is_told_by_size_and_time(events: Site, monkeypatch) -> None:
    monkeypatch.setattr(event_watch, "HASH_UP_TO_BYTES", 0)
    events.write_days("three", "2021-11-04")
    events.tick()
    os.utime(events.source / "raw_event" / "three.csv", (1, 1))
    assert events.asked() == ["2021-11-04"]


def test_more_than_a_tick_can_read_is_asked_for_once_all_is_read(events: Site, monkeypatch) -> None:
    monkeypatch.setattr(event_watch, "BUDGET_BYTES", 1)
    for name, day in (("three", "2021-11-04"), ("four", "2021-11-05"), ("five", "2021-11-06")):
        events.write_days(name, day)
    assert (events.asked(), events.asked()) == ([], [])
    assert events.asked() == ["2021-11-04..2021-11-06"]


def test_the_day_that_is_not_over_waits(events: Site) -> None:
    today = datetime.now(UTC).date()
    events.write_days("live", f"{today + timedelta(days=1)}")
    assert events.asked() == []
    assert str(today + timedelta(days=1)) in events.skipped
    assert events.asked() == []


def test_a_day_that_waited_runs_when_it_is_over(events: Site, monkeypatch) -> None:
    now = datetime(2021, 11, 4, 12, tzinfo=UTC).timestamp()
    monkeypatch.setattr("c360_assets.automation.sensors.time.time", lambda: now)
    events.write_days("live", "2021-11-03", "2021-11-04")
    assert events.asked() == ["2021-11-03"]
    monkeypatch.setattr("c360_assets.automation.sensors.time.time", lambda: now + 12 * 3600)
    assert events.asked() == ["2021-11-04"]
    assert events.asked() == []


def test_days_before_the_first_day_of_the_settings_are_left_out(events: Site) -> None:
    events.rules = {**AT_ONCE, "events": {"first_day": "2021-11-03"}}
    events.write_days("late", "2021-11-02", "2021-11-03", "2021-11-04")
    assert events.asked() == ["2021-11-03..2021-11-04"]
    assert events.asked() == []


def test_another_mapping_runs_all_days_of_the_table(events: Site) -> None:
    events.write("sources.toml", '[raw_event.columns]\nsession_id = "event_id"\n')
    assert events.asked() == ["2021-11-01..2021-11-03"]


def test_trouble_with_the_folder_is_told_once_and_forgets_nothing(events: Site) -> None:
    events.write("sources.toml", "[")
    assert (events.asked(), events.asked()) == ([], [])
    assert events.told().count("sources.toml") == 1
    (events.source / "sources.toml").unlink()
    assert events.asked() == []


def test_a_source_that_is_not_there_yet_is_no_failure(tmp_path: Path) -> None:
    site = Site(tmp_path, "event_files")
    site.source.rmdir()
    assert site.asked() == []
    assert "does not exist" in site.skipped


def test_the_first_load_is_one_run_of_everything_over_all_days(tmp_path: Path) -> None:
    site = Site(tmp_path, "event_files")
    for day in ("2021-11-02", "2021-11-03", "2021-11-07", "2021-11-09"):
        site.write_days(day, day)
    assert site.asked() == ["everything 2021-11-02..2021-11-09"]
    assert site.asked() == []


def test_the_first_load_of_ninety_two_days_that_dagster_does_not_know_is_one_run_too(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, "event_files")
    for n in range(92):
        site.write_days(f"{n}", f"{date(2021, 11, 1) + timedelta(days=n)}")
    assert site.asked() == ["everything unknown to Dagster: 2021-11-01..2022-01-31"]


def test_many_new_days_in_a_row_are_one_range(tmp_path: Path) -> None:
    site = Site(tmp_path, "event_files")
    site.build("stg_users")
    site.write_days("all", *[f"2021-11-{n:02}" for n in range(1, 11)])
    assert site.asked() == ["2021-11-01..2021-11-10"]


def test_the_first_tick_runs_the_days_of_what_is_newer_than_the_latest_run(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, "event_files")
    site.write_days("one", "2021-11-01")
    site.build("stg_users", "raw_event", "raw_order")
    site.write_days("two", "2021-11-02")
    assert site.asked() == ["2021-11-02"]


# the runs that they ask for


def test_dagster_accepts_what_the_sensors_ask_for(
    tmp_path: Path, stored_instance: DagsterInstance
) -> None:
    """A tick is evaluated against the loaded definitions, which know the second to the fifth."""
    site = Site(tmp_path, "event_files")
    site.write("raw_user.csv", "id,name,email,created_at\n1,Ann,ann@a.com,2021-10-01\n")
    site.write_days("one", "2021-11-02", "2021-11-05")
    definitions = build_defs(site.settings)
    site.write_days("two", "2021-11-01", "2021-11-03", "2021-11-06")
    stored_instance.report_runless_asset_event(dg.AssetMaterialization("stg_users"))
    tick = definitions.resolve_sensor_def("event_files").evaluate_tick(
        dg.build_sensor_context(stored_instance, repository_def=definitions.get_repository_def())
    )
    assert [about(request) for request in tick.run_requests or []] == [
        "2021-11-02..2021-11-03",
        "2021-11-05",
        "unknown to Dagster: 2021-11-01",
        "unknown to Dagster: 2021-11-06",
    ]


@pytest.mark.slow
def test_merges_and_late_days_arrive_by_the_runs_that_the_sensors_ask_for(tmp_path: Path) -> None:
    world = World(tmp_path, rules=Rules.model_validate(AT_ONCE)).write(
        raw_user="""
            id,name,email,created_at
            1,Ann,ann@a.com,2021-10-01
            2,Ann B,ann.b@a.com,2021-10-02
            3,Cy,cy@c.com,2021-10-03
        """
    )
    only_the_first = dg.DailyPartitionsDefinition(start_date="2021-11-01", end_date="2021-11-02")
    site = Site(tmp_path, "event_files", partitions=only_the_first)
    site.write_days("one", "2021-11-01")
    definitions = build_defs(world.settings)

    def run(request: dg.RunRequest, loaded: dg.Definitions) -> None:
        result = loaded.resolve_job_def(request.job_name or "refresh_identity").execute_in_process(
            instance=site.instance,
            partition_key=request.partition_key,
            tags=dict(request.tags),
            raise_on_error=False,
        )
        assert not failures(result)

    (first,) = site.tick()
    assert about(first) == "everything 2021-11-01"
    run(first, definitions)
    assert set(world.by("marts.contacts", "user_id")) == {"1", "2", "3"}

    merges = Site(tmp_path, "merge_files")
    merges.instance = site.instance
    assert merges.asked() == []
    merges.write("merged_user.csv", MERGES + "ann@a.com,ann.b@a.com\nbroken row\n")
    (request,) = merges.tick()
    run(request, definitions)
    assert set(world.by("marts.contacts", "user_id")) == {"2", "3"}

    site.write_days("late", "2021-10-31", "2021-11-01", "2021-11-03")
    for request in site.tick():
        run(request, definitions)
    days = world.rows(
        "select event_date::varchar as day, sum(number_of_events)::int as events"
        " from staging.user_event_days group by all order by all"
    )
    assert [(row["day"], row["events"]) for row in days] == [
        ("2021-10-31", 1),
        ("2021-11-01", 2),
        ("2021-11-03", 1),
    ]

    (merges.source / "merged_user.csv").unlink()
    (request,) = merges.tick()
    run(request, definitions)
    assert set(world.by("marts.contacts", "user_id")) == {"1", "2", "3"}
