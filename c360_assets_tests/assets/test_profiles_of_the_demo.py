"""The statements of Optimove's guide, as it prints them, on the demo and on its published copy."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from c360_assets.settings import Settings
from c360_assets.warehouse.publish import current_database
from c360_assets_tests.pipeline import World

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("built_demo")]

PRINTED = "1111113001034507"
STATEMENTS = (
    "SELECT * FROM CUSTOMER_PROFILES LIMIT 10;",
    "SELECT * FROM VW_CUSTOMER_PROFILE_FIELDS_V1_2;",
    "SELECT * FROM VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES;",
    "SELECT * FROM VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES"
    " WHERE CLIENT_CUSTOMER_ID = '1111113001034507' LIMIT 100;",
)
KPIS = (
    *("PROFILE_DATE", "CLIENT_CUSTOMER_ID", "NUMBEROFCAMPAIGNS_1M"),
    *("ECOM_TOTAL_GROSS_SALES_AMOUNT_1M", "ECOM_TOTAL_NET_SALES_AMOUNT_1M"),
    *("ECOM_TOTAL_REFUND_AMOUNT_1M", "ECOM_NUMBER_OF_ORDER_DAYS_1M", "ECOM_NUMBER_OF_ORDERS_1M"),
)
KPI_STATEMENT = f"""SELECT {", ".join(KPIS)}
FROM VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES WHERE CLIENT_CUSTOMER_ID = '1111113001034507'"""


@pytest.fixture
def demo(built_demo: World) -> Settings:
    """The demo, which has the customer of the guide."""
    return built_demo.settings


def paths(settings: Settings) -> tuple[Path, Path]:
    return settings.warehouse_path, current_database(settings.published_dir)


def rows(path: Path, sql: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(sql)
        names = [name for name, *_ in found.description]
        # half a million profiles are more than a test should hold
        return [dict(zip(names, row, strict=True)) for row in found.fetchmany(1000)]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("which", [0, 1], ids=["warehouse", "published"])
def test_a_statement_of_the_guide_runs_as_it_is_printed(demo, statement, which):
    found = rows(paths(demo)[which], statement)
    assert found
    assert len(found[0]) == 4 if "FIELDS_V1_2" in statement else len(found[0]) > 200
    if "LIMIT 10;" in statement:
        assert len(found) == 10
        assert list(found[0])[:2] == ["PROFILE_DATE", "CLIENT_CUSTOMER_ID"]
    if "LIMIT 100" in statement:
        assert {row["CLIENT_CUSTOMER_ID"] for row in found} == {PRINTED}


def test_the_figures_of_the_guides_customer_are_those_of_its_orders_and_campaigns(demo):
    warehouse, published = paths(demo)
    found = rows(warehouse, KPI_STATEMENT)
    assert sorted(map(repr, found)) == sorted(map(repr, rows(published, KPI_STATEMENT)))
    orders = rows(
        warehouse,
        "select o.* from staging.stg_orders as o"
        " inner join identity.user_identity as i on i.user_id = o.user_id"
        f" where i.contact_user_id = '{PRINTED}'",
    )
    targets = rows(
        warehouse,
        "select distinct t.execution_date, t.plan_id, t.plan_detail_id"
        " from staging.stg_campaign_targets as t"
        " inner join identity.user_identity as i on i.user_id = t.user_id"
        " inner join staging.stg_campaigns as c"
        " on c.plan_id = t.plan_id and c.plan_detail_id = t.plan_detail_id"
        f" where i.contact_user_id = '{PRINTED}' and c.campaign_action_id <> '1'",
    )
    assert found
    for row in found:
        since = row["PROFILE_DATE"] - timedelta(days=29)
        mine = [o for o in orders if since <= o["ordered_at"].date() <= row["PROFILE_DATE"]]
        sent = [t for t in targets if since <= t["execution_date"] <= row["PROFILE_DATE"]]
        refunds = [o["refund_amount"] or 0 for o in mine]
        gross = sum(o["order_cost"] for o in mine)
        assert row == {
            "PROFILE_DATE": row["PROFILE_DATE"],
            "CLIENT_CUSTOMER_ID": PRINTED,
            "NUMBEROFCAMPAIGNS_1M": len(sent),
            "ECOM_TOTAL_GROSS_SALES_AMOUNT_1M": gross,
            "ECOM_TOTAL_NET_SALES_AMOUNT_1M": gross
            - sum(o["promo_discount"] for o in mine)
            - sum(refunds),
            "ECOM_TOTAL_REFUND_AMOUNT_1M": sum(refunds),
            "ECOM_NUMBER_OF_ORDER_DAYS_1M": len({o["ordered_at"].date() for o in mine}),
            "ECOM_NUMBER_OF_ORDERS_1M": len(mine),
        }
    for name in KPIS[2:]:
        assert max(row[name] for row in found) > 0, f"the guide's customer has {name}"


def test_the_numbered_columns_of_the_guides_customer_say_what_the_names_say(demo):
    _, published = paths(demo)
    where = f"where CLIENT_CUSTOMER_ID = '{PRINTED}' order by PROFILE_DATE"
    numbered = rows(published, f"select * from CUSTOMER_PROFILES {where}")
    named = rows(published, f"select * from VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES {where}")
    fields = rows(published, "select * from VW_CUSTOMER_PROFILE_FIELDS_V1_2")
    assert len(numbered) == len(named) > 50
    for by_number, by_name in zip(numbered, named, strict=True):
        for field in fields:
            said, shown = by_name[field["ALIAS_FIELD_NAME"]], by_number[field["FIELD_NAME"]]
            if field["FIELD_NAME"].startswith("STR"):
                assert shown == (None if said is None else str(said))
            else:
                assert shown == (None if said is None else pytest.approx(float(said)))
