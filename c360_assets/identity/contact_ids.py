"""The contact id: who bears which, and where the ids went that nobody bears any more.

Belongs here: replaying the merges that ever stood, in the order of decision. Not here: whether a
merge stands (`journal`).

Every address with an account is born with the id of its oldest account, `c_` and the account's id;
it stays through any change of the address itself. When two people are merged, the older id wins
(that of the account created first, then the smaller account id) and the other one leads to it.
When a merge ends and both sides are who they were before it, both have their ids of before again:
a merge and its undo leave no trace. If people came or went since, the part with more accounts keeps
the id (of equal ones that in which it was born), and the other part gets back the id it had before
that merge; if somebody bears that one, the id of its oldest account; if that one is borne, too, a
new one: `c_<account>~2`.

The ids follow from the accounts and the journal alone, so that a rebuilt warehouse has the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from operator import xor
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from c360_assets.identity import chains
from c360_assets.identity.decision_order import decision_order

PREFIX: Final = "c_"
HISTORY_COLUMNS: Final = (
    *("contact_id", "step", "change", "other_contact_id", "source_file", "source_row"),
    "current_contact_id",
)


class Account(NamedTuple):
    """An account with its address, as far as the ids need it."""

    email: str
    user_id: str
    created_at: pd.Timestamp


class Birth(NamedTuple):
    """How old an id is: the smaller, the older."""

    created_at: pd.Timestamp
    user_id: str
    number: int = 1

    @property
    def contact_id(self) -> str:
        """The id as text."""
        return f"{PREFIX}{self.user_id}" + (f"~{self.number}" if self.number > 1 else "")


class _Before(NamedTuple):
    """Who one side of a merge was before it: its id, and which addresses it had."""

    birth: Birth | None
    addresses: int


@dataclass
class _Person:
    """Addresses that are one person at some moment of the replay.

    `addresses` tells sets of members apart without holding them twice: their hashes, combined by
    exclusive or, so that joining and parting cost nothing.
    """

    members: set[str]
    accounts: int
    birth: Birth | None
    addresses: int

    @property
    def before(self) -> _Before:
        """Who this is at this moment."""
        return _Before(self.birth, self.addresses)


@dataclass
class _Link:
    """A merge while it stands: its two addresses, and who the two were before."""

    old: str
    new: str
    before: tuple[_Before, _Before]


class _Event(NamedTuple):
    link: int
    begins: bool
    source_file: str
    source_row: int


@dataclass
class _Replay:
    births: dict[str, Birth]
    sizes: dict[str, int]
    person: dict[str, _Person] = field(default_factory=dict)
    bearer: dict[Birth, _Person] = field(default_factory=dict)
    links: dict[int, _Link] = field(default_factory=dict)
    void: set[int] = field(default_factory=set)
    around: dict[str, dict[int, str]] = field(default_factory=dict)
    went_to: dict[Birth, Birth] = field(default_factory=dict)
    steps: list[tuple[Birth, str, Birth, str, int]] = field(default_factory=list)

    def of(self, email: str) -> _Person:
        """The person who has the address now."""
        if email not in self.person:
            self.around[email] = {}
            self.person[email] = self._someone({email}, self.births.get(email))
            self._bear(self.person[email], self.births.get(email))
        return self.person[email]

    def begin(self, event: _Event, old: str, new: str) -> None:
        """Join the two people of a merge; the older id wins."""
        left, right = self.of(old), self.of(new)
        if event.link in self.void:
            return
        self.links[event.link] = _Link(old, new, (left.before, right.before))
        self.around[old][event.link] = new
        self.around[new][event.link] = old
        if left is right:
            return
        kept, gone = (left, right) if len(left.members) >= len(right.members) else (right, left)
        born = sorted(birth for birth in (left.birth, right.birth) if birth)
        kept.members |= gone.members
        kept.accounts += gone.accounts
        kept.addresses ^= gone.addresses
        for email in gone.members:
            self.person[email] = kept
        if len(born) == 2:
            self._leave(born[1], born[0], event)
        self._bear(kept, born[0] if born else None)

    def end(self, event: _Event) -> None:
        """Part the two sides of a merge that ended, unless others still hold them together."""
        link = self.links.pop(event.link, None)
        if link is None:
            # of a cluster with undated rows the files' names tell the order, of a pair the times
            self.void.add(event.link)
            return
        del self.around[link.old][event.link], self.around[link.new][event.link]
        found = self._smaller_side(link.old, link.new)
        if found is None:
            return
        whole = self.person[link.old]
        birth, whole.birth = whole.birth, None
        apart = self._someone(found)
        whole.members -= found
        whole.accounts -= apart.accounts
        whole.addresses ^= apart.addresses
        for email in found:
            self.person[email] = apart
        if birth:
            self._part(birth, (self.person[link.old], self.person[link.new]), link.before, event)

    def _part(
        self,
        birth: Birth,
        parts: tuple[_Person, _Person],
        before: tuple[_Before, _Before],
        event: _Event,
    ) -> None:
        """Give the id to one part, and an id of its own to the other."""
        is_as_before = [part.addresses for part in parts] == [each.addresses for each in before]
        had = [each.birth for each in before]
        if is_as_before and birth in had:
            at = had.index(birth)
        elif parts[0].accounts != parts[1].accounts:
            at = 0 if parts[0].accounts > parts[1].accounts else 1
        else:
            at = min((0, 1), key=lambda side: self._claim(parts[side], birth))
        self._bear(parts[at], birth)
        other = parts[1 - at]
        if other.accounts:
            given = self._given_back(other, had[1 - at])
            self.went_to.pop(given, None)
            self._bear(other, given)
            self.steps.append((given, "split", birth, event.source_file, event.source_row))

    def _claim(self, part: _Person, birth: Birth) -> tuple[bool, list[Birth]]:
        """Sorts first, of parts of one size, that in which the id was born, then the oldest."""
        born = self._born(part)
        is_home = any(each.user_id == birth.user_id for each in born)
        return not is_home, born[:1]

    def _given_back(self, part: _Person, before: Birth | None) -> Birth:
        born = self._born(part)
        for wish in [before, *born] if before else born:
            if wish not in self.bearer:
                return wish
        numbered = (born[0]._replace(number=number) for number in count(2))
        return next(b for b in numbered if b not in self.bearer and b not in self.went_to)

    def _born(self, part: _Person) -> list[Birth]:
        return sorted(self.births[email] for email in part.members if email in self.births)

    def _someone(self, members: set[str], birth: Birth | None = None) -> _Person:
        accounts = sum(self.sizes.get(email, 0) for email in members)
        return _Person(members, accounts, birth, reduce(xor, map(hash, members), 0))

    def _leave(self, gone: Birth, winner: Birth, event: _Event) -> None:
        self.bearer.pop(gone, None)
        self.went_to[gone] = winner
        self.steps.append((gone, "merged", winner, event.source_file, event.source_row))

    def _bear(self, person: _Person, birth: Birth | None) -> None:
        person.birth = birth
        if birth:
            self.bearer[birth] = person

    def _smaller_side(self, left: str, right: str) -> set[str] | None:
        """The addresses on the smaller side of two; None where something else joins them.

        Both sides are searched in step, so that it costs what the smaller one costs.
        """
        sides = ({left}, {right})
        waiting = ([left], [right])
        while waiting[0] and waiting[1]:
            for found, open_ends, other in zip(sides, waiting, sides[::-1], strict=True):
                for near in self.around[open_ends.pop()].values():
                    if near in other:
                        return None
                    if near not in found:
                        found.add(near)
                        open_ends.append(near)
                if not open_ends:
                    break
        return sides[0] if not waiting[0] else sides[1]

    def current(self, birth: Birth) -> Birth:
        """The id under which what had this id is found today."""
        while birth not in self.bearer:
            birth = self.went_to[birth]
        return birth


@dataclass(frozen=True)
class ContactIds:
    """`ids`: email, contact_id of each address named in a merge that some account has.

    `history`: HISTORY_COLUMNS, a row for each time that an id ended or came (back) to life.
    """

    ids: pd.DataFrame
    history: pd.DataFrame


def contact_ids(merges: pd.DataFrame, accounts: Iterable[Account]) -> ContactIds:
    """Replay the merges that stand or once stood.

    Args:
        merges: old_key, new_key, source_file, source_row, decided_at, and of the row that ended
            it, null where none did, ended_by_file, ended_by_row, ended_at.
        accounts: those with an address that the merges name.
    """
    births: dict[str, Birth] = {}
    sizes: dict[str, int] = {}
    for account in accounts:
        birth = Birth(account.created_at, account.user_id)
        births[account.email] = min(birth, births.get(account.email, birth))
        sizes[account.email] = sizes.get(account.email, 0) + 1
    replay = _Replay(births, sizes)
    old, new = merges["old_key"].tolist(), merges["new_key"].tolist()
    for event in _events(merges):
        if event.begins:
            replay.begin(event, old[event.link], new[event.link])
        else:
            replay.end(event)
    return ContactIds(_ids(replay), _history(replay))


def _events(merges: pd.DataFrame) -> Iterator[_Event]:
    """Beginnings and ends of merges, cluster by cluster, in the order of decision."""
    size = len(merges)
    nodes, names = pd.factorize(pd.concat([merges["old_key"], merges["new_key"]]))
    cluster = chains.clusters(nodes[:size], nodes[size:], len(names))[nodes[:size]]
    ended = np.flatnonzero(merges["ended_by_row"].notna().to_numpy())
    link = np.concatenate([np.arange(size), ended])
    files = pd.concat([merges["source_file"], merges["ended_by_file"].iloc[ended]])
    numbers = pd.concat([merges["source_row"], merges["ended_by_row"].iloc[ended]])
    at = pd.concat([merges["decided_at"], merges["ended_at"].iloc[ended]])
    file = pd.factorize(files, sort=True)[0].astype(np.int64)
    number = numbers.to_numpy(dtype=np.int64)
    # a row that ends one merge and begins another ends it first
    is_begin = np.arange(len(link)) < size
    rank = np.empty(len(link), dtype=np.int64)
    rank[np.lexsort((is_begin, number, file))] = np.arange(len(link))
    order = decision_order(cluster[link], at.to_numpy(), file, rank)
    texts = files.tolist()
    for place in order.tolist():
        yield _Event(int(link[place]), place < size, texts[place], int(number[place]))


def _ids(replay: _Replay) -> pd.DataFrame:
    rows = [
        (email, person.birth.contact_id)
        for email, person in replay.person.items()
        if email in replay.births and person.birth
    ]
    return pd.DataFrame(sorted(rows), columns=["email", "contact_id"], dtype="str")


def _history(replay: _Replay) -> pd.DataFrame:
    counts: dict[Birth, int] = {}
    rows: list[tuple[Any, ...]] = []
    for birth, change, other, source_file, source_row in replay.steps:
        counts[birth] = step = counts.get(birth, 0) + 1
        now = replay.current(birth).contact_id
        changed = (birth.contact_id, step, change, other.contact_id, source_file, source_row, now)
        rows.append(changed)
    frame = pd.DataFrame(sorted(rows), columns=list(HISTORY_COLUMNS))
    text = [name for name in HISTORY_COLUMNS if name not in ("step", "source_row")]
    return frame.astype({**dict.fromkeys(text, "str"), "step": "int64", "source_row": "int64"})
