"""What each CRM holds of a person, field by field beside what would be sent now.

From the ledger, which is only read and never locked, and from the newest delivery of files; no CRM
is called. Of who opted out, and of other hidden people, nothing of it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from c360_assets.activation.destinations.build import rules_of
from c360_assets.activation.destinations.values import same_value, text_of
from c360_assets.activation.sync.erase import CONTACTS
from c360_assets.activation.sync.ledger_reading import RecordRows, read_ledger
from c360_assets.activation.sync.ledger_rows import RECORD
from c360_assets.activation.sync.model import Row
from c360_assets.activation.sync.run import LEDGER
from c360_assets.assets.crm_job import FILE, destination_names
from c360_assets.crm_rules import ObjectRules
from c360_assets.settings import Settings
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.contact import Person
from c360_assets.ui.data.contact_delivery import delivered
from c360_assets.ui.data.contact_links import Link, links_of
from c360_assets.ui.data.crm_wanted import records_wanted
from c360_assets.ui.data.sync_people import Shown, Subject, who_is_shown

FieldState = Literal["same", "differs", "theirs", "conflict", "ours", "new", "ended"]
State = Literal[
    "opted_out",
    "not_mapped",
    "left_out",
    "no_ledger",
    "never",
    "same",
    "differs",
    "rejected",
    "conflict",
    "deleted",
    "unknown",
    "ending",
    "staying",
]


@dataclass(frozen=True)
class Field:
    """A field of the CRM: what was sent last, what would be now, and what stands there if known.

    Values are texts; None where there is none. `column` is that of the SELECT, None where the
    mapping has the field no more.
    """

    name: str
    column: str | None
    policy: str
    sent: str | None
    wanted: str | None
    state: FieldState
    in_crm: str | None = None


@dataclass(frozen=True)
class Refusal:
    """Why the CRM refused the record; `next_at` (UTC) is None where only other values are tried."""

    reason: str
    attempts: int
    next_at: datetime | None
    is_of_this: bool


@dataclass(frozen=True)
class Held:
    """What one destination holds of a person.

    `acknowledged_at` (UTC) and `run_id` are those of the newest acknowledgement, or delivery.
    `former` are remote records of contact_ids that are this person now, `links` their links to
    companies and others.
    """

    destination: str
    state: State
    remote_object: str = ""
    remote_id: str | None = None
    acknowledged_at: datetime | None = None
    run_id: str | None = None
    fields: tuple[Field, ...] = ()
    refusal: Refusal | None = None
    former: Mapping[str, str] | None = None
    links: tuple[Link, ...] = ()


def held(copy: Copy, settings: Settings, person: Person) -> list[Held]:
    """What every destination of `C360_CRM` holds, in its order.

    Raises:
        ConfigError: `C360_CRM` or the mapping of a destination is wrong.
        LedgerError: the ledger cannot be read.
        DeliveryError: the newest delivery cannot be read.
    """
    return [
        _of_files(copy, settings, person)
        if name == FILE
        else _of_records(copy, settings, person, name)
        for name in destination_names(settings)
    ]


def _of_records(copy: Copy, settings: Settings, person: Person, name: str) -> Held:
    destination = rules_of(name, settings.rules.crm)
    rules = destination.contacts
    if rules is None:
        return Held(name, "not_mapped")
    former = [
        row["contact_id"] for row in copy.rows("contact/former_ids", contact_id=person.contact_id)
    ]
    with read_ledger(settings.crm_dir / LEDGER, name) as reader:
        there = None if reader is None else reader.record(CONTACTS, person.contact_id)
        others = {} if reader is None else reader.remote_ids(CONTACTS, former)
        if person.is_hidden:
            return replace(_facts(name, rules, there, others), state="opted_out")
        wanted = wanted_of(copy, rules, person)
        is_wanted = wanted is not None
        links = links_of(
            *(copy, settings, destination, reader, person.contact_id), is_wanted=is_wanted
        )
    found = replace(judged(name, rules, wanted, there), former=others, links=links)
    return _without_hidden(copy, settings, person, found)


def wanted_of(copy: Copy, rules: ObjectRules, person: Person) -> tuple[Row, str] | None:
    """What a sync would have the CRM hold, and its hash; None where the mapping leaves them out."""
    with copy.working() as connection:
        found = records_wanted(connection, rules, CONTACTS, [person.contact_id])
    return found.get(person.contact_id)


def judged(
    name: str,
    rules: ObjectRules,
    wanted: tuple[Row, str] | None,
    there: RecordRows | None,
) -> Held:
    """What is the case with one record, by the ledger alone. `there` is None without a ledger."""
    facts = _facts(name, rules, there, {})
    fields = tuple(_fields(rules, wanted, there))
    refusal = _refusal(wanted, there)
    return replace(
        facts, state=_state(rules, wanted, there, refusal), fields=fields, refusal=refusal
    )


def _facts(
    name: str, rules: ObjectRules, there: RecordRows | None, former: Mapping[str, str]
) -> Held:
    known = None if there is None else there.known
    return Held(
        name,
        "no_ledger" if there is None else "never",
        rules.remote_object,
        remote_id=None if known is None else known.remote_id,
        acknowledged_at=None if there is None else there.acknowledged_at,
        run_id=None if there is None else there.run_id,
        former=former,
    )


def _state(
    rules: ObjectRules,
    wanted: tuple[Row, str] | None,
    there: RecordRows | None,
    refusal: Refusal | None,
) -> State:
    known = None if there is None else there.known
    if wanted is None:
        if known is None:
            return "left_out"
        return "ending" if rules.delete else "staying"
    if there is None:
        return "no_ledger"
    if there.is_intended:
        return "unknown"
    if refusal is not None and refusal.is_of_this:
        return "rejected"
    if any(each.conflict.field == RECORD for each in there.conflicts):
        return "deleted"
    if known is None:
        return "never"
    if known.hash != wanted[1]:
        return "differs"
    return "conflict" if there.conflicts else "same"


def _refusal(wanted: tuple[Row, str] | None, there: RecordRows | None) -> Refusal | None:
    refused = None if there is None else there.rejected
    if refused is None:
        return None
    is_of_this = wanted is not None and wanted[1] == refused.hash
    return Refusal(refused.reason, refused.attempts, refused.next_at, is_of_this)


def _fields(
    rules: ObjectRules, wanted: tuple[Row, str] | None, there: RecordRows | None
) -> Iterable[Field]:
    known = None if there is None else there.known
    sent = {} if known is None else known.payload
    payload = {} if wanted is None else wanted[0].payload
    is_acknowledged = known is not None and wanted is not None and known.hash == wanted[1]
    conflicts = {} if there is None else {c.conflict.field: c.conflict for c in there.conflicts}
    decided = {} if there is None else {each.field: each for each in there.settled}
    for name, each in rules.fields.items():
        last, value = _text(sent.get(name)), payload.get(name)
        conflict, settled = conflicts.get(name), decided.get(name)
        state: FieldState = "same"
        if conflict is not None:
            state = "conflict"
        elif settled is not None:
            state = "ours" if settled.decision == "ours" else "theirs"
        elif known is None:
            state = "new"
        elif not same_value(each.type, value, last):
            state = "theirs" if is_acknowledged else "differs"
        in_crm = conflict.in_crm if conflict else settled.value if settled else None
        yield Field(name, each.column, each.policy, last, _text(value), state, in_crm)
    for name in sorted(set(sent) - set(rules.fields)):
        yield Field(name, None, "", _text(sent[name]), None, "ended")


def _text(value: Any) -> str | None:
    return None if value is None else text_of(value)


def _without_hidden(copy: Copy, settings: Settings, person: Person, found: Held) -> Held:
    """The same, without what tells of hidden people: some may have been this person once."""
    texts = [text for each in found.fields for text in (each.sent, each.wanted, each.in_crm)]
    reason = None if found.refusal is None else found.refusal.reason
    shown = who_is_shown(copy, settings, [(CONTACTS, person.contact_id)], [*texts, reason])
    themselves = [shown.of(CONTACTS, person.contact_id)]
    return replace(
        found,
        fields=tuple(_field_without(each, shown, themselves) for each in found.fields),
        refusal=found.refusal
        and replace(found.refusal, reason=shown.text(found.refusal.reason, themselves) or ""),
    )


def _field_without(field: Field, shown: Shown, subjects: Sequence[Subject]) -> Field:
    return replace(
        field,
        sent=shown.text(field.sent, subjects),
        wanted=shown.text(field.wanted, subjects),
        in_crm=shown.text(field.in_crm, subjects),
    )


def _of_files(copy: Copy, settings: Settings, person: Person) -> Held:
    """The record of the newest delivery of files beside that of one made now."""
    if person.is_hidden:
        return Held(FILE, "opted_out")
    found = delivered(copy, settings, person)
    if found is None:
        return Held(FILE, "no_ledger")
    facts = Held(
        FILE,
        "never",
        f"{CONTACTS}.csv",
        acknowledged_at=found.delivered_at.astimezone(UTC).replace(tzinfo=None),
        run_id=found.run_id,
    )
    fields = tuple(
        Field(
            *(column, column, "always", found.sent.get(column), found.wanted.get(column)),
            state="same" if found.sent.get(column) == found.wanted.get(column) else "differs",
        )
        for column in dict.fromkeys([*found.wanted, *found.sent])
    )
    if not found.sent:
        new = tuple(replace(each, state="new") for each in fields)
        return _without_hidden(copy, settings, person, replace(facts, fields=new))
    differs = any(each.state == "differs" for each in fields)
    made = replace(facts, state="differs" if differs else "same", fields=fields)
    return _without_hidden(copy, settings, person, made)
