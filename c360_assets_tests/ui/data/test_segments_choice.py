"""What the URL of the segments chooses, and the steps of its slider: no data needed."""

from datetime import date, datetime

import pytest

from c360_assets.ui.data.segments import Cell, History
from c360_assets.ui.data.segments_choice import People, choice_of, compared_day, hour_text
from c360_assets.ui.data.segments_steps import steps

FIRST, LAST = datetime(2021, 9, 1, 13), datetime(2021, 12, 1, 23)
RULES = tuple(
    Cell(recency, frequency, "Hot" if recency > 3 else "Cold")
    for recency in range(1, 6)
    for frequency in range(1, 6)
)
THERE = History(FIRST, LAST, datetime(2021, 12, 1, 23, 55), True, RULES)


def test_nothing_said_is_the_clock_and_the_last_thirty_days():
    choice = choice_of(THERE, {})
    assert (choice.at, choice.until, choice.since) == (None, None, datetime(2021, 11, 1, 23))
    assert choice.people == People()
    assert choice.problems == ()
    assert compared_day(THERE, choice) == date(2021, 11, 1)


@pytest.mark.parametrize("text", ["2021-11-15T13", "2021-11-15T13:00", "2021-11-15 13:45:10"])
def test_an_hour_is_read_however_it_is_written(text):
    choice = choice_of(THERE, {"at": text})
    assert choice.at == choice.until == choice.people.at == datetime(2021, 11, 15, 13)
    assert hour_text(choice.at) == "2021-11-15T13"


@pytest.mark.parametrize(
    "text",
    [
        "2021-09-01T12",
        "2021-12-02T00",
        "9999-12-31T23",
        "0001-01-01T00",
        "now",
        "<script>",
        "2021-11-15T13:00+02:00",
        "2021-11-15T25",
    ],
)
def test_an_hour_that_there_is_not_is_told_with_those_there_are(text):
    choice = choice_of(THERE, {"at": text})
    assert choice.at is None
    (problem,) = choice.problems
    assert text[:10] in problem
    assert "2021-09-01 13:00" in problem
    assert "2021-12-01 23:00" in problem


@pytest.mark.parametrize(
    ("span", "at", "since"),
    [
        ("1d", "2021-11-15T13", datetime(2021, 11, 14, 13)),
        ("month", "2021-10-31T13", datetime(2021, 9, 30, 13)),
        ("month", None, datetime(2021, 11, 1, 23)),
        ("90d", None, datetime(2021, 9, 2, 23)),
        ("nonsense", None, datetime(2021, 11, 1, 23)),
    ],
)
def test_a_span_counts_back_from_the_time(span, at, since):
    query = {"span": span} if at is None else {"span": span, "at": at}
    assert choice_of(THERE, query).since == since


def test_the_day_compared_with_is_none_before_the_first_order():
    assert compared_day(THERE, choice_of(THERE, {"at": "2021-09-20T10"})) is None
    # midnight ends the day before it
    midnight = choice_of(THERE, {"at": "2021-11-15T00", "span": "1d"})
    assert compared_day(THERE, midnight) == date(2021, 11, 13)


def test_a_movement_of_ones_own_has_two_ends():
    choice = choice_of(THERE, {"from": "2021-10-01T00", "to": "2021-10-02T00"})
    assert (choice.since, choice.until) == (datetime(2021, 10, 1), datetime(2021, 10, 2))
    assert choice.at is None
    assert choice.has_own_span


@pytest.mark.parametrize("start", ["2021-10-02T00", "2021-12-24T00", "yesterday"])
def test_a_movement_that_does_not_begin_before_its_end_is_told(start):
    choice = choice_of(THERE, {"from": start, "to": "2021-10-02T00"})
    assert not choice.has_own_span
    (problem,) = choice.problems
    assert start in problem
    assert "2021-10-02 00:00" in problem


def test_people_are_chosen_by_cell_segment_and_filters():
    query = {
        "cell": "r5f3",
        "segment": "Hot",
        "text": "  Ann   Lee ",
        "orders": "2",
        "sales": "9.5",
    }
    people = choice_of(THERE, query).people
    assert people == People(
        recency_score=5,
        frequency_score=3,
        segment="Hot",
        text="Ann Lee",
        min_orders=2,
        min_money=9.5,
    )


def test_those_who_moved_are_of_the_movements_end():
    query = {
        "moved": "prospects>Hot",
        "at": "2021-11-15T13",
        "to": "2021-11-10T00",
        "from": "2021-11-09T00",
    }
    people = choice_of(THERE, query).people
    assert people == People(
        datetime(2021, 11, 10), segment="Hot", moved_from="prospects", since=datetime(2021, 11, 9)
    )


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"cell": "r6f1"}, "'r6f1'"),
        ({"segment": "<b>"}, "'<b>'; there are Hot, Cold"),
        ({"moved": "Hot>prospects"}, "'Hot>prospects'"),
        ({"orders": "-1"}, "'-1'"),
        ({"sales": "1e9999"}, "'1e9999'"),
    ],
)
def test_what_makes_no_sense_is_left_out_and_told(query, named):
    choice = choice_of(THERE, query)
    assert choice.people == People()
    assert len(choice.problems) == 1
    assert named in choice.problems[0]


def test_steps_by_hour_end_with_the_clock():
    found = steps(THERE, "hour")
    assert found.at(0) == FIRST
    assert found.at(found.last_position - 1) == LAST
    assert found.at(found.last_position) is None
    assert (found.before(None), found.after(LAST)) == (LAST, None)
    assert found.before(FIRST) is None


def test_steps_by_day_are_midnights_and_lead_there_from_any_hour():
    found = steps(THERE, "day")
    assert (found.at(0), found.before(None)) == (datetime(2021, 9, 2), datetime(2021, 12, 1))
    noon = datetime(2021, 11, 15, 12)
    assert (found.before(noon), found.after(noon)) == (
        datetime(2021, 11, 15),
        datetime(2021, 11, 16),
    )
    midnight = datetime(2021, 11, 15)
    assert (found.before(midnight), found.after(midnight)) == (
        datetime(2021, 11, 14),
        datetime(2021, 11, 16),
    )
    assert (found.before(FIRST), found.after(FIRST)) == (None, datetime(2021, 9, 2))
    assert found.position(midnight) == 74
    assert found.at(74) == midnight
