"""The staging layer: raw rows judged, typed and cleaned; what breaks the contract is set apart."""

from __future__ import annotations

import hashlib
from datetime import date

import dagster as dg

from c360_assets import contracts
from c360_assets.assets.claims import Claim
from c360_assets.assets.shell import Outcome, Step, reasons_table, table_asset
from c360_assets.contracts import Table
from c360_assets.identity.addresses import normalise_email, plain_email_predicate
from c360_assets.settings import Settings
from c360_assets.sources.address_forms import learn_addresses
from c360_assets.sources.fact_days import has_changed
from c360_assets.sources.judging import Verdicts, judge
from c360_assets.sources.row_rules import FACTS
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.tables import replace_table, replace_view

# Big tables that are read in place: a copy would cost more than every later scan saves.
VIEWS = {"stg_events", "stg_orders", "stg_order_items"}
TIME_COLUMNS = {"stg_events": "timestamp", "stg_orders": "ordered_at"}


def build_staging_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset per staged table."""
    return [
        _staged_asset(settings, contracts.table(staged), contracts.table(source))
        for staged, source in contracts.SOURCE_OF_STAGED.items()
    ]


def _staged_asset(settings: Settings, staged: Table, source: Table) -> dg.AssetsDefinition:
    claims = staging_claims(settings, staged, source)
    return table_asset(settings, staged, lambda step: stage(step, staged, source), claims)


def staging_claims(settings: Settings, staged: Table, source: Table) -> tuple[Claim, ...]:
    """The claims on a staged table, beside those of its contract."""
    claims = (_conservation(staged, source), _rejections(source))
    if staged.name == "stg_events":
        return (*claims, _unique_events(), _freshness(settings))
    return claims


def stage(step: Step, staged: Table, source: Table) -> Outcome:
    """Judge the raw rows, then make the staged table of those that stand."""
    verdicts = judge_source(step, source)
    make_staged(step, staged, source)
    return Outcome(_metadata(verdicts, source), _scope(staged, verdicts))


def judge_source(step: Step, source: Table) -> Verdicts:
    """Bring the verdicts on a raw table up to date."""
    if has_changed(step.connection, source):
        learn_addresses(step.connection, source, plain_email_predicate, normalise_email)
    return judge(step.connection, step.folder, source, step.run_id, step.at, plain_email_predicate)


def make_staged(step: Step, staged: Table, source: Table) -> None:
    """Replace the staged table or view by its SELECT, unless nothing that it reads changed."""
    if staged.name in VIEWS:
        replace_view(step.connection, staged, query(staged.qualified_name))
        return
    version = _version(step, staged, source)
    if _staged_version(step, staged) == version:
        return
    replace_table(step.connection, staged, query(staged.qualified_name))
    step.connection.execute("delete from ops.staged_versions where table_name = ?", [staged.name])
    step.connection.execute("insert into ops.staged_versions values (?, ?)", [staged.name, version])


def _version(step: Step, staged: Table, source: Table) -> str:
    """Names all that the staged table follows from: the SELECT, the files, the users known."""
    inputs = step.connection.execute(
        "select source_file, fingerprint from ops.source_files where source_table = ? order by all",
        [source.name],
    ).fetchall()
    if any(reference.to_table == "stg_users" for reference in source.references):
        inputs += step.connection.execute(
            "select table_name, version from ops.staged_versions where table_name = 'stg_users'"
        ).fetchall()
    content = f"{query(staged.qualified_name).text}|{step.folder.path}|{inputs}"
    return hashlib.sha256(content.encode()).hexdigest()


def _staged_version(step: Step, staged: Table) -> str | None:
    if not _exists(step, staged):
        return None
    rows = step.connection.execute(
        "select version from ops.staged_versions where table_name = ?", [staged.name]
    ).fetchall()
    return str(rows[0][0]) if rows else None


def _exists(step: Step, table: Table) -> bool:
    found = step.connection.execute(
        "select 1 from duckdb_tables() where schema_name = ? and table_name = ?",
        [table.layer, table.name],
    ).fetchall()
    return bool(found)


def _metadata(verdicts: Verdicts, source: Table) -> dict[str, object]:
    metadata: dict[str, object] = {
        "rows_read": verdicts.rows_read,
        "rows_rejected": verdicts.rejected,
        "exact_duplicates": verdicts.duplicates,
        "rejected_by_reason": reasons_table(verdicts.reasons),
    }
    if source.name in FACTS:
        metadata["days_judged"] = len(verdicts.days)
    return metadata


def _scope(staged: Table, verdicts: Verdicts) -> str:
    """Claims on a table of days are tested on the days judged now; the others stand as tested."""
    column = TIME_COLUMNS.get(staged.name)
    if column is None or not verdicts.days:
        return ""
    first, last = verdicts.days[0], verdicts.days[-1]
    return f"{column} >= {_midnight(first)} and {column} < {_midnight(last)} + interval 1 day"


def _midnight(day: date) -> str:
    return f"timestamp '{day} 00:00:00'"


def _conservation(staged: Table, source: Table) -> Claim:
    kept = " where origin = 'raw_order'" if staged.name == "stg_orders" else ""
    return Claim(
        "rows_read_are_staged_rejected_or_duplicates",
        "Rows read = rows staged + rows rejected + exact duplicates: nothing vanishes.",
        f"""
        select * from (
            select
                (select coalesce(sum(rows_read), 0) from ops.source_files
                 where source_table = '{source.name}') as rows_read,
                (select count(*) from {staged.qualified_name}{kept}) as rows_staged,
                (select count(*) from ops.rejected_rows
                 where source_table = '{source.name}') as rows_rejected,
                (select count(*) from ops.duplicate_rows
                 where source_table = '{source.name}') as exact_duplicates
        ) as counts
        where rows_read <> rows_staged + rows_rejected + exact_duplicates
        """,
    )


def _rejections(source: Table) -> Claim:
    return Claim(
        "no_row_breaks_the_contract",
        "No raw row was set apart in ops.rejected_rows; the sample shows why they were.",
        "select reason, source_file, source_row, row_json from ops.rejected_rows"
        f" where source_table = '{source.name}'",
        is_blocking=False,
    )


def _unique_events() -> Claim:
    table = contracts.table("stg_events").qualified_name
    return Claim(
        "event_id_is_unique_within_its_day",
        "No two events of one day share their id.",
        f"select cast(timestamp as date) as event_date, event_id, count(*) as number_of_rows"
        f" from {table} group by all having count(*) > 1",
        measure="count(*) - count(distinct hash(event_id, cast(timestamp as date)))",
    )


def _freshness(settings: Settings) -> Claim:
    hours = settings.rules.freshness.max_age_hours
    return Claim(
        "events_are_fresh",
        f"The newest event is at most {hours:g} hours older than the clock (C360_AS_OF).",
        f"""
        select * from (
            select max(timestamp) as newest_event, (select max(as_of) from ops.clock) as as_of
            from staging.stg_events
        ) as newest
        where newest_event < as_of - interval '{int(hours * 60)} minutes'
        """,
        is_blocking=False,
    )
