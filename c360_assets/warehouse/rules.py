"""Business rules as tables that the SQL joins, kept equal to the settings.

Schema `ops`: `rfm_cuts`, `rfm_grid`, `order_event_names`, `clock`, `campaign_rules`,
`priority_reasons`, `cart_event_names`, `conversion_event_names`, `open_ticket_statuses`,
`support_segment_weights`, `support_weights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb

from c360_assets.customer_rules import CampaignRules
from c360_assets.settings import Rules


def sync_rules(
    connection: duckdb.DuckDBPyConnection, rules: Rules, clock: datetime | None, has_orders: bool
) -> None:
    """Make the rule tables say what the settings say; nothing is written where they do already.

    `clock` is naive UTC, or None for the newest event or order. With `has_orders` (there is a
    `raw_order` table) no event counts as an order.
    """
    version = f"{rules.model_dump_json()}|{clock}|{has_orders}"
    if connection.execute("select version from ops.rules_version").fetchall() == [(version,)]:
        return
    names = () if has_orders else rules.orders.event_names
    _dirty_days_if_orders_change(connection, names)
    grid = [(r, f, rules.rfm.segment_of(r, f)) for r in range(1, 6) for f in range(1, 6)]
    _refill(connection, "order_event_names", [(name,) for name in names])
    _refill(connection, "rfm_cuts", [tuple(float(cut) for cut in rules.rfm.cuts)])
    _refill(connection, "rfm_grid", grid)
    _refill(connection, "clock", [(clock,)])
    _refill_campaign_rules(connection, rules.campaigns)
    _refill_support_rules(connection, rules)
    _refill(connection, "lifecycle_rules", [(rules.lifecycle.churn_after_days,)])
    _refill(connection, "rules_version", [(version,)])


def _refill_support_rules(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    support = rules.support
    # what is an order is a checkout, too
    conversions = sorted({*rules.sessions.conversion_events, *rules.orders.event_names})
    _refill(connection, "conversion_event_names", [(name,) for name in conversions])
    carts = sorted(set(rules.sessions.cart_events))
    _refill(connection, "cart_event_names", [(name,) for name in carts])
    _refill(connection, "open_ticket_statuses", [(name,) for name in support.open_statuses])
    _refill(connection, "support_segment_weights", support.segment_weights)
    weights = (
        support.other_segment_weight,
        support.unknown_sender_weight,
        support.value_weight,
        support.waiting_weight_per_day,
        support.waiting_days_at_most,
        support.paying_company_weight,
    )
    _refill(connection, "support_weights", [weights])


def _refill_campaign_rules(connection: duckdb.DuckDBPyConnection, rules: CampaignRules) -> None:
    control = (rules.control_action_id, rules.control_action_name)
    _refill(connection, "campaign_rules", [(rules.window_days, *control)])
    _refill(connection, "priority_reasons", [(each,) for each in set(rules.priority_reason_ids)])


def _dirty_days_if_orders_change(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str]
) -> None:
    """Other events count as orders from now on: every rolled day must be rolled up again."""
    known = connection.execute("select event_name from ops.order_event_names").fetchall()
    if {name for (name,) in known} != set(names):
        connection.execute("insert into ops.stale_days select event_date from ops.rolled_days")


def _refill(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[tuple[object, ...]]
) -> None:
    connection.execute(f"delete from ops.{name}")
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        values = ", ".join(f"({marks})" for _ in rows)
        connection.execute(
            f"insert into ops.{name} values {values}", [value for row in rows for value in row]
        )
