"""Erasing a person in a CRM: their records there, and every row of theirs in the ledger.

What the CRM did not confirm stays in the ledger, so that the next attempt finds it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from c360_assets.activation.sync.batching import batches
from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.model import CrmDestination, ObjectMapping, Row
from c360_assets.crm_rules import LinkRules, ObjectRules

CONTACTS = "contacts"
_TABLES = ("records", "changes", "rejected", "intents", "conflicts", "settled")


@dataclass(frozen=True)
class Erased:
    """What became of a person's records: remote ids with the CRM's word on each, and what failed.

    `told` holds what the CRM says it keeps, if anything.
    """

    done: tuple[str, ...]
    failed: Mapping[str, str]
    told: tuple[str, ...] = ()


def keys_of(ledger: Ledger, contact_ids: Collection[str], emails: Collection[str]) -> set[str]:
    """The keys of a person in the ledger, by contact id or by an address in what was sent."""
    found = set()
    for table, columns in (
        ("records", "payload, ''"),
        ("changes", "coalesce(payload, ''), coalesce(payload_before, '')"),
        ("intents", "written, unique_text"),
    ):
        rows = ledger.rows(
            f"select key, {columns} from {table} where destination = ? and object = ?", CONTACTS
        )
        found |= {
            key
            for key, *texts in rows
            if key in contact_ids or any(_names(text, emails) for text in texts)
        }
    return found


def _names(text: str, emails: Collection[str]) -> bool:
    lowered = text.lower()
    return any(json.dumps(email, ensure_ascii=False) in lowered or email == lowered
               for email in emails)  # fmt: skip


def erase_person(
    destination: CrmDestination,
    ledger: Ledger,
    mapping: ObjectMapping,
    rules: ObjectRules,
    links: Mapping[str, LinkRules],
    contact_ids: Collection[str],
    emails: Collection[str],
) -> Erased:
    """Remove a person's records from the CRM, whoever made them, and then from the ledger."""
    keys = keys_of(ledger, contact_ids, emails)
    ids = {remote_id: key for key in keys for remote_id in _remote_ids(ledger, key)}
    done, failed, told = [], {}, []
    if not destination.can_read:
        # it knows people by our keys, also those of whom nothing was acknowledged
        ids |= {key: key for key in (*keys, *contact_ids)}
    by_email = [name for name, field in rules.fields.items() if field.column == "email"]
    if destination.can_read and by_email:
        # what salespeople made under an address of theirs
        mapping_by_email = replace(mapping, unique=by_email[0])
        for texts in batches(sorted(emails), destination.limits.rows_per_read):
            for text, remote in destination.find(mapping_by_email, texts).items():
                if not remote.is_alias:
                    ids.setdefault(remote.remote_id, text)
                elif remote.remote_id not in ids:
                    # somebody merged them into another person, whose record it is
                    destination.release(mapping_by_email, remote.remote_id, text)
                    told.append(f"{remote.remote_id} is somebody else's, and bore an address")
    for remote_id, key in sorted(ids.items()):
        verdict = destination.erase(mapping, Row(key, {}, "", remote_id))
        if verdict.outcome == "acknowledged":
            done.append(remote_id)
            told += [verdict.reason] if verdict.reason else []
        else:
            failed[remote_id] = verdict.reason or verdict.outcome
    if not failed:
        _forget(ledger, keys, links)
    return Erased(tuple(done), failed, tuple(dict.fromkeys(told)))


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


def _forget(ledger: Ledger, keys: Iterable[str], links: Mapping[str, LinkRules]) -> None:
    """Remove every row of these contacts, also from the pages that SQLite would use again."""
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
    ledger.connection.execute("vacuum")
    ledger.connection.execute("pragma wal_checkpoint(truncate)")
