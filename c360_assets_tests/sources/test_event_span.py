from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from c360_assets.sources.event_span import CACHE_NAME, days_by_file, days_in_source, event_span
from c360_assets.sources.folder import SourceFolder
from c360_assets_tests.sources.helpers import ANN, Pipeline, events, lines, users


@pytest.fixture
def pipe(tmp_path: Path) -> Pipeline:
    pipeline = Pipeline(tmp_path / "source", tmp_path / "home")
    pipeline.write("raw_user.csv", users(ANN))
    return pipeline


def span(pipe: Pipeline) -> tuple[date, date] | None:
    return event_span(pipe.source, pipe.settings.home_dir)


def test_the_span_covers_events_and_orders(pipe: Pipeline) -> None:
    pipe.write("raw_event.csv", events("e1,u1,x,2021-02-03", "e2,u1,x,2021-02-05 23:59"))
    pipe.write("raw_order.csv", lines("order_id,user_id,created_at,order_cost", "o,u1,2021-02-07,"))
    assert span(pipe) == (date(2021, 2, 3), date(2021, 2, 7))


def test_no_source_and_no_event_have_no_span(pipe: Pipeline, tmp_path: Path) -> None:
    assert event_span(tmp_path / "nowhere", pipe.settings.home_dir) is None
    assert span(pipe) is None
    pipe.write("raw_event.csv", events())
    assert span(pipe) is None


def test_times_beyond_reason_do_not_stretch_the_span(pipe: Pipeline) -> None:
    rows = ["2021-02-03", "infinity", "9999-12-31", "294000-01-01", "0001-01-01", "nonsense"]
    pipe.write("raw_event.csv", events(*(f"e{n},u1,x,{row}" for n, row in enumerate(rows))))
    assert span(pipe) == (date(2021, 2, 3), date(2021, 2, 3))


def test_offsets_count_and_the_zone_of_the_machine_does_not(
    pipe: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    pipe.write(
        "raw_event.csv",
        events("e1,u1,x,2021-02-03T01:00:00+02:00", "e2,u1,x,2021-02-03 23:30:00"),
    )
    assert span(pipe) == (date(2021, 2, 2), date(2021, 2, 3))


def test_the_span_is_remembered_until_a_file_changes(pipe: Pipeline) -> None:
    path = pipe.write("raw_event.csv", events("e1,u1,x,2021-02-03"))
    span(pipe)
    cache = pipe.settings.home_dir / CACHE_NAME
    remembered = json.loads(cache.read_text()) | {"first": "1999-01-01"}
    cache.write_text(json.dumps(remembered))
    assert span(pipe) == (date(1999, 1, 1), date(2021, 2, 3))
    pipe.touch(path)
    assert span(pipe) == (date(2021, 2, 3), date(2021, 2, 3))


@pytest.mark.parametrize("content", ["", "[]", "{", '{"fingerprint": 3}'])
def test_a_damaged_memory_is_written_anew(pipe: Pipeline, content: str) -> None:
    pipe.write("raw_event.csv", events("e1,u1,x,2021-02-03"))
    pipe.settings.home_dir.mkdir(parents=True)
    (pipe.settings.home_dir / CACHE_NAME).write_text(content)
    assert span(pipe) == (date(2021, 2, 3), date(2021, 2, 3))


def test_the_days_of_some_files_alone_can_be_asked_for(pipe: Pipeline) -> None:
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-03"))
    pipe.write("raw_event/b.csv", events("e1,u1,x,2021-02-05", "e2,u1,x,2021-02-04"))
    folder = SourceFolder(pipe.source)
    assert days_in_source(folder, "raw_event", ["raw_event/b.csv"]) == (
        date(2021, 2, 4),
        date(2021, 2, 5),
    )


def test_one_bad_file_does_not_hide_the_days_of_the_others(pipe: Pipeline) -> None:
    pipe.write("raw_event/a.csv", events("e1,u1,x,2021-02-03"))
    pipe.write("raw_event/b.parquet", b"no parquet")
    pipe.write("raw_event/c.csv", "event_id\n1\n")
    names = [f"raw_event/{name}" for name in ("a.csv", "b.parquet", "c.csv")]
    days, problems = days_by_file(SourceFolder(pipe.source), "raw_event", names)
    assert days == {"raw_event/a.csv": (date(2021, 2, 3),)}
    assert sorted(problems) == ["raw_event/b.parquet", "raw_event/c.csv"]


def test_a_broken_event_file_leaves_the_days_unknown_and_says_so(
    pipe: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    pipe.write("raw_event.parquet", b"no parquet")
    assert span(pipe) is None
    assert "raw_event.parquet is no readable Parquet file" in caplog.text


def test_a_source_that_cannot_be_read_has_no_span_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "raw_event.csv").write_text("nothing,that,fits\n1,2,3\n")
    assert event_span(source, tmp_path / "home") is None
    assert "the days of raw_event are not known" in caplog.text
    assert not (tmp_path / "home" / "event_span.json").exists()
