"""`crm_sync`: the published copy delivered to the destinations that `C360_CRM` names."""

from typing import Any

import dagster as dg

from c360_assets.activation.destinations.file import FileDestination
from c360_assets.activation.objects import CRM_OBJECTS
from c360_assets.activation.sync.run import Synced
from c360_assets.activation.sync.tally import Tally
from c360_assets.activation.sync.wanted import load_suppression, without_suppressed
from c360_assets.assets.crm_job import FILE, destination_names, opt_outs, sync_job
from c360_assets.assets.shell import GROUPS, reasons_table, utc_now
from c360_assets.errors import C360Error
from c360_assets.settings import Settings
from c360_assets.warehouse.published import open_published

CONSERVED = "every_planned_row_is_acknowledged_rejected_or_unknown"
TAKEN = "no_row_is_rejected_or_unknown"


def build_crm_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """`crm_sync`."""

    @dg.asset(
        name="crm_sync",
        group_name=GROUPS["crm"],
        owners=["team:sales-operations"],
        kinds={"csv"},
        deps=["published"],
        description=(
            "Contacts, companies and gaggles delivered to the destinations that C360_CRM names: "
            "`file` writes a CSV per object and `changes.jsonl` with what is new, changed or gone; "
            "a CRM (`hubspot`, `salesforce`, `front`, `tryton`, `webhook`) gets what differs from "
            "what it acknowledged last, row by row."
        ),
        check_specs=_check_specs(),
    )
    def crm_sync(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        metadata: dict[str, Any] = {}
        total, failures = Tally(), []
        for name in destination_names(settings):
            try:
                if name == FILE:
                    metadata |= deliver_files(settings, context.run.run_id)
                else:
                    with sync_job(settings, name) as job:
                        done = job.sync(context.run.run_id)
                        page = job.rules.page
                    total.add(done.tally)
                    metadata |= _told(name, done, page, context.run.run_id)
            except C360Error as error:
                # the other destinations get theirs first
                failures.append(error)
        if failures:
            raise failures[0] if len(failures) == 1 else ExceptionGroup("crm_sync", failures)
        return dg.MaterializeResult(metadata=metadata, check_results=_checks(total))

    return [crm_sync]


def _check_specs() -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            CONSERVED,
            asset="crm_sync",
            blocking=True,
            description="Of the rows that a sync planned, none is lost.",
        ),
        dg.AssetCheckSpec(
            TAKEN,
            asset="crm_sync",
            description="The CRM took every row; `c360 crm rejected` lists the others.",
        ),
    ]


def deliver_files(settings: Settings, run_id: str) -> dict[str, Any]:
    """Deliver the published copy to the destination `file`; returns the run's metadata."""
    destination = FileDestination(settings.crm_dir)
    with open_published(settings) as connection:
        load_suppression(connection, opt_outs(settings), settings.source_dir)
        objects = [without_suppressed(each) for each in CRM_OBJECTS]
        delivery = destination.deliver(connection, objects, run_id, utc_now())
    counts = {
        f"{item.name}: {what}": getattr(item, what)
        for item in delivery.objects
        for what in ("rows", "new", "changed", "gone", "unchanged")
    }
    return {
        "location": dg.MetadataValue.path(str(delivery.location)),
        "changes": delivery.number_of_changes,
        "records": reasons_table(counts),
    }


def _told(name: str, done: Synced, page: str | None, run_id: str) -> dict[str, Any]:
    counts = {
        f"{part}: {what}": getattr(tally, what)
        for part, tally in done.by_part.items()
        for what in ("planned", "acknowledged", "rejected", "unknown", "conflicts")
    }
    link = {} if page is None else {f"{name}: link": dg.MetadataValue.url(page)}
    return link | {
        f"{name}: taken back by": f"c360 crm rollback {run_id} --to {name}",
        f"{name}: rows": reasons_table(counts),
        f"{name}: calls": done.calls,
        f"{name}: recovered": done.recovered,
    }


def _checks(tally: Tally) -> list[dg.AssetCheckResult]:
    lost = tally.planned - tally.acknowledged - tally.rejected - tally.unknown
    not_taken = tally.rejected + tally.unknown
    return [
        dg.AssetCheckResult(
            check_name=CONSERVED,
            passed=lost == 0,
            metadata={"planned": tally.planned, "lost": lost},
        ),
        dg.AssetCheckResult(
            check_name=TAKEN,
            passed=not_taken == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"rejected": tally.rejected, "unknown": tally.unknown},
        ),
    ]
