"""Why two addresses are one person (or two domains one company), and what would part them.

Belongs here: paths of decisions between two keys, on the published journal. Not here: what one
address is (`cli_support.explain`), nor what makes a pair likely (`merge_candidates`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import duckdb
import pandas as pd

from c360_assets.identity.fold import FoldRules
from c360_assets.identity.journal import fold_journal
from c360_assets.identity.merge_files import merge_rows
from c360_assets.identity.statements import MERGE, UNDO
from c360_assets.resolution.decisions import Decision, Pair, rows_of
from c360_assets.settings import Rules
from c360_assets.warehouse.session import fetch_dicts

MOST_REVOKED = 3  # decisions tried together; a chain is parted by one unless others stand behind it
_SIDES = ("old_key", "new_key")
_LAST = "~"  # sorts after every name of a merge file

# what a row says by itself must be readable: the others were never decisions on two keys
_JOURNAL = """
    select * from identity.merge_journal
    where kind = $kind and old_key is not null and new_key is not null
        and coalesce(outcome_reason, '') not in (
            'invalid_email', 'invalid_domain', 'invalid_decided_at', 'unknown_decision',
            'self_merge', 'personal_domain'
        )
    order by source_file, source_row
"""
_PERSON = """
    select any_value(contact_email) as name, any_value(contact_id) as id
    from identity.user_identity where email = $key
"""
_COMPANY = """
    select any_value(corporate_email) as name, any_value(corporate_email) as id,
        any_value(registrable_domain) as registrable_domain
    from identity.domain_identity where email_domain = $key
"""
_SUGGESTED = """
    select match_probability, evidence, blast_radius from identity.merge_candidates
    where kind = $kind and list_sort(["left", "right"]) = list_sort([$old, $new])
"""


@dataclass(frozen=True)
class Evidence:
    """What is known of a pair.

    `are_one`: whether both are one person or company now. `path`: the applied merges between the
    two, nearest to the first one first. `revoke`: the smallest set of decisions whose undoing parts
    them; empty where nothing in the journal joins them. `others`: further decisions on paths
    between the two, which do not hold them together: bans, and merges that do not stand.
    """

    pair: Pair
    are_one: bool
    left: dict[str, Any] | None
    right: dict[str, Any] | None
    path: list[dict[str, Any]]
    revoke: list[dict[str, Any]]
    others: list[dict[str, Any]]
    suggestion: dict[str, Any] | None

    @property
    def is_folded(self) -> bool:
        """Whether a subdomain counts as what it is registered under, beside any decision."""
        sides = [self.left or {}, self.right or {}]
        above = [side.get("registrable_domain") for side in sides]
        keys = [self.pair.old, self.pair.new]
        return self.are_one and self.pair.kind == "domain" and above != keys


def evidence(connection: duckdb.DuckDBPyConnection, pair: Pair, rules: Rules) -> Evidence:
    """What joins or parts the two, on a connection to the published copy."""
    sql = _PERSON if pair.kind == "user" else _COMPANY
    left, right = (_one(connection, sql, {"key": key}) for key in (pair.old, pair.new))
    journal = fetch_dicts(connection, _JOURNAL, {"kind": pair.kind})
    applied = [row for row in journal if row["decision"] == MERGE and row["outcome"] == "applied"]
    asked, pair = pair, _decided_about(pair, journal, left, right)
    path = shortest_path(applied, pair)
    are_one = bool(left and right and left["id"] is not None and left["id"] == right["id"])
    around = _component(journal, pair)
    trial = _Trial(pair, around, _known(connection, pair, around), rules)
    revoke = _smallest_cut(trial, path) if path else []
    suggestion = _one(connection, _SUGGESTED, {"kind": pair.kind, "old": pair.old, "new": pair.new})
    others = _others(journal, path, pair)
    return Evidence(asked, are_one, left, right, path, revoke, others, suggestion)


def _decided_about(
    pair: Pair,
    journal: list[dict[str, Any]],
    left: dict[str, Any] | None,
    right: dict[str, Any] | None,
) -> Pair:
    """The keys that decisions name: a subdomain in none counts as what it is registered under."""
    if pair.kind == "user":
        return pair
    named = {row[side] for row in journal for side in _SIDES}
    keys = [
        key if key in named or not who else who["registrable_domain"] or key
        for key, who in ((pair.old, left), (pair.new, right))
    ]
    return Pair(pair.kind, keys[0], keys[1])


def shortest_path(rows: Sequence[dict[str, Any]], pair: Pair) -> list[dict[str, Any]]:
    """The fewest of the journal's rows that lead from one key to the other, in any direction.

    Of several rows about one step the first stands for it. Empty where there is no path.
    """
    around = _around(rows)
    came: dict[str, tuple[str, dict[str, Any]]] = {}
    waiting, seen = deque([pair.old]), {pair.old}
    while waiting and pair.new not in seen:
        here = waiting.popleft()
        for there, row in around.get(here, []):
            if there not in seen:
                seen.add(there)
                came[there] = (here, row)
                waiting.append(there)
    steps: list[dict[str, Any]] = []
    key = pair.new
    while key in came:
        key, row = came[key]
        steps.append(row)
    return steps[::-1]


def _around(rows: Sequence[dict[str, Any]]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Per key, the keys that rows lead to from it, in any direction, each with its row."""
    around: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for row in rows:
        around.setdefault(row["old_key"], []).append((row["new_key"], row))
        around.setdefault(row["new_key"], []).append((row["old_key"], row))
    return around


def _others(
    journal: list[dict[str, Any]], path: list[dict[str, Any]], pair: Pair
) -> list[dict[str, Any]]:
    """Bans between the two sides, and the way that would join them if it stood."""
    keys = {pair.old, pair.new, *(row["old_key"] for row in path), *(r["new_key"] for r in path)}
    about = [
        row
        for row in journal
        if row not in path and row["old_key"] in keys and row["new_key"] in keys
    ]
    if path:
        return about
    merges = [row for row in journal if row["decision"] == MERGE]
    would = [row for row in shortest_path(merges, pair) if row not in about]
    return about + would


def _component(journal: list[dict[str, Any]], pair: Pair) -> list[dict[str, Any]]:
    """The rows that any chain of rows connects with the pair: all that can bear on it."""
    around = _around(journal)
    keys, waiting = {pair.old, pair.new}, [pair.old, pair.new]
    while waiting:
        new = {there for there, _ in around.get(waiting.pop(), ())} - keys
        keys |= new
        waiting += new
    return [row for row in journal if row["old_key"] in keys]


@dataclass(frozen=True)
class _Trial:
    """A pair with all that bears on it, to be folded anew with further decisions."""

    pair: Pair
    rows: list[dict[str, Any]]
    known: pd.Series
    rules: Rules

    @cached_property
    def given(self) -> pd.DataFrame:
        """The journal's rows as rows of merge files again."""
        return merge_rows(
            [
                (
                    *(row["source_file"], row["source_row"], row["old_key"], row["new_key"]),
                    *(row["decision"], row["decided_by"], _text(row["decided_at"]), row["reason"]),
                    None,
                )
                for row in self.rows
            ]
        )

    def path_without(self, undone: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """What joins the two still when these merges are taken back, last of all."""
        at = max((row["decided_at"] for row in self.rows if row["decided_at"]), default=None)
        kind = self.pair.kind
        undos = [Decision(Pair(kind, *keys), UNDO, "", at or datetime.min) for keys in undone]
        last = rows_of(undos, _LAST, kind)
        if not all(row["decided_at"] for row in self.rows):
            # among undated rows the file's name decides, and this one is the last
            last["decided_at"] = pd.Series([None] * len(last), dtype="str")
        frame = pd.concat([self.given, last], ignore_index=True)
        none = frame.iloc[:0]
        users, domains = (frame, none) if kind == "user" else (none, frame)
        rules = FoldRules.of(self.rules, domains)
        folded = fold_journal(users, domains, known_emails=self.known, rules=rules)
        stands = folded[folded["resolved_to"].notna()]
        given = {(row["source_file"], row["source_row"]): row for row in self.rows}
        places = zip(stands["source_file"], stands["source_row"], strict=True)
        return shortest_path([given[place] for place in places], self.pair)


def _smallest_cut(trial: _Trial, path: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fewest merges whose undoing parts the pair; of equal ones the latest decided.

    A set must break the path. Where something joins the two still, since a merge that another had
    replaced stands again, it must break that path, too: so only the merges on it are tried next.
    Empty where more than MOST_REVOKED are needed.
    """
    waiting: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = [([], path)]
    for _ in range(MOST_REVOKED):
        longer = []
        for chosen, way in waiting:
            for step in sorted(way, key=_when, reverse=True):
                tried = [*chosen, step]
                left = trial.path_without([(row["old_key"], row["new_key"]) for row in tried])
                if not left:
                    return tried
                longer.append((tried, left))
        waiting = longer
    return []


def _when(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["decided_at"] or datetime.min, row["source_file"], row["source_row"])


def _text(moment: datetime | None) -> str | None:
    return f"{moment.isoformat()}Z" if moment else None


def _known(
    connection: duckdb.DuckDBPyConnection, pair: Pair, rows: list[dict[str, Any]]
) -> pd.Series:
    """Those of the keys that some account has."""
    keys = sorted({pair.old, pair.new, *(row[side] for row in rows for side in _SIDES)})
    if pair.kind == "domain":
        return pd.Series(keys, dtype="str")
    found = connection.execute(
        "select distinct email from identity.user_identity"
        " where email in (select unnest(?::varchar[])) order by email",
        [keys],
    ).fetchall()
    return pd.Series([row[0] for row in found], dtype="str")


def _one(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any]
) -> dict[str, Any] | None:
    rows = fetch_dicts(connection, sql, parameters)
    return rows[0] if rows and any(value is not None for value in rows[0].values()) else None
