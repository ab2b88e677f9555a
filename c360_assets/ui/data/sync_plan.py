"""The plan of the next sync, worked out when somebody asks for it: it asks the CRM, too.

One at a time in a process, since it costs calls of the account. Of hidden people no field is told.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from c360_assets.activation.sync.model import Value
from c360_assets.activation.sync.plan import Resolved
from c360_assets.activation.sync.run import SyncPlan
from c360_assets.assets.crm_job import sync_job
from c360_assets.errors import RequestError
from c360_assets.settings import Settings
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.sync_people import Shown, Subject, who_is_shown

RECORDS = 5
_AT_WORK = threading.Lock()


@dataclass(frozen=True)
class FieldChange:
    """A field of a record: what stands there, what will, and the policy where people wrote it.

    `is_kept` says that it is left as it is.
    """

    field: str
    there: Value
    here: Value
    policy: str | None
    is_kept: bool = False


@dataclass(frozen=True)
class PlannedRecord:
    """A record of the plan, field by field; `is_new` where the CRM has none.

    `refused` is why it would not be made.
    """

    subject: Subject
    is_new: bool
    fields: tuple[FieldChange, ...]
    refused: str | None = None


@dataclass(frozen=True)
class Planned:
    """What the next sync would do; `missing` are fields that the CRM lacks, by object."""

    plan: SyncPlan
    missing: Mapping[str, list[str]]
    records: Mapping[str, tuple[PlannedRecord, ...]]


def work_out(settings: Settings, copy: Copy, name: str) -> Planned:
    """The plan, with RECORDS records of each object field by field; asks the CRM, sends nothing.

    Raises:
        RequestError: somebody else has one worked out just now.
        ConfigError: the key is not in the environment, or the mapping does not fit the CRM.
        CrmError: the CRM cannot be reached.
    """
    if not _AT_WORK.acquire(blocking=False):
        raise RequestError(
            "a plan is being worked out just now, for somebody else or in another window; try "
            "again in a moment"
        )
    try:
        with sync_job(settings, name) as job:
            missing = job.missing()
            plan = job.plan(with_details=RECORDS)
    finally:
        _AT_WORK.release()
    keys = {(part, each.row.key) for part, every in plan.details.items() for each in every}
    texts = [text for every in plan.details.values() for each in every for text in _texts(each)]
    shown = who_is_shown(copy, settings, keys, texts)
    records = {
        part: tuple(_record(part, each, shown) for each in every)
        for part, every in plan.details.items()
    }
    return Planned(plan, missing, records)


def _texts(record: Resolved) -> list[str]:
    values: list[Value] = [value for change in record.changes.values() for value in change]
    values += [value for each in record.conflicts for value in (each.in_crm, each.wanted)]
    return [value for value in (*values, record.refused) if isinstance(value, str)]


def _record(part: str, record: Resolved, shown: Shown) -> PlannedRecord:
    subject = shown.of(part, record.row.key)
    fields = () if subject.is_hidden else _fields(record, subject, shown)
    refused = shown.text(record.refused, [subject])
    return PlannedRecord(subject, record.row.remote_id is None, fields, refused)


def _fields(record: Resolved, subject: Subject, shown: Shown) -> tuple[FieldChange, ...]:
    def told(value: Value) -> Value:
        return shown.text(value, [subject]) if isinstance(value, str) else value

    policies = {conflict.field: conflict.policy for conflict in record.conflicts}
    written = [
        FieldChange(name, told(there), told(here), policies.get(name))
        for name, (there, here) in record.changes.items()
    ]
    kept = [
        FieldChange(each.field, told(each.in_crm), told(each.wanted), each.policy, is_kept=True)
        for each in record.conflicts
        if each.field not in record.changes
    ]
    return tuple(written + kept)
