"""One sync from end to end: recover, compare, plan, apply. One at a time per destination.

Belongs here: the order of things. A plan reads the CRM and writes nothing; a sync plans anew behind
the lock, so that two of them at once send nothing twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from c360_assets.activation.objects import SYNC_OBJECTS, CrmObject
from c360_assets.activation.sync.apply import Sync
from c360_assets.activation.sync.batching import batches
from c360_assets.activation.sync.erase import CONTACTS, Erased, erase_person
from c360_assets.activation.sync.following import follow_links, merged_keys
from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_links import links, waiting_links
from c360_assets.activation.sync.ledger_moves import drop_rejected, follow
from c360_assets.activation.sync.ledger_rows import Change, Counts
from c360_assets.activation.sync.lock import locked
from c360_assets.activation.sync.model import (
    RECORD_ORDER,
    CrmDestination,
    ObjectMapping,
)
from c360_assets.activation.sync.plan import (
    LinkPlan,
    ObjectPlan,
    Resolved,
    compare,
    compare_links,
    waiting_keys,
)
from c360_assets.activation.sync.recover import recover
from c360_assets.activation.sync.rollback import roll_back
from c360_assets.activation.sync.tally import Tally
from c360_assets.activation.sync.wanted import (
    load_suppression,
    make_wanted,
    suppressed_contacts,
)
from c360_assets.activation.tabular import identifier
from c360_assets.crm_rules import DestinationRules, LinkRules, ObjectRules
from c360_assets.errors import C360Error, ConfigError, RequestError

LEDGER = "ledger.sqlite"
LINKS = "links"
ROLLBACK = "-rollback"  # at the end of the id of a run that takes another back
# what a record is told by here, whatever happens to addresses
KEYS = {"companies": "corporate_email", "contacts": "contact_id", "gaggles": "gaggle_id"}


@dataclass(frozen=True)
class SyncPlan:
    """What a sync would do now; `details` are records looked at beside what the CRM holds."""

    objects: Mapping[str, ObjectPlan]
    links: Mapping[str, LinkPlan]
    open_intents: int
    calls: int
    seconds: float
    details: Mapping[str, Sequence[Resolved]] = field(default_factory=dict)

    @property
    def planned(self) -> int:
        """The rows that a sync would touch."""
        records = sum(part.planned for part in self.objects.values())
        return records + sum(part.planned for part in self.links.values())


@dataclass(frozen=True)
class Synced:
    """What a sync did; `held_back` are records of people who opted out, left as they are."""

    tally: Tally
    recovered: int
    calls: int
    by_part: Mapping[str, Tally]
    held_back: int = 0


@dataclass
class Job:
    """A destination with its rules, the published copy, and the folder of the ledger."""

    destination: CrmDestination
    rules: DestinationRules
    connection: duckdb.DuckDBPyConnection
    folder: Path
    source: Path
    suppression: Sequence[str] = ()

    # --- what is wanted ------------------------------------------------------------------------

    def objects(self) -> dict[str, ObjectRules]:
        """The mapped objects, in the order in which they are sent."""
        found = {name: getattr(self.rules, name) for name in RECORD_ORDER}
        return {name: rules for name, rules in found.items() if rules is not None}

    def mapping(self, name: str) -> ObjectMapping:
        """How the records of an object are written."""
        rules = self.objects()[name]
        types = {field_name: each.type for field_name, each in rules.fields.items()}
        return ObjectMapping(name, rules.remote_object, rules.unique, types)

    def prepare_wanted(self) -> dict[str, int]:
        """Make the tables of what is wanted; returns rows by object."""
        load_suppression(self.connection, self.suppression, self.source)
        sources = {each.name: each for each in SYNC_OBJECTS}
        return {
            name: make_wanted(self.connection, sources[name], rules, KEYS[name])
            for name, rules in self.objects().items()
        }

    def missing_fields(self) -> dict[str, list[str]]:
        """Fields of the mapping that the CRM lacks, by object.

        Raises:
            ConfigError: a field is there with another type, or cannot be written.
        """
        missing, problems = {}, []
        for name in self.objects():
            mapping = self.mapping(name)
            there = self.destination.fields(mapping)
            missing[name] = sorted(set(mapping.fields) - set(there))
            for field_name, type_ in mapping.fields.items():
                found = there.get(field_name)
                if found is None:
                    continue
                if not found.is_writable:
                    problems.append(f"{name}.{field_name} cannot be written by us")
                elif found.type is not None and not _fits(type_, found.type):
                    problems.append(f"{name}.{field_name} is {found.type} there, {type_} here")
        if problems:
            raise ConfigError(
                f"crm.{self.destination.name}: {'; '.join(problems)}; change the mapping in "
                "c360.toml or the field in the CRM. Nothing was sent"
            )
        return {name: fields for name, fields in missing.items() if fields}

    def create_fields(self) -> dict[str, list[str]]:
        """Make the fields and types of links that are missing (`c360 crm prepare`).

        Returns:
            What was made, by object; types of links under `links`.
        """
        missing = self.missing()
        for name, fields in missing.items():
            for field_name in fields:
                if name == LINKS:
                    self.destination.create_link(field_name)
                    continue
                mapping = self.mapping(name)
                self.destination.create_field(mapping, field_name, mapping.fields[field_name])
        return missing

    def missing(self) -> dict[str, list[str]]:
        """Fields of the mapping that the CRM lacks, by object; types of links under `links`."""
        kinds = sorted(set(self.destination.missing_links()) & set(self._links()))
        return self.missing_fields() | ({LINKS: kinds} if kinds else {})

    # --- planning ------------------------------------------------------------------------------

    def plan(self, with_details: int = 0) -> SyncPlan:
        """What a sync would do now; sends nothing. Of `with_details` records, field by field."""
        with self._ledger() as ledger:
            self.prepare_wanted()
            plan = self._plan(ledger)
            if not with_details:
                return plan
            sync = Sync(self.destination, ledger, "plan", _now)
            missing, details = self.missing_fields(), {}
            for name, part in plan.objects.items():
                keys = [*part.create, *part.update][:with_details]
                rules, mapping = self.objects()[name], self.mapping(name)
                # a CRM may refuse to be asked for a field that it does not have yet
                there = {f: t for f, t in mapping.fields.items() if f not in missing.get(name, ())}
                mapping, is_told = replace(mapping, fields=there), mapping.unique in there
                details[name] = [
                    replace(record, refused=sync.refusal(mapping, record))
                    for chunk in batches(keys, self.destination.limits.rows_per_read)
                    for record in sync.resolved(self.connection, mapping, rules, chunk, is_told)
                ]
            return SyncPlan(
                *(plan.objects, plan.links, plan.open_intents, plan.calls, plan.seconds), details
            )

    def _plan(self, ledger: Ledger) -> SyncPlan:
        objects = self._plan_objects(ledger)
        link_plans = {kind: self._plan_links(ledger, kind) for kind in self._links()}
        limits = self.destination.limits
        calls = sum(part.writes(limits) for part in objects.values())
        if self.destination.can_read:
            calls += sum(part.reads(limits) for part in objects.values())
        calls += sum(part.writes(limits) for part in link_plans.values())
        seconds = max(calls - limits.calls, 0) / limits.calls * limits.seconds
        return SyncPlan(objects, link_plans, len(ledger.intents()), calls, seconds)

    def _plan_objects(self, ledger: Ledger) -> dict[str, ObjectPlan]:
        merged, now = merged_keys(self.connection), _now()
        return {
            name: compare(self.connection, ledger, rules, name, merged.get(name, {}), now)
            for name, rules in self.objects().items()
        }

    def _plan_links(self, ledger: Ledger, kind: str) -> LinkPlan:
        rules, now = self._links()[kind], _now()
        # of an end that was refused there is nothing to link to
        refused = [waiting_keys(ledger, name, now) for name in (rules.from_object, rules.to_object)]
        wanted = self._wanted_links(rules)
        blocked = {pair for pair in wanted if pair[0] in refused[0] or pair[1] in refused[1]}
        waiting = waiting_links(ledger, kind, now) | blocked
        return compare_links(kind, wanted, links(ledger, kind), waiting)

    def _links(self) -> dict[str, LinkRules]:
        objects = self.objects()
        return {
            kind: rules
            for kind, rules in (self.rules.links or {}).items()
            if rules.from_object in objects and rules.to_object in objects
        }

    def _wanted_links(self, rules: LinkRules) -> list[tuple[str, str]]:
        source: CrmObject = next(o for o in SYNC_OBJECTS if o.name == rules.from_object)
        key, column = identifier(KEYS[rules.from_object]), identifier(rules.column)
        return self.connection.execute(
            f"select distinct cast(s.{key} as varchar), cast(s.{column} as varchar)"
            f" from ({source.select}) as s"
            f" inner join wanted_{rules.from_object} as a on a.key = cast(s.{key} as varchar)"
            f" inner join wanted_{rules.to_object} as b on b.key = cast(s.{column} as varchar)"
        ).fetchall()

    # --- applying ------------------------------------------------------------------------------

    def sync(self, run_id: str) -> Synced:
        """Bring the CRM to what is wanted.

        Raises:
            ConfigError: the CRM lacks fields of the mapping; nothing was sent.
            CrmError: the CRM cannot be reached; what was acknowledged until then stands.
        """
        with self._locked(), self._ledger() as ledger, _noted(ledger, run_id):
            if missing := self.missing():
                listed = "; ".join(f"{name}: {', '.join(f)}" for name, f in missing.items())
                raise ConfigError(
                    f"crm.{self.destination.name} has no field {listed}; "
                    "`c360 crm prepare` makes them. Nothing was sent"
                )
            self.prepare_wanted()
            sync = Sync(self.destination, ledger, run_id, _now)
            mappings = {name: self.mapping(name) for name in self.objects()}
            recovered = recover(sync, mappings, self.objects())
            parts = self._apply(sync, mappings)
            return self._ended(ledger, run_id, parts, recovered)

    def roll_back(self, run_id: str) -> Synced:
        """Send again what stood before a run, named by its id or by how that begins.

        The next sync sends what is wanted by then.

        Raises:
            RequestError: the ledger has no such run, or it changed nothing.
        """
        with self._locked(), self._ledger() as ledger:
            named = [each for each in ledger.runs() if each.startswith(run_id)]
            run_id = named[0] if len(named) == 1 else run_id
            changes = ledger.first_changes(run_id)
            if not changes:
                newest = ", ".join(ledger.runs()[:5]) or "none yet"
                raise RequestError(
                    f"the ledger has no changes of a run {run_id!r} to {self.destination.name}; "
                    f"the newest runs are {newest}"
                )
            back = f"{run_id}{ROLLBACK}"
            with _noted(ledger, back):
                return self._roll_back(Sync(self.destination, ledger, back, _now), changes)

    def _roll_back(self, sync: Sync, changes: Sequence[Change]) -> Synced:
        mappings = {name: self.mapping(name) for name in self.objects()}
        recover(sync, mappings, self.objects())
        changes, held_back = self._unsuppressed(changes)
        # what points to others goes first
        parts = {
            name: roll_back(sync, mappings[name], [c for c in changes if c.object == name])
            for name in reversed(mappings)
        }
        done = self._ended(sync.ledger, sync.run_id, parts, 0)
        return replace(done, held_back=held_back)

    def _unsuppressed(self, changes: Sequence[Change]) -> tuple[list[Change], int]:
        """The changes without those of people who opted out since, and how many these are."""
        load_suppression(self.connection, self.suppression, self.source)
        out = suppressed_contacts(self.connection)
        kept = [
            change
            for change in changes
            if change.object != CONTACTS
            or change.payload_before is None
            or not out & {change.key, *(str(v).lower() for v in change.payload_before.values())}
        ]
        return kept, len(changes) - len(kept)

    def erase(self, contact_ids: Collection[str], emails: Collection[str]) -> Erased:
        """Remove a person's records from the CRM and from the ledger."""
        everybody = self.connection.execute("select contact_id from marts.contacts").fetchall()
        with self._locked(), self._ledger() as ledger:
            return erase_person(
                *(self.destination, ledger, self.mapping(CONTACTS), self.objects()[CONTACTS]),
                *(self.rules.links or {}, contact_ids, emails),
                {key for (key,) in everybody if key not in contact_ids},
            )

    def _ended(
        self, ledger: Ledger, run_id: str, parts: Mapping[str, Tally], recovered: int
    ) -> Synced:
        calls = self.destination.calls
        ledger.end_run(run_id, Counts(parts, calls), _now())
        return Synced(Tally.of(parts.values()), recovered, calls, parts)

    def _apply(self, sync: Sync, mappings: Mapping[str, ObjectMapping]) -> dict[str, Tally]:
        plans = self._plan_objects(sync.ledger)
        for name, plan in plans.items():
            drop_rejected(
                *(sync.ledger, name),
                {*plan.create, *plan.update, *plan.delete, *plan.refused},
            )
            for kept, gone in plan.follow:
                follow(sync.ledger, name, kept, gone, sync.run_id, _now())
        if any(plan.follow for plan in plans.values()):
            plans = self._plan_objects(sync.ledger)
        parts = {name: sync.merge_records(mappings[name], plan) for name, plan in plans.items()}
        if any(plan.merge for plan in plans.values()):
            # what is left of a merge is compared with what is wanted
            plans = self._plan_objects(sync.ledger)
        for name, plan in plans.items():
            written = sync.write_records(
                self.connection, mappings[name], self.objects()[name], plan
            )
            parts[name].add(written)
        merged = merged_keys(self.connection)
        for kind, rules in self._links().items():
            # ends that were acknowledged just now count, too
            wanted = partial(self._wanted_links, rules)
            follow_links(sync, kind, rules, merged, wanted)
            plan_of_links = self._plan_links(sync.ledger, kind)
            parts[kind] = sync.write_links(plan_of_links, rules.from_object, rules.to_object)
        for name, plan in plans.items():
            parts[name].add(sync.delete_records(mappings[name], plan))
        return parts

    def _ledger(self) -> Ledger:
        return Ledger(self.folder / LEDGER, self.destination.name)

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.folder, self.destination.name)


@contextmanager
def _noted(ledger: Ledger, run_id: str) -> Iterator[None]:
    """Keep in the ledger that a run began and, if so, why it could not go on."""
    ledger.begin_run(run_id, _now())
    try:
        yield
    except Exception as error:
        is_ours = isinstance(error, C360Error)
        text = str(error) if is_ours else "for a reason that was not foreseen; see Dagster's log"
        ledger.break_run(run_id, text, _now())
        raise


def _fits(ours: str, theirs: str) -> bool:
    """Whether a value of ours can be written to such a field: everything can, as text."""
    return theirs in ("text", ours)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
