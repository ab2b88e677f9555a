"""`c360 merge`: decide on pairs, see what a decision would change, and read what was decided.

Belongs here: the commands' answers for people and machines. Not here: the options (`merge_app`),
nor what decisions come to (`identity`, `resolution`).
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from c360_assets.cli_support.output import Output
from c360_assets.errors import RequestError
from c360_assets.identity.merge_files import read_merge_files
from c360_assets.identity.statements import statements
from c360_assets.resolution.decisions import Decision, Pair, pair_of
from c360_assets.resolution.plan import (
    Plan,
    plan,
    present_rows,
    rows_of_decision,
    rows_of_file,
)
from c360_assets.resolution.recording import record
from c360_assets.resolution.steps import JOURNAL
from c360_assets.settings import Settings
from c360_assets.warehouse.published import open_published
from c360_assets.warehouse.session import fetch_dicts

SUGGESTIONS = """
    select * from identity.merge_candidates
    where $kind is null or kind = $kind
    order by value_rank, kind desc, "left", "right" limit $limit
"""
SUGGESTED = """
    select old_key, new_key from identity.merge_candidates
    where kind = $kind and list_sort(["left", "right"]) = list_sort([$old, $new])
"""
LOG = f"""
    select * from {JOURNAL.qualified_name}
    where $key is null or $key in (old_key, new_key, resolved_to)
    order by decided_at desc nulls last, source_file desc, source_row desc limit $limit
"""


def author(settings: Settings, given: str | None) -> str:
    """Who decides: the option, the setting, or the name of the user of this machine.

    Raises:
        RequestError: there is none of these.
    """
    name = given or settings.user or _login()
    if not name.strip():
        raise RequestError("nobody decides; name a person with --by, or set C360_USER")
    return name.strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a machine without that user
        return ""


def decide(
    settings: Settings, pair: Pair, decision: str, by: str, reason: str, out: Output
) -> bool:
    """Record the decision in a new file, unless it would be refused; whether it was recorded."""
    row = Decision(pair, decision, by, datetime.now(UTC).replace(tzinfo=None), reason)
    found = plan(settings, rows_of_decision(settings, row))
    objection, path = found.objection, None
    if objection is None:
        # somebody else may have decided while the plan was worked out
        recorded = record(settings, row)
        objection, path = recorded.objection, recorded.path
    out.json({"file": path, "objection": objection, **document(found)})
    if path is None:
        out.note(f"nothing was written: {objection}")
        return False
    out.say(f"Wrote {escape(str(path))}.")
    show_plan(out, found)
    out.say("The sensor picks it up within seconds (`make dev`); `c360 run` does it now.")
    return True


def suggested_direction(settings: Settings, pair: Pair) -> Pair | None:
    """The suggested pair of these two, from the one to give up to the one to keep; or None."""
    with open_published(settings) as connection:
        found = fetch_dicts(
            connection, SUGGESTED, {"kind": pair.kind, "old": pair.old, "new": pair.new}
        )
    return Pair(pair.kind, found[0]["old_key"], found[0]["new_key"]) if found else None


def require_suggested(settings: Settings, pair: Pair) -> None:
    """Refuse to reject what nobody suggested.

    Raises:
        RequestError: the pair is no suggestion.
    """
    if suggested_direction(settings, pair) is None:
        raise RequestError(
            f"{pair} are not among the suggestions (`c360 merge suggest`); "
            "use `c360 merge never` to keep any two apart"
        )


def require_decided(settings: Settings, pair: Pair) -> None:
    """Refuse to take back what was never decided.

    Raises:
        RequestError: no merge file names the pair.
    """
    rows = present_rows(settings)
    frame = rows.users if pair.kind == "user" else rows.domains
    said = statements(pair.kind, frame)
    both = {pair.old, pair.new}
    if not (said["old_key"].isin(both) & said["new_key"].isin(both)).any():
        raise RequestError(
            f"no merge file of {settings.merges_dir} names {pair}; `c360 merge log` lists the "
            "decisions, and `c360 explain` with both tells which of them join the two"
        )


def planned(settings: Settings, what: Sequence[str], decision: str) -> Plan:
    """The plan of a merge file, or of a decision on a pair.

    Raises:
        RequestError: neither one file nor two keys.
        MergeFileError: the file cannot be read.
    """
    if len(what) == 1:
        path = Path(what[0]).expanduser()
        if not path.exists():
            raise RequestError(f"{path} is no file; name a merge file, or the two of a pair")
        return plan(settings, rows_of_file(path))
    if len(what) != 2:
        raise RequestError(f"{len(what)} were named; name one merge file, or the two of a pair")
    row = Decision(pair_of(*what), decision, "plan", datetime.now(UTC).replace(tzinfo=None), "plan")
    return plan(settings, rows_of_decision(settings, row))


def document(found: Plan) -> dict[str, Any]:
    """A plan for machines."""
    return {
        "blast_radius": found.blast_radius,
        "decisions": found.decisions,
        "people_before": found.people_before,
        "people_after": found.people_after,
        "companies_before": found.companies_before,
        "companies_after": found.companies_after,
        "crm": found.crm,
    }


def show_plan(out: Output, found: Plan) -> None:
    """A plan for people."""
    out.table(
        "Decisions",
        ("file and row", "decision", "outcome", "until now", "what it means"),
        [
            (
                f"{d['source_file']}, row {d['source_row']}",
                *(d["decision"], d["outcome"], d["outcome_before"], d["explanation"]),
            )
            for d in found.decisions
        ],
    )
    for title, people in (
        ("People now", found.people_before),
        ("People then", found.people_after),
    ):
        out.table(
            title,
            ("contact", "address", "name", "company", "accounts", "events", "orders", "segment"),
            [
                (
                    *(p["contact_id"], p["email"], p["user_name"], p["corporate_email"]),
                    *(p["number_of_users"], p["number_of_events"], p["number_of_orders"]),
                    p["rfm_segment"],
                )
                for p in people
            ],
        )
    radius = found.blast_radius
    out.facts("What changes", {name.replace("_", " "): value for name, value in radius.items()})


def suggestions(settings: Settings, kind: str | None, limit: int) -> list[dict[str, Any]]:
    """The suggestions most worth a look, best first."""
    with open_published(settings) as connection:
        return fetch_dicts(connection, SUGGESTIONS, {"kind": kind, "limit": limit})


def show_suggestions(out: Output, found: list[dict[str, Any]]) -> None:
    """Suggestions for people."""
    if not found:
        out.say("Nothing is suggested: every likely pair was decided, or there is none.")
    out.table(
        "Suggested merges",
        ("rank", "one", "the other", "probability", "because", "if approved"),
        [
            (
                *(s["value_rank"], s["left"], s["right"], f"{s['match_probability']:.2f}"),
                *(s["evidence"], s["blast_radius"]),
            )
            for s in found
        ],
    )
    if found:
        first = found[0]
        out.say(
            f"Decide with `c360 merge approve {first['left']} {first['right']}`, or `reject`; "
            "`c360 merge plan` with the two shows all that would change."
        )


def log(settings: Settings, key: str | None, limit: int) -> list[dict[str, Any]]:
    """Decisions of the last run, newest first; with the files that no run has read yet apart."""
    with open_published(settings) as connection:
        return fetch_dicts(connection, LOG, {"key": key, "limit": limit})


def unread_files(settings: Settings) -> list[str]:
    """Files that lie in the folder and whose decisions are in no published journal yet."""
    with open_published(settings) as connection:
        known = connection.execute(
            f"select distinct source_file from {JOURNAL.qualified_name}"
        ).fetchall()
    names = {row[0] for row in known}
    files = read_merge_files(settings.merges_dir).files
    return [file.name for file in files if file.rows and file.name not in names]


def show_log(out: Output, found: list[dict[str, Any]], unread: list[str]) -> None:
    """Decisions for people."""
    out.table(
        "Decisions",
        ("when", "by", "decision", "old", "new", "outcome", "file and row", "what it means"),
        [
            (
                *(d["decided_at"], d["decided_by"], d["decision"], d["old_key"], d["new_key"]),
                *(d["outcome"], f"{d['source_file']}, row {d['source_row']}", d["explanation"]),
            )
            for d in found
        ],
    )
    if not found:
        out.say("No decision is in the journal.")
    if unread:
        out.note(f"not in a run yet: {', '.join(unread)}")
