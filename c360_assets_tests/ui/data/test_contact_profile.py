"""A person's profile by day, and what an attribute was and was said to be, on small worlds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import pytest

from c360_assets.attribute_rules import AttributeRule
from c360_assets.settings import Rules
from c360_assets.ui.copies import Copies, Copy
from c360_assets.ui.data.contact import find_person
from c360_assets.ui.data.contact_profile import (
    Attribute,
    History,
    Profile,
    found_lines,
    grouped,
    history,
    profile,
)
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("few_people")


def of(copy: Copy, contact_id: str, day: date | None = None) -> Profile:
    return profile(copy, find_person(copy, contact_id), day)


def valued(found: Profile) -> Mapping[str, object]:
    assert found.values is not None
    return found.values


def test_the_newest_day_is_shown_unless_another_is_asked_for(few_people: Copy) -> None:
    newest = of(few_people, "c_1")
    assert (newest.day, newest.day_after) == (newest.newest_day, None)
    assert newest.newest_day == date(2021, 2, 28)
    assert newest.day_before == date(2021, 2, 27)
    assert valued(newest)["ECOM_NUMBER_OF_ORDERS"] == 3
    # 90 + 50 + 20, less 5 refunded
    assert valued(newest)["ECOM_TOTAL_NET_SALES_AMOUNT"] == Decimal("155.00")


def test_looking_back_shows_what_was_true_at_the_end_of_that_day(few_people: Copy) -> None:
    back = of(few_people, "c_1", date(2021, 2, 4))
    assert (back.day, back.day_before, back.day_after) == (
        *(date(2021, 2, 4), date(2021, 2, 3), date(2021, 2, 5)),
    )
    assert valued(back)["ECOM_NUMBER_OF_ORDERS"] == 1
    assert valued(of(few_people, "c_1", date(2021, 2, 5)))["ECOM_NUMBER_OF_ORDERS"] == 2


@pytest.mark.parametrize(
    ("asked", "shown"),
    [(date(1999, 1, 1), date(2021, 2, 1)), (date(2999, 1, 1), date(2021, 2, 28))],
)
def test_a_day_that_was_not_profiled_leads_to_the_nearest_before_or_the_first(
    few_people: Copy, asked: date, shown: date
) -> None:
    found = of(few_people, "c_1", asked)
    assert (found.day, found.first_day) == (shown, date(2021, 2, 1))


def test_every_attribute_of_the_registry_has_a_value_and_one_place(
    few_people: Copy, few_people_world: World
) -> None:
    registered = [row["name"] for row in few_people_world.rows("from marts.profile_fields")]
    found = of(few_people, "c_1")
    placed = [
        each.name
        for group in found.groups
        for line in group.lines
        for each in line.by_window.values()
    ]
    assert len(registered) > 200
    assert sorted(placed) == sorted(registered) == sorted(valued(found))


def test_of_who_opted_out_figures_stay_and_names_go(few_people: Copy) -> None:
    values = valued(of(few_people, "c_10"))
    assert values["NUMBER_OF_EVENTS"] == 1
    personal = ("EMAIL", "USER_NAME", "PHONE_NUMBER", "MERGED_EMAILS")
    assert [values[name] for name in personal] == [None] * len(personal)


def attribute(name: str, source: str | None = "orders", window: str = "", **more: str) -> Attribute:
    given = {"type": "BIGINT", "description": name, "definition": "count(*)", "unit": "", **more}
    return Attribute(name=name, source=source, window=window, is_own=False, **given)


def test_windows_of_one_attribute_are_one_line_in_the_order_of_their_length() -> None:
    made = [
        attribute("ORDERS_12M", window="12M"),
        attribute("ORDERS", unit="orders"),
        attribute("ORDERS_1D", window="1D"),
        attribute("VISITS_7D", source="events", window="7D"),
        attribute("RATE", None, type="DOUBLE", definition="1 / ORDERS"),
        attribute("RATE_1D", None, type="DOUBLE", definition="1 / orders_1d"),
        attribute("STATE_1D", None, type="VARCHAR", definition="upper(RATE)"),
        attribute("NOW", None, definition="profile_date"),
    ]
    groups = {
        group.title: [(line.name, list(line.by_window)) for line in group.lines]
        for group in grouped({each.name: each for each in made})
    }
    assert groups == {
        "Orders": [("ORDERS", ["", "1D", "12M"]), ("RATE", ["", "1D"]), ("STATE_1D", [""])],
        "Events": [("VISITS", ["7D"])],
        "Others": [("NOW", [""])],
    }


def test_attributes_worked_out_of_each_other_are_no_endless_loop() -> None:
    made = [
        attribute("A", None, definition="B + 1"),
        attribute("B", None, definition="A + 1"),
    ]
    assert [group.title for group in grouped({each.name: each for each in made})] == ["Others"]


def test_a_search_finds_lines_with_all_words_in_name_meaning_unit_or_definition() -> None:
    made = [
        attribute("ECOM_REFUNDS", description="What was paid back", unit="currency"),
        attribute("ECOM_ORDERS", description="Orders", definition="count(distinct order_id)"),
    ]
    (group,) = grouped({each.name: each for each in made})

    def found(text: str) -> list[str]:
        return [line.name for line in found_lines(group, text)]

    assert found("") == ["ECOM_REFUNDS", "ECOM_ORDERS"]
    assert found("PAID ecom") == ["ECOM_REFUNDS"]
    assert found("currency") == ["ECOM_REFUNDS"]
    assert found("distinct") == ["ECOM_ORDERS"]
    assert found("paid distinct") == []
    assert found("%") == []


# --- the history of an attribute ------------------------------------------------------------------


def told(copy: Copy, contact_id: str, name: str) -> History:
    found = history(copy, find_person(copy, contact_id), name)
    assert found is not None
    return found


def spans(found: History) -> list[tuple[str, str, object]]:
    return [(f"{s.first_day:%m-%d}", f"{s.last_day:%m-%d}", s.value) for s in found.spans]


def test_days_with_one_value_are_one_span_the_newest_first(few_people: Copy) -> None:
    assert spans(told(few_people, "c_1", "ECOM_NUMBER_OF_ORDERS")) == [
        ("02-16", "02-28", 3),
        ("02-05", "02-15", 2),
        ("02-01", "02-04", 1),
    ]


def test_what_is_worked_out_each_day_has_a_span_for_each(few_people: Copy) -> None:
    days = spans(told(few_people, "c_1", "DAYS_SINCE_LAST_ORDER"))
    assert days[:2] == [("02-28", "02-28", 12), ("02-27", "02-27", 11)]
    assert len(days) == 28


def test_texts_have_a_history_too(few_people: Copy) -> None:
    assert spans(told(few_people, "c_7", "LIFECYCLE_STAGE")) == [
        ("02-03", "02-28", "New"),
        ("02-01", "02-02", "Prospect"),
    ]


@pytest.mark.parametrize("name", ["NOPE", "ecom_number_of_orders", "*", "profile_date", "", "'"])
def test_what_is_no_attribute_has_no_history(few_people: Copy, name: str) -> None:
    assert history(few_people, find_person(few_people, "c_1"), name) is None


USERS = "id,name,email,created_at\n1,Ann,ann@a.com,2021-01-01\n2,Bob,bob@a.com,2021-01-01"
ORDERS = (
    "order_id,user_id,created_at,order_cost\no1,1,2021-02-01 10:00,10\no2,2,2021-02-06 10:00,10"
)


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Ann's order of 3 February arrived after six days had been profiled; one attribute is own."""
    own = AttributeRule(
        name="HAS_ORDERED",
        description="Whether there was an order",
        type="BOOLEAN",
        expression="ECOM_NUMBER_OF_ORDERS > 0",
    )
    world = World(tmp_path_factory.mktemp("corrected"), rules=Rules(attributes=(own,)))
    world.write(raw_user=USERS, raw_order=ORDERS).build_everything()
    world.write(raw_order=f"{ORDERS}\no3,1,2021-02-03 10:00,10").build_everything()
    world.publish()
    return Copies(world.settings).current()


def test_what_was_stated_otherwise_before_is_told_with_when_it_was_known(corrected: Copy) -> None:
    found = told(corrected, "c_1", "ECOM_NUMBER_OF_ORDERS")
    assert spans(found) == [("02-03", "02-06", 2), ("02-01", "02-02", 1)]
    (correction,) = found.corrections
    assert (correction.first_day, correction.last_day) == (date(2021, 2, 3), date(2021, 2, 6))
    assert (correction.value_stated, correction.value_known) == (1, 2)
    assert correction.as_known_at < correction.known_until
    assert correction.known_until - correction.as_known_at < timedelta(hours=1)
    assert found.total == 1


def test_what_is_as_it_was_said_at_first_has_no_corrections(corrected: Copy) -> None:
    assert told(corrected, "c_2", "ECOM_NUMBER_OF_ORDERS").corrections == ()
    assert told(corrected, "c_1", "EMAIL").corrections == ()


def test_attributes_of_ones_own_are_marked_and_found_by_that(corrected: Copy) -> None:
    found = of(corrected, "c_1")
    own = [each.name for each in found.attributes.values() if each.is_own]
    assert own == ["HAS_ORDERED"]
    assert valued(found)["HAS_ORDERED"] is True
    lines = [line for group in found.groups for line in found_lines(group, "own has_ordered")]
    assert [line.name for line in lines] == ["HAS_ORDERED"]
    (group,) = [group for group in found.groups if lines[0] in group.lines]
    assert group.title == "Orders"
