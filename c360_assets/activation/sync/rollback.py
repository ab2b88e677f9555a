"""Taking a sync back: what stood before it in each record that it wrote is sent again.

Records that the run made are deleted (those that it found and adopted stay), those that it deleted
or merged away are made again, and of those that it changed each field gets the value that we had
sent before: unless somebody has written there since, which stands. Links are left to the next sync.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from c360_assets.activation.sync.apply import Sync
from c360_assets.activation.sync.batching import batches
from c360_assets.activation.sync.ledger_rows import Change, Conflict, Known
from c360_assets.activation.sync.model import ObjectMapping, Remote, Row, Value
from c360_assets.activation.sync.plan import ObjectPlan, Resolved, holder_of
from c360_assets.activation.sync.tally import Tally
from c360_assets.mentions import ERASED


def roll_back(sync: Sync, mapping: ObjectMapping, changes: Sequence[Change]) -> Tally:
    """Take back what a run changed of one object; `changes` are the first of each key."""
    keys = [change.key for change in changes]
    known = sync.ledger.known(mapping.name, keys)
    # what people had made, and the run adopted or took over, is not ours to delete
    made = [c.key for c in changes if c.action == "create" and c.key in known]
    tally = sync.delete_records(mapping, ObjectPlan(mapping.name, delete=made))
    stood = [c for c in changes if c.payload_before is not None]
    for chunk in batches(stood, sync.destination.limits.rows_per_write):
        rows = [_as_it_stood(mapping, change, known.get(change.key)) for change in chunk]
        found = sync.remotes(mapping, rows)
        records = [
            _resolved(sync, mapping, change, row, known.get(change.key), found.get(change.key))
            for change, row in zip(chunk, rows, strict=True)
        ]
        tally.add(sync.write(mapping, records))
    return tally


def _as_it_stood(mapping: ObjectMapping, change: Change, known: Known | None) -> Row:
    # what an erased person bore before is nobody's to get back
    before = change.payload_before or {}
    payload = {name: value for name, value in before.items() if value != ERASED}
    held = known.payload if known else {}
    unique = str(payload.get(mapping.unique) or held.get(mapping.unique) or "")
    return Row(change.key, payload, unique, known.remote_id if known else None)


def _resolved(
    sync: Sync,
    mapping: ObjectMapping,
    change: Change,
    row: Row,
    known: Known | None,
    remote: Remote | None,
) -> Resolved:
    hash_ = change.hash_before or ""
    held_by, owner = holder_of(remote)
    if remote is None or held_by is not None:
        written = {
            name: value
            for name, value in row.payload.items()
            if name in mapping.fields and value is not None
        }
        return Resolved(
            replace(row, payload=written, remote_id=None),
            *(row.payload, hash_),
            held_by=held_by,
            owner=owner,
        )
    now = known.payload if known is not None else {}
    back: dict[str, Value] = {}
    conflicts = []
    for name in sorted({*row.payload, *now} & set(mapping.fields)):
        before, sent, theirs = row.payload.get(name), now.get(name), remote.values.get(name)
        if (
            (change.payload_before or {}).get(name) == ERASED
            or before == sent
            or sync.destination.same(mapping.fields[name], before, theirs)
        ):
            continue
        if known is None or sync.destination.same(mapping.fields[name], sent, theirs):
            back[name] = before
        else:
            texts = (None if value is None else str(value) for value in (sent, before))
            last, wanted = texts
            conflicts.append(
                Conflict(mapping.name, row.key, name, "rollback", last, theirs, wanted)
            )
    changed = {name: (remote.values.get(name), value) for name, value in back.items()}
    kept = replace(row, payload=back, remote_id=remote.remote_id)
    return Resolved(kept, row.payload, hash_, changed, conflicts)
