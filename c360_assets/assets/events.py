"""Events and orders rolled up per account and day: the one partitioned asset."""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from c360_assets.assets.claims import Claim, check_specs, contract_claims, evaluate
from c360_assets.assets.shell import face, open_step, run_metadata
from c360_assets.days import days_in, in_days, read_spans
from c360_assets.settings import Settings
from c360_assets.sources.fact_days import narrowed
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.event_days import DAYS, TOTALS, swap_days
from c360_assets.warehouse.tables import row_count

# a run's tag, such as `2021-11-03..2021-11-05`
DAYS_TAG = "c360/days"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "totals_are_the_sum_of_the_days",
        "Events and orders per account add up to those of its days.",
        """
        select * from (
            select
                (select coalesce(sum(number_of_events), 0) from staging.user_event_days) as events,
                (select coalesce(sum(number_of_events), 0) from staging.user_event_totals)
                    as total_events,
                (select coalesce(sum(number_of_orders), 0) from staging.user_event_days) as orders,
                (select coalesce(sum(number_of_orders), 0) from staging.user_event_totals)
                    as total_orders
        ) as sums
        where events <> total_events or orders <> total_orders
        """,
    ),
    Claim(
        "every_rolled_day_is_up_to_date",
        "No day was rolled up before its files changed; run the days in the sample again.",
        """
        select distinct event_date from ops.stale_days
        where event_date in (select event_date from ops.rolled_days)
        """,
        is_blocking=False,
    ),
    Claim(
        "every_day_of_the_source_is_rolled_up",
        "Each day with events or orders has been materialized; run those in the sample.",
        """
        select distinct event_date from ops.source_file_days
        where event_date is not null
            and event_date not in (select event_date from ops.rolled_days)
        """,
        is_blocking=False,
    ),
)


def build_event_assets(
    settings: Settings, partitions: dg.DailyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """`user_event_days`, with the totals beside it."""
    claims = (*contract_claims(DAYS), *CLAIMS)
    of_totals = contract_claims(TOTALS)
    specs = (*claims, *of_totals, conservation_claim())

    @dg.asset(  # type: ignore[untyped-decorator]
        **face(DAYS),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=check_specs(DAYS.asset, specs),
    )
    def user_event_days(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        days = days_of(context, partitions)
        with open_step(settings, warehouse, context.run.run_id) as work:
            swapped = swap_days(
                work.connection,
                days,
                context.run.run_id,
                lambda wanted: narrowed(work.connection, work.folder, wanted),
            )
            results = [
                *evaluate(work.connection, DAYS, claims, _on("event_date", days)),
                *evaluate(work.connection, TOTALS, of_totals),
                *evaluate(work.connection, DAYS, [conservation_claim(days)]),
            ]
            rows = row_count(work.connection, DAYS)
        metadata = {
            **run_metadata(DAYS, rows, settings),
            "days": len(days),
            "rows_of_these_days": swapped.rows,
            "stale_days_mended": [str(day) for day in swapped.mended_days],
            "accounts_added_up_anew": swapped.rebuilt_users,
        }
        if DAYS_TAG in context.run.tags:
            for day in days:
                context.log_event(dg.AssetMaterialization(DAYS.asset, partition=str(day)))
        return dg.MaterializeResult(metadata=metadata, check_results=results)

    return [user_event_days]


def conservation_claim(days: Sequence[date] | None = None) -> Claim:
    """Events and orders of the days of this run (by default all), as staged and as rolled up."""
    name = DAYS.qualified_name
    rolled = _on("event_date", days)
    return Claim(
        "events_and_orders_are_conserved",
        "The days of the run hold as many events and orders as are staged for them.",
        f"""
        select * from (
            select
                (select count(*) from staging.stg_events
                 where {_on("cast(timestamp as date)", days)}) as staged_events,
                (select coalesce(sum(number_of_events), 0) from {name}
                 where {rolled}) as rolled_events,
                (select count(*) from staging.stg_orders
                 where {_on("cast(ordered_at as date)", days)}) as staged_orders,
                (select coalesce(sum(number_of_orders), 0) from {name}
                 where {rolled}) as rolled_orders
        ) as counts
        where staged_events <> rolled_events or staged_orders <> rolled_orders
        """,
    )


def days_of(
    context: dg.AssetExecutionContext, partitions: dg.DailyPartitionsDefinition
) -> list[date]:
    """The days that the run asks for; all of them where it names none.

    The tag DAYS_TAG names days that are no partitions of the definitions that whoever asks has
    loaded: new ones of a source whose last day was the last partition, or days that are gone.
    """
    if DAYS_TAG in context.run.tags:
        return days_in(read_spans(context.run.tags[DAYS_TAG]))
    keys = (
        context.partition_keys
        if context.has_partition_key or context.has_partition_key_range
        else partitions.get_partition_keys()
    )
    return sorted(date.fromisoformat(key) for key in keys)


def _on(day: str, days: Sequence[date] | None) -> str:
    """SQL: the expression `day` is one of these days, or any day where None are given."""
    if days is None:
        return f"{day} is not null"
    return in_days(day, days)
