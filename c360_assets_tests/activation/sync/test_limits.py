"""Calls of an account, counted for all who call: with a clock that only sleeping moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c360_assets.activation.sync.limits import CallLimit


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limit(folder, clock: Clock, calls: int = 3, seconds: float = 10.0, name: str = "hubspot"):
    return CallLimit(folder / "limits.sqlite", name, calls, seconds, clock, clock.sleep)


def test_as_many_calls_as_allowed_go_at_once_and_the_next_waits_for_the_first_to_leave(
    tmp_path, clock
):
    calls = limit(tmp_path, clock)
    assert [calls.take() for _ in range(3)] == [0.0, 0.0, 0.0]
    clock.now += 4
    assert calls.take() == pytest.approx(6.0)


def test_two_runs_share_the_count_of_an_account_and_two_accounts_do_not(tmp_path, clock):
    first, second = limit(tmp_path, clock), limit(tmp_path, clock)
    other = limit(tmp_path, clock, name="front")
    assert [first.take(), second.take(), first.take()] == [0.0, 0.0, 0.0]
    assert other.take() == 0.0
    assert second.take() == pytest.approx(10.0)


def test_what_the_vendor_tells_replaces_what_was_assumed_also_for_later_runs(tmp_path, clock):
    limit(tmp_path, clock).learn(1, 60.0)
    later = limit(tmp_path, clock)
    assert later.take() == 0.0
    assert later.take() == pytest.approx(60.0)


def test_nobody_calls_while_the_vendor_asked_to_wait(tmp_path, clock):
    limit(tmp_path, clock).close_for(42.0)
    assert limit(tmp_path, clock).take() == pytest.approx(42.0)


def test_a_clock_that_was_set_back_does_not_stop_the_calls_for_long(tmp_path, clock):
    calls = limit(tmp_path, clock, calls=1)
    calls.take()
    clock.now -= 86_400
    assert calls.take() <= 10.0


@given(
    st.integers(1, 5),
    st.lists(st.floats(0, 8, allow_nan=False), min_size=1, max_size=40),
)
def test_no_window_ever_holds_more_calls_than_allowed(tmp_path_factory, calls, pauses):
    clock = Clock()
    shared = limit(tmp_path_factory.mktemp("limit"), clock, calls=calls)
    times = []
    for pause in pauses:
        clock.now += pause
        shared.take()
        times.append(clock.now)
    for place, at in enumerate(times):
        # an edge of the window counts as outside: it left at that moment
        assert sum(at - 10.0 + 1e-6 < other <= at for other in times[: place + 1]) <= calls
