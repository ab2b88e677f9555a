"""What customers are expected to order and to be worth."""

from __future__ import annotations

from c360_assets.contracts.model import Column, Table, columns, references

# why there is no model of orders, or none of their values, and so no figure of anybody
NO_ORDERS_REASONS = (
    "too_few_repeat_customers",
    "orders_not_converged",
    "orders_not_identified",
)
NO_VALUES_REASONS = (
    "no_amounts",
    "too_few_valued_customers",
    "values_not_converged",
    "mean_value_infinite",
)
# and why a customer has no value, or no probability
VALUE_REASONS = (
    *NO_ORDERS_REASONS,
    *NO_VALUES_REASONS,
    "amounts_unknown",
    "average_not_positive",
)
PROBABILITY_REASONS = (*NO_ORDERS_REASONS, "no_repeat_order")

# what is known of a customer, and what the models make of it; an order is a day with orders
_FIGURES = f"""
    first_order          TIMESTAMP not null -- first order, UTC
    most_recent_order    TIMESTAMP not null -- last order, UTC
    repeat_orders        BIGINT    not null >= 0 -- days with an order after the day of the first
    recency_days         BIGINT    not null >= 0 -- days from the first order to the last
    age_days             BIGINT    not null >= 0 -- days from the first order to the scoring
    valued_repeat_orders BIGINT    not null >= 0 -- repeat orders whose amounts are known
    average_order_value  DOUBLE             -- average sales_total of these; null without any
    expected_orders_30d  DOUBLE             -- orders expected within 30 days
    expected_orders_90d  DOUBLE             -- orders expected within 90 days
    expected_orders_365d DOUBLE             -- orders expected within 365 days
    probability_alive    DOUBLE             -- that more orders may come; null without a repeat one
    expected_order_value DOUBLE             -- what an order to come is worth
    clv_30d              DOUBLE             -- worth of the orders of the next 30 days
    clv_90d              DOUBLE             -- worth of the orders of the next 90 days
    clv_365d             DOUBLE             -- worth of the orders of the next 365 days
    no_value_reason VARCHAR one of [{", ".join(VALUE_REASONS)}] -- why there is no clv
    no_probability_reason VARCHAR one of [{", ".join(PROBABILITY_REASONS)}] -- why none is told
"""


def _table(name: str, grain: str, head: str, figures: str, key: str, refs: str = "") -> Table:
    asset = "customer_lifetime_value"
    return Table(
        name=name,
        layer="marts",
        grain=grain,
        columns=columns(f"{head.rstrip()}\n{figures.lstrip()}"),
        key=tuple(key.split(",")),
        references=references(refs) if refs else (),
        owner="team:customer-experience",
        produced_by="" if name == asset else asset,
        kinds=("duckdb", "python", "scipy"),
        cluster_by=("user_id",) if refs else (),
    )


LIFETIME_VALUE_TABLES: tuple[Table, ...] = (
    _table(
        "customer_lifetime_value",
        "One row per contact with an order at or before the as-of time.",
        """
        user_id   VARCHAR   not null -- the contact
        scored_at TIMESTAMP not null -- the pipeline's clock, UTC
        """,
        _FIGURES,
        key="user_id",
        refs="user_id -> contacts.user_id",
    ),
    _table(
        "lifetime_value_history",
        "One row per month's first day and contact with an order before it.",
        """
        user_id   VARCHAR not null -- the contact, by today's identity
        scored_on DATE    not null -- first day of a month; what came before it is counted, UTC
        """,
        _FIGURES,
        key="user_id,scored_on",
        refs="user_id -> contacts.user_id",
    ),
    _table(
        "lifetime_value_models",
        "One row per scoring: those of the months, and the one at the as-of time.",
        f"""
        scored_on            DATE    not null -- the day of the scoring
        is_current           BOOLEAN not null -- whether it is the one at the as-of time
        customers            BIGINT  not null >= 0 -- contacts with an order by then
        repeat_customers     BIGINT  not null >= 0 -- those with a repeat order
        valued_customers     BIGINT  not null >= 0 -- those whose average value is positive
        r                    DOUBLE -- BG/NBD: shape of the distribution of order rates
        alpha                DOUBLE -- BG/NBD: its inverse scale, in days
        a                    DOUBLE -- BG/NBD: first parameter of the chance to leave after an order
        b                    DOUBLE -- BG/NBD: second parameter of the same
        orders_log_likelihood DOUBLE -- BG/NBD: log-likelihood of all customers
        no_orders_reason VARCHAR one of [{", ".join(NO_ORDERS_REASONS)}] -- why r to b are null
        p                    DOUBLE -- Gamma-Gamma: shape of the value of one order
        q                    DOUBLE -- Gamma-Gamma: shape of the distribution of its scales
        v                    DOUBLE -- Gamma-Gamma: scale of the same, in the money of the orders
        values_log_likelihood DOUBLE -- Gamma-Gamma: log-likelihood of the valued customers
        no_values_reason VARCHAR one of [{", ".join(NO_VALUES_REASONS)}] -- why no value is told
        frequency_value_correlation DOUBLE -- of repeat orders and average value; null if undefined
        is_value_independent BOOLEAN -- whether that is as weak as the rules ask; null if undefined
        fingerprint          VARCHAR not null -- of all that the figures are computed from
        """,
        "",
        key="scored_on,is_current",
    ),
)
FIGURES: tuple[Column, ...] = columns(_FIGURES)
