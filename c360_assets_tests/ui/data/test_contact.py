"""Who a person is to their page, and how they stand, on a small world that was published."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from c360_assets.contracts.lifetime_value import PROBABILITY_REASONS, VALUE_REASONS
from c360_assets.ui.copies import Copies, Copy, Order
from c360_assets.ui.data.contact import Lead, UnknownPersonError, find_person, leads_to
from c360_assets.ui.data.contact_identity import NO_VALUE, Merged, merged_from, standing
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("few_people")
FIRST = Order("is_main", True, ("row_id",))


def test_a_person_has_all_accounts_and_addresses_whatever_was_merged(few_people: Copy) -> None:
    ann = find_person(few_people, "c_1")
    assert (ann.user_id, ann.accounts) == ("1", ("1", "2"))
    assert (ann.email, ann.emails) == ("ann@acme.com", ("ann.old@gmail.com", "ann@acme.com"))
    assert (ann.domains, ann.corporate_email) == (("acme.com", "gmail.com"), "acme.org")
    assert (ann.name, ann.gaggle_id, ann.is_hidden) == ("Ann Old", None, False)


def test_of_who_opted_out_nothing_personal_is_known(few_people: Copy) -> None:
    hal = find_person(few_people, "c_10")
    assert hal.is_hidden
    assert (hal.name, hal.email, hal.emails, hal.domains) == (None, None, (), ())
    assert hal.accounts == ("10",)


@pytest.mark.parametrize("contact_id", ["c_2", "c_99", "", "1", "' or 1=1 --", "c_1\x00"])
def test_an_id_that_nobody_has_today_is_told_with_a_way_on(
    few_people: Copy, contact_id: str
) -> None:
    with pytest.raises(UnknownPersonError, match="with the search at the top"):
        find_person(few_people, contact_id)


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("c_2", Lead("c_1", is_former=True)),
        ("2", Lead("c_1", is_former=False)),
        (" ANN.Old@gmail.com ", Lead("c_1", is_former=False)),
        ("fay@old.com", Lead("c_8", is_former=False)),
        ("4", Lead("c_4", is_former=False)),
        ("hal@secret.org", None),
        ("nobody@x.com", None),
        ("%", None),
    ],
)
def test_former_ids_accounts_and_addresses_lead_to_their_person(
    few_people: Copy, text: str, lead: Lead | None
) -> None:
    assert leads_to(few_people, text) == lead


def test_a_former_id_tells_who_merged_it_when_and_why(few_people: Copy) -> None:
    ann = find_person(few_people, "c_1")
    assert merged_from(few_people, ann, "c_2") == Merged(
        "c_2", "Jo", datetime(2021, 2, 7, 10), "same phone", "merged_user.csv", 1
    )


@pytest.mark.parametrize("former", ["c_1", "c_3", "c_99", ""])
def test_an_id_that_never_became_this_person_tells_nothing(few_people: Copy, former: str) -> None:
    assert merged_from(few_people, find_person(few_people, "c_1"), former) is None


def test_a_merge_that_was_undone_leaves_two_people(few_people: Copy) -> None:
    dot = find_person(few_people, "c_5")
    assert dot.accounts == ("5",)
    assert merged_from(few_people, dot, "c_4") is None
    assert find_person(few_people, "c_4").accounts == ("4",)


def test_orders_and_events_of_all_accounts_count(few_people: Copy) -> None:
    found = standing(few_people, find_person(few_people, "c_1"))
    assert (found.number_of_orders, found.number_of_events, found.number_of_users) == (3, 3, 2)
    # 100 - 10, 50, 20
    assert found.sales_total == Decimal("160.00")
    assert found.first_order == datetime(2021, 2, 1, 10)
    assert found.most_recent_order == datetime(2021, 2, 16)
    assert found.created_at == datetime(2021, 1, 1)


def test_company_plan_stage_and_tickets_are_told(few_people: Copy) -> None:
    ann, bob = (standing(few_people, find_person(few_people, f"c_{n}")) for n in (1, 3))
    assert (ann.corporate_email, ann.is_paying, ann.open_tickets) == ("acme.org", True, 0)
    assert (bob.is_paying, bob.open_tickets, bob.queue_rank) == (False, 1, 1)
    # the newest of three orders is 12 days old, the first 27
    assert (ann.lifecycle_stage, ann.profile_date) == ("New", date(2021, 2, 28))


def test_the_segment_is_told_with_the_hour_since_when_it_holds(
    few_people: Copy, few_people_world: World
) -> None:
    spans = few_people_world.rows(
        "select rfm_segment, valid_from, valid_to from marts.rfm_segment_history"
        " where user_id = '1' order by valid_from"
    )
    *_, last = spans
    since = last["valid_from"]
    for span in reversed(spans):
        if span["rfm_segment"] != last["rfm_segment"]:
            break
        since = span["valid_from"]
    found = standing(few_people, find_person(few_people, "c_1"))
    assert last["valid_to"] is None
    assert (found.rfm_segment, found.segment_since) == (last["rfm_segment"], since)
    assert since > spans[0]["valid_from"], "the fixture is to have a change of segment"


def test_why_there_is_no_lifetime_value_is_told_in_words(few_people: Copy) -> None:
    found = standing(few_people, find_person(few_people, "c_1"))
    assert found.clv_365d is None
    assert found.why_no_value == "too few customers have ordered again for a forecast"
    eve = standing(few_people, find_person(few_people, "c_6"))
    assert (eve.rfm_segment, eve.number_of_orders) == (None, 0)
    assert eve.why_no_value == eve.why_no_probability == "they have not ordered yet"


def test_every_reason_of_the_contract_has_words() -> None:
    assert {*VALUE_REASONS, *PROBABILITY_REASONS} == set(NO_VALUE)


def test_each_address_tells_how_it_came_and_by_whose_decision(few_people: Copy) -> None:
    rows = few_people.page("contact/addresses", FIRST, 10, user_id="1").rows
    assert [(r["email"], r["user_id"], r["how"], r["decision"]) for r in rows] == [
        ("ann@acme.com", "1", "stands for the person", None),
        (
            *("ann.old@gmail.com", "2", "merged: ann.old@gmail.com > ann@acme.com"),
            "Jo, 2021-02-07 10:00, same phone, merged_user.csv row 1",
        ),
    ]
    assert (rows[0]["gaggle_name"], rows[1]["gaggle_name"]) == ("Geese", None)


def test_who_opted_out_has_accounts_without_addresses(few_people: Copy) -> None:
    rows = few_people.page("contact/addresses", FIRST, 10, user_id="10").rows
    assert [(r["user_id"], r["email"], r["user_name"]) for r in rows] == [("10", None, None)]


# --- many addresses -------------------------------------------------------------------------------

MANY = 2_500


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """One person with 2,500 accounts, and an address more that no account has."""
    accounts = "".join(f"{n},Mo,mo{n}@x{n}.com,2021-01-01\n" for n in range(1, MANY + 1))
    merges = "".join(f"mo{n}@x{n}.com,mo1@x1.com,merge,Jo,one shop\n" for n in range(2, MANY + 1))
    world = World(tmp_path_factory.mktemp("many")).write(
        raw_user=f"id,name,email,created_at\n{accounts}",
        merged_user="old_email,new_email,decision,decided_by,reason\n"
        f"{merges}ghost@x.com,mo2@x2.com,merge,Kim,one shop\n",
        raw_event="event_id,user_id,event_name,timestamp\ne,1,login,2021-02-01 09:00:00",
    )
    world.build_everything().publish()
    return Copies(world.settings).current()


def test_addresses_that_no_account_has_are_the_persons_too(many: Copy) -> None:
    mo = find_person(many, "c_1")
    assert (len(mo.accounts), len(mo.emails)) == (MANY, MANY + 1)
    assert leads_to(many, "ghost@x.com") == Lead("c_1", is_former=False)
    found = many.page(
        "contact/addresses", Order("user_id", True, ("row_id",)), 1, MANY, user_id="1"
    )
    assert found.total == MANY + 1
    (ghost,) = found.rows
    assert (ghost["user_id"], ghost["email"], ghost["decided_by"]) == (None, "ghost@x.com", "Kim")
    assert ghost["how"] == (
        "named in a merge, no account has it: ghost@x.com > mo2@x2.com > mo1@x1.com"
    )


def test_a_page_of_2500_addresses_has_as_many_rows_as_were_asked_for(many: Copy) -> None:
    found = many.page("contact/addresses", FIRST, 25, user_id="1")
    assert (len(found.rows), found.total) == (25, MANY + 1)
    assert found.rows[0]["how"] == "stands for the person"
