"""The state machine alone: a folder is a dictionary, and the clock a number."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c360_assets.automation.folder_watch import (
    HOLD_SECONDS,
    PLAIN_CURSOR_CHARACTERS,
    Stamp,
    Step,
    Watch,
    digest_of,
    names,
    take_step,
)

LOG = logging.getLogger(__name__)
SETTLE_SECONDS = 5.0
START = 1_700_000_000.0


@dataclass
class Folder:
    """Files by name, a clock, and the watch between ticks as the daemon keeps it: as text."""

    now: float = START
    cursor: str | None = None
    baseline: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def write(self, name: str, text: str, age: float = 0.0) -> None:
        """Write a file; `age` is how long ago its modification time lies."""
        self.texts[name] = text
        at = int(self.now * 1e9)
        self.stamps[name] = Stamp(len(text), at - int(age * 1e9), at)

    def remove(self, name: str) -> None:
        del self.texts[name], self.stamps[name]

    def content_of(self, name: str) -> str | None:
        self.read.append(name)
        return digest_of(self.texts[name])[:12]

    def tick(self, after: float = 0.0) -> Step:
        self.now += after
        watch = Watch.load(self.cursor, self.now, LOG)
        watch.baseline = self.baseline
        step = take_step(watch, self.stamps, self.now, SETTLE_SECONDS, self.content_of)
        self.cursor = step.watch.dump()
        return step


def news(step: Step) -> tuple[list[str], list[str], list[str]]:
    return step.new, step.changed, step.removed


NOTHING: tuple[list[str], list[str], list[str]] = ([], [], [])


def test_a_new_file_counts_once_it_has_come_to_rest() -> None:
    folder = Folder()
    folder.write("a", "1")
    assert (news(folder.tick()), folder.read) == (NOTHING, [])
    assert news(folder.tick(after=4.9)) == NOTHING
    assert news(folder.tick(after=0.1)) == (["a"], [], [])
    assert news(folder.tick(after=30)) == NOTHING


def test_a_file_written_long_ago_counts_at_first_sight() -> None:
    folder = Folder()
    folder.write("a", "1", age=5)
    assert folder.tick().new == ["a"]


def test_a_half_written_file_waits_for_its_last_byte() -> None:
    folder = Folder()
    for length in range(1, 5):
        folder.write("a", "x" * length)
        assert news(folder.tick(after=4)) == NOTHING
    assert folder.tick(after=0.5).waiting == ["a"]
    assert folder.tick(after=0.6).new == ["a"]
    assert folder.read == ["a"]


def test_a_file_from_the_future_comes_to_rest_too() -> None:
    folder = Folder()
    folder.write("a", "1", age=-3600)
    assert folder.tick().waiting == ["a"]
    assert folder.tick(after=5).new == ["a"]


def test_a_clock_that_is_set_back_delays_by_the_settle_time_at_most() -> None:
    folder = Folder()
    folder.write("a", "1")
    folder.tick()
    folder.tick(after=-3600)
    assert folder.tick(after=5).new == ["a"]


def test_unchanged_files_are_not_read_again() -> None:
    folder = Folder()
    folder.write("a", "1", age=9)
    folder.tick()
    folder.read.clear()
    assert (news(folder.tick(after=30)), folder.read) == (NOTHING, [])


def test_a_file_that_was_only_touched_is_no_news() -> None:
    folder = Folder()
    folder.write("a", "1", age=9)
    folder.tick()
    folder.write("a", "1", age=8)
    assert news(folder.tick(after=30)) == NOTHING
    assert folder.read == ["a", "a"]
    assert news(folder.tick(after=30)) == NOTHING
    assert folder.read == ["a", "a"]


def test_content_that_comes_back_after_a_change_is_news_again() -> None:
    folder = Folder()
    seen = []
    for text in ("1", "2", "1"):
        folder.write("a", text, age=9)
        step = folder.tick(after=30)
        seen.append((*news(step), step.watch.content))
    assert [found[:3] for found in seen] == [(["a"], [], []), ([], ["a"], []), ([], ["a"], [])]
    assert seen[0][3] == seen[2][3] != seen[1][3]


def test_a_removed_file_is_news_once_it_stays_away() -> None:
    folder = Folder()
    folder.write("a", "1", age=9)
    folder.tick()
    folder.remove("a")
    assert news(folder.tick(after=30)) == NOTHING
    assert news(folder.tick(after=5)) == ([], [], ["a"])
    assert news(folder.tick(after=30)) == NOTHING


def test_a_file_replaced_by_deleting_it_first_is_never_taken_for_removed() -> None:
    folder = Folder()
    folder.write("a", "1", age=9)
    folder.tick()
    folder.remove("a")
    folder.tick(after=30)
    folder.write("a", "2")
    assert news(folder.tick(after=4)) == NOTHING
    assert news(folder.tick(after=5)) == ([], ["a"], [])


def test_a_file_that_goes_before_it_was_at_rest_leaves_no_trace() -> None:
    folder = Folder()
    folder.write("a", "1")
    folder.tick()
    folder.remove("a")
    step = folder.tick(after=30)
    assert (news(step), step.waiting, step.watch.files) == (NOTHING, [], {})


def test_files_at_rest_wait_for_one_that_still_moves_but_not_for_ever() -> None:
    folder = Folder()
    folder.write("ready", "1", age=9)
    folder.write("growing", "")
    ticks = 0
    while not (step := folder.tick(after=4)).new:
        folder.write("growing", "x" * ticks)
        ticks += 1
    assert step.new == ["ready"]
    assert step.waiting == ["growing"]
    assert ticks * 4 == pytest.approx(HOLD_SECONDS, abs=4)


def test_new_rights_make_a_file_be_read_again() -> None:
    folder = Folder()
    folder.write("a", "1", age=9)
    folder.tick()
    folder.stamps["a"] = folder.stamps["a"]._replace(ctime_ns=folder.stamps["a"].ctime_ns + 1)
    folder.tick(after=1)
    assert folder.read == ["a", "a"]


def test_a_file_that_could_not_be_read_now_is_looked_at_again() -> None:
    folder = Folder()
    folder.write("a", "1", age=9)
    watch = Watch(sequence=1, baseline={})
    step = take_step(watch, folder.stamps, folder.now, SETTLE_SECONDS, lambda name: None)
    assert (news(step), step.waiting) == (NOTHING, ["a"])
    step = take_step(step.watch, folder.stamps, folder.now, SETTLE_SECONDS, folder.content_of)
    assert step.new == ["a"]


def test_files_older_than_the_latest_run_are_the_baseline() -> None:
    folder = Folder(baseline={"merged_user": START + 10})
    folder.write("merged_user_1.csv", "1", age=9)
    folder.write("other_1.csv", "1", age=9)
    folder.now += 20
    folder.write("merged_user_2.csv", "1", age=99)
    step = folder.tick()
    assert step.known == ["merged_user_1.csv"]
    assert step.new == ["merged_user_2.csv", "other_1.csv"]


def test_a_step_leaves_the_watch_before_it_as_it_was() -> None:
    folder = Folder()
    folder.write("a", "1", age=9)
    before = Watch(sequence=1, baseline={})
    after = take_step(before, folder.stamps, folder.now, SETTLE_SECONDS, folder.content_of).watch
    after.set_note("a", "mine")
    assert before == Watch(sequence=1, baseline={})


def test_notes_stay_while_the_content_does() -> None:
    folder = Folder()
    folder.write("a", "1", age=9)
    step = folder.tick()
    step.watch.set_note("a", "mine")
    folder.cursor = step.watch.dump()
    folder.write("a", "1", age=8)
    assert folder.tick(after=30).watch.files["a"].note == "mine"


@pytest.mark.parametrize(
    "cursor", ["nonsense", "{}", '{"version": 2, "sequence": 1}', "zlib:%%%", "zlib:YWJj", "[1"]
)
def test_a_cursor_that_cannot_be_read_starts_afresh_and_says_so(
    cursor: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert Watch.load(cursor, START, LOG) == Watch(sequence=int(START))
    assert "cannot be read" in caplog.text


def test_no_cursor_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    assert Watch.load(None, START, LOG).baseline is None
    assert not caplog.text


def test_the_cursor_of_a_thousand_files_stays_small() -> None:
    folder = Folder()
    for n in range(1000):
        folder.write(f"raw_event raw_event/2021-{n:04}.parquet", f"{n}", age=9 + n)
    step = folder.tick()
    for n, name in enumerate(step.new):
        step.watch.set_note(name, f"2021-11-{n % 28 + 1:02}..2021-12-{n % 28 + 1:02}")
    assert len(step.watch.dump()) < 40_000
    assert Watch.load(step.watch.dump(), 0, LOG) == step.watch


def test_a_short_cursor_can_be_read_by_people() -> None:
    folder = Folder()
    folder.write("merged_user_1.csv", "1", age=9)
    folder.tick()
    assert folder.cursor is not None
    assert len(folder.cursor) < PLAIN_CURSOR_CHARACTERS
    assert "merged_user_1.csv" in folder.cursor


def test_long_lists_of_names_are_cut() -> None:
    assert names(["b", "a"]) == "a, b"
    assert names("abcd", at_most=2) == "a, b and 2 more"


ACTIONS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["1", "22", "gone", "tick"])), max_size=30
)


@given(ACTIONS)
def test_whatever_happens_the_watch_ends_at_what_lies_in_the_folder(
    actions: list[tuple[str, str]],
) -> None:
    folder = Folder()
    told: dict[str, str] = {}
    for name, action in [*actions, ("", "tick"), ("", "tick")]:
        if action == "tick":
            step = folder.tick(after=SETTLE_SECONDS)
            for gone in step.removed:
                del told[gone]
            told |= {name: folder.texts[name] for name in [*step.new, *step.changed]}
        elif action == "gone":
            if name in folder.texts:
                folder.remove(name)
        else:
            folder.write(name, action)
        folder.now += 0.001
    assert told == folder.texts
    assert not folder.tick().waiting
