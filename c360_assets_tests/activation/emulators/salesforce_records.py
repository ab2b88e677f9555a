"""Calls about records of an emulated Salesforce org: collections and queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from c360_assets_tests.activation.emulators.salesforce_org import (
    Kind,
    Org,
    RefusedCallError,
    RefusedRowError,
)
from c360_assets_tests.activation.emulators.salesforce_soql import find, parse, shown

MOST_ROWS = 200
MOST_READ = 2000


@dataclass
class Records:
    """Collections and queries; `page` is the number of records that a query answers at once."""

    org: Org
    page: int = 2000
    pages: dict[str, tuple[list[dict[str, Any]], int]] = field(default_factory=dict)

    def upsert(self, object_: str, by: str, body: Mapping[str, Any]) -> Any:
        """Write records by an external id."""
        kind = self.org.kind(object_)
        each = self.org.seen(kind).get(by)
        if each is None or not (each.is_external_id or each.is_id_lookup):
            told = "Provided external ID field does not exist or is not accessible"
            raise RefusedCallError(404, "NOT_FOUND", f"{told}: {by}")
        rows = self._rows(body, kind)
        times = Counter(str(row.get(by)).lower() for row in rows)

        def write(row: Mapping[str, Any]) -> dict[str, Any]:
            if times[str(row.get(by)).lower()] > 1:
                told = f"Duplicate external id specified: {row.get(by)}"
                raise RefusedRowError("DUPLICATE_VALUE", told, [by])
            record, is_new = self.org.upsert(kind, by, row)
            return {"id": record.id, "success": True, "errors": [], "created": is_new}

        return _each(rows, write)

    def update(self, body: Mapping[str, Any]) -> Any:
        """Write records by id."""
        rows = self._rows(body, None)
        kinds = [self.org.kind(each["attributes"]["type"]) for each in body["records"]]
        ids = Counter(str(_id(row)) for row in rows)
        places = iter(range(len(rows)))

        def write(row: Mapping[str, Any]) -> dict[str, Any]:
            kind, id_ = kinds[next(places)], _id(row)
            if id_ is None:
                raise RefusedRowError("MISSING_ARGUMENT", "Id not specified in an update call")
            if ids[id_] > 1:
                raise RefusedRowError("DUPLICATE_VALUE", f"duplicate id {id_}", ["Id"])
            record = self.org.living(kind, id_)
            values = {name: value for name, value in row.items() if name.lower() != "id"}
            self.org.update(kind, record, values)
            return {"id": record.id, "success": True, "errors": []}

        return _each(rows, write)

    def retrieve(self, object_: str, body: Mapping[str, Any]) -> Any:
        """Records by id; null for those that are not there."""
        kind = self.org.kind(object_)
        _require(len(body["ids"]) <= MOST_READ, f"more than {MOST_READ} ids")
        for name in body["fields"]:
            if name not in self.org.seen(kind):
                told = f"No such column '{name}' on sobject of type {kind.name}"
                raise RefusedCallError(400, "INVALID_FIELD", told)
        found = [self.org.record(kind, id_) for id_ in body["ids"]]
        return [
            None if record is None or record.is_deleted else shown(kind, record, body["fields"])
            for record in found
        ]

    def delete(self, ids: Sequence[str]) -> Any:
        """Put records into the recycle bin."""
        _require(0 < len(ids) <= MOST_ROWS, f"{len(ids)} ids; at most {MOST_ROWS} are taken")

        def remove(row: Mapping[str, Any]) -> dict[str, Any]:
            id_ = row["id"]
            kind = next((k for k in self.org.kinds.values() if id_.startswith(k.prefix)), None)
            if kind is None:
                raise RefusedRowError("MALFORMED_ID", f"malformed id {id_}")
            record = self.org.living(kind, id_)
            self.org.delete(kind, record)
            return {"id": record.id, "success": True, "errors": []}

        return _each([{"id": id_} for id_ in ids], remove)

    def query(self, soql: str, *, with_deleted: bool = False) -> Any:
        """The first page of what a query finds."""
        found = find(self.org, parse(soql), with_deleted=with_deleted)
        locator = f"01g{len(self.pages):015d}"
        self.pages[locator] = (found, len(found))
        return self.more(f"{locator}-0")

    def more(self, name: str) -> Any:
        """A further page, by the name in the address."""
        locator, _, start = name.partition("-")
        if locator not in self.pages:
            raise RefusedCallError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        found, total = self.pages[locator]
        end = int(start) + self.page
        answer = {"totalSize": total, "done": end >= total, "records": found[int(start) : end]}
        if end < total:
            answer["nextRecordsUrl"] = f"/services/data/v64.0/query/{locator}-{end}"
        return answer

    def _rows(self, body: Mapping[str, Any], kind: Kind | None) -> list[dict[str, Any]]:
        records = body["records"]
        _require(
            0 < len(records) <= MOST_ROWS,
            f"record limit reached. cannot submit more than {MOST_ROWS} records into this call",
        )
        for each in records:
            type_ = each["attributes"]["type"]
            _require(kind is None or type_ == kind.name, f"a {type_} among {kind and kind.name}")
        return [{n: v for n, v in each.items() if n != "attributes"} for each in records]


def _id(row: Mapping[str, Any]) -> str | None:
    return row.get("id") or row.get("Id")


def _require(is_well: bool, told: str) -> None:
    if not is_well:
        raise RefusedCallError(400, "EXCEEDED_ID_LIMIT", told)


def _each(
    rows: Sequence[Mapping[str, Any]], write: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    """One result per row, in their order; a refused one stops nobody else."""
    results = []
    for row in rows:
        try:
            results.append(write(row))
        except RefusedRowError as refusal:
            results.append({"success": False, "errors": [refusal.told()]})
    return results
