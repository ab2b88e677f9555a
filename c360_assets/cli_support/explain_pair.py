"""`c360 explain A B`: what joins two addresses or two domains, and what would part them."""

from __future__ import annotations

from typing import Any

from c360_assets.cli_support.output import Output
from c360_assets.resolution.decisions import pair_of
from c360_assets.resolution.evidence import Evidence, evidence
from c360_assets.settings import Settings
from c360_assets.warehouse.published import open_published


def explain_pair(settings: Settings, one: str, other: str) -> Evidence:
    """Look up what is known of two addresses or two domains, in any spelling.

    Raises:
        NothingPublishedError: nothing was published yet.
        RequestError: the two are no pair.
    """
    pair = pair_of(one, other)
    with open_published(settings) as connection:
        return evidence(connection, pair, settings.rules)


def exit_code(found: Evidence) -> int:
    """0 where both are known, one or two; else 1."""
    return 0 if found.left and found.right else 1


def document(found: Evidence) -> dict[str, Any]:
    """The evidence for machines."""
    return {
        "pair": [found.pair.old, found.pair.new],
        "kind": found.pair.kind,
        "are_one": found.are_one,
        "now": [found.left, found.right],
        "path": found.path,
        "revoke_to_part": found.revoke,
        "other_decisions": found.others,
        "suggestion": found.suggestion,
    }


def show(out: Output, found: Evidence) -> None:
    """The evidence for people."""
    out.json(document(found))
    noun = "person" if found.pair.kind == "user" else "company"
    for key, who in ((found.pair.old, found.left), (found.pair.new, found.right)):
        if who is None:
            out.note(f"nobody has {key}")
        elif who["name"] is None:
            out.say(f"{key} is the domain of no company.")
        elif who["name"] != key:
            out.say(f"{key} is today {who['name']}.")
    out.say(f"{found.pair} are {'one' if found.are_one else 'not one'} {noun}.")
    if found.is_folded:
        out.say(
            "A subdomain counts as the domain that it is registered under; `c360 merge never`, or "
            "domains.keep_apart in c360.toml, makes it a company of its own."
        )
    _show_rows(out, "What joins them", found.path)
    _show_rows(out, "The fewest decisions to take back to part them", found.revoke)
    if found.revoke:
        keys = [f"`c360 merge undo {row['old_key']} {row['new_key']}`" for row in found.revoke]
        out.say(f"That is {' and '.join(keys)}.")
    _show_rows(out, "Further decisions between them", found.others)
    if found.suggestion and not found.are_one:
        likely = f"{found.suggestion['match_probability']:.2f}"
        out.say(f"A merge is suggested with probability {likely}: {found.suggestion['evidence']}.")


def _show_rows(out: Output, title: str, rows: list[dict[str, Any]]) -> None:
    out.table(
        title,
        ("old", "new", "decision", "outcome", "by", "when", "file and row", "what it means"),
        [
            (
                *(row["old_key"], row["new_key"], row["decision"], row["outcome"]),
                *(row["decided_by"], row["decided_at"]),
                *(f"{row['source_file']}, row {row['source_row']}", row["explanation"]),
            )
            for row in rows
        ],
    )
