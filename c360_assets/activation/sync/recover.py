"""What a crash or a time-out left open: rows that were under way when their run ended.

A CRM that tells what it holds is asked: what arrived is acknowledged, the rest is planned again. Of
one that does not tell nobody knows, so that these records are in doubt and go out again, whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from c360_assets.activation.sync.apply import Sync
from c360_assets.activation.sync.batching import batches
from c360_assets.activation.sync.ledger_rows import Acknowledged, Intent, Known
from c360_assets.activation.sync.model import Lingering, ObjectMapping, Remote, Row, Verdict
from c360_assets.activation.sync.plan import holder_of
from c360_assets.crm_rules import ObjectRules


def recover(
    sync: Sync, mappings: Mapping[str, ObjectMapping], rules: Mapping[str, ObjectRules]
) -> int:
    """Read the rows of open intents back; what arrived is acknowledged. Returns how many."""
    arrived, every = 0, sync.ledger.intents()
    if every and isinstance(sync.destination, Lingering):
        sync.destination.await_earlier_work()
    for name, mapping in mappings.items():
        intents = [intent for intent in every if intent.object == name]
        for batch in batches(intents, sync.destination.limits.rows_per_read):
            if sync.destination.can_read:
                arrived += _read_back(sync, mapping, rules[name], batch)
            else:
                _put_in_doubt(sync, mapping, batch)
    return arrived


def _read_back(
    sync: Sync, mapping: ObjectMapping, rules: ObjectRules, intents: Sequence[Intent]
) -> int:
    found = sync.remotes(mapping, [Row(i.key, {}, i.unique, i.remote_id) for i in intents])
    taken = [
        Acknowledged(
            *(i.object, i.key, found[i.key].remote_id, i.payload, i.hash),
            "update" if i.remote_id is not None else "create",
        )
        for i in intents
        if i.key in found
        and holder_of(found[i.key]) == (None, None)
        and _holds(sync, found[i.key], i, rules)
    ]
    sync.ledger.settle(taken, {}, sync.run_id, sync.now())
    lost = {i.key for i in intents} - {row.key for row in taken}
    sync.ledger.forget_intents([(mapping.name, key) for key in sorted(lost)])
    return len(taken)


def _holds(sync: Sync, remote: Remote, intent: Intent, rules: ObjectRules) -> bool:
    return all(
        name in rules.fields
        and sync.destination.same(rules.fields[name].type, value, remote.values.get(name))
        for name, value in intent.written.items()
    )


def _put_in_doubt(sync: Sync, mapping: ObjectMapping, intents: Sequence[Intent]) -> None:
    """Let these records go out again; those wanted no more are taken back if they may be there.

    Of a record that was about to be made the ledger then says that nothing of it is acknowledged:
    it has no hash and no values.
    """
    known = sync.ledger.known(mapping.name, [i.key for i in intents])
    records = [known.get(i.key) or Known(i.key, i.remote_id or i.key, {}, "") for i in intents]
    sync.doubt(mapping, records, [Verdict("unknown")] * len(records))
