"""What happened to a person, newest first: some entries of each kind, merged, never all of them.

Belongs here: which kinds there are, where a page of them begins and ends. Not here: how an entry is
worded (`contact_sentences`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from c360_assets.ui.copies import Copy
from c360_assets.ui.data.contact import Person
from c360_assets.ui.data.contact_marketing import asked_by
from c360_assets.ui.data.contact_sentences import SENTENCES, Teller, Told

ENTRIES = 30
# how far into things that happened at the very same time a URL may go
DEEPEST_TIE = 10_000
_END = datetime(9999, 12, 31)
# what the questions give to merge decisions without a time
_NO_TIME = datetime(1, 1, 1)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?")


@dataclass(frozen=True)
class Kind:
    """One kind of entries: its question in `ui/sql/contact_timeline`, and its table.

    `by` are the attributes of a person that the question asks for; `has_hours` tells whether more
    than the day is known.
    """

    name: str
    label: str
    table: str
    by: tuple[str, ...]
    has_hours: bool = True


# in the order in which those of one time are told
KINDS = (
    Kind("orders", "Orders", "fct_orders", ("user_id",)),
    Kind("sessions", "Sessions", "fct_sessions", ("user_id", "accounts")),
    Kind("events", "Events", "user_event_name_days", ("accounts",)),
    Kind("tickets", "Tickets", "stg_tickets", ("emails",)),
    Kind("deals", "Deals", "stg_deals", ("emails",), has_hours=False),
    Kind("campaigns", "Campaigns", "campaign_targets", ("user_id",), has_hours=False),
    Kind("segments", "Segments", "rfm_segment_history", ("user_id",)),
    Kind("stages", "Lifecycle", "customer_profiles", ("user_id",), has_hours=False),
    Kind("decisions", "Identity", "merge_journal", ("emails", "domains", "user_id")),
    Kind("signups", "Sign-ups", "stg_users", ("accounts",)),
)


@dataclass(frozen=True)
class Place:
    """Where a page begins: `skip` of what happened at `before` were told already."""

    before: datetime
    skip: int = 0

    def query(self) -> dict[str, str | None]:
        """The query parameters of this place."""
        return {
            "before": self.before.isoformat(),
            "skip": str(self.skip) if self.skip else None,
        }


@dataclass(frozen=True)
class Choice:
    """What a URL asks for: names of kinds (none: all), and where to begin (None: the newest)."""

    kinds: tuple[str, ...] = ()
    place: Place | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Choice:
        """As `kinds` (names with commas), `before` and `skip` say; other texts count as none.

        A `before` without hours is the end of that day.
        """
        named = query.get("kinds", "").split(",")
        kinds = tuple(kind.name for kind in KINDS if kind.name in named)
        before = _time(query.get("before", ""))
        if before is None:
            return cls(kinds)
        skip = query.get("skip", "")
        is_number = skip.isascii() and skip.isdigit() and len(skip) < 10
        return cls(kinds, Place(before, min(int(skip), DEEPEST_TIE) if is_number else 0))

    def toggled(self, kind: Kind) -> str | None:
        """The `kinds` of a URL with that one added, or taken away."""
        names = {*self.kinds} ^ {kind.name}
        return ",".join(each.name for each in KINDS if each.name in names) or None


@dataclass(frozen=True)
class Entry:
    """One thing that happened: when (naive UTC; None: nobody knows), of which kind, in words."""

    at: datetime | None
    kind: Kind
    told: Told


@dataclass(frozen=True)
class Timeline:
    """Some entries, the newest first; how many there are of each kind; where older ones begin."""

    choice: Choice
    entries: tuple[Entry, ...]
    totals: Mapping[str, int]
    older: Place | None


def timeline(copy: Copy, person: Person, choice: Choice, currency: str) -> Timeline:
    """The entries of a choice."""
    place = choice.place or Place(_END)
    wanted = ENTRIES + 1 + place.skip
    totals: dict[str, int] = {}
    found: list[tuple[datetime, Kind, Mapping[str, Any]]] = []
    for kind in KINDS:
        is_chosen = not choice.kinds or kind.name in choice.kinds
        rows = _ask(copy, kind, person, place.before, wanted if is_chosen else 0)
        totals[kind.name] = rows[0]["total"]
        found += [(row["happened_at"], kind, row) for row in rows if row["happened_at"]]
    # stable: what happened at one time stays in the order of KINDS, and of each question
    found.sort(key=lambda each: each[0], reverse=True)
    tied = sum(1 for at, *_ in found if at == place.before)
    left = found[min(place.skip, tied) :]
    teller = Teller(person, currency)
    entries = tuple(
        Entry(None if at == _NO_TIME else at, kind, SENTENCES[kind.name](teller, row))
        for at, kind, row in left[:ENTRIES]
    )
    older = _older(place, [at for at, *_ in left[:ENTRIES]]) if len(left) > ENTRIES else None
    return Timeline(choice, entries, totals, older)


def _older(place: Place, shown: Sequence[datetime]) -> Place:
    last = shown[-1]
    tied = sum(1 for at in shown if at == last)
    return Place(last, tied + place.skip if last == place.before else tied)


def _ask(
    copy: Copy, kind: Kind, person: Person, before: datetime, most: int
) -> list[dict[str, Any]]:
    """The newest rows of a kind; at least one, which is empty but for `total`."""
    given = asked_by(person, kind.by)
    return copy.rows(f"contact_timeline/{kind.name}", before=before, most=most, **given)


def _time(text: str) -> datetime | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        if "T" not in text:
            return datetime.combine(date.fromisoformat(text), time.max)
        return datetime.fromisoformat(text)
    except ValueError:
        return None  # such as the 30th of February
