"""Bulk API 2.0 ingest of an emulated Salesforce org: jobs, their states and their results.

A job works when it is looked at: the first look after the upload is complete finds it in progress,
the one after `looks` more at its end. How it is to end is said beforehand (`ends_as`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from c360_assets_tests.activation.emulators.salesforce_org import (
    Org,
    RefusedCallError,
    RefusedRowError,
    with_suffix,
)

NULL = "#N/A"
MOST_BYTES = 150_000_000


@dataclass
class Ending:
    """How a job is to end, after how many of its rows, and with what message."""

    state: str = "JobComplete"
    rows: int | None = None
    message: str | None = None


@dataclass
class Job:
    """One job; results are rows with what the interface adds to them."""

    id: str
    asked: Mapping[str, Any]
    state: str = "Open"
    columns: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    uploads: int = 0
    looks: int = 0
    done: list[dict[str, str]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)
    message: str | None = None

    def told(self) -> dict[str, Any]:
        """What is said of it."""
        told = {
            **self.asked,
            "id": self.id,
            "state": self.state,
            "apiVersion": 64.0,
            "jobType": "V2Ingest",
            "contentUrl": f"services/data/v64.0/jobs/ingest/{self.id}/batches",
            "numberRecordsProcessed": len(self.done) + len(self.failed),
            "numberRecordsFailed": len(self.failed),
        }
        return told | ({"errorMessage": self.message} if self.message else {})


@dataclass
class Jobs:
    """All jobs. `looks` are those that find a job at work, before the one at its end."""

    org: Org
    looks: int = 1
    ends_as: Ending = field(default_factory=Ending)
    jobs: dict[str, Job] = field(default_factory=dict)

    def create(self, body: Mapping[str, Any]) -> Any:
        """Make an open job."""
        kind = self.org.kind(body["object"])
        by = body.get("externalIdFieldName")
        if body["operation"] == "upsert":
            each = self.org.seen(kind).get(str(by))
            if each is None or not (each.is_external_id or each.is_id_lookup):
                told = f"InvalidJob : Field name provided, {by} is not an External ID or indexed"
                raise RefusedCallError(400, "INVALIDJOB", told)
        id_ = with_suffix(f"750{len(self.jobs):012d}")
        self.jobs[id_] = Job(id_, dict(body))
        return self.jobs[id_].told()

    def job(self, id_: str) -> Job:
        """A job by its id."""
        if id_ not in self.jobs:
            raise RefusedCallError(404, "NOT_FOUND", "The requested resource does not exist")
        return self.jobs[id_]

    def upload(self, id_: str, content: bytes) -> None:
        """Take the rows, once."""
        job = self.job(id_)
        job.uploads += 1
        if job.state != "Open" or job.uploads > 1:
            told = f"Found multiple contents for job: <{id_}>; do 'PUT' only once on a given job"
            raise RefusedCallError(400, "INVALIDJOBSTATE", told)
        if len(content) * 4 / 3 > MOST_BYTES:
            raise RefusedCallError(413, "FILE_TOO_LARGE", "the content is too large")
        reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        job.columns = next(reader)
        job.rows = [dict(zip(job.columns, row, strict=True)) for row in reader]

    def change(self, id_: str, state: str) -> Any:
        """Begin or abort a job."""
        job = self.job(id_)
        if job.state != "Open" and not (state == "Aborted" and job.state == "UploadComplete"):
            told = f"Job {id_} is {job.state} and cannot be {state}"
            raise RefusedCallError(400, "INVALIDJOBSTATE", told)
        job.state = state
        if state == "Aborted":
            job.left = job.rows
        return job.told()

    def look(self, id_: str) -> Any:
        """What is said of a job, which goes on meanwhile."""
        job = self.job(id_)
        if job.state in ("UploadComplete", "InProgress"):
            job.looks += 1
            job.state = "InProgress"
            if job.looks > self.looks:
                self._work(job)
        return job.told()

    def results(self, id_: str, what: str) -> str:
        """Results as CSV."""
        job = self.job(id_)
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise RefusedCallError(400, "INVALIDJOBSTATE", f"Job {id_} is {job.state}")
        columns, rows = {
            "successfulResults": (["sf__Id", "sf__Created", *job.columns], job.done),
            "failedResults": (["sf__Id", "sf__Error", *job.columns], job.failed),
            "unprocessedrecords": (job.columns, job.left),
        }[what]
        file = io.StringIO(newline="")
        writer = csv.DictWriter(file, columns, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()

    def _work(self, job: Job) -> None:
        ending = self.ends_as
        seen = self.org.seen(self.org.kind(job.asked["object"]))
        job.state, job.message, stop = ending.state, ending.message, ending.rows
        if unknown := [name for name in job.columns if name not in seen]:
            job.state, stop = "Failed", 0
            job.message = f"InvalidBatch : Field name not found : {unknown[0]}"
        for row in job.rows[:stop]:
            try:
                id_, is_new = self._write(job, row)
                created = "true" if is_new else "false"
                job.done.append({"sf__Id": id_, "sf__Created": created, **row})
            except RefusedRowError as refusal:
                told = f"{refusal.code}:{refusal.message}:{' '.join(refusal.fields) or '--'}"
                job.failed.append({"sf__Id": row.get("Id", ""), "sf__Error": told, **row})
        job.left = [] if stop is None else job.rows[stop:]

    def _write(self, job: Job, row: Mapping[str, str]) -> tuple[str, bool]:
        kind = self.org.kind(job.asked["object"])
        values = {
            name: None if text == NULL else text
            for name, text in row.items()
            if text != "" and name != "Id"
        }
        if job.asked["operation"] == "upsert":
            record, is_new = self.org.upsert(kind, job.asked["externalIdFieldName"], values)
            return record.id, is_new
        record = self.org.living(kind, row.get("Id", ""))
        self.org.update(kind, record, values)
        return record.id, False
