"""`c360 run` and `c360 demo`: the progress on screen round a run, and the demo's data."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from c360_assets import __version__
from c360_assets.cli_support.output import Output
from c360_assets.cli_support.report import RunReport, show_run
from c360_assets.errors import SourceError
from c360_assets.settings import Settings
from c360_assets.warehouse.published import open_published, read_manifest

DEMO_MARKER = "demo.json"
"""In C360_HOME: what the demo folder was written from. Written last, so never of half a demo."""


@dataclass(frozen=True)
class DemoData:
    """The demo's folder; `is_new` where it was written now rather than found."""

    folder: Path
    scale: int
    seed: int
    is_new: bool
    seconds: float


def run_pipeline(
    out: Output, settings: Settings, select: str | None, partition: str | None
) -> RunReport:
    """Run a selection with progress on stderr.

    Raises:
        RequestError: an asset or day that there is not.
    """
    with _progress(out) as show:
        show(None, "loading Dagster")
        from c360_assets.cli_support import pipeline
        from c360_assets.instance import open_instance, quiet_dagster

        with quiet_dagster(), open_instance(settings) as instance:
            plan = pipeline.plan_run(settings, instance, select, partition)
            return pipeline.execute(settings, instance, plan, show)


def demo_settings(settings: Settings) -> Settings:
    """The same settings with the demo's folder as the source of tables and merges."""
    folder = settings.home_dir / "demo"
    return settings.model_copy(update={"source": folder, "merges": folder})


def demo_notes(settings: Settings) -> list[str]:
    """What of the settings the demo leaves aside."""
    folder = settings.home_dir / "demo"
    notes = []
    for name, given in (("C360_SOURCE", settings.source_dir), ("C360_MERGES", settings.merges_dir)):
        if given != folder:
            notes.append(
                f"{name} is {given}; the demo uses {folder} instead, and writes its tables to "
                f"{settings.home_dir}. `c360 run` brings those of {name} back"
            )
    return notes[:1]


def write_demo_data(out: Output, settings: Settings, scale: int, seed: int) -> DemoData:
    """Write the demo data, unless they are there for this scale and seed already.

    Files that were added or changed since are kept as long as scale and seed stay.

    Raises:
        SourceError: scale or seed out of range, or files of somebody else in the folder.
    """
    started = time.perf_counter()
    folder = settings.home_dir / "demo"
    marker = settings.home_dir / DEMO_MARKER
    about = {"scale": scale, "seed": seed, "version": __version__}
    is_new = not _is_there(marker, folder, about)
    if is_new:
        from c360_assets.sources.demo import write_demo

        marker.unlink(missing_ok=True)
        with out.notes.status("writing the demo data") as status:
            try:
                write_demo(folder, seed=seed, scale=scale, progress=status.update)
            except ValueError as error:
                raise SourceError(str(error)) from error
        files = [path.relative_to(folder).as_posix() for path in _files_below(folder)]
        marker.write_text(json.dumps({**about, "files": files}) + "\n", encoding="utf-8")
    return DemoData(folder, scale, seed, is_new, time.perf_counter() - started)


def show_demo(
    out: Output, settings: Settings, data: DemoData, report: RunReport, seconds: float
) -> None:
    """Rows per table, checks, the CRM's files, and what to do next."""
    document = demo_document(settings, data, report, seconds)
    out.json(document)
    out.table("Rows per table", ("table", "rows"), document["rows"].items())
    show_run(out, report)
    out.facts(
        "The demo",
        {
            "raw data": f"{data.folder} ({'written now' if data.is_new else 'there already'})",
            "published copy": document["published"],
            "CRM files": document["crm"],
            "time": f"{seconds:.1f} s",
        },
    )
    if report.exit_code == 0:
        out.say("Next:")
        for command, meaning in document["next"].items():
            out.say(f"  [bold]{command}[/]  {meaning}")


def _own_name() -> str:
    """How to call this command from here: `make` runs it from a virtual environment."""
    called = Path(sys.argv[0])
    if shutil.which("c360") is not None or called.name != "c360":
        return "c360"
    return os.path.relpath(called)


def demo_document(
    settings: Settings, data: DemoData, report: RunReport, seconds: float
) -> dict[str, Any]:
    """What the demo did, for machines."""
    manifest = read_manifest(settings)
    is_current = manifest is not None and manifest.run_id == report.run_id
    crm = report.steps.get("crm_sync")
    c360 = _own_name()
    commands = {
        "make dev": "the pages (port 8360), and Dagster with this run (port 3000)",
        f"{c360} status": "what is there, how old it is and what needs attention",
    }
    email = merged_away_address(settings) if manifest is not None else None
    if email is not None:
        commands[f"{c360} explain {shlex.quote(email)}"] = "who that is, and why"
        commands[f"{c360} merge suggest"] = "pairs that may be one person or company"
    return {
        **report.document(),
        "total_seconds": round(seconds, 2),
        "demo": {
            "folder": data.folder,
            "scale": data.scale,
            "seed": data.seed,
            "written_now": data.is_new,
        },
        "rows": report.rows_by_table(manifest.rows if manifest and is_current else {}),
        "published": manifest.database if manifest else None,
        "crm": str(settings.crm_dir / "latest") if crm and crm.location else None,
        "next": commands,
    }


def merged_away_address(settings: Settings) -> str | None:
    """An address of an account that was merged into another, with the most events."""
    with open_published(settings) as connection:
        rows = connection.execute(
            """
            select i.email
            from identity.user_identity as i
            left join staging.user_event_totals as t on t.user_id = i.user_id
            where i.rule = 'merge'
            order by coalesce(t.number_of_events, 0) desc, i.email
            limit 1
            """
        ).fetchall()
    return rows[0][0] if rows else None


def _is_there(marker: Path, folder: Path, about: dict[str, Any]) -> bool:
    try:
        known = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(known, dict) or any(known.get(key) != value for key, value in about.items()):
        return False
    return all((folder / name).is_file() for name in known.get("files", ["?"]))


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


Show = Callable[[RunReport | None, str], None]


@contextmanager
def _progress(out: Output) -> Iterator[Show]:
    """Steps done on stderr as they come: a bar on a terminal, nothing in a log or in JSON."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    is_off = out.is_json or not out.notes.is_terminal
    with Progress(*columns, console=out.notes, transient=True, disable=is_off) as bar:
        task = bar.add_task("loading Dagster", total=None)

        def show(report: RunReport | None, line: str) -> None:
            if report is None:
                bar.update(task, description=line)
                return
            if line not in report.steps:
                out.note(line)
                return
            ended = [s for s in report.steps.values() if s.status not in ("waiting", "running")]
            running = [s.asset for s in report.steps.values() if s.status == "running"]
            text = running[0] if running else "looking for the next"
            bar.update(task, description=text, total=len(report.steps), completed=len(ended))

        yield show
