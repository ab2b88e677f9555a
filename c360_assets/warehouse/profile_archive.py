"""What the warehouse cannot compute again: when which profile was known.

The warehouse is a cache, and may be removed. What a profile said before it was corrected is in no
raw table, so each run writes what it added, closed and ended to `profile_history/` under C360_HOME
before it commits. A new warehouse begins by replaying these files. A file that a warehouse does not
know was left by a run that never committed, or the warehouse is an older copy: it is set aside, not
removed.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import duckdb

from c360_assets.warehouse.profile_changes import HISTORY, PROFILE_DAYS

FOLDER = "profile_history"
SET_ASIDE = "set_aside"
_KEY = "client_customer_id, valid_from, as_known_at"


def write_batch(
    connection: duckdb.DuckDBPyConnection, folder: Path, known_at: datetime, run_id: str
) -> Path | None:
    """Write what this run, or a part of it, did, from its temp tables; None if nothing."""
    batch = f"""
        select 'added' as action, * from added
        union all by name
        select 'superseded' as action, {_KEY} from superseded
        union all by name
        select 'ended' as action, {_KEY}, valid_to from ended
        union all by name
        select 'profiled' as action, profile_date as valid_from, profiled_at as as_known_at
        from profiled
    """
    if not connection.execute(f"select 1 from ({batch}) as b limit 1").fetchall():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    part = connection.execute(
        "select count(*) from ops.profile_batches where as_known_at = ?", [known_at]
    ).fetchall()[0][0]
    path = folder / f"{known_at:%Y%m%dT%H%M%S%f}-{run_id[:8]}-{part}.parquet"
    unfinished = path.with_suffix(".unfinished")
    # the batch's own time, in every row, says when it was known that something had ended
    connection.execute(
        f"copy (select *, timestamp '{known_at.isoformat(sep=' ')}' as batch_at from ({batch})"
        f" as b) to '{_text(unfinished)}'"
        " (format parquet)"
    )
    with unfinished.open("rb") as stream:
        os.fsync(stream.fileno())
    unfinished.replace(path)
    connection.execute("insert into ops.profile_batches values (?, ?)", [path.name, known_at])
    return path


def catch_up(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[int, set[str]]:
    """Replay the files into a new warehouse, or set aside those that an older one does not know.

    Comes after the table of intervals was prepared and is still empty. Returns how many files were
    replayed, and the columns of the table that they have no values for.
    """
    known = {n for (n,) in connection.execute("select file from ops.profile_batches").fetchall()}
    for left_over in folder.glob("*.unfinished"):
        left_over.unlink()
    files = sorted(path for path in folder.glob("*.parquet") if path.name not in known)
    if known:
        for path in files:
            (folder / SET_ASIDE).mkdir(exist_ok=True)
            path.replace(folder / SET_ASIDE / path.name)
        return 0, set()
    return len(files), _replay(connection, files) if files else set()


def _replay(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> set[str]:
    paths = ", ".join(f"'{_text(path)}'" for path in files)
    connection.execute(
        "create or replace temp table batches as"
        f" select * from read_parquet([{paths}], union_by_name = true)"
    )
    columns = [row[0] for row in connection.execute(f"describe {HISTORY}").fetchall()]
    archived = {row[0] for row in connection.execute("describe batches").fetchall()}
    types = {row[0]: row[1] for row in connection.execute(f"describe {HISTORY}").fetchall()}
    plain = [n for n in columns if n in archived and n not in ("valid_to", "known_until")]
    values = ", ".join(f"try_cast(b.{name} as {types[name]}) as {name}" for name in plain)
    of_row = (
        "x.client_customer_id = b.client_customer_id and x.valid_from = b.valid_from"
        " and x.as_known_at = b.as_known_at"
    )
    connection.execute(
        f"""
        insert into {HISTORY} by name
        select {values}, coalesce(e.valid_to, b.valid_to) as valid_to, s.batch_at as known_until
        from batches as b
        left join batches as s on s.action = 'superseded' and {of_row.replace("x.", "s.")}
        left join batches as e on e.action = 'ended' and {of_row.replace("x.", "e.")}
        where b.action = 'added'
        order by b.client_customer_id, b.valid_from, b.as_known_at
        """
    )
    connection.execute(
        # a day that was taken back with the clock, and profiled again since, is known since then
        f"insert into {PROFILE_DAYS} select valid_from, max(as_known_at) from batches"
        " where action = 'profiled' group by valid_from order by valid_from"
    )
    connection.execute(
        f"insert into ops.profile_span select min(profile_date), max(profile_date)"
        f" from {PROFILE_DAYS} having count(*) > 0"
    )
    connection.executemany(
        "insert into ops.profile_batches values (?, ?)", [[path.name, None] for path in files]
    )
    connection.execute("drop table batches")
    return set(columns) - archived


def _text(path: Path) -> str:
    return str(path).replace("'", "''")
