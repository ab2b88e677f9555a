"""Carrying a plan out: batches, intents, verdicts, halving. What a crash left open: `recover`.

Written once for all destinations, and against no vendor. Before a call its rows are intents in the
ledger; after it each row is acknowledged, rejected, or still an intent. Nothing is acknowledged
but by the CRM's own word on that very row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb

from c360_assets.activation.sync.batching import batches, halved
from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_conflicts import keep_conflicts, settled
from c360_assets.activation.sync.ledger_links import links, settle_links
from c360_assets.activation.sync.ledger_moves import merged_in
from c360_assets.activation.sync.ledger_rows import Acknowledged, Intent, Known
from c360_assets.activation.sync.model import (
    CrmDestination,
    Link,
    ObjectMapping,
    Payload,
    Remote,
    Row,
    Verdict,
)
from c360_assets.activation.sync.plan import (
    LinkPlan,
    ObjectPlan,
    Resolved,
    merge_hash,
    merges_of,
    refusal,
    resolve,
)
from c360_assets.activation.sync.tally import Tally
from c360_assets.activation.sync.wanted import rows_of
from c360_assets.crm_rules import ObjectRules
from c360_assets.errors import RowsRefusedError


@dataclass(frozen=True)
class Sync:
    """One run on one destination. `now` gives naive UTC."""

    destination: CrmDestination
    ledger: Ledger
    run_id: str
    now: Callable[[], datetime]

    # --- records -------------------------------------------------------------------------------

    def resolved(
        self,
        connection: duckdb.DuckDBPyConnection,
        mapping: ObjectMapping,
        rules: ObjectRules,
        keys: Sequence[str],
        is_told: bool = True,
    ) -> list[Resolved]:
        """The wanted records of these keys beside what the CRM holds now; reads, writes nothing.

        Without `is_told` the CRM has no field by which to find them, so that it holds none.
        """
        wanted = rows_of(connection, mapping.name, keys)
        known = self.ledger.known(mapping.name, keys)
        asked = [_with_id(row, known.get(key)) for key, (row, _) in wanted.items()]
        found = self.remotes(mapping, asked) if is_told else {}
        looked_at = self.now()
        decided = settled(self.ledger, mapping.name, keys)
        records = [
            resolve(
                *(mapping.name, each, known.get(key), found.get(key)),
                *(rules, self.destination.same, decided.get(key, {})),
                self._merged_in(mapping, known.get(key)),
            )
            for key, each in sorted(wanted.items())
        ]
        return [replace(record, looked_at=looked_at) for record in records]

    def _merged_in(self, mapping: ObjectMapping, known: Known | None) -> list[Payload]:
        """What we sent of records that are in this one by now; a merge takes the hash away."""
        if known is None or known.hash:
            return []
        return merged_in(self.ledger, mapping.name, known.key)

    def remotes(self, mapping: ObjectMapping, rows: Sequence[Row]) -> dict[str, Remote]:
        """What the CRM holds of these rows, by key: by remote id, else by unique text.

        Of a CRM that does not tell, what it acknowledged last.
        """
        if not self.destination.can_read:
            return self._acknowledged_last(mapping, [row.key for row in rows])
        by_id = {row.remote_id: row.key for row in rows if row.remote_id is not None}
        found: dict[str, Remote] = {}
        limit = self.destination.limits.rows_per_read
        for ids in batches(list(by_id), limit):
            for remote_id, remote in self.destination.read(mapping, ids).items():
                found[by_id[remote_id]] = remote
        missing = {row.unique.lower(): row.key for row in rows if row.key not in found}
        for texts in batches(list(missing), limit):
            there = self.destination.find(mapping, texts)
            owners = self.ledger.owners(mapping.name, [r.remote_id for r in there.values()])
            for text, remote in there.items():
                key, owner = missing[text], owners.get(remote.remote_id)
                is_others = owner not in (None, key) and not remote.is_alias
                found[key] = replace(remote, owner=owner) if is_others else remote
        return found

    def _acknowledged_last(self, mapping: ObjectMapping, keys: Sequence[str]) -> dict[str, Remote]:
        return {
            key: Remote(
                known.remote_id,
                {name: None if v is None else str(v) for name, v in known.payload.items()},
            )
            for key, known in self.ledger.known(mapping.name, keys).items()
        }

    def write_records(
        self,
        connection: duckdb.DuckDBPyConnection,
        mapping: ObjectMapping,
        rules: ObjectRules,
        plan: ObjectPlan,
    ) -> Tally:
        """Update and create what is planned, batch by batch.

        Updates go first: one may give up the address that a new record is to bear.
        """
        tally = Tally()
        at_once = self.destination.limits.rows_at_once(len(plan.create) + len(plan.update))
        for keys in (plan.update, plan.create):
            for chunk in batches(keys, at_once):
                tally.add(self.write(mapping, self.resolved(connection, mapping, rules, chunk)))
        return tally

    def write(self, mapping: ObjectMapping, records: Sequence[Resolved]) -> Tally:
        """Send a batch of records that were looked at beside what the CRM holds."""
        tally = Tally(planned=len(records))
        if not self.destination.can_read:
            records = self._whole(mapping, records)
        conflicts = [conflict for record in records for conflict in record.conflicts]
        if conflicts:
            keep_conflicts(self.ledger, conflicts, self.run_id, self.now())
            tally.conflicts = len(conflicts)
        # the CRM itself has just said that it holds all of these
        there = [r for r in records if not r.row.payload and r.row.remote_id is not None]
        left = [r for r in records if r.is_left]
        ids = self.ledger.known(mapping.name, [r.row.key for r in left])
        self.ledger.settle(
            [
                *(self._acknowledged(mapping, r, "adopt") for r in there),
                *(
                    replace(
                        self._acknowledged(mapping, r, "left"), remote_id=ids[r.row.key].remote_id
                    )
                    for r in left
                ),
            ],
            *({}, self.run_id, self.now()),
        )
        tally.acknowledged += len(there) + len(left)
        rest = [r for r in records if not r.is_left and (r.row.payload or not r.row.remote_id)]
        creates = self._parted(mapping, [r for r in rest if r.row.remote_id is None], tally)
        updates = [r for r in rest if r.row.remote_id is not None]
        for group, call, action in (
            (creates, self.destination.upsert, "create"),
            (updates, self.destination.update, "update"),
        ):
            if group:
                tally.add(self._send(mapping, group, call, action))
        return tally

    def _whole(self, mapping: ObjectMapping, records: Sequence[Resolved]) -> list[Resolved]:
        """The records as one must get them that does not tell what it holds: with all their fields.

        So a call of which nobody knows whether it arrived does no harm. What was acknowledged in
        just this state, and is not in doubt, has nothing to write.
        """
        known = self.ledger.known(mapping.name, [record.row.key for record in records])
        found = []
        for record in records:
            last, whole = known.get(record.row.key), record.stored
            is_told = last is not None and last.hash != "" and last.payload == whole
            payload = {n: v for n, v in whole.items() if n in mapping.fields and not is_told}
            found.append(replace(record, row=replace(record.row, payload=payload)))
        return found

    def refusal(self, mapping: ObjectMapping, record: Resolved) -> str | None:
        """Why a record that the CRM lacks is not made; None where it is."""
        last = self.ledger.last_action(mapping.name, record.row.key) if record.held_by else None
        return refusal(mapping.name, record, is_parted=last == "merged")

    def _parted(
        self, mapping: ObjectMapping, creates: Sequence[Resolved], tally: Tally
    ) -> list[Resolved]:
        """Those that can be made: what we merged and is two again gets its unique text back.

        Where people merged or deleted records in the CRM, that stands, and our row is rejected.
        """
        refused = {}
        for record in creates:
            why = self.refusal(mapping, record)
            if why is None and record.held_by is not None:
                try:
                    self.destination.release(mapping, record.held_by, record.row.unique)
                except RowsRefusedError as error:
                    why = str(error)
            if why is not None:
                refused[mapping.name, record.row.key, record.hash] = why
        self.ledger.settle([], refused, self.run_id, self.now())
        tally.rejected += len(refused)
        keys = {key for _, key, _ in refused}
        return [record for record in creates if record.row.key not in keys]

    def _send(
        self,
        mapping: ObjectMapping,
        records: Sequence[Resolved],
        call: Callable[[ObjectMapping, Sequence[Row]], Sequence[Verdict]],
        action: str,
    ) -> Tally:
        intents = [
            Intent(
                *(mapping.name, r.row.key, r.row.remote_id, r.row.unique),
                *(r.row.payload, r.stored, r.hash, self.run_id),
            )
            for r in records
        ]
        self.ledger.intend(intents, self.now())
        verdicts = halved(records, lambda part: call(mapping, [r.row for r in part]))
        return self._settle(
            [(mapping.name, r.row.key, r.hash) for r in records],
            verdicts,
            [[self._acknowledged(mapping, r, action)] for r in records],
        )

    def _settle(
        self,
        rows: Sequence[tuple[str, str, str]],
        verdicts: Sequence[Verdict],
        taken: Sequence[Sequence[Acknowledged]],
    ) -> Tally:
        """Write the verdicts on rows (object, key, hash) to the ledger, all together.

        `taken` is what the ledger is to say of each row that the CRM takes; the first of it gets
        the remote id that the CRM gives.
        """
        tally, refused = Tally(), {}
        acknowledged: list[Acknowledged] = []
        for row, verdict, (first, *rest) in zip(rows, verdicts, taken, strict=True):
            if verdict.outcome == "acknowledged" and verdict.remote_id is not None:
                acknowledged += [replace(first, remote_id=verdict.remote_id), *rest]
                tally.acknowledged += 1
            elif verdict.outcome == "rejected":
                refused[row] = verdict.reason or "no reason given"
                tally.rejected += 1
            else:
                tally.unknown += 1
        self.ledger.settle(acknowledged, refused, self.run_id, self.now())
        return tally

    def _acknowledged(self, mapping: ObjectMapping, record: Resolved, action: str) -> Acknowledged:
        remote_id = record.row.remote_id or ""
        return Acknowledged(
            *(mapping.name, record.row.key, remote_id, record.stored, record.hash, action),
            looked_at=record.looked_at,
        )

    # --- merges, deletions, links --------------------------------------------------------------

    def merge_records(self, mapping: ObjectMapping, plan: ObjectPlan) -> Tally:
        """Merge the records of people who are one; the ledger keeps the one that is left.

        A merge cannot be repeated, so that both are read first: where the one to go is there no
        more, an earlier run merged them and did not live to see the answer.
        """
        tally = Tally(planned=len(plan.merge))
        for kept, gone in plan.merge:
            known = self.ledger.known(mapping.name, (kept, gone))
            verdict = self._merged_before(mapping, known[kept], known[gone])
            if verdict is None:
                verdict = self.destination.merge(
                    mapping, known[kept].remote_id, known[gone].remote_id
                )
            # whatever the vendor made of the fields is compared anew
            left, ended = replace(known[kept], hash=""), known[gone]
            both = [self._moved(mapping, left, "merge"), self._moved(mapping, ended, "merged")]
            told = merge_hash(known[kept].remote_id, ended.remote_id)
            tally.add(self._settle([(merges_of(mapping.name), gone, told)], [verdict], [both]))
            self.doubt(mapping, [left, ended], [verdict, verdict])
        return tally

    def _merged_before(self, mapping: ObjectMapping, kept: Known, gone: Known) -> Verdict | None:
        if not self.destination.can_read:
            return None
        there = self.destination.read(mapping, [kept.remote_id, gone.remote_id])
        if gone.remote_id in there:
            return None
        if kept.remote_id in there:
            return Verdict("acknowledged", kept.remote_id)
        # the merge gave what is left an id of its own
        text = str(kept.payload.get(mapping.unique) or "")
        found = self.destination.find(mapping, [text]) if text else {}
        left = found.get(text.lower())
        return Verdict("acknowledged", left.remote_id) if left and not left.is_alias else None

    def delete_records(self, mapping: ObjectMapping, plan: ObjectPlan) -> Tally:
        """Delete what is wanted no more."""
        tally = Tally(planned=len(plan.delete))
        for keys in batches(plan.delete, self.destination.limits.rows_per_write):
            known = list(self.ledger.known(mapping.name, keys).values())
            verdicts = halved(
                known, lambda part: self.destination.delete(mapping, [k.remote_id for k in part])
            )
            settled = self._settle(
                [(mapping.name, each.key, each.hash) for each in known],
                verdicts,
                [[self._moved(mapping, each, "delete")] for each in known],
            )
            tally.add(settled)
            self.doubt(mapping, known, verdicts)
        return tally

    def doubt(
        self, mapping: ObjectMapping, known: Sequence[Known], verdicts: Sequence[Verdict]
    ) -> None:
        """Send those again of which nobody knows what became of them, where the CRM cannot tell."""
        doubtful = [
            self._moved(mapping, replace(each, hash=""), "doubt")
            for each, verdict in zip(known, verdicts, strict=True)
            if verdict.outcome == "unknown" and not self.destination.can_read
        ]
        self.ledger.settle(doubtful, {}, self.run_id, self.now())

    def _moved(self, mapping: ObjectMapping, known: Known, action: str) -> Acknowledged:
        return Acknowledged(
            mapping.name, known.key, known.remote_id, known.payload, known.hash, action
        )

    def write_links(self, plan: LinkPlan, from_object: str, to_object: str) -> Tally:
        """Make and take away links; those whose ends the CRM does not have yet wait."""
        tally = Tally()
        known = links(self.ledger, plan.kind)
        for pairs in self.destination.limits.link_batches(plan.remove):
            gone = [Link(plan.kind, *known[pair]) for pair in pairs]
            verdicts = halved(gone, lambda part: self.destination.unlink(plan.kind, part))
            tally.add(self._settle_links(plan.kind, pairs, gone, verdicts, is_made=False))
        for pairs in self.destination.limits.link_batches(plan.add):
            starts = self.ledger.known(from_object, {a for a, _ in pairs})
            ends = self.ledger.known(to_object, {b for _, b in pairs})
            there = [(a, b) for a, b in pairs if a in starts and b in ends]
            made = [Link(plan.kind, starts[a].remote_id, ends[b].remote_id) for a, b in there]
            verdicts = halved(made, lambda part: self.destination.link(plan.kind, part))
            tally.add(self._settle_links(plan.kind, there, made, verdicts, is_made=True))
        return tally

    def _settle_links(
        self,
        kind: str,
        pairs: Sequence[tuple[str, str]],
        sent: Sequence[Link],
        verdicts: Sequence[Verdict],
        is_made: bool,
    ) -> Tally:
        tally = Tally(planned=len(pairs))
        taken, refused = {}, {}
        for pair, link, verdict in zip(pairs, sent, verdicts, strict=True):
            if verdict.outcome == "acknowledged":
                taken[pair] = (link.from_id, link.to_id)
            elif verdict.outcome == "rejected":
                refused[pair] = verdict.reason or "no reason given"
            else:
                tally.unknown += 1
        tally.acknowledged, tally.rejected = len(taken), len(refused)
        settle_links(self.ledger, kind, taken, refused, is_made, self.run_id, self.now())
        return tally


def _with_id(row: Row, known: Known | None) -> Row:
    return row if known is None else replace(row, remote_id=known.remote_id)
