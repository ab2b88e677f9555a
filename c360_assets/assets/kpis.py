"""The tables of the KPI dashboard, and the support queue."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from c360_assets import contracts
from c360_assets.assets.claims import Claim, equal_sums
from c360_assets.assets.shell import (
    Body,
    Outcome,
    Step,
    claims_beside,
    deps_of,
    replaced,
    table_asset,
)
from c360_assets.contracts import Table
from c360_assets.settings import Settings
from c360_assets.sources.fact_days import narrowed
from c360_assets.warehouse.kpi_days import follow_kpi_days, follow_order_lines
from c360_assets.warehouse.session_days import roll_sessions


def _per_dimension(name: str, description: str, measure: str, given: str) -> Claim:
    """A claim that each split of the orders adds up to the measure of all orders so far."""
    return Claim(
        name,
        description,
        f"""
        select * from (
            select d.dimension, coalesce(sum({measure}), 0) as kept, (
                select coalesce({given}, 0) from marts.fct_orders
                where cast(created_at as date) <= (select max(kpi_date) from marts.kpi_total_days)
            ) as given
            from (values ('all'), ('country'), ('promo')) as d (dimension)
            left join marts.kpi_daily as k on k.dimension = d.dimension
            group by d.dimension
        ) as compared
        where given <> kept
        """,
    )


CLAIMS: dict[str, tuple[Claim, ...]] = {
    "fct_sessions": (
        equal_sums(
            "events_are_conserved",
            "The days have as many events by name as by account.",
            "select coalesce(sum(number_of_events), 0) from staging.user_event_days",
            "select coalesce(sum(number_of_events), 0) from staging.event_name_days",
        ),
        Claim(
            "events_of_accounts_are_conserved",
            "Each day has as many events by account and name as by account.",
            """
            select event_date, sum(given) as given, sum(kept) as kept
            from (
                select event_date, sum(number_of_events) as given, 0 as kept
                from staging.user_event_days group by event_date
                union all
                select event_date, 0, sum(number_of_events)
                from staging.user_event_name_days group by event_date
            ) as counted
            group by event_date
            having sum(given) <> sum(kept)
            """,
        ),
        equal_sums(
            "events_of_sessions_are_conserved",
            "Every event with a session counts in one session.",
            "select coalesce(sum(session_events), 0) from staging.event_name_days",
            "select coalesce(sum(event_count), 0) from staging.sessions",
        ),
        equal_sums(
            "every_session_has_a_contact",
            "No session is lost between its account and the contact.",
            "select count(*) from staging.sessions",
            "select count(*) from marts.fct_sessions",
        ),
        # of three accounts and more only the smallest and the largest id are compared
        Claim(
            "every_session_belongs_to_one_person",
            "No session id is used by accounts of several people; the smallest id's has it.",
            """
            select s.* from staging.sessions as s
            inner join identity.user_identity as a on a.user_id = s.user_id
            inner join identity.user_identity as b on b.user_id = s.other_user_id
            where a.contact_user_id <> b.contact_user_id
            """,
            is_blocking=False,
        ),
        Claim(
            "sessions_end_within_a_day",
            "No session lasts longer than 24 hours: each changed day reads all days of its own.",
            "select * from staging.sessions"
            " where session_ended_at > session_started_at + interval 1 day",
            is_blocking=False,
        ),
    ),
    "fct_orders": (
        equal_sums(
            "orders_are_conserved",
            "Every staged order is here.",
            "select count(*) from staging.stg_orders",
            "select count(*) from marts.fct_orders",
        ),
        equal_sums(
            "sales_are_conserved",
            "The orders' sales_total adds up to that of the staged orders.",
            "select sum(sales_total) from staging.stg_orders",
            "select sum(sales_total) from marts.fct_orders",
        ),
        equal_sums(
            "every_customer_has_one_first_order",
            "There are as many first orders as contacts who ordered.",
            "select count(distinct user_id) from marts.fct_orders",
            "select count(*) from marts.fct_orders where is_first_order",
        ),
        equal_sums(
            "order_lines_are_conserved",
            "The lines kept have as many pieces as the staged items, in as many lines.",
            "select count(*) + coalesce(sum(quantity), 0) from staging.stg_order_items",
            "select count(*) + coalesce(sum(quantity), 0) from staging.order_lines",
        ),
        Claim(
            "no_order_arrives_before_it_is_placed",
            "Orders are delivered after they are placed.",
            "select * from marts.fct_orders where delivered_at < created_at",
            is_blocking=False,
        ),
    ),
    "dim_users": (
        Claim(
            "every_contact_has_one_row",
            "The people are the contacts, and nobody else.",
            "select coalesce(c.user_id, d.user_id) as user_id from marts.contacts as c"
            " full join marts.dim_users as d on d.user_id = c.user_id"
            " where c.user_id is null or d.user_id is null",
        ),
        equal_sums(
            "orders_are_conserved",
            "The people's orders are all orders.",
            "select count(*) from marts.fct_orders",
            "select coalesce(sum(total_orders), 0) from marts.dim_users",
        ),
        equal_sums(
            "sales_are_conserved",
            "The people's sales are those of all orders.",
            "select sum(sales_total) from marts.fct_orders",
            "select sum(total_sales) from marts.dim_users",
        ),
    ),
    "kpi_daily": (
        _per_dimension(
            "orders_are_conserved",
            "Orders add up to fct_orders: over all days, countries and promotions.",
            "k.orders",
            "count(*)",
        ),
        _per_dimension(
            "revenue_is_conserved",
            "Revenue adds up to fct_orders: over all days, countries and promotions.",
            "k.revenue",
            "sum(sales_total)",
        ),
        equal_sums(
            "sessions_are_conserved",
            "The days' sessions are those that started by the last day.",
            "select count(*) from staging.sessions where session_date <="
            " (select max(kpi_date) from marts.kpi_total_days)",
            "select coalesce(sum(sessions), 0) from marts.kpi_daily where dimension = 'all'",
        ),
        equal_sums(
            "events_are_conserved",
            "The events by name are all events.",
            "select coalesce(sum(events), 0) from marts.kpi_daily where dimension = 'event_name'",
            "select coalesce(sum(events), 0) from marts.kpi_daily where dimension = 'all'",
        ),
        equal_sums(
            "whoever_was_active_began_once",
            "Of every contact and gaggle with an event or an order there is one first day.",
            """
            select count(distinct i.contact_user_id) + count(distinct u.gaggle_id)
            from staging.user_event_totals as t
            inner join identity.user_identity as i on i.user_id = t.user_id
            inner join staging.stg_users as u on u.user_id = t.user_id
            """,
            "select coalesce(sum(number_active), 0) from marts.kpi_active_days"
            " where previous_date is null",
        ),
        Claim(
            "every_day_has_a_row",
            "The days run from the first to the last without a gap.",
            "select * from (select max(kpi_date) - min(kpi_date) + 1 as days, count(*) as kept"
            " from marts.kpi_daily where dimension = 'all') as counted where days <> kept",
        ),
    ),
    "support_queue": (
        Claim(
            "every_open_ticket_is_queued_once",
            "The queue holds every open ticket that was there at the clock, and no other.",
            """
            select coalesce(t.ticket_id, q.ticket_id) as ticket_id
            from (
                select ticket_id from staging.stg_tickets
                where status in (select status from ops.open_ticket_statuses)
                    and (created_at <= coalesce(
                        (select max(as_of) from ops.clock),
                        (select max(greatest(most_recent_event, most_recent_order))
                         from staging.user_event_totals),
                        created_at
                    ))
            ) as t
            full join marts.support_queue as q on q.ticket_id = t.ticket_id
            where t.ticket_id is null or q.ticket_id is null
            """,
        ),
        Claim(
            "queue_ranks_have_no_gap",
            "The ranks run from 1 without a gap.",
            "select * from (select queue_rank, row_number() over (order by queue_rank) as nth"
            " from marts.support_queue) as ranked where queue_rank <> nth",
        ),
    ),
}


def follow_sessions(step: Step) -> Outcome:
    """Roll up the sessions of the days that changed; `fct_sessions` is a view of them."""
    days = roll_sessions(
        step.connection, lambda wanted: narrowed(step.connection, step.folder, wanted)
    )
    replaced("fct_sessions")(step)
    return Outcome({"days_read_anew": len(days)})


def make_orders(step: Step) -> Outcome:
    """All orders, since a contact's are numbered; lines of the days that changed."""
    replaced("fct_orders")(step)
    return Outcome({"days_made_anew": len(follow_order_lines(step.connection))})


def make_kpis(step: Step) -> Outcome:
    """The parts by order and product of the days that changed; the rest is small."""
    days = follow_kpi_days(step.connection)
    replaced("kpi_active_days", "kpi_total_days", "kpi_daily")(step)
    return Outcome({"days_made_anew": len(days)})


# by asset, in the order in which they run
BODIES: dict[str, Body] = {
    "fct_sessions": follow_sessions,
    "fct_orders": make_orders,
    "dim_users": replaced("dim_users"),
    "kpi_daily": make_kpis,
    "support_queue": replaced("support_queue"),
}


def build_kpi_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset for each body, with the claims about the tables beside its own."""
    return [_asset(settings, name, body) for name, body in BODIES.items()]


def _asset(settings: Settings, name: str, body: Body) -> dg.AssetsDefinition:
    table = contracts.table(name)
    beside = claims_beside(table)
    deps = _deps(table, beside)
    return table_asset(settings, table, body, CLAIMS[name], deps=deps, beside=beside)


def _deps(table: Table, beside: Iterable[Table]) -> list[str]:
    """What any table of the asset reads, and the days that `follow_sessions` follows."""
    read = {name for each in (table, *beside) for name in deps_of(each)}
    return sorted((read | {"user_event_days"}) - {table.name})
