"""Erasing a person in a CRM: their records there, and every row of theirs in the ledger.

What the CRM did not confirm stays in the ledger, so that the next attempt finds it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from c360_assets.activation.sync.batching import batches
from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.model import CrmDestination, ObjectMapping, Row
from c360_assets.crm_rules import LinkRules, ObjectRules
from c360_assets.mentions import Mentions

CONTACTS = "contacts"
_TABLES = ("records", "changes", "rejected", "intents", "conflicts", "settled")
# where other people's rows may name the address: what was sent before, and what was said about it
_TEXTS = {
    "changes": ("payload", "payload_before"),
    "rejected": ("reason",),
    "conflicts": ("last_sent", "in_crm", "wanted"),
    "settled": ("value",),
    "runs": ("problem",),
}
_BETWEEN = re.compile(r"[\s,;\[\]\"']+")


@dataclass(frozen=True)
class Erased:
    """What became of a person's records: remote ids with the CRM's word on each, and what failed.

    `told` holds what the CRM says it keeps, if anything.
    """

    done: tuple[str, ...]
    failed: Mapping[str, str]
    told: tuple[str, ...] = ()


def keys_of(ledger: Ledger, contact_ids: Collection[str], emails: Collection[str]) -> set[str]:
    """The keys of a person in the ledger: by contact id, or by an address that is theirs today.

    An address may have had another owner before. It tells by what a record holds today, by what is
    under way, and of records that we deleted by what they held last.
    """
    theirs = Mentions(emails)
    found = set(contact_ids)
    for table, columns in (("records", "payload, ''"), ("intents", "payload, unique_text")):
        for key, payload, unique in ledger.rows(
            f"select key, {columns} from {table} where destination = ? and object = ?", CONTACTS
        ):
            if theirs.are_in(unique) or _bears(payload, theirs):
                found.add(key)
    deleted = ledger.rows(
        "select key, coalesce(payload_before, payload) from changes as c"
        " where destination = ? and object = ? and action = 'delete' and change = ("
        "     select max(change) from changes as last where last.destination = c.destination"
        "     and last.object = c.object and last.key = c.key"
        " ) and not exists ("
        "     select 1 from records as r where r.destination = c.destination"
        "     and r.object = c.object and r.key = c.key"
        " )",
        CONTACTS,
    )
    return found | {key for key, payload in deleted if _bears(payload, theirs)}


def _bears(payload: str | None, theirs: Mentions) -> bool:
    """Whether one of the values is an address of theirs, or a list of addresses with one of them.

    A text that only mentions the address makes nobody its owner.
    """
    if not theirs.are_in(payload):
        return False
    texts = [value for value in json.loads(payload or "{}").values() if isinstance(value, str)]
    return any(
        theirs.are_in(text) and all("@" in word for word in _BETWEEN.split(text) if word)
        for text in texts
    )


def erase_person(
    destination: CrmDestination,
    ledger: Ledger,
    mapping: ObjectMapping,
    rules: ObjectRules,
    links: Mapping[str, LinkRules],
    contact_ids: Collection[str],
    emails: Collection[str],
    others: Collection[str],
) -> Erased:
    """Remove a person's records from the CRM, whoever made them, and then from the ledger.

    `others` are the contact ids of everybody else: a record of theirs may still bear the address,
    if that it changed hands was not synced yet.
    """
    keys = keys_of(ledger, contact_ids, emails) - set(others)
    ids = {remote_id: key for key in keys for remote_id in _remote_ids(ledger, key)}
    done, failed, told = [], {}, []
    if not destination.can_read:
        # it knows people by our keys, also those of whom nothing was acknowledged
        ids |= {key: key for key in keys}
    by_email = [name for name, field in rules.fields.items() if field.column == "email"]
    if destination.can_read and by_email:
        by_address = replace(mapping, unique=by_email[0])
        told += _find_by_address(destination, ledger, by_address, ids, emails, others)
    for remote_id, key in sorted(ids.items()):
        verdict = destination.erase(mapping, Row(key, {}, "", remote_id))
        if verdict.outcome == "acknowledged":
            done.append(remote_id)
            told += [verdict.reason] if verdict.reason else []
        else:
            failed[remote_id] = verdict.reason or verdict.outcome
    if not failed:
        _forget(ledger, keys, links, Mentions(emails))
    return Erased(tuple(done), failed, tuple(dict.fromkeys(told)))


def _find_by_address(
    destination: CrmDestination,
    ledger: Ledger,
    mapping: ObjectMapping,
    ids: dict[str, str],
    emails: Collection[str],
    others: Collection[str],
) -> list[str]:
    """Add what salespeople made under an address of theirs to `ids`; returns what is to be told."""
    told = []
    for texts in batches(sorted(emails), destination.limits.rows_per_read):
        found = destination.find(mapping, texts)
        owners = ledger.owners(CONTACTS, [remote.remote_id for remote in found.values()])
        for text, remote in found.items():
            if remote.remote_id in ids:
                continue
            if remote.is_alias:
                # somebody merged them into another person, whose record it is
                destination.release(mapping, remote.remote_id, text)
                told.append(f"{remote.remote_id} is somebody else's, and bore an address")
            elif owners.get(remote.remote_id) in others:
                told.append(f"{remote.remote_id} is somebody else's, who gets another address")
            else:
                ids[remote.remote_id] = text
    return told


def _remote_ids(ledger: Ledger, key: str) -> set[str]:
    """The record of today, or the one that we deleted last.

    Not older ones: what was merged and parted again may bear the id of somebody else's record.
    """
    known = ledger.known(CONTACTS, [key])
    if key in known:
        return {known[key].remote_id}
    if ledger.last_action(CONTACTS, key) != "delete":
        return set()
    rows = ledger.rows(
        "select remote_id from changes where destination = ? and object = ? and key = ?"
        " and action = 'delete' order by change desc limit 1",
        *(CONTACTS, key),
    )
    return {remote_id for (remote_id,) in rows}


def _forget(
    ledger: Ledger, keys: Iterable[str], links: Mapping[str, LinkRules], theirs: Mentions
) -> None:
    """Remove every row of these contacts, also from the pages that SQLite would use again.

    In the rows of others their addresses give way to `erased`.
    """
    ledger.connection.execute("pragma secure_delete = on")
    with ledger.transaction() as connection:
        for key in sorted(keys):
            for table in _TABLES:
                connection.execute(
                    f"delete from {table} where destination = ? and object = ? and key = ?",
                    (ledger.destination, CONTACTS, key),
                )
            for kind, rules in links.items():
                ends = ((rules.from_object, "from_key"), (rules.to_object, "to_key"))
                for column in (name for object_, name in ends if object_ == CONTACTS):
                    connection.execute(
                        f"delete from links where destination = ? and kind = ? and {column} = ?",
                        (ledger.destination, kind, key),
                    )
                connection.execute(
                    "delete from rejected where destination = ? and object = ?"
                    " and exists (select 1 from json_each(key) as e where e.value = ?)",
                    (ledger.destination, kind, key),
                )
        _strike_out(connection, ledger.destination, theirs)
    ledger.connection.execute("vacuum")
    ledger.connection.execute("pragma wal_checkpoint(truncate)")


def _strike_out(connection: sqlite3.Connection, destination: str, theirs: Mentions) -> None:
    """Write `erased` for the addresses in what others were sent before, and in reasons."""
    connection.create_function("names_them", 1, theirs.are_in, deterministic=True)
    connection.create_function("without_them", 1, theirs.without, deterministic=True)
    for table, columns in _TEXTS.items():
        connection.execute(
            f"update {table} set {', '.join(f'{c} = without_them({c})' for c in columns)}"
            f" where destination = ? and ({' or '.join(f'names_them({c})' for c in columns)})",
            (destination,),
        )
