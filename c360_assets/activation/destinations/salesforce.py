"""The destination `salesforce`: sObject collections, Bulk API 2.0 above 2,000 rows, SOAP to merge.

At most 200 records to a call. Each row's verdict is at its own place of the answer; a place that an
answer does not have is unknown. Links are look-up fields (`salesforce_links`). Source: REST API
Developer Guide (composite/sobjects, query), Bulk API 2.0, SOAP API (merge).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from c360_assets.activation.destinations import salesforce_answers as answers
from c360_assets.activation.destinations.connect import ApiDestination, Surroundings, address_of
from c360_assets.activation.destinations.salesforce_api import (
    CLIENT_ID_ENV,
    CLIENT_SECRET_ENV,
    TOKEN_ENV,
    Access,
    Allowance,
    SalesforceApi,
)
from c360_assets.activation.destinations.salesforce_bulk import NULL, Bulk, BulkJob
from c360_assets.activation.destinations.salesforce_links import Lookups
from c360_assets.activation.destinations.salesforce_schema import Schema
from c360_assets.activation.destinations.salesforce_soap import MERGEABLE, SoapApi
from c360_assets.activation.destinations.values import text_of
from c360_assets.activation.sync.batching import halved
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.model import (
    Limits,
    Link,
    ObjectMapping,
    Remote,
    RemoteField,
    Row,
    Value,
    Verdict,
)
from c360_assets.crm_rules import FieldType, SalesforceRules

ROWS = 200
ROWS_PER_BULK = 10_000
# Salesforce counts calls by the day (`salesforce_api`); this leaves the org's short-term capacity
# to its people
CALLS, SECONDS = 200, 10.0
JOBS_FILE = "salesforce_jobs.txt"
# what Salesforce deletes with an account, and nobody asked for
TAKEN_ALONG = ("Contact", "Opportunity", "Contract", "Order", "Asset", "Case")


@dataclass(frozen=True)
class SalesforceDestination(ApiDestination):
    """One org. `type` of a link is the API name of the look-up field on the object it starts at."""

    api: SalesforceApi
    schema: Schema
    lookups: Lookups
    bulk: Bulk
    soap: SoapApi
    bulk_above: int

    @property
    def name(self) -> str:
        """The word for it in `C360_CRM`."""
        return "salesforce"

    @property
    def client(self) -> ApiClient:
        """The client of the org."""
        return self.api.client

    @property
    def limits(self) -> Limits:
        """What one call takes."""
        return Limits(
            rows_per_write=ROWS,
            bulk_above=self.bulk_above,
            rows_per_bulk=ROWS_PER_BULK,
            rows_per_read=ROWS,
            links_per_write=ROWS,
            calls=CALLS,
            seconds=SECONDS,
        )

    # --- fields --------------------------------------------------------------------------------

    def fields(self, mapping: ObjectMapping) -> Mapping[str, RemoteField]:
        """The fields of the object that the user of the token sees."""
        self.schema.require_external_id(mapping)
        return self.schema.fields(mapping.remote_object)

    def create_field(self, mapping: ObjectMapping, name: str, type_: FieldType) -> None:
        """Make a custom field, seen by whoever has the permission set `C360`."""
        self.schema.create_field(mapping, name, type_)

    def missing_links(self) -> Sequence[str]:
        """Kinds of links whose look-up field the org does not have."""
        return self.lookups.missing()

    def create_link(self, kind: str) -> None:
        """Make a look-up field."""
        self.lookups.create(kind)

    # --- reading -------------------------------------------------------------------------------

    def await_earlier_work(self) -> None:
        """Wait for bulk jobs of earlier runs."""
        self.bulk.await_earlier()

    def read(self, mapping: ObjectMapping, ids: Sequence[str]) -> Mapping[str, Remote]:
        """The records with these ids."""
        body = {"ids": list(ids), "fields": self._columns(mapping)}
        answer = self.api.json("POST", f"/composite/sobjects/{mapping.remote_object}", body)
        return {
            id_: answers.remote_of(record)
            for id_, record in zip(ids, answer, strict=False)
            if record is not None and answers.is_same_id(record["Id"], id_)
        }

    def find(self, mapping: ObjectMapping, unique: Sequence[str]) -> Mapping[str, Remote]:
        """The records with these values of the unique field; the oldest, where there are several.

        A record that was merged away is deleted there, so that none is found by another's text.
        """
        asked = {text.strip().lower(): text.lower() for text in unique}
        select = f"SELECT {','.join(self._columns(mapping))} FROM {mapping.remote_object}"
        found: dict[str, Remote] = {}
        for soql in answers.queries(select, mapping.unique, unique, " ORDER BY CreatedDate, Id"):
            for record in self.api.rows(soql):
                held = answers.remote_of(record)
                own = (held.values.get(mapping.unique) or "").strip().lower()
                if own in asked:
                    found.setdefault(asked[own], held)
        return found

    def release(self, mapping: ObjectMapping, remote_id: str, unique: str) -> None:
        """Nothing: a merged-away record keeps no text that another could not bear."""

    def _columns(self, mapping: ObjectMapping) -> list[str]:
        return ["Id", *sorted({*mapping.fields, mapping.unique})]

    # --- writing -------------------------------------------------------------------------------

    def upsert(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Create records, or update those with the same value of the unique field."""
        lacking = self.schema.required(mapping.remote_object) & set(mapping.fields)
        given = dict.fromkeys(sorted(lacking), answers.NOT_PROVIDED)
        records: list[dict[str, Value]] = [
            {**given, **self._values(mapping, row), mapping.unique: row.unique} for row in rows
        ]
        job = BulkJob(mapping.remote_object, "upsert", mapping.unique)
        return self._write(job, records, f"/{mapping.remote_object}/{mapping.unique}")

    def update(self, mapping: ObjectMapping, rows: Sequence[Row]) -> Sequence[Verdict]:
        """Update records by id."""
        records: list[dict[str, Value]] = [
            {"Id": row.remote_id, **self._values(mapping, row)} for row in rows
        ]
        return self._write(BulkJob(mapping.remote_object, "update", "Id"), records, "")

    def _values(self, mapping: ObjectMapping, row: Row) -> dict[str, Value]:
        """The fields of a row as Salesforce spells them: by its own type where that is text."""
        there = self.schema.fields(mapping.remote_object)
        required = self.schema.required(mapping.remote_object)
        values: dict[str, Value] = {}
        for name, value in row.payload.items():
            if name in there and there[name].type == "text":
                empty = answers.NOT_PROVIDED if name in required else None
                values[name] = text_of(value) or empty
            else:
                values[name] = answers.spelled(mapping.fields.get(name), value)
        return values

    def _write(self, job: BulkJob, records: Sequence[dict[str, Value]], path: str) -> list[Verdict]:
        """Write records: in one call, or as a job where they are more than a call takes.

        Rows of which a job could not tell go in calls: those that share a key, and those with the
        very text that empties a field.
        """
        if len(records) <= ROWS:
            return self._collection(job, records, path)
        keys = Counter(str(record[job.key]) for record in records)
        single = [
            place
            for place, record in enumerate(records)
            if NULL in record.values() or keys[str(record[job.key])] > 1
        ]
        rest = sorted(set(range(len(records))) - set(single))
        cells = [{name: _cell(value) for name, value in records[i].items()} for i in rest]
        verdicts = dict(zip(rest, self.bulk.write(job, cells) if cells else [], strict=True))
        for start in range(0, len(single), ROWS):
            some = single[start : start + ROWS]
            told = halved([records[i] for i in some], lambda few: self._collection(job, few, path))
            verdicts |= dict(zip(some, told, strict=True))
        return [verdicts[place] for place in range(len(records))]

    def _collection(
        self, job: BulkJob, records: Sequence[dict[str, Value]], path: str
    ) -> list[Verdict]:
        shown: list[dict[str, Any]] = [
            {"attributes": {"type": job.object}, **record} for record in records
        ]
        body = {"allOrNone": False, "records": shown}
        answer = self.api.json("PATCH", f"/composite/sobjects{path}", body, refuses_rows=True)
        by_id = job.operation == "update"
        ids = [str(record["Id"]) if by_id else None for record in records]
        return answers.verdicts_of(answer, ids)

    # --- merging and deleting ------------------------------------------------------------------

    def merge(self, mapping: ObjectMapping, kept: str, gone: str) -> Verdict:
        """Merge two records; the values of the one that is kept stay."""
        if mapping.remote_object not in MERGEABLE:
            return Verdict(
                "rejected",
                reason=f"Salesforce merges {' and '.join(MERGEABLE)} records, and no "
                f"{mapping.remote_object}; merge them by hand",
            )
        return self.soap.merge(mapping.remote_object, kept, gone)

    def delete(self, mapping: ObjectMapping, ids: Sequence[str]) -> Sequence[Verdict]:
        """Put records into the recycle bin, but for those with which others would go."""
        kept = self._taken_along(mapping.remote_object, ids)
        free = [id_ for id_ in ids if id_ not in kept]
        verdicts = {
            id_: Verdict("rejected", reason=f"Salesforce would delete {what} with it; move these")
            for id_, what in kept.items()
        }
        if free:
            path = f"/composite/sobjects?ids={quote(','.join(free))}&allOrNone=false"
            answer = self.api.json("DELETE", path, refuses_rows=True)
            for id_, verdict, result in zip(
                free,
                answers.verdicts_of(answer, free),
                [*answer[: len(free)], *[None] * (len(free) - len(answer))],
                strict=True,
            ):
                is_gone = result is not None and answers.codes_of(result) & answers.GONE
                verdicts[id_] = Verdict("acknowledged", id_) if is_gone else verdict
        return [verdicts[id_] for id_ in ids]

    def _taken_along(self, object_: str, ids: Sequence[str]) -> dict[str, str]:
        """What records people would miss if one of these were deleted: objects, by id."""
        found: dict[str, str] = {}
        for child in self.schema.describe(object_).get("childRelationships", ()):
            if not child["cascadeDelete"] or child["childSObject"] not in TAKEN_ALONG:
                continue
            field, name = child["field"], child["childSObject"]
            for soql in answers.queries(f"SELECT {field} FROM {name}", field, ids):
                holds = [row[field] for row in self.api.rows(soql)]
                for id_ in ids:
                    if any(answers.is_same_id(id_, each) for each in holds):
                        found.setdefault(id_, f"{name} records")
        return found

    def erase(self, mapping: ObjectMapping, row: Row) -> Verdict:
        """Delete a record and take it out of the recycle bin, with those merged into it.

        A job that is still at work could make it again, and is waited for.
        """
        self.await_earlier_work()
        remote_id = row.remote_id
        if remote_id is None:
            found = self.find(mapping, [row.unique])
            if not found:
                return Verdict("acknowledged", row.unique)
            remote_id = found[row.unique.lower()].remote_id
        (verdict,) = self.delete(mapping, [remote_id])
        if verdict.outcome != "acknowledged":
            return verdict
        stay = self.soap.empty_recycle_bin([remote_id, *self._merged_into(mapping, remote_id)])
        if stay:
            return Verdict("rejected", reason=f"in the recycle bin: {'; '.join(stay)}")
        return Verdict("acknowledged", remote_id)

    def _merged_into(self, mapping: ObjectMapping, remote_id: str) -> list[str]:
        """Records in the recycle bin that were merged into one; at most 199 go with it."""
        if mapping.remote_object not in MERGEABLE:
            return []
        soql = (
            f"SELECT Id FROM {mapping.remote_object} WHERE IsDeleted = true"
            f" AND MasterRecordId = {answers.quoted(remote_id)}"
        )
        return [str(found["Id"]) for found in self.api.rows(soql, with_deleted=True)][: ROWS - 1]

    # --- links and values ----------------------------------------------------------------------

    def link(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Fill look-ups that are empty."""
        return self.lookups.link(kind, links)

    def unlink(self, kind: str, links: Sequence[Link]) -> Sequence[Verdict]:
        """Empty look-ups that hold what we had set."""
        return self.lookups.unlink(kind, links)

    def same(self, type_: FieldType, ours: Value, theirs: str | None) -> bool:
        """Whether Salesforce's text is our value."""
        return answers.same(type_, ours, theirs)


def _cell(value: Value) -> str:
    return text_of(value) or NULL


REMEDY = (
    "write the org's My Domain address (Setup > My Domain), such as "
    '"https://your-org.my.salesforce.com", as base_url under [crm.salesforce] in c360.toml'
)


def build(rules: SalesforceRules, at: Surroundings) -> SalesforceDestination:
    """The org whose address is in c360.toml and whose key is in the environment.

    Raises:
        ConfigError: one of the two is not there.
    """
    address = address_of("salesforce", rules.base_url, REMEDY)
    token, keys = _secrets(rules.token_env or TOKEN_ENV, at)
    allowance = Allowance()
    client = ApiClient(
        "salesforce",
        str(address).rstrip("/"),
        {},
        token or str(keys and keys[1]),
        at.call_limit("salesforce", Limits(calls=CALLS, seconds=SECONDS)),
        allowance.learn,
        timeout=rules.timeout_seconds,
        further_secrets=list(keys or ()),
    )
    api = SalesforceApi(client, Access(client, token, keys), allowance, rules.api_version)
    soap = SoapApi(api)
    schema = Schema(api, soap)
    lookups = Lookups(api, schema, rules.links or {}, rules.remote_objects())
    bulk = Bulk(api, at.folder / JOBS_FILE)
    return SalesforceDestination(api, schema, lookups, bulk, soap, rules.bulk_above)


def _secrets(token_env: str, at: Surroundings) -> tuple[str | None, tuple[str, str] | None]:
    """The token, and the keys of an app by which one is got; one of the two at least."""
    token = at.environment.get(token_env, "").strip() or None
    has_keys = any(at.environment.get(name) for name in (CLIENT_ID_ENV, CLIENT_SECRET_ENV))
    if not has_keys:
        what = (
            "an access token of the org there (or the keys of an app with the client credentials "
            f"flow into {CLIENT_ID_ENV} and {CLIENT_SECRET_ENV})"
        )
        return token or at.secret("salesforce", token_env, what), None
    return token, (
        at.secret("salesforce", CLIENT_ID_ENV, "the consumer key of the app"),
        at.secret("salesforce", CLIENT_SECRET_ENV, "the consumer secret of the app"),
    )
