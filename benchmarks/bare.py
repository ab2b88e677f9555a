"""The transforms of the pipeline run bare: the same SQL and Python steps, without Dagster.

What is timed here is what the assets do between Dagster's events, but for the checks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from uuid import uuid4

from c360_assets import contracts
from c360_assets.assets import campaigns, kpis, lifetime_value, profiles, rfm_history
from c360_assets.assets.identity import fold_decisions, follow_contact_ids, resolve_domains
from c360_assets.assets.published import published_tables
from c360_assets.assets.raw import read_merges
from c360_assets.assets.shell import Step, open_step, utc_now
from c360_assets.assets.staging import judge_source, make_staged
from c360_assets.assets.suggestions import make_candidates
from c360_assets.identity.addresses import normalise_email
from c360_assets.settings import Settings
from c360_assets.sources import landing
from c360_assets.sources.fact_days import narrowed
from c360_assets.sources.folder import SourceFolder
from c360_assets.sources.tombstones import read_tombstones
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.event_days import swap_days
from c360_assets.warehouse.publish import publish
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.tables import replace_table

# processor seconds of all threads (CPU=1) are steadier than the clock on a shared machine
clock = time.process_time if os.environ.get("CPU") else time.perf_counter
AREAS = ("suggestions", "kpis", "rfm_history", "lifetime_value", "profiles", "campaigns")
# the steps of these areas
TIME_STEPS = (
    *(name for area in (kpis, rfm_history, lifetime_value, campaigns) for name in area.BODIES),
    "customer_profiles",
)
MARTS_TO_ACCOUNTS = ("contacts", "gaggle_domain_facts", "gaggle_facts", "corporate_accounts")
MARTS_AFTER = ("user_gaggle_facts", "upgrade_candidates", "rfm_segments", "search_index")


@dataclass
class Timings:
    """Seconds per step, in the order in which they ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add what the block takes to the step of that name."""
        start = clock()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + clock() - start

    def sum(self, names: Sequence[str] | None = None) -> float:
        """The seconds of these steps, or of all."""
        return sum(s for name, s in self.seconds.items() if names is None or name in names)


class BarePipeline:
    """The pipeline's steps on one warehouse, each in its own transaction, timed one by one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.warehouse = Warehouse(database=str(settings.warehouse_path))
        self.folder = SourceFolder(settings.source_dir)
        self.timings = Timings()
        self.run_id = ""

    def run(self, days: Sequence[date], areas: Sequence[str] = AREAS) -> Timings:
        """Build identity and marts, with the event rollup for these days, and of the rest `areas`.

        Profiles read kpis, rfm_history and lifetime_value; campaigns read profiles.
        """
        self.timings = Timings()
        # days rolled up again are told from those before by their run, as in Dagster
        self.run_id = uuid4().hex
        with self.timings.of("open"):
            self.warehouse.hold()
        try:
            self._run(days)
            self._run_areas(days, areas)
        finally:
            with self.timings.of("close"):
                self.warehouse.let_go()
        return self.timings

    def _run(self, days: Sequence[date]) -> None:
        for table in contracts.RAW_TABLES:
            self._do(f"land {table.name}", lambda step, t=table: self._land(step, t))
        for table in contracts.MERGE_TABLES:
            self._do("merges", lambda step, t=table: read_merges(step, t))
        for staged, source in contracts.SOURCE_OF_STAGED.items():
            self._stage(staged, source)
        self._do("user_event_days", lambda step: self._roll(step, days))
        self._do("merge_journal", fold_decisions)
        self._do("contact_id_history", follow_contact_ids)
        self._do("user_identity", lambda step: self._replace(step, "user_identity"))
        self._do("domain_identity", resolve_domains)
        for name in (*MARTS_TO_ACCOUNTS, *MARTS_AFTER):
            self._do(name, lambda step, n=name: self._replace(step, n))

    def _run_areas(self, days: Sequence[date], areas: Sequence[str]) -> None:
        bodies: dict[str, Mapping[str, Callable[[Step], object]]] = {
            "suggestions": {"merge_candidates": make_candidates},
            "kpis": kpis.BODIES,
            "rfm_history": rfm_history.BODIES,
            "lifetime_value": lifetime_value.BODIES,
            "profiles": {"customer_profiles": lambda step: profiles.make_profiles(step, days)},
            "campaigns": campaigns.BODIES,
        }
        for area in AREAS:
            if area in areas:
                self._do_all(bodies[area])

    def publish(self, tables: Sequence[contracts.Table] | None = None) -> None:
        """Write the published copy, of these tables or of all, timed as `published`."""
        chosen = published_tables() if tables is None else tables
        with self.timings.of("published"), self.warehouse.reading() as connection:
            publish(connection, chosen, self.settings.published_dir, self.run_id, utc_now())

    def _stage(self, staged: str, source: str) -> None:
        table, raw = contracts.table(staged), contracts.table(source)
        self._do(f"judge {source}", lambda step: judge_source(step, raw))
        self._do(staged, lambda step: make_staged(step, table, raw))

    def _land(self, step: Step, table: contracts.Table) -> None:
        home = self.settings.home_dir
        erased = read_tombstones(home, normalise_email)
        landing.land(step.connection, step.folder, table, home / "landing", erased=erased)

    def _roll(self, step: Step, days: Sequence[date]) -> None:
        swap_days(
            step.connection,
            days,
            self.run_id,
            lambda wanted: narrowed(step.connection, step.folder, wanted),
        )

    def _replace(self, step: Step, name: str) -> None:
        table = contracts.table(name)
        replace_table(step.connection, table, query(table.qualified_name))

    def _do_all(self, bodies: Mapping[str, Callable[[Step], object]]) -> None:
        for name, body in bodies.items():
            self._do(name, body)

    def _do(self, name: str, body: Callable[[Step], object]) -> None:
        with (
            self.timings.of(name),
            open_step(self.settings, self.warehouse, self.run_id) as step,
        ):
            body(step)
