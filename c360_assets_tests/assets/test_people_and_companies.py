"""Who is a contact, what a gaggle and a company sum up, on one small source built once."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from c360_assets.settings import DomainRules, Rules
from c360_assets_tests.pipeline import World, columns

pytestmark = pytest.mark.xdist_group("people_and_companies")

USERS = """
    id,name,email,gaggle_id,created_at
    1,Ann Old,ann@home.com,g10,2021-01-01 08:00:00
    2,Ann Mid,ann@mid.com,g11,2021-03-01 00:00:00
    3,Ann New,ann@work.com,g12,2021-02-01 00:00:00
    4,Bob,bob@acme.com,g10,2021-01-05 00:00:00
    5,Bobby,BOB@ACME.com,g13,2021-01-04 00:00:00
    20,Twin A,twin@acme.com,g10,2021-01-06 00:00:00
    21,Twin B,twin@acme.com,g13,2021-01-06 00:00:00
    9,Tie Old,tie@old.com,g15,2021-05-01 00:00:00
    99,Tie End,tie@end.com,g14,2021-05-01 00:00:00
    10,Cat,cat@gmail.com,,2021-06-15 12:00:00
    11,Zed,zed@zed.com,,2021-06-16 00:00:00
    30,Via,via@one.com,,2021-01-01 00:00:00
    31,End,end@two.com,,2021-01-02 00:00:00
    40,Named,nul@a.com,g10,2021-01-01 00:00:00
    41,,nul@b.com,,2021-02-01 00:00:00
    50,Dom,dom@thrashers.com,g10,2021-01-01 00:00:00
"""
MERGES = """
    old_email,new_email
    ann@home.com,ann@mid.com
    Ann@Mid.com,ann@work.com
    tie@old.com,tie@end.com
    zed@zed.com,nobody@nowhere.com
    via@one.com,ghost@none.com
    ghost@none.com,end@two.com
    nul@a.com,nul@b.com
"""
EVENTS = """
    event_id,user_id,event_name,timestamp
    e1,1,login,2021-03-02 10:00:00
    e2,1,order_placed,2021-03-03 11:00:00
    e3,3,order_placed,2021-03-04T12:00:00+02:00
    e4,5,login,2021-03-05 00:00:00
    e5,4,login,2021-03-01 00:00:00
    e6,4,login,2021-03-07 23:59:59
"""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("people"))
    return world.write(
        raw_user=USERS,
        raw_event=EVENTS,
        merged_user=MERGES,
        merged_company_domain="old_domain,new_domain\nthrashers.com,jets.com",
    ).build()


@pytest.fixture(scope="module")
def contacts(people: World) -> dict[str, dict[str, object]]:
    return people.by("marts.contacts", "user_id")


def test_every_person_is_one_contact(contacts):
    assert sorted(contacts) == ["10", "11", "20", "3", "31", "41", "5", "50", "99"]


def test_a_chain_of_merges_ends_at_its_last_address(contacts):
    ann = contacts["3"]
    assert ann["email"] == "ann@work.com"
    assert ann["merged_emails"] == ["ann@home.com", "ann@mid.com"]
    assert ann["number_of_users"] == 3


def test_a_chain_adds_up_what_its_accounts_did(contacts):
    facts = columns(
        contacts["3"],
        *("number_of_events", "first_event", "most_recent_event"),
        *("number_of_orders", "first_order", "most_recent_order"),
    )
    assert facts == (
        3,
        datetime(2021, 3, 2, 10),
        datetime(2021, 3, 4, 10),
        2,
        datetime(2021, 3, 3, 11),
        datetime(2021, 3, 4, 10),
    )


def test_a_contact_was_created_with_its_first_account(contacts):
    ann = contacts["3"]
    assert ann["created_at"] == datetime(2021, 1, 1, 8)
    assert ann["user_cohort"] == date(2021, 1, 1)


def test_name_and_gaggle_are_those_of_the_newest_account(contacts):
    assert columns(contacts["3"], "user_name", "gaggle_id") == ("Ann Mid", "g11")


def test_a_name_or_gaggle_that_the_newest_account_lacks_is_null(contacts):
    assert columns(contacts["41"], "user_name", "gaggle_id") == (None, None)


def test_of_accounts_created_together_the_chains_end_gives_name_and_gaggle(contacts):
    assert columns(contacts["99"], "user_name", "gaggle_id") == ("Tie End", "g14")


def test_accounts_with_one_address_are_one_person_and_the_earliest_stands_for_it(contacts):
    bob = contacts["5"]
    assert columns(bob, "email", "user_name", "gaggle_id") == ("bob@acme.com", "Bob", "g10")
    assert columns(bob, "number_of_users", "merged_emails", "number_of_events") == (2, [], 3)
    assert bob["first_event"] == datetime(2021, 3, 1)


def test_of_accounts_with_one_address_created_together_the_smallest_id_stands(contacts):
    assert columns(contacts["20"], "number_of_users", "user_name") == (2, "Twin A")


def test_a_chain_passes_through_an_address_that_nobody_has(contacts):
    assert contacts["31"]["merged_emails"] == ["via@one.com"]


def test_a_merge_into_an_unknown_address_waits_and_changes_nothing(people, contacts):
    assert contacts["11"]["email"] == "zed@zed.com"
    outcome = people.rows(
        "select outcome, outcome_reason from identity.merge_journal where old_key = 'zed@zed.com'"
    )
    assert outcome == [{"outcome": "pending", "outcome_reason": "unknown_target"}]


def test_counts_are_zero_and_times_null_where_nothing_happened(contacts):
    facts = columns(
        contacts["10"],
        *("number_of_events", "number_of_orders", "first_event", "most_recent_order"),
        *("sales_total", "gaggle_id"),
    )
    assert facts == (0, 0, None, None, None, None)


def test_the_company_of_a_contact_is_the_domain_after_merges_and_null_if_personal(contacts):
    companies = {user: row["corporate_email"] for user, row in contacts.items()}
    assert companies["50"] == "jets.com"
    assert companies["10"] is None
    assert companies["5"] == "acme.com"


def test_every_account_says_why_it_is_its_contact(people):
    rules = {
        key: row["rule"] for key, row in people.by("identity.user_identity", "user_id").items()
    }
    assert (rules["1"], rules["2"], rules["3"]) == ("merge", "merge", "self")
    assert (rules["4"], rules["5"]) == ("same_email", "self")


def test_each_account_counts_for_its_own_gaggle_in_the_breakdown(people):
    rows = people.by("marts.user_gaggle_facts", "user_id", "gaggle_id")
    ann = {
        gaggle: columns(row, "is_current", "number_of_events", "number_of_orders", "first_event")
        for (user, gaggle), row in rows.items()
        if user == "3"
    }
    assert ann == {
        "g10": (False, 2, 1, datetime(2021, 3, 2, 10)),
        "g11": (True, 0, 0, None),
        "g12": (False, 1, 1, datetime(2021, 3, 4, 10)),
    }
    assert rows["5", "g13"]["number_of_events"] == 1
    assert rows["5", "g10"]["corporate_email"] == "acme.com"
    assert not [user for user, _ in rows if user in {"10", "31"}], "they are in no gaggle"


def test_a_gaggle_that_only_an_older_account_names_has_a_row_without_people(people):
    gaggles = people.by("marts.gaggle_facts", "gaggle_id")
    assert columns(gaggles["g12"], "number_of_users", "number_of_events") == (0, 0)


# --- gaggles and companies -----------------------------------------------------------------------

# one row: id, address, gaggle, created; who did how many events and orders follows below
COMPANY_USERS = """
    id,name,email,gaggle_id,created_at
    101,A,a@big.com,g2,2021-01-02
    102,B,b@big.com,g2,2021-01-01
    103,C,c@gmail.com,g2,2021-01-01
    104,D,d@big.com,g3,2021-01-05
    105,E,e@small.com,g3,2021-01-04
    106,F,f@small.com,g3,2021-01-03
    107,G,g@gmail.com,g4,2021-01-01
    108,H,h@yahoo.com,g4,2021-01-01
    109,I,i@outlook.com,g5,2021-01-01
    110,J,j@alpha.com,g6,2021-01-01
    111,K,k@beta.com,g6,2021-01-02
    112,L,l@gamma.com,g7,2021-01-02
    113,M,m@delta.com,g7,2021-01-01
    114,N,n@zeta.com,g8,2021-01-01
    115,O,o@eta.com,g8,2021-01-01
    116,P,p@lone.com,,2021-01-01
    117,Q,q@oldbig.com,g9,2021-01-09
    118,R,r@gmail.com,nowhere,2021-01-01
"""
COMPANY_GAGGLES = """
    id,name,created_at
    g1,Empty,2021-01-01 10:00:00
    g2,Big,2021-01-01
    g3,Small,2021-01-01
    g4,Friends,2021-01-01
    g5,Solo,2021-01-01
    g6,Events decide,2021-01-01
    g7,First seen decides,2021-01-01
    g8,Name decides,2021-01-01
    g9,Merged domain,2021-01-01
"""
# user -> (events that are no order, orders), each on a minute of its own, in this order
ACTIVITY = {
    "101": (2, 1),
    "102": (0, 3),
    "103": (5, 0),
    "104": (3, 0),
    "105": (1, 1),
    "107": (1, 0),
    "108": (0, 1),
    "109": (0, 1),
    "111": (1, 0),
    "117": (3, 0),
}
DEALS = """
    close_date,amount,deal_name,deal_stage,email
    2021-01-10,"$10,000",Big - Starter Deal,Won,a@big.com
    2021-02-10,"$40,000",Big - Enterprise Deal,won,whoever@oldbig.com
    2021-02-10,"$39,999",Big - Business Deal,Won,b@big.com
    2021-03-01,99,Big - Never Deal,Lost,b@big.com
    2021-02-02,5,Small - Starter Deal,Won,e@small.com
    2021-01-31,7,lone renewal,Won,p@lone.com
    2021-01-31,7,Alpha - Business Deal,Negotiation,j@alpha.com
    2021-01-31,7,Nobody - Business Deal,Won,x@nobody.com
    2021-01-31,7,Personal - Business Deal,Won,c@gmail.com
"""
AS_OF = "2021-02-01T23:00:00"


def activity() -> str:
    lines = ["event_id,user_id,event_name,timestamp"]
    minute = 0
    for user, (events, orders) in ACTIVITY.items():
        for name in ["login"] * events + ["order_placed"] * orders:
            lines.append(f"e{minute},{user},{name},2021-01-20 10:{minute:02d}:00")
            minute += 1
    return "\n".join(lines)


def at(minute: int) -> datetime:
    return datetime(2021, 1, 20, 10, minute)


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("companies"), as_of=AS_OF)
    return world.write(
        raw_user=COMPANY_USERS,
        raw_gaggle=COMPANY_GAGGLES,
        raw_event=activity(),
        deals=DEALS,
        merged_company_domain="old_domain,new_domain\noldbig.com,big.com",
    ).build()


@pytest.fixture(scope="module")
def gaggles(companies: World) -> dict[str, dict[str, object]]:
    return companies.by("marts.gaggle_facts", "gaggle_id")


@pytest.fixture(scope="module")
def accounts(companies: World) -> dict[str, dict[str, object]]:
    return companies.by("marts.corporate_accounts", "corporate_email")


def test_a_gaggle_without_users_is_there_with_zeros(gaggles):
    empty = gaggles["g1"]
    assert columns(empty, "gaggle_name", "created_at") == ("Empty", datetime(2021, 1, 1, 10))
    assert all(value == 0 for name, value in empty.items() if name.startswith("number_of_"))
    assert columns(empty, "corporate_email", "first_event", "first_order_corporate") == (
        None,
        None,
        None,
    )


def test_a_gaggle_that_only_accounts_name_is_there_without_a_name(gaggles):
    assert columns(gaggles["nowhere"], "gaggle_name", "number_of_users") == (None, 1)


def test_a_gaggle_counts_everybody_and_apart_from_that_its_company(gaggles):
    big = gaggles["g2"]
    assert columns(big, "number_of_users", "number_of_events", "number_of_orders") == (3, 11, 4)
    assert columns(
        big,
        "corporate_email",
        "number_of_users_corporate",
        "number_of_events_corporate",
        "number_of_orders_corporate",
        "number_of_corporate_domains",
    ) == ("big.com", 2, 6, 4, 1)
    assert columns(big, "first_event", "most_recent_event") == (at(0), at(10))
    assert columns(big, "first_event_corporate", "most_recent_event_corporate") == (at(0), at(5))
    assert columns(big, "first_order_corporate", "most_recent_order_corporate") == (at(2), at(5))


@pytest.mark.parametrize(
    ("gaggle", "company", "rule"),
    [
        ("g3", "small.com", "most users, though the other has more events"),
        ("g6", "beta.com", "as many users, more events"),
        ("g7", "delta.com", "as many users and events, seen first"),
        ("g8", "eta.com", "all the same, first by name"),
        ("g9", "big.com", "the only one, after domain merges"),
        ("g4", None, "personal addresses alone"),
    ],
)
def test_the_primary_company_of_a_gaggle_is_the_first_by_the_rules(gaggles, gaggle, company, rule):
    assert gaggles[gaggle]["corporate_email"] == company, rule


def test_every_company_of_a_gaggle_is_counted_and_listed(companies, gaggles):
    assert gaggles["g3"]["number_of_corporate_domains"] == 2
    facts = companies.by("marts.gaggle_domain_facts", "gaggle_id", "corporate_email")
    assert facts["g3", "big.com"]["is_primary"] is False
    assert facts["g3", "big.com"]["number_of_events_corporate"] == 3
    assert facts["g3", "small.com"]["is_primary"] is True


def test_companies_are_the_domains_of_people_after_merging(accounts):
    assert sorted(accounts) == sorted(
        f"{name}.com"
        for name in ("big", "small", "alpha", "beta", "gamma", "delta", "zeta", "eta", "lone")
    )


def test_a_companys_own_people_are_counted_wherever_they_are(accounts):
    big = accounts["big.com"]
    # 101, 102, 104 (in a gaggle of small.com) and 117 (merged domain)
    assert columns(
        big,
        "number_of_users_corporate",
        "number_of_events_corporate",
        "number_of_orders_corporate",
        "number_of_gaggles",
    ) == (4, 3 + 3 + 3 + 3, 4, 2)


def test_associated_people_are_the_own_and_the_gaggles_guests_each_once(accounts):
    big, small = accounts["big.com"], accounts["small.com"]
    names = ("number_of_users_associated", "number_of_events_associated")
    assert columns(big, *names) == (5, 12 + 5)  # and 103, a guest in g2
    assert columns(small, *names) == (3, 2 + 3)  # and 104, whose company is big.com
    assert columns(big, "first_event_associated", "most_recent_event_associated") == (at(0), at(22))
    assert columns(small, "first_event_corporate", "first_event_associated") == (at(14), at(11))


def test_a_company_without_a_gaggle_has_its_people_alone(accounts):
    lone = accounts["lone.com"]
    assert columns(lone, "number_of_gaggles", "number_of_users_associated") == (0, 1)
    assert columns(lone, "first_order_associated", "number_of_orders_associated") == (None, 0)


def test_first_user_is_the_earliest_created(accounts):
    assert accounts["big.com"]["first_user_id"] == "102"


def test_most_active_ties_go_to_the_earliest_created(accounts):
    # four people with three events each; 102 is the earliest
    assert accounts["big.com"]["most_active_user_id"] == "102"


def test_most_orders_is_nobody_where_nobody_ordered(accounts):
    assert accounts["big.com"]["most_orders_user_id"] == "102"
    assert accounts["beta.com"]["most_orders_user_id"] is None


def test_deals_count_for_the_company_after_domain_merges(accounts):
    big = accounts["big.com"]
    assert columns(big, "won_deals", "lost_deals", "won_amount") == (3, 1, Decimal("89999.00"))
    assert big["customer_since"] == date(2021, 1, 10)


def test_the_plan_is_that_of_the_newest_won_deal_and_ties_go_to_the_larger(accounts):
    assert accounts["big.com"]["current_plan"] == "Enterprise"


def test_a_deal_whose_name_tells_no_plan_gives_none(accounts):
    assert columns(accounts["lone.com"], "won_deals", "current_plan") == (1, None)


def test_a_company_pays_once_a_won_deal_is_closed_by_the_clock(accounts):
    paying = {name for name, row in accounts.items() if row["is_paying"]}
    # small.com's deal closes on the day after the clock
    assert paying == {"big.com", "lone.com"}
    assert accounts["small.com"]["won_deals"] == 1


def test_an_open_deal_counts_neither_as_won_nor_as_lost(accounts):
    assert columns(accounts["alpha.com"], "won_deals", "lost_deals", "won_amount") == (0, 0, 0)


def test_upgrade_candidates_are_gaggles_of_personal_addresses_ranked_by_activity(companies):
    ranked = companies.rows("select * from marts.upgrade_candidates order by upgrade_rank")
    # g4 and g5 have one order each, g4 more events; `nowhere` did nothing
    assert [(row["upgrade_rank"], row["gaggle_id"]) for row in ranked] == [
        (1, "g4"),
        (2, "g5"),
        (3, "nowhere"),
    ]
    counts = ("number_of_users", "number_of_events", "number_of_orders")
    assert columns(ranked[0], *counts) == (2, 2, 1)


def test_a_domain_that_the_config_calls_personal_is_no_company(tmp_path):
    rules = Rules(domains=DomainRules(personal=("Big.com ",)))
    world = World(tmp_path, rules=rules).write(
        raw_user=COMPANY_USERS,
        raw_gaggle=COMPANY_GAGGLES,
        merged_company_domain="old_domain,new_domain\noldbig.com,big.com",
    )
    world.build()
    assert "big.com" not in world.by("marts.corporate_accounts", "corporate_email")
    assert world.by("marts.contacts", "user_id")["101"]["corporate_email"] is None
    assert world.by("marts.gaggle_facts", "gaggle_id")["g2"]["corporate_email"] is None
    refused = world.rows("select outcome, outcome_reason from identity.merge_journal")
    assert refused == [{"outcome": "refused", "outcome_reason": "personal_domain"}]
