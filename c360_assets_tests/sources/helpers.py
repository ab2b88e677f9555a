"""A tiny source folder and the steps of the pipeline on it, without Dagster."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from c360_assets import contracts
from c360_assets.assets.claims import evaluate
from c360_assets.assets.identity import fold_decisions, follow_contact_ids, resolve_domains
from c360_assets.assets.raw import read_merges
from c360_assets.assets.shell import Step, open_step
from c360_assets.assets.staging import stage
from c360_assets.settings import Settings
from c360_assets.sources.fact_days import narrowed
from c360_assets.sources.landing import Landed, land, sweep
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.event_days import Swapped, swap_days
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.tables import replace_table

RUN_ID = "test run"
USERS, CONTACTS = (contracts.table(name) for name in ("user_identity", "contacts"))
STAGED_OF = {source: staged for staged, source in contracts.SOURCE_OF_STAGED.items()}
USER_HEADER = "id,name,email,created_at"
EVENT_HEADER = "event_id,user_id,event_name,timestamp"
ANN = "u1,Ann,ann@acme.com,2021-01-01"
BOB = "u2,Bob,bob@acme.com,2021-01-02"


def lines(*rows: str) -> str:
    """The rows as text, each with a line break."""
    return "".join(f"{row}\n" for row in rows)


def users(*rows: str) -> str:
    """A raw_user.csv of these rows."""
    return lines(USER_HEADER, *rows)


def events(*rows: str) -> str:
    """A raw_event.csv of these rows."""
    return lines(EVENT_HEADER, *rows)


class Pipeline:
    """One source folder and one warehouse."""

    def __init__(self, source: Path, home: Path) -> None:
        source.mkdir(parents=True, exist_ok=True)
        self.source = source
        self.settings = Settings(home=home, source=source)
        self.warehouse = Warehouse(database=str(self.settings.warehouse_path))
        self._clock_ns = 1_600_000_000_000_000_000

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the source; its modification time is later than that of any before."""
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return self.touch(path)

    def write_parquet(self, name: str, select: str) -> Path:
        """Write what the SELECT gives as a Parquet file of the source."""
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            target = str(path).replace("'", "''")
            connection.execute(f"copy ({select}) to '{target}' (format parquet)")
        return self.touch(path)

    def touch(self, path: Path) -> Path:
        """Give the file a modification time that no file had before."""
        self._clock_ns += 1_000_000_000
        os.utime(path, ns=(self._clock_ns, self._clock_ns))
        return path

    @contextmanager
    def step(self) -> Iterator[Step]:
        """One transaction of the pipeline."""
        with open_step(self.settings, self.warehouse, RUN_ID) as step:
            yield step

    def land(self, table: str = "raw_user") -> Landed:
        """Land one raw table."""
        with self.step() as step:
            return land(step.connection, step.folder, contracts.table(table), self.landing_dir)

    @property
    def landing_dir(self) -> Path:
        """Where the twins of text files lie."""
        return self.settings.home_dir / "landing"

    def sweep(self) -> int:
        """Delete the twins that nobody needs any more."""
        with self.warehouse.reading() as connection:
            return sweep(connection, self.landing_dir)

    def stage(self, source: str) -> dict[str, Any]:
        """Judge and stage one landed table; the asset's metadata."""
        staged = contracts.table(STAGED_OF[source])
        with self.step() as step:
            return dict(stage(step, staged, contracts.table(source)).metadata)

    def load(self, *sources: str) -> dict[str, dict[str, Any]]:
        """Land and stage these raw tables; all that staging facts needs is staged, too."""
        wanted = [t for t in contracts.SOURCE_OF_STAGED.values() if not sources or t in sources]
        for source in wanted:
            self.land(source)
        return {source: self.stage(source) for source in wanted}

    def roll(self, days: Sequence[date] = ()) -> Swapped:
        """Roll these days up, and the stale ones."""
        with self.step() as step:
            return swap_days(
                step.connection,
                days,
                RUN_ID,
                lambda wanted: narrowed(step.connection, step.folder, wanted),
            )

    def build_contacts(self) -> None:
        """Merge files, identity and contacts."""
        with self.step() as step:
            for table in contracts.MERGE_TABLES:
                read_merges(step, table)
            fold_decisions(step)
            follow_contact_ids(step)
            replace_table(step.connection, USERS, query(USERS.qualified_name))
            resolve_domains(step)
            replace_table(step.connection, CONTACTS, query(CONTACTS.qualified_name))

    def failing_claims(self, table: str, claims: Iterable[Any]) -> list[str]:
        """The names of the claims that do not hold."""
        with self.warehouse.reading() as connection:
            results = evaluate(connection, contracts.table(table), list(claims))
        return [str(result.check_name) for result in results if not result.passed]

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.warehouse.reading() as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def values(self, sql: str, *parameters: object) -> list[Any]:
        """The first column of a query."""
        return [row[0] for row in self.rows(sql, *parameters)]

    def reasons(self, source: str) -> dict[str, int]:
        """Rejected rows of a raw table, counted by reason."""
        return dict(
            self.rows(
                "select reason, count(*) from ops.rejected_rows where source_table = ? group by 1",
                source,
            )
        )

    def stale_days(self) -> list[date]:
        """The days whose rollup is out of date, or was never made."""
        return self.values("select event_date from ops.stale_days order by event_date")

    def conservation(self, source: str) -> tuple[int, int, int, int]:
        """Rows read, staged, rejected, repeated."""
        name = STAGED_OF[source]
        kept = " where origin = 'raw_order'" if name == "stg_orders" else ""
        return self.rows(
            f"""
            select
                (select coalesce(sum(rows_read), 0)::bigint from ops.source_files
                 where source_table = $t),
                (select count(*) from staging.{name}{kept}),
                (select count(*) from ops.rejected_rows where source_table = $t),
                (select count(*) from ops.duplicate_rows where source_table = $t)
            """.replace("$t", f"'{source}'")
        )[0]

    def counts(self, source: str) -> tuple[int, int, int]:
        """Rows staged, rejected, repeated; they must add up to the rows read."""
        read, staged, rejected, repeated = self.conservation(source)
        assert read == staged + rejected + repeated, f"{source}: {self.conservation(source)}"
        return staged, rejected, repeated


@contextmanager
def opened(source: Path, home: Path) -> Iterator[Pipeline]:
    """A pipeline whose warehouse stays open until the block ends."""
    pipeline = Pipeline(source, home)
    pipeline.warehouse.hold()
    try:
        yield pipeline
    finally:
        pipeline.warehouse.let_go()
