"""What the pages of companies and gaggles show, on a small world that was published."""

from datetime import date

import pytest

from c360_assets.ui.copies import Copies, Copy, Order
from c360_assets.ui.data.account import find_account, leads_to, reasons
from c360_assets.ui.data.gaggle import find_gaggle
from c360_assets_tests.pipeline import World

SOURCE = {
    "raw_user": """
        id,name,email,gaggle_id,created_at
        1,Ann First,ann@acme.com,g1,2021-01-01
        2,Bob Busy,bob@acme.com,g1,2021-01-02
        3,Cat Buyer,cat@old-acme.com,g2,2021-01-03
        4,Dan Guest,dan@gmail.com,g1,2021-01-04
        5,Eve Quiet,eve@acme.com,g2,2021-01-05
        6,Fay Other,fay@beta.com,g3,2021-01-06
        7,Gus Alone,gus@gmail.com,g4,2021-01-06
    """,
    "raw_gaggle": """
        id,name,created_at
        g1,One,2021-01-01
        g2,Two,2021-01-01
        g3,Three,2021-01-01
        g4,Four,2021-01-01
    """,
    "raw_event": """
        event_id,user_id,event_name,timestamp
        e1,2,login,2021-03-01 10:00:00
        e2,2,login,2021-03-02 10:00:00
        e3,2,share,2021-03-08 10:00:00
        e4,4,login,2021-03-08 11:00:00
        e5,1,login,2021-03-09 12:00:00
        e6,6,login,2021-03-09 13:00:00
        e7,7,login,2021-03-09 13:00:00
    """,
    "raw_order": """
        order_id,user_id,created_at,order_cost
        o1,3,2021-02-01 10:00:00,10
        o2,3,2021-02-02 10:00:00,30
        o3,6,2021-03-09 10:00:00,5
    """,
    "raw_ticket": """
        ticket_id,email,created_at,subject,status
        t1,eve@acme.com,2021-03-05 13:00:00,Help,open
        t2,bob@acme.com,2021-03-05 13:00:00,Thanks,closed
    """,
    "deals": """
        close_date,amount,deal_name,deal_stage,email
        2021-03-01,"$40,000",Acme - Business Deal,won,ann@acme.com
        2021-03-02,"$1,000",Acme - Team Deal,lost,nobody@old-acme.com
        2021-03-03,"$5",Beta - Team Deal,lost,fay@beta.com
    """,
    "merged_company_domain": "old_domain,new_domain\nold-acme.com,acme.com",
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    # three days after the newest event
    folder, as_of = tmp_path_factory.mktemp("account"), "2021-03-12 13:00:00"
    world = World(folder, as_of=as_of).write(**SOURCE).build_everything()
    world.publish()
    return Copies(world.settings).current()


def test_a_company_tells_its_power_users_by_name_and_all_of_its_domains(copy: Copy) -> None:
    account = find_account(copy, "acme.com")
    assert account is not None
    row = account.row
    assert (row["first_name"], row["active_name"], row["orders_name"]) == (
        *("Ann First", "Bob Busy", "Cat Buyer"),
    )
    assert (row["active_events"], row["orders_orders"]) == (3, 2)
    assert [each["email_domain"] for each in account.domains] == ["acme.com", "old-acme.com"]


def test_only_a_domain_that_was_merged_is_said_to_count_as_the_company(copy: Copy) -> None:
    account = find_account(copy, "acme.com")
    assert account is not None
    assert account.merged("old-acme.com") == "old-acme.com"
    # its own, however written, another's, and words that somebody put into a link
    for text in ("acme.com", "ACME.com", "beta.com", "we were hacked, call 555", ""):
        assert account.merged(text) is None


def test_a_merged_domain_leads_to_its_company_however_it_is_written(copy: Copy) -> None:
    assert find_account(copy, "old-acme.com") is None
    assert leads_to(copy, " Old-ACME.com. ") == "acme.com"
    assert leads_to(copy, "gmail.com") is None
    assert leads_to(copy, "no such") is None


def test_whom_to_call_comes_with_every_ground_and_the_most_grounds_first(copy: Copy) -> None:
    account = find_account(copy, "acme.com")
    assert account is not None
    # orders most and falls away: 3 + 4; open ticket: 4; most active and here this week: 3 + 1, with
    # more events than the one with a ticket; first, and here this week: 1 + 1
    assert [(each["who"], each["grounds"]) for each in account.calls] == [
        *(("Cat Buyer", 7), ("Bob Busy", 4), ("Eve Quiet", 4), ("Ann First", 2)),
    ]
    why = {each["who"]: each["why"] for each in account.calls}
    assert why["Eve Quiet"] == ["1 open ticket, waiting for 7 days"]
    assert why["Bob Busy"] == ["most active here (3 events)", "was here within the last week"]
    assert why["Ann First"][0].startswith("was the first here")
    # from 2 February, 10 o'clock, to the clock
    assert why["Cat Buyer"] == [
        "ordered often, and nothing for 38 days (now Cannot Lose Them)",
        "most orders here (2 orders)",
    ]


def test_who_could_pay_is_said_where_there_is_no_plan_yet(copy: Copy) -> None:
    account = find_account(copy, "beta.com")
    assert account is not None
    assert account.calls[0]["why"][-1] == "the company has no paid plan yet"


def test_who_falls_away_is_said_with_the_days() -> None:
    row = {
        **dict.fromkeys(("is_first", "is_most_active", "is_most_orders", "could_pay"), False),
        **{"is_slipping": True, "days_since_order": 40, "rfm_segment": "At Risk"},
        **{"open_tickets": 0, "waiting_hours": None, "days_since_event": None},
    }
    assert reasons(row) == ["ordered often, and nothing for 40 days (now At Risk)"]


@pytest.mark.parametrize(
    ("is_associated", "people"),
    [
        (False, ["Ann First", "Bob Busy", "Cat Buyer", "Eve Quiet"]),
        (True, ["Ann First", "Bob Busy", "Cat Buyer", "Dan Guest", "Eve Quiet"]),
    ],
)
def test_people_are_those_of_its_address_or_everybody_in_its_gaggles(
    copy: Copy, is_associated: bool, people: list[str]
) -> None:
    order = Order("who", False, ("user_id",))
    found = copy.page(
        "account/people", order, 10, 0, domain="acme.com", is_associated=is_associated
    )
    assert [row["who"] for row in found.rows] == people
    assert found.total == len(people)


def test_deals_are_those_of_all_its_domains_with_their_people(copy: Copy) -> None:
    rows = copy.page("account/deals", Order("close_date"), 10, 0, domain="acme.com").rows
    assert [(row["deal_name"], row["stage"]) for row in rows] == [
        *(("Acme - Business Deal", "won"), ("Acme - Team Deal", "lost")),
    ]
    ann = copy.rows("account/people", domain="acme.com", is_associated=False)
    ids = {row["email"]: row["contact_id"] for row in ann}
    assert [row["contact_id"] for row in rows] == [ids["ann@acme.com"], None]


def test_weeks_add_up_events_and_orders_of_its_people_alone_and_skip_no_quiet_one(
    copy: Copy,
) -> None:
    weeks = copy.rows("activity/weeks", domain="acme.com", gaggle_id=None)
    shown = [
        (row["week"], row["number_of_events"], row["people"], row["number_of_orders"])
        for row in weeks
    ]
    assert shown == [
        (date(2021, 2, 1), 0, 0, 2),
        *((date(2021, 2, day), 0, 0, 0) for day in (8, 15, 22)),
        (date(2021, 3, 1), 2, 1, 0),
        (date(2021, 3, 8), 2, 2, 0),
    ]


def test_a_gaggle_tells_its_company_and_whether_it_might_upgrade(copy: Copy) -> None:
    one, four = find_gaggle(copy, "g1"), find_gaggle(copy, "g4")
    assert one is not None
    assert four is not None
    assert (one["corporate_email"], one["is_paying"], one["upgrade_rank"]) == (
        *("acme.com", True, None),
    )
    assert (four["corporate_email"], four["upgrade_rank"]) == (None, 1)
    assert find_gaggle(copy, "no such") is None


def test_the_weeks_of_a_gaggle_are_those_of_accounts_in_it(copy: Copy) -> None:
    weeks = copy.rows("activity/weeks", domain=None, gaggle_id="g1")
    assert [(row["number_of_events"], row["people"]) for row in weeks] == [(2, 1), (3, 3)]


def test_the_weeks_go_on_to_the_clock_where_people_fell_silent(copy: Copy) -> None:
    weeks = copy.rows("activity/weeks", domain=None, gaggle_id="g2")
    assert [(str(row["week"]), row["number_of_orders"]) for row in weeks][-1] == ("2021-03-08", 0)
    assert copy.rows("activity/weeks", domain="nobody.com", gaggle_id=None) == []
