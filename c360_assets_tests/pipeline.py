"""Small sources and the pipeline run on them: what tests of several folders share.

Belongs here: writing inline tables as a source, building it without Dagster (`World.build`, about
1.5 s) or with it (`run_job`, about 10 s), and reading what came out. Not here: any expectation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import dagster as dg

from benchmarks.bare import AREAS, BarePipeline
from c360_assets import contracts
from c360_assets.definitions import build_defs
from c360_assets.instance import DAGSTER_YAML, relax_sqlite
from c360_assets.settings import Rules, Settings
from c360_assets.sources.event_span import event_span
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.session import fetch_dicts

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class World:
    """A source folder of inline tables, and the pipeline's home beside it."""

    folder: Path
    as_of: str | None = None
    rules: Rules = field(default_factory=Rules)

    @property
    def settings(self) -> Settings:
        """The settings that run the pipeline here."""
        return Settings(
            home=self.folder / "home",
            source=self.folder / "source",
            as_of=self.as_of,
            rules=self.rules,
        )

    def write(self, **tables: str) -> World:
        """Write each table, given as CSV lines that may be indented, as `<name>.csv`."""
        source = self.folder / "source"
        source.mkdir(parents=True, exist_ok=True)
        for name, text in tables.items():
            (source / f"{name}.csv").write_text(dedent(text).strip() + "\n", encoding="utf-8")
        return self

    def days(self) -> list[date]:
        """Every day from the first to the last with an event or an order."""
        settings = self.settings
        span = event_span(settings.source_dir, settings.home_dir)
        first, last = span or (date(2021, 1, 1), date(2021, 1, 1))
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def build(self, *areas: str) -> World:
        """Run the steps of the pipeline, without Dagster, over all days.

        Of what is not identity or marts (`benchmarks.bare.AREAS`) only what is named.
        """
        BarePipeline(self.settings).run(self.days(), areas)
        return self

    def build_everything(self) -> World:
        """Run every step of the pipeline, without Dagster, over all days."""
        return self.build(*AREAS)

    def publish(self, tables: Sequence[contracts.Table] | None = None) -> World:
        """Write the published copy, of these tables or of all."""
        BarePipeline(self.settings).publish(tables)
        return self

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """The rows of a query on the warehouse."""
        with Warehouse(database=str(self.settings.warehouse_path)).reading() as connection:
            return fetch_dicts(connection, sql, parameters)

    def by(self, table: str, *key: str) -> dict[Any, dict[str, Any]]:
        """The rows of a table by one column, or by a tuple of several."""
        found = {}
        for row in self.rows(f"select * from {table}"):
            value = tuple(row[name] for name in key)
            found[value[0] if len(key) == 1 else value] = row
        return found


def columns(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    """Some values of a row, in the order of the names."""
    return tuple(row[name] for name in names)


def instance_at(settings: Settings) -> dg.DagsterInstance:
    """The Dagster instance in the home of these settings; close it (`with`) after use."""
    relax_sqlite()
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    (settings.dagster_home / "dagster.yaml").write_text(DAGSTER_YAML, encoding="utf-8")
    return dg.DagsterInstance.local_temp(str(settings.dagster_home))


def run_job(
    settings: Settings,
    instance: dg.DagsterInstance,
    job: str = "everything",
    *,
    day: str | None = None,
    days: tuple[str, str] | None = None,
    only: Sequence[str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job in this process, for all days, for one, or for a range; never raises for a step."""
    return (
        build_defs(settings)
        .resolve_job_def(job)
        .execute_in_process(
            instance=instance,
            raise_on_error=False,
            partition_key=day,
            tags={RANGE_START: days[0], RANGE_END: days[1]} if days else None,
            asset_selection=[dg.AssetKey(name) for name in only] if only else None,
        )
    )


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What went wrong per step: its last error's text."""
    found = {}
    for event in result.get_step_failure_events():
        error = event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        found[str(event.step_key)] = "" if error is None else error.message
    return found


def failed_checks(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    """(asset, check) of every check that did not pass, whatever its severity."""
    return {
        (evaluation.asset_key.to_user_string(), evaluation.check_name)
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed
    }
