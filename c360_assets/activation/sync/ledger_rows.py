"""What the ledger keeps: its tables, and the rows that go in and come out.

Times are naive UTC in ISO 8601, payloads JSON texts; no secret is ever among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from c360_assets.activation.sync.model import Payload
from c360_assets.activation.sync.tally import Tally

VERSION = 3
SCHEMA = """
create table records (
    destination text not null, object text not null, key text not null,
    remote_id text not null, payload text not null, hash text not null,
    acknowledged_at text not null, run_id text not null,
    primary key (destination, object, key)
) without rowid;
create index records_by_remote_id on records (destination, object, remote_id);
create table links (
    destination text not null, kind text not null, from_key text not null, to_key text not null,
    from_id text not null, to_id text not null,
    acknowledged_at text not null, run_id text not null,
    primary key (destination, kind, from_key, to_key)
) without rowid;
create table rejected (
    destination text not null, object text not null, key text not null,
    hash text not null, reason text not null, attempts integer not null,
    first_at text not null, last_at text not null, next_at text, run_id text not null,
    primary key (destination, object, key)
) without rowid;
create table intents (
    intent integer not null, destination text not null, object text not null, key text not null,
    remote_id text, unique_text text not null, written text not null, payload text not null,
    hash text not null, run_id text not null, at text not null,
    primary key (destination, object, key)
) without rowid;
create table conflicts (
    destination text not null, object text not null, key text not null, field text not null,
    policy text not null, last_sent text, in_crm text, wanted text, at text not null,
    run_id text not null,
    primary key (destination, object, key, field)
) without rowid;
create table changes (
    change integer primary key, destination text not null, run_id text not null, at text not null,
    object text not null, key text not null, action text not null,
    remote_id_before text, payload_before text, hash_before text,
    remote_id text, payload text
);
create index changes_by_run on changes (destination, run_id);
create index changes_by_record on changes (destination, object, key);
create table runs (
    destination text not null, run_id text not null, started_at text not null, ended_at text,
    planned integer, acknowledged integer, rejected integer, unknown integer, calls integer,
    primary key (destination, run_id)
) without rowid;
"""

RECORD = "*"
# what a file of the version before lacks
SINCE_1 = """
create table settled (
    destination text not null, object text not null, key text not null, field text not null,
    decision text not null, value text, decided_by text, decided_at text not null,
    primary key (destination, object, key, field)
) without rowid
"""

# what a file of the version before that lacks: what became of each part of a run, and why one ended
SINCE_2 = """
create table run_parts (
    destination text not null, run_id text not null, part text not null,
    planned integer not null, acknowledged integer not null, rejected integer not null,
    unknown integer not null, conflicts integer not null,
    primary key (destination, run_id, part)
) without rowid;
alter table runs add column problem text
"""


@dataclass(frozen=True)
class Known:
    """A record as the CRM last acknowledged it."""

    key: str
    remote_id: str
    payload: Payload
    hash: str


@dataclass(frozen=True)
class Intent:
    """A row that was about to be sent, and of which no answer is known.

    `written` are the fields of the call, `payload` is what the record would hold by us after it.
    """

    object: str
    key: str
    remote_id: str | None
    unique: str
    written: Payload
    payload: Payload
    hash: str
    run_id: str


@dataclass(frozen=True)
class Rejected:
    """A row that the CRM refused; `next_at` is None where only another payload is tried again."""

    object: str
    key: str
    hash: str
    reason: str
    attempts: int
    next_at: datetime | None


@dataclass(frozen=True)
class Conflict:
    """A field that somebody edited in the CRM, and what its policy did about it.

    The field `RECORD` stands for the whole record: somebody deleted it.
    """

    object: str
    key: str
    field: str
    policy: str
    last_sent: str | None
    in_crm: str | None
    wanted: str | None


@dataclass(frozen=True)
class Settled:
    """What people decided about a conflict: our value once, or theirs (`value`) from then on."""

    field: str
    decision: Literal["ours", "theirs"]
    value: str | None


@dataclass(frozen=True)
class Acknowledged:
    """A row that the CRM took: what the record holds by us from now on.

    `looked_at` is when it was looked up what people had decided about it; None: as it was intended.
    """

    object: str
    key: str
    remote_id: str
    payload: Payload
    hash: str
    action: str
    looked_at: datetime | None = None


@dataclass(frozen=True)
class Change:
    """What a run changed of a record: what we held of it before; None where it was not there."""

    object: str
    key: str
    action: str
    payload_before: Payload | None
    hash_before: str | None


@dataclass(frozen=True)
class Counts:
    """What a run planned and what became of it, in rows, by part; and its calls."""

    parts: Mapping[str, Tally]
    calls: int
