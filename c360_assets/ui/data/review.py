"""Merge review: which pair is next, what is known of the two, what was decided and by whom.

Belongs here: the answers for `/review`. Not here: what decisions come to (`resolution.present`),
nor the list of all of them (`review_history`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from c360_assets.identity.merge_files import Kind
from c360_assets.identity.statements import MERGE, NEVER
from c360_assets.resolution.decisions import Decision, Pair
from c360_assets.resolution.present import Waiting, folder_at, place, stands, trial
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.hidden import hidden_in
from c360_assets.ui.privacy import HIDDEN

KIND_NAMES: Mapping[str, str] = {"user": "people", "domain": "companies"}
FROM_THE_START = 0
OF_HIDDEN = (
    "Another decision speaks against it, on somebody whose data is not shown: `c360 merge log` "
    "lists all decisions."
)
REJECTED = "suggestion rejected"  # as `c360 merge reject` has it
_PARTS: Mapping[str, Mapping[str, str]] = {
    "user": {
        "evidence_name": "Name",
        "evidence_mailbox": "Mailbox",
        "evidence_workplace": "Workplace",
        "evidence_phone": "Phone",
        "evidence_address": "Postal address",
        "evidence_activity": "Activity",
        "evidence_created": "Signing up",
    },
    "domain": {
        "evidence_name": "Domain",
        "evidence_workplace": "Gaggle names",
        "evidence_shared_people": "People in both",
        "evidence_shared_gaggles": "Gaggles of both",
        "evidence_activity": "Activity",
    },
}
_LEANINGS = ("strongly for", "for", "strongly against", "against", "neutral")


@dataclass(frozen=True)
class Candidate:
    """A suggested pair: the row of `merge_candidates`, and which of the two is given up.

    `merged` is the pair that a merge is written for: where `old` was merged into somebody
    meanwhile, it is they who are merged.
    """

    kind: Kind
    old: str
    new: str
    merged: Pair
    row: dict[str, Any]

    @property
    def text(self) -> str:
        """As the URL has it."""
        return f"{self.old}~{self.new}"

    @property
    def pair(self) -> Pair:
        """The two themselves."""
        return Pair(self.kind, self.old, self.new)

    @property
    def swapped(self) -> str:
        """The same the other way round, for the URL."""
        return f"{self.new}~{self.old}"


@dataclass(frozen=True)
class Choice:
    """What to review: a pair, or none, if the one that was asked for is decided.

    `said`: what was decided on that pair, the latest first; of an open one it was taken back.
    `is_again`: the list is through, and this is its start. `remaining`: pairs after this point.
    """

    candidate: Candidate | None
    said: list[dict[str, Any]]
    people: int
    companies: int
    remaining: int
    is_again: bool
    waiting: Waiting

    @property
    def total(self) -> int:
        """Pairs that nobody has decided."""
        return self.people + self.companies


@dataclass(frozen=True)
class Leaning:
    """One thing that speaks for or against: `leaning` is empty where it is not said."""

    about: str
    leaning: str
    words: str


@dataclass(frozen=True)
class Readiness:
    """Whether a merge would stand: `blocked` says why not, `needs_reason` why one is needed."""

    blocked: str | None = None
    needs_reason: str | None = None


def waiting_now(copy: Copy) -> Waiting:
    """What the merge files say beyond the published journal.

    Raises:
        MergeFileError: the folder cannot be listed.
    """
    settings = copy.settings
    return folder_at(settings.merges_dir).waiting(copy.manifest.database, settings.rules)


def choose(copy: Copy, kind: str | None, pair: str | None, after: str | None) -> Choice:
    """The pair that is named, or the first open one after a rank or pair.

    Raises:
        MergeFileError: the folder of merge files cannot be listed.
    """
    waiting = waiting_now(copy)
    decided = sorted(_decided(copy, waiting))
    rank = rank_of(copy, after)
    given = {"kind": kind if kind in KIND_NAMES else None, "after": rank, "decided": decided}
    counts = copy.one("review/open", **given)
    numbers = (int(counts["people"]), int(counts["companies"]), int(counts["remaining"]))
    if pair:
        row = copy.row("review/pair", pair=pair)
        open_ = _candidate(row, waiting, is_swapped=bool(row["is_swapped"])) if row else None
        if open_ and f"{open_.kind} {open_.row['old_key']}~{open_.row['new_key']}" in decided:
            open_ = None
        return Choice(open_, _said(copy, waiting, pair), *numbers, False, waiting)
    row = copy.row("review/next", **given)
    is_again = row is not None and 0 < row["value_rank"] <= rank
    found = _candidate(row, waiting) if row else None
    said = _said(copy, waiting, found.text) if found and waiting.rows else []
    return Choice(found, said, *numbers, is_again, waiting)


def rank_of(copy: Copy, after: str | None) -> int:
    """Where the list goes on: a rank, or that of a pair; 0 where neither is named."""
    if not after:
        return FROM_THE_START
    if after.isascii() and after.isdigit() and len(after) < 10:
        return int(after)
    row = copy.row("review/pair", pair=after)
    return int(row["value_rank"]) if row else FROM_THE_START


def _candidate(
    row: dict[str, Any], waiting: Waiting, *, is_swapped: bool = False
) -> Candidate | None:
    kind, old, new = row["kind"], row["old_key"], row["new_key"]
    if is_swapped:
        old, new = new, old
    merged = Pair(kind, waiting.end_of(kind, old), new)
    if merged.old == waiting.end_of(kind, new):
        return None
    return Candidate(kind, old, new, merged, row)


def _decided(copy: Copy, waiting: Waiting) -> Iterable[str]:
    """The suggested pairs that files have decided, or made one by other ways."""
    standing = waiting.standing()
    for row in standing:
        for old, new in (
            (row["old_key"], row["new_key"]),
            (row["new_key"], row["old_key"]),
        ):
            yield f"{row['kind']} {old}~{new}"
    keys = sorted(
        {
            f"{row['kind']} {row[side]}"
            for row in standing
            if row["decision"] == MERGE
            for side in ("old_key", "new_key")
        }
    )
    for each in copy.rows("review/joined", keys=keys) if keys else ():
        kind, old, new = each["kind"], each["old_key"], each["new_key"]
        # null keys are those of hidden people
        if old and new and waiting.end_of(kind, old) == waiting.end_of(kind, new):
            yield f"{kind} {old}~{new}"


def _said(copy: Copy, waiting: Waiting, pair: str) -> list[dict[str, Any]]:
    """What was decided on the two that a text names, the latest first, as it will be."""
    then = {place(row) for row in waiting.rows}
    found = [{**row, "is_waiting": False} for row in copy.rows("review/said", pair=pair)]
    found = [each for each in found if place(each) not in then]
    on_pair = [
        row
        for row in waiting.rows
        if pair in (f"{row['old_key']}~{row['new_key']}", f"{row['new_key']}~{row['old_key']}")
    ]
    new = [{**row, "is_waiting": True} for row in visible(copy, on_pair)]
    return sorted([*new, *found], key=_when, reverse=True)


def _when(row: Mapping[str, Any]) -> tuple[Any, ...]:
    at = row["decided_at"]
    return (at is not None, at.isoformat() if at else "", row["source_file"], row["source_row"])


def visible(copy: Copy, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Decisions of files but those on hidden people, each with `old_contact` and `new_contact`.

    These two are empty where no account has the address, or it is no address. What else a row says
    of hidden people is hidden.
    """
    rows = list(rows)
    asked = {row[side] for row in rows for side in _SIDES if row["kind"] == "user" and row[side]}
    there: dict[str, str] = {}
    if asked:
        found = copy.rows("review/contacts", addresses=sorted(asked))
        there = {each["email"]: each["contact_id"] for each in found}
    texts = [row[name] for row in rows for name in (*_SIDES, "source_file")]
    sentences = [row[name] for row in rows for name in _TEXTS]
    hidden = hidden_in(copy, copy.settings, texts, sentences)
    shown = []
    for row in rows:
        if any(hidden.are_in(row[name]) for name in (*_SIDES, "source_file")):
            continue
        old, new = (there.get(row[side] or "") for side in _SIDES)
        texts_then = {name: HIDDEN for name in _TEXTS if hidden.are_in(row[name])}
        shown.append({**row, **texts_then, "old_contact": old, "new_contact": new})
    return shown


_SIDES = ("old_key", "new_key")
_TEXTS = ("decided_by", "reason", "explanation")


def readiness(copy: Copy, candidate: Candidate, name: str) -> Readiness:
    """Whether a merge of the pair would stand among the decisions of this moment.

    Raises:
        MergeFileError: the folder or a file in it cannot be read.
    """
    settings, database = copy.settings, copy.manifest.database
    folder = folder_at(settings.merges_dir)
    bare = Decision(candidate.merged, MERGE, name, datetime.max)
    objection = trial(folder, database, settings.rules, bare).objection
    if objection is None:
        return Readiness()
    with_reason = replace(bare, reason="a reason")
    still = trial(folder, database, settings.rules, with_reason).objection
    if still:
        return Readiness(blocked=without_hidden(copy, still))
    return Readiness(needs_reason=without_hidden(copy, objection))


def without_hidden(copy: Copy, objection: str) -> str:
    """What speaks against a decision, unless it tells of somebody hidden."""
    is_told = hidden_in(copy, copy.settings, (), [objection]).are_in(objection)
    return OF_HIDDEN if is_told else objection


def leanings(row: Mapping[str, Any]) -> list[Leaning]:
    """The evidence of a candidate, one by one; what speaks for it first, then what against."""
    found = []
    for column, about in _PARTS[row["kind"]].items():
        if words := row[column]:
            head, colon, rest = str(words).partition(": ")
            is_known = bool(colon) and head in _LEANINGS
            found.append(Leaning(about, head, rest) if is_known else Leaning(about, "", str(words)))
    order = {leaning: nth for nth, leaning in enumerate(_LEANINGS)}
    return sorted(found, key=lambda each: order.get(each.leaning, len(order)))


def progress(copy: Copy, waiting: Waiting, since: datetime) -> list[tuple[str, int]]:
    """Who took how many decisions since a moment (naive UTC), most first."""
    counts: dict[str, int] = {}
    for row in copy.rows("review/today", since=since):
        counts[row["decided_by"] or "somebody"] = int(row["decisions"])
    for row in waiting.rows:
        if row["is_new"] and row["decided_at"] and row["decided_at"] >= since:
            name = row["decided_by"] or "somebody"
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def last_by(copy: Copy, waiting: Waiting, name: str) -> dict[str, Any] | None:
    """The latest decision of a person that holds, with `is_waiting`; None where there is none."""
    then = {place(row): row for row in waiting.rows}
    old = [
        {**row, "is_waiting": False}
        for row in copy.rows("review/by_visitor", name=name)
        if place(row) not in waiting.gone and (place(row) not in then or stands(then[place(row)]))
    ]
    theirs = [
        row
        for row in waiting.rows
        if row["is_new"] and row["decided_by"] == name and row["decided_at"] and stands(row)
    ]
    new = [{**row, "is_waiting": True} for row in visible(copy, theirs)]
    return max([*old, *new], key=_when, default=None)


def arrived(copy: Copy, kind: str, source_file: str, source_row: int) -> dict[str, Any] | None:
    """What became of a decision in this version of the data; None where it is not in it yet."""
    return copy.row("review/arrived", kind=kind, source_file=source_file, source_row=source_row)


def shown_addresses(copy: Copy, people: Iterable[Mapping[str, Any]]) -> set[str]:
    """The addresses of people of a plan that may be shown.

    Not by their ids: of two that an undo parts, one has an id that nobody has in the copy.
    """
    found = copy.rows("review/contacts", addresses=sorted({each["email"] for each in people}))
    return {row["email"] for row in found}


def word_for(row: Mapping[str, Any]) -> str:
    """What a decision did, as a verb: `merged`."""
    return {MERGE: "merged", NEVER: "kept apart"}.get(str(row["decision"]), "took back")
