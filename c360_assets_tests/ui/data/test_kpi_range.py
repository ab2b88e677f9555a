"""Ranges of days: presets, what a URL asks for, and what it is compared with."""

from datetime import date, datetime

import pytest

from c360_assets.ui.data.kpi_range import Chosen, Period, Span, chosen, presets

# the clock of a Wednesday evening: that day is as good as over
WHOLE = Span(date(2021, 9, 1), date(2021, 12, 1), datetime(2021, 12, 1, 23, 55))
# the clock of a noon: that day is not
NOON = Span(date(2021, 9, 1), date(2021, 12, 1), datetime(2021, 12, 1, 12))


def days(first: str, last: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last))


def asked(span: Span, first: str | None = None, last: str | None = None) -> Chosen:
    given = {"from": first, "to": last}
    return chosen(span, {name: text for name, text in given.items() if text is not None})


def test_the_period_before_is_as_long_and_ends_the_day_before():
    assert days("2021-11-01", "2021-11-30").before() == days("2021-10-02", "2021-10-31")
    assert days("2021-03-01", "2021-03-01").before() == days("2021-02-28", "2021-02-28")


def test_presets_count_back_from_the_last_whole_day():
    found = {preset.name: preset.period for preset in presets(NOON)}
    assert found == {
        "Last 7 days": days("2021-11-24", "2021-11-30"),
        "Last 30 days": days("2021-11-01", "2021-11-30"),
        "Last 90 days": days("2021-09-02", "2021-11-30"),
        "Month to date": days("2021-11-01", "2021-11-30"),
        "Previous month": days("2021-10-01", "2021-10-31"),
        "All": days("2021-09-01", "2021-12-01"),
    }


@pytest.mark.parametrize(
    ("clock", "last"),
    [
        ("2021-12-01 22:59:59", "2021-11-30"),
        ("2021-12-01 23:00:00", "2021-12-01"),
        ("2021-12-09 01:00:00", "2021-12-01"),
    ],
)
def test_a_day_is_whole_once_the_clock_has_nearly_seen_it(clock, last):
    span = Span(date(2021, 9, 1), date(2021, 12, 1), datetime.fromisoformat(clock))
    assert span.last_whole_day == date.fromisoformat(last)


def test_a_single_day_is_the_last_whole_one_though_it_is_not_over():
    only = Span(date(2021, 12, 1), date(2021, 12, 1), datetime(2021, 12, 1, 9))
    assert asked(only).now == days("2021-12-01", "2021-12-01")


def test_without_a_range_the_last_thirty_days_are_compared_with_the_thirty_before():
    found = asked(WHOLE)
    assert found.now == days("2021-11-02", "2021-12-01")
    assert found.before == days("2021-10-03", "2021-11-01")
    assert found.notes == ()


def test_a_range_whose_days_before_are_not_all_known_is_not_compared_and_says_so():
    found = asked(WHOLE, "2021-09-20", "2021-10-19")
    assert found.before is None
    assert len(found.notes) == 1
    assert "of the 30 days before (2021-08-21 to 2021-09-19) only 19 have data" in found.notes[0]
    assert "2021-09-01" in found.notes[0]


def test_a_range_beyond_the_data_says_how_much_of_it_is_covered():
    found = asked(WHOLE, "2021-11-25", "2021-12-10")
    assert found.now == days("2021-11-25", "2021-12-10")
    assert found.before is None
    assert found.notes == ("The data covers 2021-09-01 to 2021-12-01: 7 of the 16 days chosen.",)


def test_all_of_the_data_has_nothing_to_compare_with_and_needs_no_note():
    found = asked(WHOLE, "2021-09-01", "2021-12-01")
    assert (found.before, found.notes) == (None, ())


def test_a_range_that_runs_backwards_is_turned_round():
    found = asked(WHOLE, "2021-11-30", "2021-11-01")
    assert found.now == days("2021-11-01", "2021-11-30")
    assert "backwards" in found.notes[0]


@pytest.mark.parametrize("text", ["yesterday", "2021-02-30", "20211130", "<b>", "2021-11-3", "９"])
def test_what_is_no_day_is_left_out_and_told(text):
    found = asked(WHOLE, text, "2021-11-30")
    assert found.now == days("2021-09-01", "2021-11-30")
    assert text in found.notes[0]
    assert "2021-11-30" in found.notes[0]


def test_a_long_text_that_is_no_day_is_told_in_short():
    assert len(asked(WHOLE, "x" * 5000).notes[0]) < 150


def test_one_end_alone_is_completed_from_the_data():
    assert asked(WHOLE, "2021-11-10").now == days("2021-11-10", "2021-12-01")
    assert asked(WHOLE, None, "2021-09-10").now == days("2021-09-01", "2021-09-10")


def test_a_range_at_the_beginning_of_the_calendar_has_no_period_before():
    found = asked(WHOLE, "0001-01-01", "0001-01-02")
    assert found.before is None


def test_a_chart_names_the_years_where_there_are_two():
    assert asked(WHOLE).short == "02 Nov to 01 Dec"
    span = Span(date(2020, 1, 1), date(2021, 1, 31), datetime(2021, 1, 31, 23, 30))
    found = asked(span, "2021-01-01", "2021-01-31")
    assert found.short == "01 Jan 2021 to 31 Jan 2021"
    assert found.short_before == "01 Dec 2020 to 31 Dec 2020"
