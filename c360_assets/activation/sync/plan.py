"""The plan of a sync: what is wanted beside what was acknowledged, and what to write of it.

Nothing here writes to a CRM or to the ledger. `compare` works on hashes in the engine; `resolve`
looks at single records, with what the CRM holds now, and tells field by field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from types import MappingProxyType

import duckdb
import pandas as pd

from c360_assets.activation.destinations.values import text_of
from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_rows import RECORD, Conflict, Known, Rejected, Settled
from c360_assets.activation.sync.model import Limits, Payload, Remote, Row, Value
from c360_assets.crm_rules import FieldType, ObjectRules

Same = Callable[[FieldType, Value, str | None], bool]


@dataclass(frozen=True)
class ObjectPlan:
    """What is to be done with the records of one object, by their keys.

    `waiting` are rejected rows whose next attempt is not due; `merge` are (kept, gone) keys, and
    `follow` those of which the CRM has the gone one alone, whose record becomes the other's;
    `left` are records wanted no more that stay in the CRM, since the mapping does not delete.
    """

    object: str
    create: Sequence[str] = ()
    update: Sequence[str] = ()
    merge: Sequence[tuple[str, str]] = ()
    follow: Sequence[tuple[str, str]] = ()
    delete: Sequence[str] = ()
    unchanged: int = 0
    waiting: int = 0
    left: int = 0
    refused: Collection[str] = ()

    @property
    def planned(self) -> int:
        """The rows that a sync would touch."""
        return len(self.create) + len(self.update) + len(self.merge) + len(self.delete)

    def reads(self, limits: Limits) -> int:
        """Calls that read what the CRM holds of what is to be written."""
        sizes = (len(self.create), len(self.update))
        return sum(ceil(size / limits.rows_per_read) for size in sizes)

    def writes(self, limits: Limits) -> int:
        """Calls that write, if every row differs from what the CRM holds."""
        sizes = (len(self.create), len(self.update), len(self.delete))
        at_once = limits.rows_at_once(len(self.create) + len(self.update))
        return len(self.merge) + sum(ceil(size / at_once) for size in sizes)


@dataclass(frozen=True)
class LinkPlan:
    """Links to make and to take away: (from key, to key)."""

    kind: str
    add: Sequence[tuple[str, str]] = ()
    remove: Sequence[tuple[str, str]] = ()
    unchanged: int = 0
    waiting: int = 0

    @property
    def planned(self) -> int:
        """The links that a sync would touch."""
        return len(self.add) + len(self.remove)

    def writes(self, limits: Limits) -> int:
        """Calls that write."""
        return sum(1 for pairs in (self.add, self.remove) for _ in limits.link_batches(pairs))


@dataclass(frozen=True)
class Resolved:
    """One record of the plan, looked at beside what the CRM holds.

    `row` has the fields to write, perhaps none; `stored` is what the ledger will say of it;
    `changes` are (old, new) by field. `held_by` is the remote record that bears this one's unique
    text, since the two were merged in the CRM, or since it is that of `owner`, another key of ours.
    `is_deleted` says that somebody deleted it there, `is_left` that people decided to leave it so.
    `looked_at` is when their decisions were read; `refused` tells a plan why it would not be made.
    """

    row: Row
    stored: Payload
    hash: str
    changes: Mapping[str, tuple[str | None, Value]] = field(default_factory=dict)
    conflicts: Sequence[Conflict] = ()
    held_by: str | None = None
    owner: str | None = None
    is_deleted: bool = False
    is_left: bool = False
    looked_at: datetime | None = None
    refused: str | None = None


def compare(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    rules: ObjectRules,
    object_: str,
    merged: Mapping[str, str],
    now: datetime,
) -> ObjectPlan:
    """Compare `wanted_<object>` with the ledger.

    `merged` leads from keys that ended in a merge to those of today. `now` is naive UTC.
    """
    rows = ledger.hashes(object_)
    known = pd.DataFrame(rows, columns=["key", "remote_id", "hash"], dtype="str")
    differing, gone, total = _differences(connection, object_, known, ledger, now)
    involved = {*gone, *(merged[key] for key in gone if key in merged)}
    ids = {key: remote_id for key, remote_id, _ in rows if key in involved} if gone else {}
    here = set(ids) - set(gone)
    new = {key for key, is_known, _ in differing if not is_known}
    # the first of those that are one now takes the record along; the others are merged into it
    follow = {merged[key]: key for key in reversed(gone) if merged.get(key) in new}
    pairs = [(merged[key], key) for key in gone if merged.get(key) in here]
    refused = {(row.key, row.hash) for row in _waiting(ledger, merges_of(object_), now)}
    merge = [(a, b) for a, b in pairs if (b, merge_hash(ids[a], ids[b])) not in refused]
    ended = [key for key in gone if merged.get(key) not in here | new]
    hashes = {key: hash_ for key, _, hash_ in rows if key in involved} if gone else {}
    tried = {(row.key, row.hash) for row in _waiting(ledger, object_, now)}
    delete = [key for key in ended if rules.delete and (key, hashes[key]) not in tried]
    waiting = [key for key, _, waits in differing if waits]
    return ObjectPlan(
        object_,
        create=[k for k, is_known, w in differing if not is_known and not w and k not in follow],
        update=[k for k, is_known, w in differing if (is_known and not w) or k in follow],
        merge=merge,
        follow=list(follow.items()),
        delete=delete,
        unchanged=total - len(differing),
        waiting=len(waiting) + len(pairs) - len(merge) + (len(ended) - len(delete)) * rules.delete,
        left=0 if rules.delete else len(ended),
        refused={*waiting, *(ended if rules.delete else ())},
    )


def merges_of(object_: str) -> str:
    """Under which name refused merges of an object are kept."""
    return f"{object_} merges"


def merge_hash(kept_id: str, gone_id: str) -> str:
    """What tells one attempt to merge from another: that of other records is tried at once."""
    return f"{kept_id} {gone_id}"


def _waiting(ledger: Ledger, object_: str, now: datetime) -> list[Rejected]:
    """Refused rows whose next attempt is not due."""
    rows = ledger.rejected(object_).values()
    return [row for row in rows if row.next_at is None or row.next_at > now]


def waiting_keys(ledger: Ledger, object_: str, now: datetime) -> set[str]:
    """Refused records that the CRM does not have at all, and whose next attempt is not due."""
    keys = {row.key for row in _waiting(ledger, object_, now)}
    return keys - set(ledger.known(object_, keys))


def _differences(
    connection: duckdb.DuckDBPyConnection,
    object_: str,
    known: pd.DataFrame,
    ledger: Ledger,
    now: datetime,
) -> tuple[list[tuple[str, bool, bool]], list[str], int]:
    """Wanted rows that differ: (key, is known, is waiting); known keys wanted no more; all rows."""
    waiting = [(row.key, row.hash) for row in _waiting(ledger, object_, now)]
    connection.register("crm_known", known)
    connection.register("crm_waiting", pd.DataFrame(waiting, columns=["key", "hash"], dtype="str"))
    try:
        rows = connection.execute(
            f"""
            select w.key, k.key is not null as is_known, x.key is not null as is_waiting
            from wanted_{object_} as w
            left join crm_known as k on k.key = w.key
            left join crm_waiting as x on x.key = w.key and x.hash = w.hash
            where k.hash is distinct from w.hash
            order by w.key
            """
        ).fetchall()
        gone = connection.execute(
            "select k.key from crm_known as k"
            f" where k.key not in (select key from wanted_{object_}) order by k.key"
        ).fetchall()
        total = connection.execute(f"select count(*) from wanted_{object_}").fetchall()[0][0]
    finally:
        connection.unregister("crm_known")
        connection.unregister("crm_waiting")
    return rows, [key for (key,) in gone], int(total)


def compare_links(
    kind: str,
    wanted: Iterable[tuple[str, str]],
    known: Iterable[tuple[str, str]],
    waiting: Collection[tuple[str, str]] = (),
) -> LinkPlan:
    """Compare the links wanted with those acknowledged; refused ones wait for their next try."""
    before, after = set(known), set(wanted)
    differing = (after - before, before - after)
    add, remove = (sorted(pairs - set(waiting)) for pairs in differing)
    waits = sum(map(len, differing)) - len(add) - len(remove)
    return LinkPlan(kind, add, remove, len(after & before), waits)


def resolve(
    object_: str,
    wanted: tuple[Row, str],
    known: Known | None,
    remote: Remote | None,
    rules: ObjectRules,
    same: Same,
    settled: Mapping[str, Settled] = MappingProxyType({}),
    merged_in: Sequence[Payload] = (),
) -> Resolved:
    """What to write of a record: last sent, now in the CRM, and wanted, field by field.

    `remote` is None where the CRM does not have the record. A record that the CRM has and the
    ledger does not know was made by people: what stands in its fields is theirs. `settled` are
    decisions of people by field, which go before the policy. `merged_in` is what we had sent of
    records that we merged into this one: what a CRM moves over from them is nobody's edit.
    """
    row, hash_ = wanted
    held_by, owner = holder_of(remote)
    remote = None if held_by else remote
    if known is not None and remote is None and not held_by and not _is_ours(settled):
        return _deleted(object_, row, known, hash_, settled)
    written: dict[str, Value] = {}
    stored: dict[str, Value] = {}
    changes: dict[str, tuple[str | None, Value]] = {}
    conflicts = []
    for name, wanted_value in row.payload.items():
        each, decided = rules.fields[name], settled.get(name)
        value = _decided(wanted_value, decided, each.type)
        theirs = None if remote is None else remote.values.get(name)
        last = None if known is None else known.payload.get(name)
        is_there = value is None if remote is None else same(each.type, value, theirs)
        moved = [one[name] for one in merged_in if one.get(name) is not None]
        is_ours = any(same(each.type, sent, theirs) for sent in (last, *moved))
        is_edited = remote is not None and not is_there and not is_ours
        may_write = _may_write(each.policy, theirs, is_edited, decided)
        if decided is None and is_edited and not (theirs in (None, "") and may_write):
            seen = (_shown(last), theirs, _shown(value))
            conflicts.append(Conflict(object_, row.key, name, each.policy, *seen))
        stored[name] = value if is_there or may_write else last
        if may_write and not is_there:
            written[name] = value
            changes[name] = (theirs, value)
    to_write = Row(row.key, written, row.unique, remote.remote_id if remote else None)
    return Resolved(to_write, stored, hash_, changes, conflicts, held_by, owner)


def refusal(object_: str, record: Resolved, *, is_parted: bool) -> str | None:
    """Why a record that the CRM lacks is not made; None where it is.

    Another one may bear its unique text because we merged it into that: then `is_parted`, since it
    is wanted as one of two again.
    """
    if record.is_deleted:
        return (
            "somebody deleted it in the CRM; "
            f"`c360 crm settle {object_} {record.row.key} --ours` makes it again"
        )
    if record.held_by is None:
        return None
    if record.owner is not None:
        return (
            f"{record.row.unique} stands in the record {record.held_by}, which is "
            f"{record.owner} here; this one is made once that one has another"
        )
    if is_parted:
        return None
    return (
        f"{record.row.unique} belongs to the record {record.held_by}, into which "
        "somebody merged it in the CRM; merge the two here, or part them there"
    )


def _is_ours(settled: Mapping[str, Settled]) -> bool:
    """Whether people decided that a record that somebody deleted is made again."""
    return RECORD in settled and settled[RECORD].decision == "ours"


def _deleted(
    object_: str, row: Row, known: Known, hash_: str, settled: Mapping[str, Settled]
) -> Resolved:
    """A record that somebody deleted in the CRM: left so, or first told as a conflict."""
    if RECORD in settled:
        return Resolved(row, known.payload, hash_, is_left=True)
    gone = Conflict(object_, row.key, RECORD, "left", "there", None, "there")
    return Resolved(row, known.payload, hash_, conflicts=[gone], is_deleted=True)


def holder_of(remote: Remote | None) -> tuple[str | None, str | None]:
    """Who bears a record's unique text, if it is not its own: remote id, and key of ours."""
    if remote is None or not (remote.is_alias or remote.owner):
        return None, None
    return remote.remote_id, remote.owner


def _decided(value: Value, decided: Settled | None, type_: FieldType) -> Value:
    """What is wanted of a field, once people have settled whose value it is."""
    if decided is None or decided.decision == "ours":
        return value
    if decided.value in (None, "") or type_ not in ("number", "boolean"):
        return decided.value or None
    if type_ == "boolean":
        return decided.value.lower() == "true"
    try:
        return float(decided.value)
    except ValueError:
        # they keep a word where we would have a number
        return decided.value


def _may_write(policy: str, theirs: str | None, is_edited: bool, decided: Settled | None) -> bool:
    if decided is not None:
        # what people decided for themselves they may also change again
        return decided.decision == "ours" or not is_edited
    if policy == "always":
        return True
    if policy == "fill_empty":
        return theirs in (None, "")
    return not is_edited or theirs in (None, "")


def _shown(value: Value) -> str | None:
    return None if value is None else text_of(value)
