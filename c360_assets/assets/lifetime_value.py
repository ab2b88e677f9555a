"""What customers are expected to order and to be worth."""

from __future__ import annotations

from typing import Any

import dagster as dg

from c360_assets import contracts
from c360_assets.assets.claims import Claim, contract_claims
from c360_assets.assets.shell import Body, Outcome, Step, table_asset
from c360_assets.customers.lifetime_value.history import update
from c360_assets.errors import WarehouseError
from c360_assets.settings import Settings
from c360_assets.warehouse.session import fetch_dicts
from c360_assets.warehouse.tables import create_empty, require_contract, table_columns

CURRENT = contracts.table("customer_lifetime_value")
HISTORY = contracts.table("lifetime_value_history")
MODELS = contracts.table("lifetime_value_models")
TABLES = (CURRENT, HISTORY, MODELS)
DEPS = ("user_event_days", "stg_orders", "user_identity", "contacts")


def _of_figures(name: str) -> tuple[Claim, ...]:
    """What holds of the figures at the clock as of those of any month."""
    prefix = "" if name == CURRENT.name else f"{name}_"
    horizons = ("expected_orders", "clv")
    falls = " or ".join(f"{h}_30d > {h}_90d or {h}_90d > {h}_365d" for h in horizons)
    unlikely = "probability_alive < 0 or probability_alive > 1 or isnan(probability_alive)"
    mute = " or ".join(
        f"({figure} is null) <> (no_value_reason is not null)"
        for figure in ("clv_30d", "clv_90d", "clv_365d")
    )
    untold = "(probability_alive is null) <> (no_probability_reason is not null)"
    return tuple(
        Claim(
            f"{prefix}{claim}",
            description,
            f"select * from marts.{name} where {breach}",
            measure=f"count(*) filter (where {breach})",
        )
        for claim, description, breach in (
            ("probabilities_are_between_0_and_1", "probability_alive is a probability.", unlikely),
            ("a_value_is_missing_only_with_a_reason", "Without clv there is a reason.", mute),
            (
                "a_probability_is_missing_only_with_a_reason",
                "Without probability_alive there is a reason.",
                untold,
            ),
            ("figures_grow_with_the_horizon", "More days, no fewer orders, no less value.", falls),
        )
    )


CLAIMS: dict[str, tuple[Claim, ...]] = {
    CURRENT.name: (
        Claim(
            "every_ordering_contact_is_scored",
            "Contacts with an order at or before the clock, and they alone, have a row.",
            """
            select coalesce(c.user_id, v.user_id) as user_id, c.first_order, v.scored_at
            from (
                select user_id, first_order from marts.contacts
                where first_order <= (
                    select coalesce(
                        (select max(as_of) from ops.clock),
                        (select max(greatest(most_recent_event, most_recent_order))
                         from staging.user_event_totals)
                    )
                )
            ) as c
            full join marts.customer_lifetime_value as v on v.user_id = c.user_id
            where c.user_id is null or v.user_id is null
                or c.first_order is distinct from v.first_order
            """,
        ),
        *_of_figures(CURRENT.name),
    ),
    HISTORY.name: _of_figures(HISTORY.name),
    MODELS.name: (
        Claim(
            "lifetime_value_models_frequency_and_value_are_independent",
            "The average value of orders hangs little on their number, as Gamma-Gamma assumes.",
            "select * from marts.lifetime_value_models"
            " where is_current and not is_value_independent",
            is_blocking=False,
        ),
        Claim(
            "lifetime_value_models_every_scored_customer_is_counted",
            "The customers of each scoring are the rows that it has.",
            """
            select m.scored_on, m.is_current, m.customers, count(r.user_id) as number_of_rows
            from marts.lifetime_value_models as m
            left join (
                select user_id, scored_on, false as is_current from marts.lifetime_value_history
                union all
                select user_id, cast(scored_at as date), true from marts.customer_lifetime_value
            ) as r on r.scored_on = m.scored_on and r.is_current = m.is_current
            group by m.scored_on, m.is_current, m.customers
            having count(r.user_id) <> m.customers
            """,
        ),
    ),
}
BESIDE = {table: (*contract_claims(table), *CLAIMS[table.name]) for table in (HISTORY, MODELS)}


def score_customers(step: Step) -> Outcome:
    """Score the months that are new or changed, and the clock's own time."""
    connection = step.connection
    if not all(_is_whole(step, table) for table in TABLES):
        for table in TABLES:
            connection.execute(f"drop table if exists {table.qualified_name}")
            create_empty(connection, table)
    updated = update(connection, step.settings.rules.lifetime_value)
    metadata: dict[str, Any] = {
        "scorings fitted": ", ".join(
            f"{moment.scored_on}{' (as of now)' if moment.is_current else ''}"
            for moment in updated.fitted
        )
        or "none",
        "scorings kept": updated.kept,
        **_told(step),
    }
    return Outcome(metadata)


def _is_whole(step: Step, table: contracts.Table) -> bool:
    """Whether the table is there as the contract has it; a release may have changed that."""
    if not table_columns(step.connection, table):
        return False
    try:
        require_contract(step.connection, table)
    except WarehouseError:
        return False
    return True


def _told(step: Step) -> dict[str, Any]:
    """The models at the clock as metadata; nothing where nobody ordered."""
    rows = fetch_dicts(step.connection, f"select * from {MODELS.qualified_name} where is_current")
    return {
        name: value
        for row in rows
        for name, value in row.items()
        if value is not None and name not in ("scored_on", "is_current", "fingerprint")
    }


# by asset, in the order in which they run
BODIES: dict[str, Body] = {CURRENT.name: score_customers}


def build_lifetime_value_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset, with history and models beside it."""
    return [
        table_asset(settings, CURRENT, body, CLAIMS[name], deps=DEPS, beside=BESIDE)
        for name, body in BODIES.items()
    ]
