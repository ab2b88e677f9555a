"""What the folder of merge files says at this moment, and what of it no published run has read.

Belongs here: the folder as it lies there, folded only as far as some addresses or domains are
concerned, so that an answer does not wait for all other decisions. Not here: writing a decision
(`recording`), nor all that it would change (`plan`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from c360_assets.errors import MergeFileError
from c360_assets.identity.fold import FoldRules
from c360_assets.identity.journal import fold_journal
from c360_assets.identity.merge_files import (
    Kind,
    MergeFiles,
    merge_files_in,
    merge_rows,
    printable,
    read_merge_file,
)
from c360_assets.identity.statements import MERGE, NEVER, statements
from c360_assets.resolution.decisions import Decision, Pair, file_name, rows_of
from c360_assets.settings import Rules
from c360_assets.warehouse.published import connect_beside

KINDS: tuple[Kind, ...] = ("user", "domain")
STANDS = ("applied", "pending")
_PLACE = ["source_file", "source_row"]
_JOURNAL = """
    select source_file, source_row, old_key, new_key, decision, outcome
    from published.identity.merge_journal where kind = $kind
"""
_KNOWN = """
    select distinct email from published.identity.user_identity
    where email in (select unnest($keys::varchar[])) order by email
"""

Place = tuple[str, str, int]  # kind, file, row


@dataclass(frozen=True)
class Rows:
    """What merge files say. `frames` has per kind the rows of `MergeFiles` with `old_key` and
    `new_key`, in normal form; `unreadable` has the reason per file that cannot be read."""

    frames: Mapping[Kind, pd.DataFrame]
    unreadable: Mapping[str, str]

    def around(self, kind: Kind, keys: Iterable[str]) -> pd.DataFrame:
        """The rows that any chain of rows connects with the keys: all that can bear on them."""
        frame = self.frames[kind]
        known: set[str] = set(keys)
        while True:
            is_near = frame["old_key"].isin(known) | frame["new_key"].isin(known)
            near = frame[is_near]
            reached = known.union(near["old_key"].dropna(), near["new_key"].dropna())
            if len(reached) == len(known):
                return near
            known = reached


class MergeFolder:
    """A folder of merge files; a file is read again only when it changed. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._files: dict[str, tuple[tuple[int, ...], MergeFiles | str]] = {}
        self._rows: Rows | None = None
        self._waiting: tuple[Rows, Path, Rules, Waiting] | None = None

    def waiting(self, database: Path, rules: Rules) -> Waiting:
        """What the folder says beyond, or otherwise than, the journal of a published database.

        Raises:
            MergeFileError: the folder cannot be listed.
        """
        said = self.read()
        with self._lock:
            known = self._waiting
        if known is None or known[0] is not said or known[1:3] != (database, rules):
            known = said, database, rules, _waiting(said, database, rules)
            with self._lock:
                self._waiting = known
        return known[3]

    def read(self) -> Rows:
        """What the files say now.

        Raises:
            MergeFileError: the folder is missing or cannot be listed.
        """
        with self._lock:
            found = {}
            for path, _ in merge_files_in(self.path):
                stamp = _stamp(path)
                known = self._files.get(path.name)
                if known is None or known[0] != stamp:
                    known = stamp, _content(path)
                found[path.name] = known
            if self._rows is None or found != self._files:
                self._files, self._rows = found, _rows(found)
            return self._rows


@cache
def folder_at(path: Path) -> MergeFolder:
    """The folder at a path: one for all that ask in this process."""
    return MergeFolder(path)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:  # it is gone, or nobody may look: reading it says which
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _content(path: Path) -> MergeFiles | str:
    try:
        return read_merge_file(path)
    except MergeFileError as error:
        return str(error)


def _rows(files: Mapping[str, tuple[tuple[int, ...], MergeFiles | str]]) -> Rows:
    unreadable = {
        printable(name): read for name, (_, read) in files.items() if isinstance(read, str)
    }
    readable = [read for _, read in files.values() if not isinstance(read, str)]
    return Rows(
        {
            "user": _keyed("user", [each.user_rows for each in readable]),
            "domain": _keyed("domain", [each.domain_rows for each in readable]),
        },
        unreadable,
    )


def _keyed(kind: Kind, frames: list[pd.DataFrame]) -> pd.DataFrame:
    rows = pd.concat([merge_rows([]), *frames], ignore_index=True)
    said = statements(kind, rows)[[*_PLACE, "old_key", "new_key", "decision"]]
    return rows.drop(columns="decision").merge(said, on=_PLACE, how="left")


# --- what no published run has read --------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """What the next run will find otherwise than the published one.

    `rows`: journal rows as they will be, of every decision that is new or whose outcome changes,
    each with `is_new`. `gone`: decisions of the published journal that no file says any more.
    `unreadable`: why files cannot be read; what they said stands.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    gone: frozenset[Place] = frozenset()
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def standing(self) -> list[dict[str, Any]]:
        """The new merges and bans that hold."""
        return [row for row in self.rows if row["is_new"] and stands(row)]

    def end_of(self, kind: str, key: str) -> str:
        """Where new merges lead to from a key; the key itself where there are none."""
        ends = {
            row["old_key"]: row["resolved_to"]
            for row in self.rows
            if row["kind"] == kind and row["decision"] == MERGE and row["resolved_to"]
        }
        return str(ends.get(key, key))


def stands(row: Mapping[str, Any]) -> bool:
    """Whether a row of the journal is a merge or a ban that holds, or waits to."""
    return row["decision"] in (MERGE, NEVER) and row["outcome"] in STANDS


def place(row: Mapping[str, Any]) -> Place:
    """What tells one decision from all others."""
    return str(row["kind"]), str(row["source_file"]), int(row["source_row"])


def _waiting(said: Rows, database: Path, rules: Rules) -> Waiting:
    found: list[dict[str, Any]] = []
    gone: set[Place] = set()
    with connect_beside(database) as connection:
        for kind in KINDS:
            journal = connection.execute(_JOURNAL, {"kind": kind}).df()
            journal = journal[~journal["source_file"].isin(said.unreadable)]
            news, lapsed = _differences(said.frames[kind], journal)
            gone.update((kind, str(r.source_file), int(r.source_row)) for r in lapsed.itertuples())
            keys = {
                key
                for frame in (news, lapsed)
                for name in ("old_key", "new_key")
                for key in frame[name].dropna()
            }
            if keys:
                near = said.around(kind, keys)
                found += _changed(fold_rows(connection, kind, near, rules), journal, news)
    return Waiting(found, frozenset(gone), said.unreadable)


def _differences(said: pd.DataFrame, journal: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the folder that the journal has not, and those that it alone has."""
    both = said.merge(journal, on=_PLACE, how="outer", suffixes=("", "_was"), indicator=True)
    is_other = pd.Series(False, index=both.index)
    for name in ("old_key", "new_key", "decision"):
        # the journal leaves out what is no address
        is_other |= both[f"{name}_was"].notna() & (both[name] != both[f"{name}_was"])
    is_there = both["_merge"] == "both"
    news = both[(both["_merge"] == "left_only") | (is_there & is_other)]
    lapsed = both[both["_merge"] == "right_only"].drop(columns=["old_key", "new_key"])
    return news, lapsed.rename(columns={"old_key_was": "old_key", "new_key_was": "new_key"})


def _changed(
    folded: list[dict[str, Any]], journal: pd.DataFrame, news: pd.DataFrame
) -> list[dict[str, Any]]:
    new = set(zip(news["source_file"], news["source_row"], strict=True))
    before = {
        (file, row): outcome
        for file, row, outcome in zip(
            journal["source_file"], journal["source_row"], journal["outcome"], strict=True
        )
    }
    return [
        {**row, "is_new": at in new}
        for row in folded
        if (at := (row["source_file"], row["source_row"])) in new
        or before.get(at) != row["outcome"]
    ]


# --- what decisions come to ----------------------------------------------------------------------


def fold_rows(
    connection: duckdb.DuckDBPyConnection, kind: Kind, rows: pd.DataFrame, rules: Rules
) -> list[dict[str, Any]]:
    """The journal of these rows alone, on a connection beside a published copy."""
    if rows.empty:
        return []
    none = rows.iloc[:0]
    users, domains = (rows, none) if kind == "user" else (none, rows)
    keys = sorted({*rows["old_key"].dropna(), *rows["new_key"].dropna()})
    known = known_emails(connection, keys) if kind == "user" else pd.Series(keys, dtype="str")
    folded = fold_journal(users, domains, known_emails=known, rules=FoldRules.of(rules, domains))
    return [
        {str(name): None if pd.isna(value) else _plain(value) for name, value in row.items()}
        for row in folded.to_dict("records")
    ]


def known_emails(connection: duckdb.DuckDBPyConnection, keys: list[str]) -> pd.Series:
    """Those of the addresses that some account has, on a connection beside a published copy."""
    found = connection.execute(_KNOWN, {"keys": keys}).fetchall()
    return pd.Series([row[0] for row in found], dtype="str")


def _plain(value: Any) -> Any:
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


@dataclass(frozen=True)
class Trial:
    """What the folder's decisions round a pair come to: as they are, and with one more.

    Rows of the journal; those of `after` have `is_new` and `outcome_before`.
    """

    before: list[dict[str, Any]]
    after: list[dict[str, Any]]

    @property
    def objection(self) -> str | None:
        """Why the new decision had better not be written."""
        return objection_to(self.after)

    @property
    def ended(self) -> list[dict[str, Any]]:
        """The merges and bans that hold now and would not hold any more."""
        return [
            row
            for row in self.after
            if not row["is_new"]
            and row["decision"] in (MERGE, NEVER)
            and row["outcome_before"] in STANDS
            and row["outcome"] not in STANDS
        ]

    def on(self, pair: Pair) -> list[dict[str, Any]]:
        """What was said on the two so far, the latest first."""
        both = {pair.old, pair.new}
        said = [row for row in self.before if {row["old_key"], row["new_key"]} == both]
        return sorted(said, key=_when, reverse=True)


def objection_to(decisions: Iterable[Mapping[str, Any]]) -> str | None:
    """Why new rows had better not be written; None where nothing speaks against them.

    A new row would not stand, or a decision that stands now would be refused because of it. Each
    row has `is_new`, `outcome`, `outcome_before` and `explanation`.
    """
    for each in decisions:
        is_without_effect = each["is_new"] and each["outcome"] not in STANDS
        is_harm = not each["is_new"] and each["outcome"] == "refused"
        if is_without_effect or (is_harm and each["outcome_before"] == "applied"):
            return str(each["explanation"])
    return None


def trial(folder: MergeFolder, database: Path, rules: Rules, decision: Decision) -> Trial:
    """What a decision comes to among those of the folder, by the rules of the journal alone.

    Raises:
        MergeFileError: the folder cannot be listed, or a file in it cannot be read, so that nobody
            can tell what it says.
    """
    said, pair = folder.read(), decision.pair
    for reason in said.unreadable.values():
        raise MergeFileError(f"{reason}; until then no decision can be recorded")
    near = said.around(pair.kind, (pair.old, pair.new))
    name = file_name(decision, folder.path)
    new = rows_of([decision], name, pair.kind)
    new[["old_key", "new_key"]] = pair.old, pair.new
    with connect_beside(database) as connection:
        before = fold_rows(connection, pair.kind, near, rules)
        both = pd.concat([near, new], ignore_index=True)
        after = fold_rows(connection, pair.kind, both, rules)
    outcomes = {place(row): row["outcome"] for row in before}
    return Trial(
        before,
        [
            {**r, "is_new": r["source_file"] == name, "outcome_before": outcomes.get(place(r))}
            for r in after
        ],
    )


def _when(row: Mapping[str, Any]) -> tuple[Any, ...]:
    at = row["decided_at"]
    return (at is not None, at.isoformat() if at else "", row["source_file"], row["source_row"])
