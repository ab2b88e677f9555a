"""What syncs and destinations say to each other: records, links, verdicts, and the protocol.

Belongs here: plain values without behaviour of their own. Not here: HTTP, SQL, the ledger.

A payload is a dict of destination field -> text, number, boolean or None: the record as the
mapping of c360.toml makes it. How a vendor spells a value is the destination's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from c360_assets.crm_rules import FieldType

Value: TypeAlias = str | int | float | bool | None
Payload: TypeAlias = Mapping[str, Value]
Outcome: TypeAlias = Literal["acknowledged", "rejected", "unknown"]

# records that others point to come first
RECORD_ORDER = ("companies", "contacts", "gaggles")


@dataclass(frozen=True)
class Row:
    """A record to be created or updated: its key here, and the remote id where it is known.

    `payload` holds the fields to write; for an update those that change alone, where the CRM tells
    what it holds. `unique` is the text by which the CRM can tell that a record is the same (an
    address, a domain).
    """

    key: str
    payload: Payload
    unique: str
    remote_id: str | None = None


@dataclass(frozen=True)
class Link:
    """A link between two records, by remote ids; `kind` is the name of the mapping's entry."""

    kind: str
    from_id: str
    to_id: str


@dataclass(frozen=True)
class Verdict:
    """What the CRM said of one row of a call.

    A rejected row has the CRM's `reason`; `remote_id` is known where it was acknowledged.
    """

    outcome: Outcome
    remote_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Remote:
    """A record as it stands in the CRM: values as the CRM spells them, None where it is empty.

    `is_alias` says that it was found by a text which is not its own, but that of a record which was
    merged into it. `owner` is the key of ours whose record it is, where it was found for another.
    """

    remote_id: str
    values: Mapping[str, str | None]
    is_alias: bool = False
    owner: str | None = None


@dataclass(frozen=True)
class RemoteField:
    """A field that the CRM has: its name, our type for it (None: no such), and whether we may."""

    name: str
    type: FieldType | None
    is_writable: bool = True


@dataclass(frozen=True)
class Limits:
    """What one call takes: rows of a batch, and the account's calls within so many seconds.

    Where a sync writes more than `bulk_above` records of an object, up to `rows_per_bulk` of them
    are handed over at once; None where the vendor has no such way. With `one_end_per_call` a call
    takes links to one record alone.
    """

    rows_per_write: int = 100
    bulk_above: int | None = None
    rows_per_bulk: int = 10_000
    rows_per_read: int = 100
    links_per_write: int = 100
    one_end_per_call: bool = False
    calls: int = 100
    seconds: float = 10.0

    def rows_at_once(self, rows: int) -> int:
        """How many of so many records are handed over at once."""
        is_bulk = self.bulk_above is not None and rows > self.bulk_above
        return self.rows_per_bulk if is_bulk else self.rows_per_write

    def link_batches(self, pairs: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
        """Links, as (from key, to key), in the parts that one call each takes."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for pair in pairs:
            groups.setdefault(pair[1] if self.one_end_per_call else "", []).append(pair)
        for group in groups.values():
            for start in range(0, len(group), self.links_per_write):
                yield group[start : start + self.links_per_write]


@dataclass(frozen=True)
class ObjectMapping:
    """How records of one object are written to a destination.

    `fields` are destination fields with their types, in the order of the mapping; `unique` is the
    field that holds the unique text.
    """

    name: str
    remote_object: str
    unique: str
    fields: Mapping[str, FieldType] = field(default_factory=dict)


class CrmDestination(Protocol):
    """One vendor's interface. Every method is one call, or raises `CrmError`.

    A method that writes rows returns one verdict per row, in their order. A call that was refused
    as a whole because of its rows raises `RowsRefusedError`: the caller halves it. One that may
    have arrived or not raises `OutcomeUnknownError`.
    """

    @property
    def name(self) -> str:
        """The word for it in `C360_CRM`."""
        ...

    @property
    def limits(self) -> Limits:
        """How much one call takes, and how many calls the account has."""
        ...

    @property
    def can_read(self) -> bool:
        """Whether it tells what it holds; where not, that is what it acknowledged last.

        Such a one knows records by our keys, and gets them whole.
        """
        ...

    @property
    def calls(self) -> int:
        """The calls made so far."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...

    def fields(self, mapping: ObjectMapping) -> Mapping[str, RemoteField]:
        """The fields that the CRM has for the object, by name."""
        ...

    def create_field(self, mapping: ObjectMapping, name: str, type_: FieldType) -> None:
        """Make a missing field of our own.

        Raises ConfigError, which says where people make it, if the vendor lets no program do so.
        """
        ...

    def missing_links(self) -> Sequence[str]:
        """The kinds of links for which the CRM has no type or field yet."""
        ...

    def create_link(self, kind: str) -> None:
        """Make the type or field of a kind of link; may raise ConfigError like `create_field`."""
        ...

    def read(self, mapping: ObjectMapping, ids: Sequence[str]) -> Mapping[str, Remote]:
        """The records with these remote ids that exist, by remote id."""
        ...

    def find(self, mapping: ObjectMapping, unique: Sequence[str]) -> Mapping[str, Remote]:
        """The records with these unique texts that exist, by that text in lower case."""
        ...

    def release(self, mapping: ObjectMapping, remote_id: str, unique: str) -> None:
        """Take the text of a merged-away record from a record, so that another can bear it."""
        ...

    def upsert(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Create the rows, or update those whose unique text the CRM has."""
        ...

    def update(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Update records by remote id."""
        ...

    def merge(self, mapping: ObjectMapping, kept: str, gone: str) -> Verdict:
        """Merge two records; the verdict has the remote id of what is left."""
        ...

    def delete(self, mapping: ObjectMapping, ids: Sequence[str]) -> Sequence[Verdict]:
        """Take records out of the CRM (archive them, where it can); one gone before is well."""
        ...

    def erase(self, mapping: ObjectMapping, row: Row) -> Verdict:
        """Remove a person's record for good, found by remote id or by unique text.

        One that is not there is well. Where the vendor can only archive, the reason says so.
        """
        ...

    def link(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Make links; one that is there already is well."""
        ...

    def unlink(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Take links away; one that is not there is well."""
        ...

    def same(self, type_: FieldType, ours: Value, theirs: str | None) -> bool:
        """Whether a value as the CRM spells it is our value."""
        ...


@runtime_checkable
class Lingering(Protocol):
    """A destination whose vendor may be at work on rows after the run that sent them has ended."""

    def await_earlier_work(self) -> None:
        """Return when the vendor works on no row of an earlier run, so that what is read stands.

        Raises CrmError if that takes too long.
        """
        ...
