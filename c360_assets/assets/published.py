"""`published`: the read-only copy behind the blocking checks."""

from collections.abc import Iterable, Sequence

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.event_log.base import EventLogStorage

from c360_assets import contracts
from c360_assets.assets.shell import reasons_table, utc_now
from c360_assets.contracts import Table
from c360_assets.errors import PublishRefusedError
from c360_assets.settings import Settings
from c360_assets.sources.landing import sweep
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.publish import current_database, publish

# Facts of any size stay where they lie; everything that pages and CRMs read is copied.
NOT_PUBLISHED = {
    *("stg_events", "stg_orders", "stg_order_items", "user_event_days"),
    *("session_orders", "session_product_days", "order_lines"),
}


def published_tables() -> tuple[Table, ...]:
    """The tables of the published copy."""
    return tuple(
        table
        for table in (
            *contracts.STAGING_TABLES,
            *contracts.IDENTITY_TABLES,
            *contracts.MART_TABLES,
            *contracts.CANDIDATE_TABLES,
            *contracts.TIME_TABLES,
            *contracts.OPS_TABLES,
        )
        if table.name not in NOT_PUBLISHED
    )


def build_publishing_assets(
    settings: Settings, upstream: Sequence[dg.AssetsDefinition]
) -> list[dg.AssetsDefinition]:
    """`published`; `upstream` are all assets before it."""
    blocking = [spec.key for assets in upstream for spec in assets.check_specs if spec.blocking]
    return [_published(settings, blocking)]


def _published(settings: Settings, blocking: Sequence[dg.AssetCheckKey]) -> dg.AssetsDefinition:
    @dg.asset(
        name="published",
        group_name="published",
        owners=["team:data"],
        kinds={"duckdb", "parquet"},
        deps=sorted({table.asset for table in published_tables() if table.layer != "ops"}),
        description=(
            "The read-only copy that pages, BI tools and `crm_sync` read: one DuckDB file and "
            "Parquet files, swapped in whole. It stays as it was while any blocking check fails."
        ),
    )
    def published(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        require_passing(context.instance, blocking)
        with warehouse.reading() as connection:
            version = publish(
                connection,
                published_tables(),
                settings.published_dir,
                context.run.run_id,
                utc_now(),
            )
            sweep(connection, settings.home_dir / "landing")
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(current_database(settings.published_dir))),
                "size_bytes": version.size_bytes,
                "tables": len(version.rows),
                "rows": reasons_table(version.rows),
            }
        )

    return published


def require_passing(instance: dg.DagsterInstance, blocking: Iterable[dg.AssetCheckKey]) -> None:
    """Refuse while the latest evaluation of a blocking check is a failure.

    Dagster itself forgets an earlier failed check when only a downstream asset is run.

    Raises:
        PublishRefusedError: names the failing checks.
    """
    storage = instance.event_log_storage
    latest = storage.get_latest_asset_check_execution_by_key(list(blocking))
    failing = []
    for key, newest in latest.items():
        is_planned = newest.status == AssetCheckExecutionRecordStatus.PLANNED
        record = _last_evaluated(storage, key) if is_planned else newest
        event = record.event.dagster_event if record and record.event else None
        if record is None or event is None:
            continue
        is_error = event.asset_check_evaluation_data.severity == dg.AssetCheckSeverity.ERROR
        if record.status == AssetCheckExecutionRecordStatus.FAILED and is_error:
            failing.append(f"{key.asset_key.to_user_string()}: {key.name}")
    if failing:
        raise PublishRefusedError(
            "the published copy stays as it was, because these blocking checks failed last time: "
            f"{'; '.join(sorted(failing))}. Mend the cause and run those assets again"
        )


def _last_evaluated(
    storage: EventLogStorage, key: dg.AssetCheckKey
) -> AssetCheckExecutionRecord | None:
    """The newest evaluation, where a run planned one and never came to it."""
    evaluated = {AssetCheckExecutionRecordStatus.FAILED, AssetCheckExecutionRecordStatus.SUCCEEDED}
    history = storage.get_asset_check_execution_history(key, limit=1, status=evaluated)
    return history[0] if history else None
