"""Every table and text column of the contract has a word on what it tells of a person."""

import pytest

from c360_assets.assets.published import published_tables
from c360_assets.ui.privacy_rules import (
    COVERS,
    PROFILE_TABLES,
    Attribute,
    is_text,
    personal_attributes,
    profile_cover,
)


@pytest.mark.parametrize(
    "table", [t for t in published_tables() if t.qualified_name not in PROFILE_TABLES],
    ids=lambda table: table.qualified_name,
)  # fmt: skip
def test_every_text_column_of_the_contract_has_one_word(table):
    named = COVERS[table.qualified_name].named()
    assert len(named) == len(set(named)), "a column has two words"
    assert {c.name for c in table.columns if is_text(c.type)} <= set(named)
    assert set(named) <= set(table.column_names), "a word for a column that there is not"


def test_every_table_with_a_word_is_published():
    assert {*COVERS, *PROFILE_TABLES} == {t.qualified_name for t in published_tables()}


def attribute(name, type_, source, definition, *, is_own=True):
    return Attribute(name, "STR1", type_, source, definition, is_own)


@pytest.mark.parametrize(
    ("made_of", "is_personal"),
    [
        (("VARCHAR", "contacts", "user_name"), True),
        (("VARCHAR", "contacts", 'upper("user_name")'), True),
        (("BIGINT", "contacts", "length(email)"), True),
        (("VARCHAR", "contacts", "'email' || corporate_email"), False),
        (("VARCHAR", "contacts", "gaggle_name"), False),
        (("BIGINT", "orders", "count(*)"), False),
        (("BIGINT", "orders", "count(*) where address_id = 'a1'"), True),
        (("VARCHAR", "events", "max(page_url)"), True),
        (("VARCHAR", "rfm", "rfm_segment"), False),
        (("VARCHAR", None, "EMAIL || 'x'"), True),
        (("VARCHAR", None, "case when ORDERS > 3 then 'EMAIL' end"), False),
        (("BIGINT", None, "length(email)"), True),
    ],
)
def test_attributes_of_ones_own_are_personal_by_what_they_are_made_of(made_of, is_personal):
    shipped = attribute("EMAIL", "VARCHAR", "contacts", "email", is_own=False)
    counted = attribute("ORDERS", "BIGINT", "orders", "count(*)", is_own=False)
    personal, free = personal_attributes([shipped, counted, attribute("OWN", *made_of)])
    assert "EMAIL" in personal
    assert ("OWN" in personal | free) == is_personal


def test_texts_of_tickets_may_tell_of_anybody():
    subject = attribute("SUBJECT", "VARCHAR", "tickets", "max(subject)")
    shorter = attribute("SHORT", "VARCHAR", None, "left(SUBJECT, 10)")
    counted = attribute("COMPLAINTS", "BIGINT", "tickets", "count(*) where subject like '%late%'")
    assert personal_attributes([subject, shorter, counted]) == (
        {"COMPLAINTS"},
        {"SUBJECT", "SHORT"},
    )


def test_texts_made_of_names_of_gaggles_are_of_gaggles_and_may_be_personal_too():
    email = attribute("EMAIL", "VARCHAR", "contacts", "email", is_own=False)
    named = attribute("GAGGLE_NAME", "VARCHAR", "contacts", "gaggle_name", is_own=False)
    place = attribute("PLACE", "VARCHAR", "contacts", "upper(gaggle_name)")
    where = attribute("ADDRESS", "VARCHAR", None, "EMAIL || ' at ' || PLACE")
    long = attribute("LONG", "BIGINT", "contacts", "length(gaggle_name)")
    quoted = attribute("QUOTED", "VARCHAR", "contacts", "'gaggle_name'")
    columns = {each.name: each.type for each in (email, named, place, where, long, quoted)}
    found = profile_cover(
        [email, named, place, where, long, quoted],
        {"client_customer_id": "VARCHAR", **columns},
        "name",
    )
    assert found.gaggles == "GAGGLE_NAME"
    assert found.of_gaggles.split() == ["PLACE", "ADDRESS"]
    assert found.personal.split() == ["EMAIL", "ADDRESS"]
    assert found.plain.split() == ["PLACE", "QUOTED"]


def test_a_profile_column_of_an_attribute_that_is_gone_is_personal():
    columns = {
        "client_customer_id": "VARCHAR",
        "EMAIL": "VARCHAR",
        "GONE": "VARCHAR",
        "N": "BIGINT",
    }
    email = attribute("EMAIL", "VARCHAR", "contacts", "email", is_own=False)
    found = profile_cover([email], columns, "name")
    assert found.users == "client_customer_id"
    assert found.personal.split() == ["EMAIL", "GONE"]
