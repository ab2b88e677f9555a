"""Publishing: the read-only copy that everybody but the pipeline reads.

A version is a folder with `c360.duckdb` (written so that DuckDB 1.x clients read it, too), one
Parquet file per table, and `manifest.json`. `published/current` is a link to the newest whole
version, swapped by an atomic rename; readers of an older one are not disturbed.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from c360_assets.contracts import Table

STORAGE_VERSION = "v1.2.0"
DATABASE_NAME = "c360.duckdb"
KEPT_VERSIONS = 2


@dataclass(frozen=True)
class Published:
    """One published version: its folder, rows per qualified table, and bytes."""

    folder: Path
    rows: dict[str, int]
    size_bytes: int


def current_database(published: Path) -> Path:
    """The DuckDB file of the newest version; it need not exist yet."""
    return published / "current" / DATABASE_NAME


def publish(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    published: Path,
    run_id: str,
    at: datetime,
) -> Published:
    """Copy the tables out of the warehouse and swap the copy in. `at` is naive UTC."""
    version = f"{at:%Y%m%dT%H%M%S%f}-{run_id[:8]}"
    versions = published / "versions"
    unfinished = versions / f".{version}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "parquet").mkdir(parents=True)
    rows = _copy_tables(connection, tables, unfinished)
    manifest = {"run_id": run_id, "published_at": f"{at.isoformat()}Z", "rows": rows}
    (unfinished / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    size = _seal(unfinished)
    final = versions / version
    unfinished.rename(final)
    _swap_link(published / "current", final)
    _drop_old(versions, final)
    return Published(final, rows, size)


def _copy_tables(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], folder: Path
) -> dict[str, int]:
    rows = {}
    target = str(folder / DATABASE_NAME).replace("'", "''")
    connection.execute(f"attach '{target}' as published (storage_version '{STORAGE_VERSION}')")
    try:
        for schema in sorted({table.layer for table in tables}):
            connection.execute(f"create schema if not exists published.{schema}")
        for table in tables:
            name = table.qualified_name
            if table.is_view:
                _copy_view(connection, table)
                continue
            connection.execute(f"create table published.{name} as {_in_order(table)}")
            parquet = str(folder / "parquet" / f"{name}.parquet").replace("'", "''")
            # from the copy, which is sorted already
            count = connection.execute(
                f"copy (select * from published.{name}) to '{parquet}' (format parquet)"
            ).fetchall()
            rows[name] = int(count[0][0])
        _comment(connection, [table for table in tables if not table.is_view])
    finally:
        connection.execute("detach published")
    return rows


def _in_order(table: Table) -> str:
    """SQL: the table's rows, sorted as the contract says.

    DuckDB keeps the least and greatest value of each column per 122,880 rows, and skips those that
    cannot hold what is looked up. An index does the same for one more third of the bytes.
    """
    order = f" order by {', '.join(table.cluster_by)}" if table.cluster_by else ""
    return f"select * from {table.qualified_name}{order}"


def _copy_view(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Carry the view over; it reads the tables of whatever database it stands in."""
    found = connection.execute(
        "select sql from duckdb_views() where database_name = current_database()"
        " and schema_name = ? and view_name = ?",
        [table.layer, table.name],
    ).fetchall()
    here = connection.execute("select current_database()").fetchall()[0][0]
    connection.execute("use published")
    try:
        connection.execute(found[0][0])
    finally:
        connection.execute(f'use "{here}"')


def _comment(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Carry the contract's words into the copy, where any SQL client shows them."""
    statements = []
    for table in tables:
        name = f"published.{table.qualified_name}"
        statements.append(f"comment on table {name} is {_quote(table.grain)}")
        statements += [
            f"comment on column {name}.{column.name} is {_quote(column.description)}"
            for column in table.columns
        ]
    # one transaction: each commit flushes the file
    connection.execute("; ".join(["begin transaction", *statements, "commit"]))


def _seal(folder: Path) -> int:
    """Flush every file to disk and make it read-only; returns the bytes."""
    size = 0
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
            path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
            size += path.stat().st_size
    return size


def _swap_link(link: Path, target: Path) -> None:
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.relpath(target, link.parent))
    os.replace(temporary, link)


def _drop_old(versions: Path, current: Path) -> None:
    whole = sorted(path for path in versions.iterdir() if not path.name.startswith("."))
    stale = [path for path in whole[:-KEPT_VERSIONS] if path != current]
    left_over = [path for path in versions.iterdir() if path.name.startswith(".")]
    for path in (*stale, *left_over):
        shutil.rmtree(path, ignore_errors=True)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
