"""`c360 status`: what is there, how old it is, and what needs attention.

From Dagster's history and the published copy; never from the warehouse, which a run may hold.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from c360_assets.cli_support.output import STYLES, Output, ago, duration
from c360_assets.settings import Settings
from c360_assets.standing import graph_of, history
from c360_assets.ui.questions import question
from c360_assets.warehouse.published import open_published, read_manifest
from c360_assets.warehouse.session import fetch_dicts

SHOWN_DECISIONS = 10


def status(settings: Settings, now: datetime) -> dict[str, Any]:
    """Everything there is to say, as a document. `now` is naive UTC."""
    return {
        "home": settings.home_dir,
        "source": settings.source_dir,
        **history(settings, graph_of(settings), now),
        **_published(settings, now),
    }


def _published(settings: Settings, now: datetime) -> dict[str, Any]:
    manifest = read_manifest(settings)
    if manifest is None:
        return {"published": None, "data": None, "rejected": [], "merges": None}
    with open_published(settings) as connection:
        newest = connection.execute(question("home/newest")).fetchall()[0][0]
        return {
            "published": {
                "path": manifest.database,
                "published_at": manifest.published_at,
                "run_id": manifest.run_id,
                "size_bytes": manifest.size_bytes,
                "rows": manifest.rows,
            },
            "data": {
                "newest_event_or_order": newest,
                "age_hours": None if newest is None else _hours(now, newest),
                "clock": settings.as_of or "the newest event or order",
            },
            "rejected": fetch_dicts(connection, question("home/rejected")),
            "merges": {
                "outcomes": fetch_dicts(connection, question("home/decisions")),
                "unsettled": fetch_dicts(connection, question("home/unsettled")),
            },
        }


def exit_code(found: dict[str, Any]) -> int:
    """1 where the latest evaluation of a check is a failure, else 0."""
    return 1 if found["checks"]["failed"] else 0


def show(out: Output, found: dict[str, Any], now: datetime) -> None:
    """The status for people."""
    out.json(found)
    done = [a for a in found["assets"] if a["materialized_at"]]
    if not done:
        out.say(f"Nothing has run in {found['home']} yet; run `c360 demo`.")
        return
    out.table(
        "Assets",
        ("asset", "materialized", "rows"),
        [
            (
                a["asset"],
                ago(a["materialized_at"], now) if a["materialized_at"] else "never",
                a["rows"],
            )
            for a in found["assets"]
        ],
    )
    _show_checks(out, found["checks"])
    out.table(
        "Last runs",
        ("run", "job", "status", "started", "seconds"),
        [
            (r["run_id"][:8], r["job"], r["status"], r["started_at"], f"{r['seconds'] or 0:.1f}")
            for r in found["runs"]
        ],
    )
    if found["published"] is None:
        out.say("Nothing is published yet: `published` has not run, or a blocking check failed.")
        return
    _show_data(out, found, now)


def _show_checks(out: Output, checks: dict[str, Any]) -> None:
    for name, title in (("failed", "Failed checks"), ("warned", "Warnings")):
        rows = [(c["asset"], c["check"], c["rows"]) for c in checks[name]]
        out.table(title, ("asset", "check", "rows"), rows)
    style = STYLES["failed"] if checks["failed"] else STYLES["passed"]
    out.say(
        f"Checks: {checks['passed']} passed, {len(checks['warned'])} warned, "
        f"[{style}]{len(checks['failed'])} failed[/], {len(checks['not_run'])} not run"
    )


def _show_data(out: Output, found: dict[str, Any], now: datetime) -> None:
    published, data, merges = found["published"], found["data"], found["merges"]
    newest = data["newest_event_or_order"]
    out.facts(
        "Published copy",
        {
            "path": published["path"],
            "published": ago(published["published_at"], now),
            "size": f"{published['size_bytes'] / 1e6:.1f} MB",
            "newest event or order": newest,
            "age of the data": None if newest is None else duration(now - newest),
            "clock": data["clock"],
        },
    )
    out.table(
        "Rejected rows",
        ("table", "reason", "rows"),
        [(r["source_table"], r["reason"], r["number_of_rows"]) for r in found["rejected"]],
    )
    out.table(
        "Merge decisions",
        ("kind", "outcome", "decisions"),
        [(o["kind"], o["outcome"], o["decisions"]) for o in merges["outcomes"]],
    )
    out.table(
        "Decisions that wait or were refused",
        ("file and row", "outcome", "why"),
        [
            (f"{d['source_file']}, row {d['source_row']}", d["outcome"], d["explanation"])
            for d in merges["unsettled"]
        ],
        limit=SHOWN_DECISIONS,
    )


def _hours(now: datetime, then: datetime) -> float:
    return round((now - then).total_seconds() / 3600, 1)
