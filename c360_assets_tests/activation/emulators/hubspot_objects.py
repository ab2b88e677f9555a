"""HubSpot's calls about records: CRM objects v3.

Belongs here: what a call's body means and what is answered. Not here: the state itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from c360_assets_tests.activation.emulators.hubspot_records import (
    CONTACTS,
    Account,
    Kind,
    Record,
    RefusedError,
    not_valid,
)

ROWS = 100
DEFAULTS = {"contacts": ["firstname", "lastname", "email"], "companies": ["name", "domain"]}
Row: TypeAlias = Mapping[str, Any]
# object, row as it came -> whether HubSpot finds something wrong with it
RowRule: TypeAlias = Callable[[str, Row], bool]


@dataclass(frozen=True)
class Rejection:
    """Rows that are refused whatever they say, as by a rule of the account."""

    takes: RowRule
    message: str
    code: str = "REJECTED"


@dataclass
class Objects:
    """The calls. Every method returns status and body, or raises `RefusedError`."""

    account: Account
    associate: Callable[[Kind, Record, list[Row]], None]
    move_associations: Callable[[Kind, str, str], None]
    drop_associations: Callable[[Kind, str], None]
    rejections: list[Rejection] = field(default_factory=list)

    # --- batches -------------------------------------------------------------------------------

    def upsert(self, kind: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Create or update by a unique property."""
        self._check_rows(kind, rows)
        for row in rows:
            self.account.find(kind, row.get("idProperty"), "")

        def one(row: Row) -> dict[str, Any]:
            by = row.get("idProperty")
            found = self.account.find(kind, by, row["id"])
            if found is None and by in (None, "hs_object_id"):
                raise missing(kind, [row["id"]])
            if found is not None:
                record = self.account.update(kind, found, row["properties"])
            else:
                record = self.account.create(kind, {by: row["id"], **row["properties"]})
            return {**self._written(kind, record, row), "new": found is None}

        return self._each(kind, rows, one, 200)

    def update(self, kind: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Update by id, or by a unique property of one's own (not by address)."""
        self._check_rows(kind, rows)
        for row in rows:
            if row.get("idProperty") == "email":
                raise not_valid(
                    "NON_UNIQUE_ID_PROPERTY",
                    f"Unable to perform update/upsert by non-unique {kind.type_id} property",
                )
            self.account.find(kind, row.get("idProperty"), "")

        def one(row: Row) -> dict[str, Any]:
            found = self.account.find(kind, row.get("idProperty"), row["id"])
            if found is None:
                raise missing(kind, [row["id"]])
            return self._written(kind, self.account.update(kind, found, row["properties"]), row)

        return self._each(kind, rows, one, 200)

    def create(self, kind: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Create records, with their first associations."""
        self._check_rows(kind, rows, have_ids=False)

        def one(row: Row) -> dict[str, Any]:
            record = self.account.create(kind, row["properties"])
            self.associate(kind, record, row.get("associations", []))
            return self._written(kind, record, row)

        return self._each(kind, rows, one, 201)

    def read(self, kind: Kind, body: Mapping[str, Any], archived: bool) -> tuple[int, Any]:
        """Records by id or unique property; one asked for twice is answered once."""
        check_size(body["inputs"], ROWS)
        by, results, absent = body.get("idProperty"), {}, []
        for row in body["inputs"]:
            found = self._archived(kind, row["id"]) if archived else None
            found = self.account.find(kind, by, row["id"]) if not archived else found
            if found is None:
                absent.append(row["id"])
            else:
                results[found.id] = self.shown(kind, found, body["properties"])
        errors = [row_error(missing(kind, absent))] if absent else []
        return batch(200, self.account, list(results.values()), errors)

    def archive(self, kind: Kind, rows: list[Row]) -> tuple[int, Any]:
        """Take records away; ids that are none are passed over."""
        check_size(rows, ROWS)
        for row in rows:
            record = self.account.resolve(kind, row["id"])
            if record is not None:
                self.account.archive(kind, record)
                self.drop_associations(kind, record.id)
        return 204, None

    def _each(
        self, kind: Kind, rows: list[Row], one: Callable[[Row], dict[str, Any]], status: int
    ) -> tuple[int, Any]:
        """Row by row: 207 where some are refused, and all or nothing where rows are not traced."""
        results, errors, absent = [], [], []
        self.account.begin()
        for row in rows:
            try:
                self._check_rejections(kind, row)
                results.append(one(row))
            except RefusedError as refusal:
                if refusal.status == 404:
                    absent.append(row["id"])
                    continue
                if not all(each.get("objectWriteTraceId") for each in rows):
                    self.account.take_back()
                    raise
                errors.append(row_error(refusal, row))
        errors += [row_error(missing(kind, absent))] if absent else []
        return batch(status, self.account, results, errors)

    def _check_rejections(self, kind: Kind, row: Row) -> None:
        for rejection in self.rejections:
            if rejection.takes(kind.name, row):
                raise not_valid(rejection.code, rejection.message)

    def _check_rows(self, kind: Kind, rows: list[Row], *, have_ids: bool = True) -> None:
        """What refuses a batch as a whole."""
        check_size(rows, ROWS)
        if have_ids:
            check_distinct([str(row["id"]) for row in rows], "ids")
        traces = [row["objectWriteTraceId"] for row in rows if "objectWriteTraceId" in row]
        check_distinct(traces, "objectWriteTraceIds")
        for row in rows:
            check_properties(kind, row["properties"])

    # --- one record ----------------------------------------------------------------------------

    def get(
        self, kind: Kind, id_: str, by: str | None, names: list[str], archived: bool
    ) -> tuple[int, Any]:
        """One record."""
        found = self._archived(kind, id_) if archived else self.account.find(kind, by, id_)
        if found is None:
            raise missing(kind, [id_])
        return 200, self.shown(kind, found, names)

    def create_one(self, kind: Kind, body: Row) -> tuple[int, Any]:
        """Create one record."""
        check_properties(kind, body["properties"])
        self._check_rejections(kind, body)
        record = self.account.create(kind, body["properties"])
        self.associate(kind, record, body.get("associations", []))
        return 201, self._written(kind, record, body)

    def update_one(self, kind: Kind, id_: str, by: str | None, body: Row) -> tuple[int, Any]:
        """Update one record."""
        check_properties(kind, body["properties"])
        self._check_rejections(kind, {"id": id_, **body})
        found = self.account.find(kind, by, id_)
        if found is None:
            raise missing(kind, [id_])
        return 200, self._written(kind, self.account.update(kind, found, body["properties"]), body)

    def archive_one(self, kind: Kind, id_: str) -> tuple[int, Any]:
        """Take one record away."""
        record = self.account.resolve(kind, id_)
        if record is not None:
            self.archive(kind, [{"id": id_}])
        elif id_ not in kind.records:
            raise missing(kind, [id_])
        return 204, None

    def merge(self, kind: Kind, body: Row) -> tuple[int, Any]:
        """Merge two records."""
        ids = [body["primaryObjectId"], body["objectIdToMerge"]]
        found = [self.account.resolve(kind, id_) for id_ in ids]
        absent = [id_ for id_, record in zip(ids, found, strict=True) if record is None]
        primary, other = found
        if primary is None or other is None:
            raise missing(kind, absent)
        if primary is other:
            raise not_valid("SAME_OBJECT", f"{ids[0]} and {ids[1]} are one and the same record")
        result = self.account.merge(kind, primary, other)
        for gone in {primary.id, other.id} - {result.id}:
            self.move_associations(kind, gone, result.id)
        return 200, self.shown(kind, result, [])

    def gdpr_delete(self, kind: Kind, body: Row) -> tuple[int, Any]:
        """Delete a contact for good; an address that no contact has is blocked from then on."""
        by, id_ = body.get("idProperty"), body["objectId"]
        found = self.account.find(kind, by, id_)
        if found is None and by is None:
            found = self._archived(kind, id_)
        if found is not None:
            self.account.forget(kind, found)
            self.drop_associations(kind, found.id)
        elif by == "email" and kind.name == CONTACTS:
            self.account.blocked_addresses.add(id_.lower())
        else:
            raise missing(kind, [id_])
        return 204, None

    # --- answers -------------------------------------------------------------------------------

    def shown(self, kind: Kind, record: Record, names: Iterable[str]) -> dict[str, Any]:
        """A record with the properties asked for (else the usual ones); empty ones are null."""
        wanted = list(names) or DEFAULTS.get(kind.name, ["name"])
        known = [name for name in wanted if name in kind.properties]
        body: dict[str, Any] = {
            "id": record.id,
            "properties": {name: record.values.get(name) for name in known} | _system(kind, record),
            "createdAt": record.created_at,
            "updatedAt": record.updated_at,
            "archived": record.archived_at is not None,
        }
        return body if record.archived_at is None else {**body, "archivedAt": record.archived_at}

    def _written(self, kind: Kind, record: Record, row: Row) -> dict[str, Any]:
        names = [n for n in [*row["properties"], *kind.identities] if n in record.values]
        trace = row.get("objectWriteTraceId")
        body = self.shown(kind, record, dict.fromkeys(names) or ["hs_object_id"])
        return body if trace is None else {**body, "objectWriteTraceId": trace}

    def _archived(self, kind: Kind, id_: str) -> Record | None:
        record = kind.records.get(id_)
        return record if record is not None and record.archived_at else None


def _system(kind: Kind, record: Record) -> dict[str, str]:
    return {
        "hs_object_id": record.id,
        "createdate": record.created_at,
        kind.modified: record.updated_at,
    }


def batch(
    status: int, account: Account, results: list[Any], errors: list[Any]
) -> tuple[int, dict[str, Any]]:
    """A batch's answer: 207 where there are errors."""
    at = account.now()
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": at,
        "completedAt": at,
    }
    if errors:
        return 207, {**body, "numErrors": len(errors), "errors": errors}
    return status, body


def row_error(refusal: RefusedError, row: Row | None = None) -> dict[str, Any]:
    """An entry of `errors`; a row is named by its trace id alone, one not found by its id."""
    trace = (row or {}).get("objectWriteTraceId")
    return {
        "status": "error",
        "category": refusal.category,
        "message": refusal.message,
        "context": refusal.context if trace is None else {"objectWriteTraceId": [trace]},
        "errors": refusal.details,
        "links": {},
    }


def missing(kind: Kind, ids: list[str]) -> RefusedError:
    """Records that are not there: one error for all of them."""
    return RefusedError(
        404,
        "OBJECT_NOT_FOUND",
        f"Could not get some {kind.name.upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        context={"ids": ids},
    )


def check_size(rows: list[Any], most: int) -> None:
    """Refuses a batch of none or of too many."""
    if not 1 <= len(rows) <= most:
        raise not_valid("BATCH_SIZE", f"{len(rows)} inputs: 1 to {most} in a batch")


def check_distinct(texts: list[str], what: str) -> None:
    """Refuses a batch that names one thing twice."""
    twice = [text for text, times in Counter(texts).items() if times > 1]
    if twice:
        raise not_valid("DUPLICATE", f"Duplicate {what} found in batch input: {twice}")


def check_properties(kind: Kind, values: Mapping[str, str]) -> None:
    """Refuses properties that there are not, and those that nobody may write."""
    for name in values:
        found = kind.properties.get(name)
        if found is None:
            raise not_valid(
                "PROPERTY_DOESNT_EXIST",
                f'Property values were not valid: Property "{name}" does not exist',
                propertyName=name,
            )
        if found.is_read_only:
            raise not_valid(
                "READ_ONLY_VALUE",
                f'Property values were not valid: "{name}" is a read only property; its value '
                "cannot be set.",
                propertyName=name,
            )
