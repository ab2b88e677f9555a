"""Campaigns: whom they reached, what they were, and what came of them."""

from __future__ import annotations

import dagster as dg
import pandas as pd

from c360_assets import contracts
from c360_assets.assets.claims import Claim
from c360_assets.assets.shell import (
    Body,
    Outcome,
    Step,
    claims_beside,
    deps_of,
    replaced,
    table_asset,
)
from c360_assets.customers.uplift import impact_of_campaigns
from c360_assets.settings import Settings
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.session import fetch_dicts
from c360_assets.warehouse.tables import replace_rows, replace_table

IMPACT = contracts.table("campaign_impact")
GROUPS = contracts.table("campaign_groups")
TARGETED = "VW_TARGETED_AND_EXCLUDED_CUSTOMERS_V1_2"
SCHEDULED = "VW_SCHEDULED_CAMPAIGNS_V1_2"

CLAIMS: dict[str, tuple[Claim, ...]] = {
    "campaign_targets": (
        Claim(
            "rows_of_the_source_are_conserved",
            "Every staged row that names a customer and a campaign stands behind one row here.",
            """
            select * from (
                select
                    (select count(*) from staging.stg_campaign_targets) as staged,
                    (select coalesce(sum(number_of_rows), 0) from marts.campaign_targets) as shown
            ) as counts
            where staged <> shown
            """,
        ),
        Claim(
            "every_campaign_is_known",
            "raw_campaign names every campaign, and every action within it, that was given.",
            """
            select t.* from marts.campaign_targets as t
            left join staging.stg_campaigns as c
                on c.plan_id = t.plan_id
                and c.plan_detail_id = coalesce(t.plan_detail_id, c.plan_detail_id)
            where c.plan_id is null
            """,
            is_blocking=False,
        ),
        Claim(
            "customers_are_either_targeted_or_excluded_for_a_reason",
            "A row has an action or a reason of exclusion, and never both or neither.",
            """
            select * from staging.stg_campaign_targets
            where (plan_detail_id is null)
                = (exclusion_reason_id is null and exclusion_reason is null)
            """,
            is_blocking=False,
        ),
        Claim(
            "control_actions_have_the_name_and_the_id_of_one",
            "An action has the control group's id if and only if it has its name (c360.toml).",
            """
            select c.* from staging.stg_campaigns as c
            cross join ops.campaign_rules as r
            where coalesce(c.campaign_action_id = r.control_action_id, false)
                <> coalesce(c.campaign_action_name = r.control_action_name, false)
            """,
            is_blocking=False,
        ),
    ),
    "campaign_impact": (
        Claim(
            "every_customer_of_a_campaign_is_in_one_group",
            "Each contact that a known action reached is counted once in each campaign.",
            """
            select * from (
                select
                    (select count(*) from (
                        select distinct user_id, plan_id from marts.campaign_targets
                        where is_control is not null
                    ) as reached) as customers_reached,
                    (select coalesce(sum(customers + customers_pending), 0)
                     from marts.campaign_groups) as customers_counted
            ) as counts
            where customers_reached <> customers_counted
            """,
        ),
        Claim(
            "uplifts_lie_in_their_intervals",
            "Every difference lies between the ends of its interval, and p-values are shares.",
            """
            select * from marts.campaign_impact
            where not (
                coalesce(order_rate_uplift between order_rate_uplift_low
                    and order_rate_uplift_high, true)
                and coalesce(orders_uplift between orders_uplift_low and orders_uplift_high, true)
                and coalesce(revenue_uplift between revenue_uplift_low
                    and revenue_uplift_high, true)
                and coalesce(order_rate_p_value between 0 and 1, true)
                and coalesce(orders_p_value between 0 and 1, true)
                and coalesce(revenue_p_value between 0 and 1, true)
            )
            """,
        ),
        Claim(
            "a_figure_or_the_reason_why_there_is_none",
            "Uplifts are null exactly where a reason is given.",
            """
            select * from marts.campaign_impact
            where (orders_uplift is null) <> (orders_reason is not null)
                or (revenue_uplift is null) <> (revenue_reason is not null)
            """,
        ),
    ),
}


def measure_impact(step: Step) -> Outcome:
    """Count the groups of every campaign in the engine, and compare them with their control."""
    replace_table(step.connection, GROUPS, query(GROUPS.qualified_name))
    groups = fetch_dicts(step.connection, f"select * from {GROUPS.qualified_name}")
    rules = step.settings.rules.campaigns
    rows = impact_of_campaigns(groups, rules)
    replace_rows(step.connection, IMPACT, pd.DataFrame(rows, columns=list(IMPACT.column_names)))
    return Outcome({"measured": sum(row["orders_reason"] is None for row in rows)})


# by asset, in the order in which they run
BODIES: dict[str, Body] = {
    "campaign_targets": replaced("campaign_targets", TARGETED, SCHEDULED),
    "campaign_impact": measure_impact,
}
DEPS = {
    "campaign_targets": deps_of(contracts.table("campaign_targets")),
    "campaign_impact": deps_of(GROUPS),
}


def build_campaign_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset for each body, with the claims on all the tables that it writes."""
    return [_asset(settings, name, body) for name, body in BODIES.items()]


def _asset(settings: Settings, name: str, body: Body) -> dg.AssetsDefinition:
    table = contracts.table(name)
    beside = claims_beside(table)
    return table_asset(settings, table, body, CLAIMS[name], deps=DEPS[name], beside=beside)
