"""Which links to companies and others a CRM holds of a person, beside those wanted now.

By the ledger, as `contact_crm`. A link is named by its kind, an entry of the mapping.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

import duckdb

from c360_assets.activation.sync.erase import CONTACTS
from c360_assets.activation.sync.ledger_reading import HeldLink, LedgerReader
from c360_assets.activation.sync.run import KEYS
from c360_assets.activation.tabular import identifier, literal
from c360_assets.crm_rules import DestinationRules, LinkRules, ObjectRules
from c360_assets.settings import Settings
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.crm_wanted import crm_object, records_wanted
from c360_assets.ui.data.sync_people import Subject, who_is_shown

LinkState = Literal["same", "new", "refused", "ended"]
_Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Link:
    """A link of a person with `other`. `acknowledged_at` (UTC) is None where it was not yet made.

    `refusal` is why the CRM refused to make it, or to take it away.
    """

    kind: str
    other: Subject
    state: LinkState
    acknowledged_at: datetime | None
    refusal: str | None


@dataclass(frozen=True)
class _End:
    """A kind of link, and at which of its ends the person stands."""

    kind: str
    rules: LinkRules = field(compare=False)
    is_start: bool

    @property
    def other_object(self) -> str:
        return self.rules.to_object if self.is_start else self.rules.from_object

    def other(self, pair: _Pair) -> str:
        return pair[1] if self.is_start else pair[0]


def links_of(
    copy: Copy,
    settings: Settings,
    rules: DestinationRules,
    reader: LedgerReader | None,
    contact_id: str,
    *,
    is_wanted: bool,
) -> tuple[Link, ...]:
    """The person's links, by kind. `is_wanted`: whether the CRM is to have the person at all."""
    found: list[tuple[_End, _Pair, LinkState, HeldLink | None, str | None]] = []
    ends = list(_ends(rules))
    wanted = _wanted(copy, rules, ends, contact_id) if is_wanted else {}
    for end in ends:
        held = [] if reader is None else reader.links(end.kind, contact_id, is_start=end.is_start)
        known = {(link.from_key, link.to_key): link for link in held}
        pairs = wanted.get(end, [])
        for pair in sorted({*pairs, *known}):
            reason = None if reader is None else reader.refused_link(end.kind, pair)
            state = _state(pair in pairs, pair in known, reason is not None)
            found.append((end, pair, state, known.get(pair), reason))
    records = [(end.other_object, end.other(pair)) for end, pair, *_ in found]
    shown = who_is_shown(copy, settings, records, [reason for *_, reason in found])
    made = []
    for end, pair, state, link, reason in found:
        other = shown.of(end.other_object, end.other(pair))
        at = None if link is None else link.acknowledged_at
        made.append(Link(end.kind, other, state, at, shown.text(reason, [other])))
    return tuple(made)


def _state(is_wanted: bool, is_known: bool, is_refused: bool) -> LinkState:
    if is_wanted and is_known:
        return "same"
    if is_refused:
        return "refused"
    return "new" if is_wanted else "ended"


def _ends(rules: DestinationRules) -> Iterator[_End]:
    objects = rules.remote_objects()
    for kind, link in (rules.links or {}).items():
        if link.from_object in objects and link.to_object in objects:
            if link.from_object == CONTACTS:
                yield _End(kind, link, is_start=True)
            if link.to_object == CONTACTS:
                yield _End(kind, link, is_start=False)


def _wanted(
    copy: Copy, rules: DestinationRules, ends: Sequence[_End], contact_id: str
) -> dict[_End, list[_Pair]]:
    """The pairs that a sync would link, of records that it would send."""
    with copy.working() as connection:
        return {end: _pairs(connection, rules, end, contact_id) for end in ends}


def _pairs(
    connection: duckdb.DuckDBPyConnection, rules: DestinationRules, end: _End, contact_id: str
) -> list[_Pair]:
    source = crm_object(end.rules.from_object)
    key, column = identifier(KEYS[source.name]), identifier(end.rules.column)
    mine = key if end.is_start else column
    pairs: list[_Pair] = connection.execute(
        f"select distinct cast({key} as varchar), cast({column} as varchar)"
        f" from ({source.select}) as rows"
        f" where {mine} = {literal(contact_id)} and {column} is not null"
    ).fetchall()
    sent = _sent(connection, rules, end.other_object, [end.other(pair) for pair in pairs])
    return [pair for pair in pairs if end.other(pair) in sent]


def _sent(
    connection: duckdb.DuckDBPyConnection,
    rules: DestinationRules,
    object_: str,
    keys: Sequence[str],
) -> set[str]:
    """Which of these records a sync would have the CRM hold."""
    mapping: ObjectRules | None = getattr(rules, object_)
    if mapping is None or not keys:
        return set()
    return set(records_wanted(connection, mapping, object_, keys))
