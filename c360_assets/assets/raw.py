"""The raw layer: each raw table a view over its files, each merge table the rows of its files."""

from __future__ import annotations

import dagster as dg

from c360_assets import contracts
from c360_assets.assets.claims import Claim
from c360_assets.assets.shell import Outcome, Step, table_asset
from c360_assets.contracts import Table
from c360_assets.identity.addresses import normalise_email
from c360_assets.identity.merge_files import read_merge_files
from c360_assets.settings import Settings
from c360_assets.sources.landing import land
from c360_assets.sources.tombstones import read_tombstones
from c360_assets.warehouse.tables import create_empty


def build_raw_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset per raw table and per kind of merge file."""
    raw = [_raw_asset(settings, table) for table in contracts.RAW_TABLES]
    return [*raw, *(_merge_asset(settings, table) for table in contracts.MERGE_TABLES)]


def raw_claims(table: Table) -> tuple[Claim, ...]:
    """The claims on a raw table; those of its contract are left to staging."""
    return (
        Claim(
            "every_file_is_readable",
            "Every file of the table could be parsed; an unreadable one is left out until mended.",
            "select source_file, problem from ops.source_files"
            f" where source_table = '{table.name}' and problem is not null",
            is_blocking=False,
        ),
    )


def merge_claims(table: Table) -> tuple[Claim, ...]:
    """The claims on a table of merge files, beside those of its contract."""
    return (
        Claim(
            "every_merge_file_is_readable",
            "Every merge file could be read; what one said before it became unreadable stands.",
            f"select source_file, reason from ops.unreadable_merge_files"
            f" where merge_table = '{table.name}'",
            is_blocking=False,
        ),
    )


def _raw_asset(settings: Settings, table: Table) -> dg.AssetsDefinition:
    def body(step: Step) -> Outcome:
        home = step.settings.home_dir
        erased = read_tombstones(home, normalise_email)
        landed = land(step.connection, step.folder, table, home / "landing", erased=erased)
        return Outcome(
            {
                "files": landed.files,
                "new_or_changed_files": landed.new_files,
                "removed_files": landed.removed_files,
                "rows_read": landed.rows_read,
                "malformed_rows": landed.malformed_rows,
                "source": str(step.folder.path),
            }
        )

    return table_asset(
        settings, table, body, raw_claims(table), deps=(), with_contract_claims=False
    )


def _merge_asset(settings: Settings, table: Table) -> dg.AssetsDefinition:
    return table_asset(
        settings, table, lambda step: read_merges(step, table), merge_claims(table), deps=()
    )


def read_merges(step: Step, table: Table) -> Outcome:
    """Replace the rows of merge files by what the files say now, as written.

    Of a file that became unreadable the rows of before stay: a file that is torn or saved wrongly
    must not take anybody's decisions back. Removing it does.
    """
    is_user = table.name == "merged_user"
    merges = read_merge_files(step.settings.merges_dir)
    rows = merges.user_rows if is_user else merges.domain_rows
    erased = read_tombstones(step.settings.home_dir, normalise_email)
    if is_user and erased:
        named = [
            any(isinstance(each, str) and erased.erased_form(each) for each in pair)
            for pair in zip(rows["old"], rows["new"], strict=True)
        ]
        rows = rows[[not each for each in named]]
    old, new = table.column_names[2:4]
    step.connection.register("merge_rows", rows)
    create_empty(step.connection, table)
    unreadable = [f for f in merges.unreadable if f.name.startswith(table.name)]
    step.connection.execute(
        f"delete from {table.qualified_name}"
        " where source_file not in (select unnest(?::varchar[]))",
        [[file.name for file in unreadable]],
    )
    step.connection.execute(
        f"insert into {table.qualified_name} by name select source_file, source_row,"
        f" old as {old}, new as {new}, decision, decided_by, decided_at, reason, problem"
        " from merge_rows order by source_file, source_row"
    )
    step.connection.unregister("merge_rows")
    step.connection.execute(
        "delete from ops.unreadable_merge_files where merge_table = ?", [table.name]
    )
    for file in unreadable:
        step.connection.execute(
            "insert into ops.unreadable_merge_files values (?, ?, ?)",
            [table.name, file.name, file.reason],
        )
    kind = "user" if is_user else "domain"
    files = [file.name for file in merges.files if file.kind == kind]
    return Outcome({"files": len(files), "file_names": files, "unreadable": len(unreadable)})
