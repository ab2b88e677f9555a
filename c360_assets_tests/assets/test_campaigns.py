"""Whom campaigns reached and what came of it, against the same rules written out in Python."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from scipy import stats

from c360_assets import contracts
from c360_assets.assets.published import published_tables
from c360_assets.contracts import Table
from c360_assets.customer_rules import CampaignRules
from c360_assets.settings import Rules, Settings
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.publish import current_database, publish
from c360_assets_tests.pipeline import World, columns

pytestmark = pytest.mark.xdist_group("campaigns")

PRINTED = "1111113001034507"
TARGETED = "VW_TARGETED_AND_EXCLUDED_CUSTOMERS_V1_2"
SCHEDULED = "VW_SCHEDULED_CAMPAIGNS_V1_2"
CAMPAIGN_HEADER = (
    "plan_id,plan_detail_id,campaign_action_id,campaign_action_name,target_group_id,"
    "target_group_name,channel_id,channel_name,template_name,promotion_id,tag_names,"
    "campaign_type,execution_start_date,execution_end_date"
)
TARGET_HEADER = (
    "execution_date,user_id,plan_id,plan_detail_id,exclusion_reason_id,exclusion_reason,"
    "last_updated_time"
)
# p2 recurs until the 15th; the others are executed once
CAMPAIGNS = f"""
    {CAMPAIGN_HEADER}
    p1,d10,1,DN,g1,New,,,,,t,1,2021-03-01,
    p1,d11,11,Kit,g1,New,2,Email,kit,half,t,1,2021-03-01,
    p2,d20,1,DN,g2,Loyal,,,,,t,2,2021-03-01,2021-03-15
    p2,d21,12,Recipe,g2,Loyal,2,Email,recipe,,t,2,2021-03-01,2021-03-15
    p3,d31,13,Ship,g3,Lost,3,SMS,ship,,t,1,2021-03-08,
    p10,d101,13,Ship,g3,Lost,3,SMS,ship,,t,1,2021-03-08,
"""


def users(*ids: str) -> str:
    lines = [f"{each},N,{each}@company.com,2021-01-01" for each in ids]
    return "\n".join(["id,name,email,created_at", *lines])


def small(folder: Path, targets: str, **more: str) -> World:
    """A world of nine users and the campaigns above, with these rows of raw_campaign_target."""
    lines = [TARGET_HEADER, *(line.strip() for line in targets.strip().splitlines())]
    tables = {
        "raw_user": users(*"123456789"),
        "raw_campaign": CAMPAIGNS,
        "raw_campaign_target": "\n".join(lines),
        "raw_order": "order_id,user_id,created_at,order_cost\no1,1,2021-04-30 12:00:00,10",
    }
    return World(folder).write(**(tables | more)).build_everything()


# --- whom a campaign reached ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    return small(
        tmp_path_factory.mktemp("told"),
        """
        2021-03-01,1,p1,d11,,,2021-03-01 08:00:00
        2021-03-01,2,p1,d10,,,2021-03-01 08:00:00
        2021-03-01,3,p1,,3,Unsubscribed,2021-03-01 08:00:00
        2021-03-01,4,p2,d21,,,2021-03-01 08:00:00
        2021-03-08,4,p1,,1,Lower priority,2021-03-08 08:00:00
        2021-03-01,5,p1,d11,,,2021-03-01 08:00:00
        2021-03-08,5,p2,,1,Lower priority,2021-03-08 08:00:00
        2021-03-01,6,p2,d20,,,2021-03-01 08:00:00
        2021-03-08,6,p10,d101,,,2021-03-08 08:00:00
        2021-03-08,6,p3,d31,,,2021-03-08 08:00:00
        2021-03-08,6,p1,,1,,2021-03-08 08:00:00
        2021-03-16,6,p3,,1,Lower priority,2021-03-16 08:00:00
        2021-03-08,7,p1,,,,2021-03-08 08:00:00
        2021-03-08,7,p2,d20,,,2021-03-08 08:00:00
        2021-03-01,8,p9,d91,,,2021-03-01 08:00:00
        2021-03-01,9,p1,d10,2,Limit,2021-03-01 08:00:00
        2021-03-01,9,p2,,9,,2021-03-01 08:00:00
        """,
    )


def row(world: World, user: str, plan: str, day: int) -> dict[str, Any]:
    """The one row of that view."""
    found = world.rows(
        f"select * from {TARGETED} where CLIENT_CUSTOMER_ID = ? and PLAN_ID = ?"
        " and EXECUTION_DATE = ?",
        user,
        plan,
        date(2021, 3, day),
    )
    assert len(found) == 1
    return found[0]


def test_a_targeted_customer_has_an_action_and_no_reason(told):
    found = row(told, "1", "p1", 1)
    names = ("PLAN_DETAIL_ID", "CAMPAIGN_ACTION_ID", "CAMPAIGN_ACTION_NAME")
    assert columns(found, *names) == ("d11", "11", "Kit")
    assert columns(found, "EXCLUSION_REASON", "EXCLUSION_REASON_DESC") == (None, None)
    assert found["LAST_UPDATED_TIME"] == datetime(2021, 3, 1, 8)


def test_the_control_group_is_targeted_with_the_action_that_sends_nothing(told):
    found = row(told, "2", "p1", 1)
    assert columns(found, "PLAN_DETAIL_ID", "CAMPAIGN_ACTION_ID") == ("d10", "1")
    assert found["CAMPAIGN_ACTION_NAME"] == "DN"
    kept = told.by("marts.campaign_targets", "user_id", "plan_id", "execution_date")
    assert kept["2", "p1", date(2021, 3, 1)]["is_control"] is True
    assert kept["1", "p1", date(2021, 3, 1)]["is_control"] is False


def test_an_excluded_customer_has_a_reason_and_no_action(told):
    found = row(told, "3", "p1", 1)
    assert columns(found, "PLAN_DETAIL_ID", "CAMPAIGN_ACTION_ID") == (None, None)
    assert columns(found, "EXCLUSION_REASON_ID", "EXCLUSION_REASON") == ("3", "Unsubscribed")
    assert found["EXCLUSION_REASON_DESC"] == (
        "Left out of campaign p1 on 2021-03-01: Unsubscribed."
    )


@pytest.mark.parametrize(
    ("user", "plan", "day", "taken_from"),
    [
        ("4", "p1", 8, "p2"),  # reached a week before by a campaign that goes on until the 15th
        ("5", "p2", 8, None),  # p1 was executed once, and before
        ("6", "p1", 8, "p3"),  # on the very day before what goes on; p3 comes before p10
        ("6", "p3", 16, None),  # p2 had ended the day before
        ("7", "p1", 8, "p2"),  # no reason given: a control group takes customers, too
        ("3", "p1", 1, None),  # an unsubscription is no campaign's doing
        ("9", "p2", 1, None),  # nor is a reason of another id, whatever else reached them
        ("1", "p1", 1, None),  # targeted
    ],
)
def test_an_excluded_customer_was_taken_by_the_campaign_that_had_them(
    told, user, plan, day, taken_from
):
    assert row(told, user, plan, day)["TAKEN_FROM_PLAN_ID"] == taken_from


def test_the_sentence_names_the_campaign_that_took_the_customer(told):
    assert row(told, "4", "p1", 8)["EXCLUSION_REASON_DESC"] == (
        "Left out of campaign p1 on 2021-03-08, having been reached by campaign p2 on 2021-03-01:"
        " Lower priority."
    )
    assert row(told, "6", "p1", 8)["EXCLUSION_REASON_DESC"].endswith(": reason 1.")
    assert row(told, "7", "p1", 8)["EXCLUSION_REASON_DESC"].endswith(
        ": the source gives no reason."
    )


def test_a_campaign_that_is_nowhere_described_keeps_its_rows_without_names(told):
    found = row(told, "8", "p9", 1)
    assert columns(found, "PLAN_DETAIL_ID", "CAMPAIGN_ACTION_NAME") == ("d91", None)
    assert told.rows("select * from marts.campaign_impact where plan_id = 'p9'") == []


def test_a_row_with_an_action_and_a_reason_counts_as_targeted_and_keeps_both(told):
    found = row(told, "9", "p1", 1)
    assert columns(found, "PLAN_DETAIL_ID", "EXCLUSION_REASON") == ("d10", "Limit")
    assert found["EXCLUSION_REASON_DESC"] is None


def test_the_stage_is_that_of_the_profile_of_the_day(told):
    found = told.rows(
        f"select t.LIFECYCLE_STAGE as told, p.LIFECYCLE_STAGE as profiled from {TARGETED} as t"
        " left join marts.customer_profiles as p on p.client_customer_id = t.CLIENT_CUSTOMER_ID"
        " and p.profile_date = t.EXECUTION_DATE"
    )
    assert len(found) == 17
    assert all(each["told"] == each["profiled"] for each in found)


def test_the_schedule_has_every_action_of_every_campaign_once(told):
    found = told.by(SCHEDULED, "PLAN_ID", "PLAN_DETAIL_ID")
    assert len(found) == 6
    recipe = found["p2", "d21"]
    assert recipe == {
        "PLAN_ID": "p2",
        "PLAN_DETAIL_ID": "d21",
        "TARGET_GROUP_ID": "g2",
        "TARGET_GROUP_NAME": "Loyal",
        "CAMPAIGN_ACTION_ID": "12",
        "CAMPAIGN_ACTION_NAME": "Recipe",
        "CAMPAIGN_TYPE": "2",
        "CHANNEL_ID": "2",
        "CHANNEL_NAME": "Email",
        "TEMPLATE_NAME": "recipe",
        "PROMOTION_ID": None,
        "TAG_NAMES": "t",
        "EXECUTION_START_DATE": date(2021, 3, 1),
        "EXECUTION_END_DATE": date(2021, 3, 15),
    }


def test_the_reasons_that_name_another_campaign_are_those_of_the_config(tmp_path):
    rules = Rules(campaigns=CampaignRules(priority_reason_ids=("77",)))
    lines = [
        TARGET_HEADER,
        "2021-03-08,1,p1,,1,Other,2021-03-08",
        "2021-03-08,1,p3,,77,Lower priority,2021-03-08",
        "2021-03-08,1,p2,d21,,,2021-03-08",
    ]
    built = World(tmp_path, rules=rules).write(
        raw_user=users("1"), raw_campaign=CAMPAIGNS, raw_campaign_target="\n".join(lines)
    )
    found = built.build_everything().by("marts.campaign_targets", "plan_id")
    assert found["p3"]["taken_from_plan_id"] == "p2"
    assert found["p1"]["taken_from_plan_id"] is None


# --- several accounts of one person --------------------------------------------------------------

SAME_DAY = """
    2021-03-01,1,p1,d10,,,2021-03-01 09:00:00
    2021-03-01,2,p1,d11,,,2021-03-01 08:00:00
    2021-03-01,3,p2,,1,Lower priority,2021-03-01 09:00:00
    2021-03-01,4,p2,d20,,,2021-03-01 08:00:00
    2021-03-01,5,p2,d21,,,2021-03-01 08:00:00
    2021-03-01,6,p2,d21,,,2021-03-01 09:00:00
    2021-03-01,7,p2,d20,,,2021-03-01 07:00:00
    2021-03-01,7,p2,d20,,,2021-03-01 08:00:00
"""


def test_a_merged_away_account_s_campaign_is_the_contact_s(tmp_path):
    merges = """
        old_email,new_email
        1@company.com,2@company.com
        3@company.com,4@company.com
        5@company.com,6@company.com
    """
    built = small(tmp_path, SAME_DAY, merged_user=merges)
    kept = built.by("marts.campaign_targets", "user_id")
    assert set(kept) == {"2", "4", "6", "7"}
    assert kept["2"]["plan_detail_id"] == "d11", "what was sent counts, not what was withheld"
    assert kept["4"]["plan_detail_id"] == "d20", "reached counts, not excluded"
    assert kept["6"]["last_updated_time"] == datetime(2021, 3, 1, 9), "the contact's own account"
    assert kept["7"]["last_updated_time"] == datetime(2021, 3, 1, 8), "of one account the last"
    assert {user: found["number_of_rows"] for user, found in kept.items()} == {
        **dict.fromkeys("2467", 2)
    }
    groups = built.by("marts.campaign_groups", "plan_id", "plan_detail_id")
    assert {key: found["customers"] for key, found in groups.items()} == {
        ("p1", "d11"): 1,
        ("p2", "d20"): 2,
        ("p2", "d21"): 1,
    }


# --- against the rules in Python -----------------------------------------------------------------

START = date(2021, 3, 1)
AS_OF = datetime(2021, 4, 1)
WINDOW = 10
SCHEDULES = {"p1": None, "p2": date(2021, 3, 15), "p3": None, "p10": date(2021, 3, 25)}
STARTS = {"p1": date(2021, 3, 1), "p2": date(2021, 3, 2), "p3": date(2021, 3, 8)}
STARTS["p10"] = date(2021, 3, 10)
DETAILS = {plan: [f"{plan}-0", f"{plan}-1", f"{plan}-2"] for plan in SCHEDULES}
MERGED = {"u0": "u1", "u2": "u3", "u3": "u4", "u10": "u9"}


def contact(user: str) -> str:
    while user in MERGED:
        user = MERGED[user]
    return user


def random_targets() -> list[dict[str, Any]]:
    """Rows on few days, so that several reach the same person on the same day."""
    draw = random.Random(5)
    found = {}
    for number in range(900):
        plan = draw.choice(list(SCHEDULES))
        user, day = f"u{draw.randrange(60)}", START + timedelta(days=draw.randrange(27))
        out = draw.random() < 0.3
        reason = draw.choice(["1", "1", "2", ""]) if out else ""
        found[user, plan, day] = {
            "day": day,
            "user": user,
            "plan": plan,
            "detail": "" if out else draw.choice(DETAILS[plan]),
            "reason": reason,
            "updated": datetime(2021, 3, 28) + timedelta(minutes=number),
        }
    return list(found.values())


def random_orders() -> list[tuple[str, datetime, Decimal]]:
    draw = random.Random(6)
    return [
        (
            f"u{draw.randrange(60)}",
            datetime(2021, 2, 25) + timedelta(minutes=draw.randrange(45 * 1440)),
            Decimal(draw.randrange(100, 9999)) / 100,
        )
        for _ in range(500)
    ]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> World:
    rules = Rules(campaigns=CampaignRules(window_days=WINDOW, min_group_size=5))
    campaigns = [CAMPAIGN_HEADER]
    for plan, details in DETAILS.items():
        for place, detail in enumerate(details):
            action = "1,DN" if place == 0 else f"1{place},Action {place}"
            end = SCHEDULES[plan] or ""
            campaigns.append(f"{plan},{detail},{action},g,G,,,,,,1,{STARTS[plan]},{end}")
    targets = [TARGET_HEADER] + [
        f"{t['day']},{t['user']},{t['plan']},{t['detail']},{t['reason']},,{t['updated']}"
        for t in random_targets()
    ]
    orders = ["order_id,user_id,created_at,order_cost"] + [
        f"o{n},{user},{at},{cost}" for n, (user, at, cost) in enumerate(random_orders())
    ]
    merges = [f"{old}@company.com,{new}@company.com" for old, new in MERGED.items()]
    world = World(tmp_path_factory.mktemp("drawn"), as_of=AS_OF.isoformat(), rules=rules)
    return world.write(
        raw_user=users(*(f"u{n}" for n in range(60))),
        raw_campaign="\n".join(campaigns),
        raw_campaign_target="\n".join(targets),
        raw_order="\n".join(orders),
        merged_user="\n".join(["old_email,new_email", *merges]),
    ).build_everything()


def expected_rows() -> dict[tuple[str, str, date], dict[str, Any]]:
    """One row per contact, campaign and day: sent before withheld before excluded, then own."""

    def rank(target: dict[str, Any]) -> tuple[Any, ...]:
        kind = 3 if not target["detail"] else 2 if target["detail"].endswith("-0") else 1
        own = contact(target["user"]) == target["user"]
        return kind, not own, -target["updated"].timestamp()

    found = defaultdict(list)
    for target in random_targets():
        found[contact(target["user"]), target["plan"], target["day"]].append(target)
    return {key: min(rows, key=rank) for key, rows in found.items()}


def expected_taker(key: tuple[str, str, date], rows: dict) -> str | None:
    user, plan, day = key
    if rows[key]["detail"] or rows[key]["reason"] not in ("1", ""):
        return None
    takers = []
    for (other, taker, reached), target in rows.items():
        if other != user or taker == plan or not target["detail"]:
            continue
        goes_on = SCHEDULES[taker] is not None and STARTS[taker] <= day <= SCHEDULES[taker]
        if reached == day or (reached < day and goes_on):
            takers.append((reached, -len(taker), taker))
    if not takers:
        return None
    last = max(reached for reached, _, _ in takers)
    return min((t for r, _, t in takers if r == last), key=lambda t: (len(t), t))


def test_the_rows_and_who_took_whom_are_as_the_rules_say(drawn):
    rows = expected_rows()
    found = drawn.by("marts.campaign_targets", "user_id", "plan_id", "execution_date")
    assert {key: each["plan_detail_id"] or "" for key, each in found.items()} == {
        key: each["detail"] for key, each in rows.items()
    }
    assert {key: each["last_updated_time"] for key, each in found.items()} == {
        key: each["updated"] for key, each in rows.items()
    }
    taken = {key: each["taken_from_plan_id"] for key, each in found.items()}
    assert taken == {key: expected_taker(key, rows) for key in rows}
    assert sum(value is not None for value in taken.values()) > 30, "or nothing was tested"
    assert any(each["number_of_rows"] > 1 for each in found.values())


def expected_windows() -> dict[str, dict[str, list[tuple[int, Decimal]]]]:
    """Per campaign and first action: orders and money of each customer whose window is over."""
    bought = defaultdict(list)
    for user, at, cost in random_orders():
        bought[contact(user)].append((at, cost))
    first: dict[tuple[str, str], tuple[date, str]] = {}
    for (user, plan, day), target in expected_rows().items():
        known = first.get((user, plan))
        if target["detail"] and (known is None or day < known[0]):
            first[user, plan] = (day, target["detail"])
    found: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for (user, plan), (day, detail) in first.items():
        start = datetime(day.year, day.month, day.day)
        end = start + timedelta(days=WINDOW)
        if end <= AS_OF:
            mine = [cost for at, cost in bought[user] if start <= at < end]
            found[plan][detail].append((len(mine), sum(mine, Decimal(0))))
    return found


def test_the_impact_is_what_scipy_makes_of_the_windows_of_each_customer(drawn):
    found = drawn.by("marts.campaign_impact", "plan_id", "treatment")
    compared = 0
    for plan, details in expected_windows().items():
        control = details[f"{plan}-0"]
        sides = {detail: details[detail] for detail in DETAILS[plan][1:]}
        sides["all"] = [each for detail in DETAILS[plan][1:] for each in details[detail]]
        for treatment, treated in sides.items():
            each = found[plan, treatment]
            assert each["customers_treated"] == len(treated)
            assert each["customers_control"] == len(control)
            assert each["revenue_treated"] == sum((m for _, m in treated), Decimal(0))
            for name, place in (("orders", 0), ("revenue", 1)):
                pair = [[float(v[place]) for v in side] for side in (treated, control)]
                test = stats.ttest_ind(*pair, equal_var=False)
                low, high = test.confidence_interval(0.95)
                assert each[f"{name}_uplift"] == pytest.approx(
                    sum(pair[0]) / len(treated) - sum(pair[1]) / len(control)
                )
                ends = (each[f"{name}_uplift_low"], each[f"{name}_uplift_high"])
                assert ends == pytest.approx((low, high))
                assert each[f"{name}_p_value"] == pytest.approx(test.pvalue)
            rates = [sum(n > 0 for n, _ in side) / len(side) for side in (treated, control)]
            assert each["order_rate_treated"] == pytest.approx(rates[0])
            assert each["order_rate_uplift"] == pytest.approx(rates[0] - rates[1])
            compared += 1
    assert compared == 12


def test_a_campaign_counts_the_windows_that_are_over_by_the_clock(drawn):
    found = drawn.by("marts.campaign_impact", "plan_id", "treatment")
    pending = {key: each["customers_pending"] for key, each in found.items()}
    assert any(pending.values())
    assert all(found[key]["is_complete"] == (count == 0) for key, count in pending.items())


@pytest.mark.parametrize(("as_of", "counted"), [("2021-03-15T00:00:00", 1), ("2021-03-14", 0)])
def test_a_window_is_over_when_its_last_day_is(tmp_path, as_of, counted):
    built = World(tmp_path, as_of=as_of).write(
        raw_user=users("1", "2"),
        raw_campaign=CAMPAIGNS,
        raw_campaign_target=f"{TARGET_HEADER}\n2021-03-01,1,p1,d11,,,2021-03-01",
        raw_order="""
            order_id,user_id,created_at,order_cost
            before,1,2021-02-28 23:59:59,1
            first,1,2021-03-01 00:00:00,2
            last,1,2021-03-14 23:59:59,4
            after,1,2021-03-15 00:00:00,8
        """,
    )
    found = built.build_everything().by("marts.campaign_groups", "plan_detail_id")["d11"]
    assert (found["customers"], found["customers_pending"]) == (counted, 1 - counted)
    assert (found["orders"], found["revenue"]) == (2 * counted, 6 * counted)


def test_orders_without_amounts_leave_money_unknown(tmp_path):
    built = World(tmp_path, as_of="2021-05-01").write(
        raw_user=users("1", "2"),
        raw_event="event_id,user_id,event_name,timestamp\n1,1,order_placed,2021-03-02",
        raw_campaign=CAMPAIGNS,
        raw_campaign_target=f"{TARGET_HEADER}\n2021-03-01,1,p1,d11,,,\n2021-03-01,2,p1,d10,,,",
    )
    found = built.build_everything().by("marts.campaign_groups", "plan_detail_id")
    names = ("orders", "revenue", "revenue_per_customer")
    assert columns(found["d11"], *names) == (1, None, None)
    assert columns(found["d10"], *names) == (0, 0, 0)


def test_without_campaigns_the_views_and_tables_are_there_and_empty(tmp_path):
    built = World(tmp_path).write(raw_user=users("1")).build_everything()
    for name in (TARGETED, SCHEDULED, "marts.campaign_groups", "marts.campaign_impact"):
        assert built.rows(f"select * from {name}") == []


# --- the statements of the guide -----------------------------------------------------------------

# The first two and the last are printed in Optimove's pages on Customer 360 and on control groups,
# but for the customer, the streams and the columns that a source cannot have; the others are what
# their text says in words.
STATEMENTS = {
    "schedule": "SELECT * FROM VW_SCHEDULED_CAMPAIGNS_V1_2 LIMIT 10;",
    "customer": f"""
        SELECT *
        FROM VW_TARGETED_AND_EXCLUDED_CUSTOMERS_V1_2
        WHERE CLIENT_CUSTOMER_ID = '{PRINTED}'
        LIMIT 100;
    """,
    "lower case": f"""
        select * from VW_TARGETED_AND_EXCLUDED_CUSTOMERS_V1_2
        where CLIENT_CUSTOMER_ID = '{PRINTED}'
    """,
    "campaigns sent to a customer": f"""
        SELECT
            TAEC.EXECUTION_DATE,
            TAEC.CLIENT_CUSTOMER_ID,
            SC12.PLAN_ID,
            SC12.PLAN_DETAIL_ID,
            SC12.TARGET_GROUP_NAME,
            SC12.CAMPAIGN_ACTION_NAME,
            SC12.CHANNEL_NAME,
            SC12.TEMPLATE_NAME
        FROM
            VW_SCHEDULED_CAMPAIGNS_V1_2 AS SC12
        INNER JOIN
            VW_TARGETED_AND_EXCLUDED_CUSTOMERS_V1_2 AS TAEC
        ON
            SC12.PLAN_ID = TAEC.PLAN_ID
            AND SC12.PLAN_DETAIL_ID = TAEC.PLAN_DETAIL_ID
        WHERE
            TAEC.CLIENT_CUSTOMER_ID = '{PRINTED}'
        ORDER BY TAEC.EXECUTION_DATE DESC;
    """,
    "control groups": """
        SELECT
            PLAN_ID,
            PLAN_DETAIL_ID,
            TARGET_GROUP_ID,
            TARGET_GROUP_NAME,
            CAMPAIGN_ACTION_ID,
            CAMPAIGN_ACTION_NAME,
            CAMPAIGN_TYPE
        FROM
            VW_SCHEDULED_CAMPAIGNS_V1_2
        WHERE
            CAMPAIGN_ACTION_ID = 1
            AND CAMPAIGN_ACTION_NAME = 'DN'
            AND CAMPAIGN_TYPE <> 4
    """,
}


def published(settings: Settings, tables: list[Table]) -> Path:
    """Publish these tables and give the path of the copy."""
    with Warehouse(database=str(settings.warehouse_path)).reading() as connection:
        publish(connection, tables, settings.published_dir, "test", datetime(2021, 5, 1))
    return current_database(settings.published_dir)


def answers(path: Path) -> dict[str, list[tuple]]:
    """What each statement gives there, in a fixed order."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            name: sorted(connection.execute(statement).fetchall(), key=repr)
            for name, statement in STATEMENTS.items()
        }


def test_the_statements_of_the_guide_give_the_same_on_warehouse_and_copy(tmp_path):
    built = World(tmp_path).write(
        raw_user=users(PRINTED, "2"),
        raw_campaign=CAMPAIGNS,
        raw_campaign_target=f"""
            {TARGET_HEADER}
            2021-03-01,{PRINTED},p1,d11,,,2021-03-01
            2021-03-08,{PRINTED},p2,,1,Lower priority,2021-03-08
            2021-03-08,{PRINTED},p3,d31,,,2021-03-08
            2021-03-08,2,p3,d31,,,2021-03-08
        """,
    )
    settings = built.build_everything().settings
    tables = [
        table
        for table in published_tables()
        if table.asset in ("campaign_targets", "campaign_impact", "stg_campaigns")
    ]
    there = answers(published(settings, tables))
    assert there == answers(settings.warehouse_path)
    assert {name: len(rows) for name, rows in there.items()} == {
        "schedule": 6,
        "customer": 3,
        "lower case": 3,
        "campaigns sent to a customer": 2,
        "control groups": 2,
    }


def test_the_views_have_the_columns_of_the_guide_in_its_order():
    assert contracts.table(TARGETED).column_names == (
        *("EXECUTION_DATE", "CLIENT_CUSTOMER_ID", "LIFECYCLE_STAGE", "PLAN_ID"),
        *("PLAN_DETAIL_ID", "CAMPAIGN_ACTION_ID", "CAMPAIGN_ACTION_NAME"),
        *("EXCLUSION_REASON_ID", "EXCLUSION_REASON", "EXCLUSION_REASON_DESC"),
        *("TAKEN_FROM_PLAN_ID", "LAST_UPDATED_TIME"),
    )
