"""The history of RFM segments, and what is counted over it."""

from __future__ import annotations

import dagster as dg

from c360_assets import contracts
from c360_assets.assets.claims import Claim
from c360_assets.assets.shell import Body, Outcome, Step, claims_beside, replaced, table_asset
from c360_assets.contracts import Table
from c360_assets.contracts.rfm_history import HISTORY, MIGRATIONS
from c360_assets.customers.rfm_history import update_history
from c360_assets.customers.rfm_states import STORED
from c360_assets.settings import Settings
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.tables import (
    create_empty,
    replace_table,
    replace_view,
    require_contract,
    table_columns,
)

# what the bodies read that no SQL file or reference tells
HISTORY_DEPS = ("contacts", "stg_orders", "user_event_days", "user_identity")
_FAR = "timestamp '9999-12-31 00:00:00'"
# the view for one hour alone: the engine would not carry a maximum into it as a filter
_AT_THE_LAST_HOUR = query("marts.rfm_segments_hourly").text.replace(
    "from marts.rfm_hours as h",
    "from (select max(date_hour) as date_hour from marts.rfm_hours) as h",
)

CLAIMS: dict[str, tuple[Claim, ...]] = {
    HISTORY: (
        Claim(
            "intervals_of_a_contact_have_no_gap_and_no_overlap",
            "Each interval of a contact ends after it began and where the next one begins; the "
            "newest has no end.",
            f"""
            select user_id, valid_from, valid_to, next_from
            from (
                select
                    user_id,
                    valid_from,
                    valid_to,
                    lead(valid_from) over (partition by user_id order by valid_from) as next_from
                from {contracts.table(HISTORY).qualified_name}
            ) as intervals
            where valid_to is distinct from next_from or valid_to <= valid_from
            """,
        ),
        Claim(
            "newest_segments_are_those_of_the_formula",
            "What holds at the last full hour is what the formula gives, computed afresh there.",
            f"""
            select
                coalesce(f.user_id, h.user_id) as user_id,
                f.rfm_segment as segment_of_the_formula,
                h.rfm_segment,
                f.recency_score as recency_score_of_the_formula,
                h.recency_score,
                f.frequency_score as frequency_score_of_the_formula,
                h.frequency_score,
                f.monetary_score as monetary_score_of_the_formula,
                h.monetary_score
            from ({_AT_THE_LAST_HOUR}) as f
            full outer join (
                select * from marts.rfm_segment_history where valid_to is null
            ) as h on h.user_id = f.user_id
            where h.rfm_segment is distinct from f.rfm_segment
                or h.recency_score is distinct from f.recency_score
                or h.frequency_score is distinct from f.frequency_score
                or h.monetary_score is distinct from f.monetary_score
            """,
        ),
        Claim(
            "newest_states_are_those_of_the_orders",
            "What contacts have ordered by the last full hour is what their orders add up to.",
            """
            select coalesce(o.user_id, s.user_id) as user_id, o.frequency as orders, s.frequency,
                o.monetary as sales_total, s.monetary, o.last_order, s.last_order_minute
            from (
                select
                    i.contact_user_id as user_id,
                    count(*) as frequency,
                    sum(t.sales_total) as monetary,
                    max(t.ordered_at) as last_order
                from staging.stg_orders as t
                inner join identity.user_identity as i on i.user_id = t.user_id
                where t.ordered_at <= (select max(r.date_hour) from marts.rfm_hours as r)
                group by i.contact_user_id
            ) as o
            full outer join (
                select * from marts.rfm_customer_states where valid_to is null
            ) as s on s.user_id = o.user_id
            where s.frequency is distinct from o.frequency
                or s.monetary is distinct from o.monetary
                or coalesce(
                    o.last_order > s.last_order_minute
                    or o.last_order <= s.last_order_minute - interval '1 minute',
                    true
                )
            """,
        ),
        Claim(
            "daily_changes_add_up_to_the_newest_segments",
            "Who came into a segment and did not leave it is in it at the last full hour.",
            """
            select * from (
                select rfm_segment, sum(customers) as moved, sum(there) as there
                from (
                    select to_segment as rfm_segment, customers, 0 as there
                    from marts.rfm_daily_changes
                    union all
                    select from_segment, - customers, 0 from marts.rfm_daily_changes
                    where from_segment <> 'prospects'
                    union all
                    select rfm_segment, 0, 1 from marts.rfm_segment_history
                    where valid_to is null
                ) as counted
                group by rfm_segment
            ) as sums
            where moved <> there
            """,
        ),
    ),
    MIGRATIONS: (
        Claim(
            "migrations_conserve_the_segments",
            "Who is in a segment at the end of a day or month came into it or stayed in it then, "
            "and goes on from it in the next.",
            f"""
            with days as (
                select day, rfm_segment, customers,
                    lead(day) over (partition by rfm_segment order by day) as next_day
                from marts.rfm_segment_days
                where rfm_segment <> 'prospects'
            ),
            ends as (
                select 'day' as period, day as period_start, next_day as next_start,
                    rfm_segment, customers from days
                union all
                select 'month', cast(date_trunc('month', day) as date), next_day,
                    rfm_segment, customers from days
                where date_trunc('month', day)
                    <> date_trunc('month', coalesce(next_day, cast({_FAR} as date)))
            ),
            came as (
                select period, period_start, to_segment as rfm_segment,
                    sum(customers) as customers
                from marts.rfm_migrations group by period, period_start, to_segment
            ),
            went as (
                select period, period_start, from_segment as rfm_segment,
                    sum(customers) as customers
                from marts.rfm_migrations group by period, period_start, from_segment
            )
            select e.*, c.customers as came, w.customers as went
            from ends as e
            left join came as c on c.period = e.period and c.period_start = e.period_start
                and c.rfm_segment = e.rfm_segment
            left join went as w on w.period = e.period and w.period_start = e.next_start
                and w.rfm_segment = e.rfm_segment
            where coalesce(c.customers, 0) <> e.customers
                or (e.next_start is not null and coalesce(w.customers, 0) <> e.customers)
            """,
        ),
        Claim(
            "everybody_is_active_in_the_month_of_their_first_order",
            "In month 0 a cohort is retained whole; later at most whole.",
            "select * from marts.rfm_cohorts where retention_rate > 1"
            " or (months_since_first_order = 0 and retention_rate <> 1)",
        ),
        Claim(
            "every_customer_is_in_one_cohort",
            "The cohorts have as many customers as there are with an order by the clock.",
            """
            select * from (
                select
                    (select coalesce(sum(cohort_customers), 0) from marts.rfm_cohorts
                     where months_since_first_order = 0) as in_cohorts,
                    (select count(*) from marts.rfm_segments) as customers
            ) as counts
            where in_cohorts <> customers
            """,
            # rfm_segments has the orders of the days rolled up so far
            is_blocking=False,
        ),
    ),
}


def update(step: Step) -> Outcome:
    """Bring the history and its tables up to the clock, and put the view over them."""
    rules, view = contracts.table("rfm_rules"), contracts.table("rfm_segments_hourly")
    stored = [contracts.table(name) for name in STORED]
    for table in (rules, *stored):
        _make_room(step, table)
    written_by = _rows(step, rules)
    replace_table(step.connection, rules, query(rules.qualified_name))
    done = update_history(step.connection, has_new_rules=_rows(step, rules) != written_by)
    for table in stored:
        require_contract(step.connection, table)
    replace_view(step.connection, view, query(view.qualified_name))
    return Outcome(
        {
            "written_from": str(done.first_hour or "nothing new"),
            "is_whole_build": done.is_whole,
            "customers_looked_at": done.customers,
            "intervals_written": done.intervals,
        }
    )


# by asset, in the order in which they run
BODIES: dict[str, Body] = {
    HISTORY: update,
    MIGRATIONS: replaced(MIGRATIONS, "rfm_segment_days", "rfm_cohorts"),
}
DEPS: dict[str, tuple[str, ...]] = {
    HISTORY: HISTORY_DEPS,
    MIGRATIONS: (*HISTORY_DEPS, "rfm_segments", HISTORY),
}


def build_rfm_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset for each body."""
    return [_asset(settings, name, body) for name, body in BODIES.items()]


def _asset(settings: Settings, name: str, body: Body) -> dg.AssetsDefinition:
    """The asset of that name, with the claims about the tables beside its own."""
    table = contracts.table(name)
    # the view takes too long to be read whole
    beside = {t: claims for t, claims in claims_beside(table).items() if not t.is_view}
    return table_asset(settings, table, body, CLAIMS[name], deps=DEPS[name], beside=beside)


def _make_room(step: Step, table: Table) -> None:
    """An empty table where there is none, or one that another release wrote."""
    found = list(table_columns(step.connection, table).items())
    if found != [(column.name, column.type) for column in table.columns]:
        step.connection.execute(f"drop table if exists {table.qualified_name}")
        create_empty(step.connection, table)


def _rows(step: Step, table: Table) -> list[tuple[object, ...]]:
    """All rows of a small table, in the order of its key."""
    order = ", ".join(table.key)
    return step.connection.execute(
        f"select * from {table.qualified_name} order by {order}"
    ).fetchall()
