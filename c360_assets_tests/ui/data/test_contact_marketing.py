"""Marketing impact of one person, on a small world that was published: curves, marks, campaigns."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c360_assets.ui.copies import Copy, Order
from c360_assets.ui.data import contact_marketing as module
from c360_assets.ui.data.contact import find_person
from c360_assets.ui.data.contact_marketing import (
    KPIS,
    MOST_POINTS,
    Choice,
    Impact,
    impact,
    points,
    treatments,
)
from c360_assets.ui.data.kpi_range import Period

pytestmark = pytest.mark.xdist_group("few_people")
DAY = date.fromisoformat


def shown(copy: Copy, contact_id: str, **query: str) -> Impact:
    names = {"from_": "from"}
    choice = Choice.of({names.get(name, name): value for name, value in query.items()})
    return impact(copy, find_person(copy, contact_id), choice)


def on(found: Impact, kpi: str, day: str) -> object:
    return found.curves[kpi][found.days.index(DAY(day))]


# --- curves --------------------------------------------------------------------------------------


def test_every_kpi_adds_up_over_all_accounts_and_addresses_of_the_person(few_people):
    found = shown(few_people, "c_1", kpis=",".join(kpi.name for kpi in KPIS))
    assert {name: curve[-1] for name, curve in found.curves.items()} == {
        "orders": 3,
        "items": 4,
        "gross_sales": Decimal("170.00"),
        # 100 - 10 promised, 50 - 5 paid back, 20
        "net_sales": Decimal("155.00"),
        "refunds": Decimal("5.00"),
        "discounts": Decimal("10.00"),
        "events": 3,
        "sessions": 2,
        "campaigns": 2,
        "tickets": 1,
    }


def test_a_curve_steps_on_the_day_of_what_happened(few_people):
    found = shown(few_people, "c_1", kpis="orders,net_sales")
    assert (found.days[0], found.days[-1]) == (DAY("2021-02-01"), DAY("2021-02-28"))
    assert [on(found, "orders", f"2021-02-{day}") for day in ("01", "04", "05", "15", "16")] == [
        *(1, 1, 2, 2, 3)
    ]
    assert on(found, "net_sales", "2021-02-05") == Decimal("135.00")
    assert found.before == {"orders": 0, "net_sales": 0}


def test_a_range_begins_with_what_there_was_before_it(few_people):
    found = shown(few_people, "c_1", kpis="orders", from_="2021-02-03", to="2021-02-06")
    assert [str(day) for day in found.days] == [f"2021-02-0{day}" for day in (3, 4, 5, 6)]
    assert found.before == {"orders": 1}
    assert found.curves["orders"] == (1, 1, 2, 2)


def test_a_range_ends_where_the_data_ends(few_people):
    found = shown(few_people, "c_1", from_="2021-02-27", to="2030-01-01")
    assert [str(day) for day in found.days] == ["2021-02-27", "2021-02-28"]
    assert found.clock == DAY("2021-02-28")


def test_a_range_in_which_nothing_can_be_says_so_and_shows_everything(few_people):
    found = shown(few_people, "c_1", from_="2031-01-01")
    assert found.days[0] == DAY("2021-02-01")
    assert found.notes == (
        "There is nothing in the days chosen; these are all, 2021-02-01 to 2021-02-28.",
    )


def test_amounts_that_nobody_knows_are_not_nought(few_people):
    found = shown(few_people, "c_4", kpis="orders,gross_sales")
    assert found.curves["orders"][-1] == 1
    assert set(found.curves["gross_sales"]) == {None}


def test_of_a_person_without_anything_there_are_no_days(few_people):
    found = shown(few_people, "c_6", kpis="orders,events,tickets")
    assert (found.days, found.whole, found.curves) == ((), None, {})


def test_of_very_many_days_each_point_stands_for_several(few_people, monkeypatch):
    monkeypatch.setattr(module, "MOST_POINTS", 10)
    found = shown(few_people, "c_5", kpis="orders")
    # 28 days by threes, counted back from the last
    assert [day.day for day in found.days] == [1, 4, 7, 10, 13, 16, 19, 22, 25, 28]
    assert found.curves["orders"] == (1, 1, 1, 1, 1, 1, 1, 1, 1, 2)
    (mark,) = found.marks
    assert (mark.first.day, mark.last.day) == (11, 13)


@given(st.dates(), st.integers(0, 40_000))
def test_points_are_apart_alike_and_reach_the_last_day(first, more):
    if first.toordinal() + more > date.max.toordinal():
        return
    period = Period(first, date.fromordinal(first.toordinal() + more))
    found = points(period)
    apart = {(right - left).days for left, right in pairwise(found)}
    assert found[-1] == period.last
    assert len(found) <= MOST_POINTS
    assert len(apart) <= 1
    # the first point stands for no more days than the others
    assert 1 <= (found[0] - first).days + 1 <= (apart.pop() if apart else more + 1)


# --- marks ---------------------------------------------------------------------------------------


def test_days_are_marked_on_which_something_was_sent_or_kept_from_them(few_people):
    marks = {str(mark.last): mark for mark in shown(few_people, "c_1").marks}
    assert {day: (mark.actions, mark.kept_from) for day, mark in marks.items()} == {
        "2021-02-02": (("Free iron by Email (campaign 10)",), ()),
        "2021-02-10": ((), ("campaign 20",)),
        "2021-02-12": (("Recipe by Push (campaign 30)",), ()),
    }


def test_marks_outside_the_range_are_left_out(few_people):
    found = shown(few_people, "c_1", from_="2021-02-03", to="2021-02-10")
    assert [str(mark.last) for mark in found.marks] == ["2021-02-10"]


# --- what a URL asks for -------------------------------------------------------------------------


def test_without_a_choice_orders_and_net_sales_are_shown():
    assert [kpi.name for kpi in Choice.of({}).kpis] == ["orders", "net_sales"]


def test_toggling_adds_takes_away_and_may_leave_none():
    one = Choice.of({"kpis": "orders"})
    orders, tickets = KPIS[0], KPIS[-1]
    assert one.toggled(tickets) == "orders,tickets"
    assert one.toggled(orders) == "none"
    assert Choice.of({"kpis": one.toggled(orders)}).kpis == ()


@pytest.mark.parametrize("text", ["yesterday", "2021-02-30", "2021-1-1", "٢٠٢١-٠١-٠١", "<b>"])
def test_what_is_no_day_is_left_out_and_told(text):
    choice = Choice.of({"from": text, "to": "2021-02-28"})
    assert (choice.first, choice.last) == (None, DAY("2021-02-28"))
    assert f"`{text}` is no day, so `from` was left out" in choice.notes[0]


def test_days_the_wrong_way_round_are_turned():
    choice = Choice.of({"from": "2021-03-01", "to": "2021-02-01"})
    assert (choice.first, choice.last) == (DAY("2021-02-01"), DAY("2021-03-01"))


# --- the list of campaigns -----------------------------------------------------------------------


def test_campaigns_tell_what_was_given_and_what_was_bought_within_the_window(few_people):
    found = few_people.page(
        "contact_marketing/campaigns",
        Order("execution_date", False, ("target_id",)),
        10,
        counts="contact_marketing/campaigns_total",
        user_id="1",
    )
    names = ("plan_id", "treatment", "given", "orders_after", "sales_after")
    # fourteen days, that of the campaign included: o2 after 10, o3 after 20 and 30
    assert [tuple(row[name] for name in names) for row in found.rows] == [
        ("10", "Sent", "Free iron", 1, Decimal("50.00")),
        ("20", "Control group", "DN: nothing was sent", 1, Decimal("20.00")),
        ("30", "Sent", "Recipe", 1, Decimal("20.00")),
        (
            *("20", "Excluded"),
            "Left out of campaign 20 on 2021-02-20: Unsubscribed.",
            *(None, None),
        ),
    ]
    assert found.total == 4
    first = found.rows[0]
    assert first["tags"] == ["winter", "warm"]
    assert (first["target_group_name"], first["channel_name"]) == ("Newcomers", "Email")
    assert first["effect"] == "no control group"


def test_treatments_are_counted(few_people):
    assert treatments(few_people, find_person(few_people, "c_1")) == {
        "sent": 2,
        "control": 1,
        "excluded": 1,
        "last_sent": DAY("2021-02-12"),
    }
