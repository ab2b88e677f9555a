"""Bulk API 2.0: many rows as one job, whose results are found row by row.

A job works only after it was told that its upload is complete; until then a lost one does nothing.
Its id is noted before that in a file, so that a later run can tell which jobs of ours may still be
at work. Source: Bulk API 2.0 and Bulk API Developer Guide (ingest).
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c360_assets.activation.destinations.salesforce_api import SalesforceApi
from c360_assets.activation.sync.model import Verdict
from c360_assets.errors import CrmError, OutcomeUnknownError, RowsRefusedError

# an empty cell leaves a field as it is; this empties it
NULL = "#N/A"
# Salesforce takes files of 150 MB in base64
MOST_BYTES = 100_000_000
UPLOADS = 3
LONGEST_WAIT_SECONDS = 30.0
GIVE_UP_SECONDS = 3600.0
AT_WORK = ("UploadComplete", "InProgress")
SILENT = Verdict("unknown", reason="the results of the job say nothing of this row")
Cells = Mapping[str, str]


@dataclass(frozen=True)
class BulkJob:
    """What a job does: `key` is the column by which results are told, `operation` Salesforce's."""

    object: str
    operation: str
    key: str

    def body(self) -> dict[str, str]:
        """The request that makes it."""
        body = {
            "object": self.object,
            "operation": self.operation,
            "contentType": "CSV",
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }
        return body | ({"externalIdFieldName": self.key} if self.operation == "upsert" else {})


@dataclass
class Bulk:
    """The jobs of one org. `noted` is the file of jobs that may be at work, an id to a line."""

    api: SalesforceApi
    noted: Path
    seconds: float = GIVE_UP_SECONDS
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def write(self, job: BulkJob, rows: Sequence[Cells]) -> list[Verdict]:
        """Write rows, none of which has the key of another; one verdict per row.

        Raises:
            RowsRefusedError: the file would be larger than Salesforce takes.
            OutcomeUnknownError: the job is still at work, or nobody knows.
        """
        content = csv_of(job.key, rows)
        if len(content) > MOST_BYTES:
            raise RowsRefusedError(
                f"a file of {len(content)} bytes; at most {MOST_BYTES} are taken"
            )
        id_ = self._uploaded(job, content)
        self._note([*self._noted(), id_])
        response = self.api.send("PATCH", _path(id_), body={"state": "UploadComplete"})
        state = self._state(id_)
        if state is not None and state["state"] == "Open":
            self._abort(id_)
            self.api.require(response, refuses_rows=True)
            raise CrmError(f"salesforce: the job {id_} does not begin: {state}")
        ended = self._ended(id_, state)
        if ended is None:
            raise OutcomeUnknownError(
                f"salesforce: the job {id_} has been at work for {self.seconds:.0f} s; the next "
                "run waits for it"
            )
        verdicts = self._verdicts(job, id_, ended)
        self._forget(id_)
        return [verdicts.get(row[job.key], SILENT) for row in rows]

    def await_earlier(self) -> None:
        """Wait for noted jobs that are at work, and abort those that never began.

        Raises:
            CrmError: one is at work for too long.
        """
        for id_ in self._noted():
            state = self._state(id_)
            if state is not None and state["state"] == "Open":
                self._abort(id_)
            elif self._ended(id_, state) is None:
                raise CrmError(
                    f"salesforce: the job {id_} of an earlier run is still at work after "
                    f"{self.seconds:.0f} s, and nothing is sent meanwhile. Run again later, or "
                    "abort it in Setup under Bulk Data Load Jobs"
                )
            self._forget(id_)

    # --- one job -------------------------------------------------------------------------------

    def _uploaded(self, job: BulkJob, content: bytes) -> str:
        """The id of a new job that has the rows and has not begun; a job takes one upload."""
        for attempt in range(1, UPLOADS + 1):
            id_: str = self.api.json("POST", "/jobs/ingest", job.body())["id"]
            try:
                response = self.api.send(
                    "PUT",
                    f"{_path(id_)}/batches",
                    content=content,
                    headers={"Content-Type": "text/csv; charset=UTF-8"},
                    may_repeat=False,
                )
                self.api.require(response, refuses_rows=True)
            except OutcomeUnknownError:
                self._abort(id_)
                if attempt == UPLOADS:
                    raise
            except CrmError:
                self._abort(id_)
                raise
            else:
                return id_
        raise AssertionError("the last attempt returns or raises")

    def _abort(self, id_: str) -> None:
        """Abort a job that has not begun; whatever that is answered with, it never begins."""
        self.api.send("PATCH", _path(id_), body={"state": "Aborted"})

    def _state(self, id_: str) -> Any:
        """What Salesforce says of a job; None if it has no such job (any more)."""
        response = self.api.send("GET", _path(id_))
        if response.status_code == 404:
            return None
        self.api.require(response)
        return response.json()

    def _ended(self, id_: str, state: Any) -> Any:
        """The state of a job that has ended ({} of one that is gone); None if it takes too long."""
        wait, until = 2 * self.api.client.first_wait, self.clock() + self.seconds
        while state is not None and state["state"] in AT_WORK:
            if self.clock() >= until:
                return None
            self.sleep(wait)
            wait = min(wait * 1.5, LONGEST_WAIT_SECONDS)
            state = self._state(id_)
        return {} if state is None else state

    def _verdicts(self, job: BulkJob, id_: str, state: Any) -> dict[str, Verdict]:
        """By the key of the row. Rows that a failed job has not worked on are rejected with its
        reason; of an aborted one nobody said that they are wrong, so that they are unknown.
        """
        found: dict[str, Verdict] = {}
        if not state:
            return found
        name = state["state"]
        if name != "JobComplete":
            told = (
                f"the job {id_} ended as {name}: {state.get('errorMessage') or 'no reason given'}"
            )
            left = Verdict("rejected" if name == "Failed" else "unknown", reason=told)
            found |= {row[job.key]: left for row in self._results(id_, "unprocessedrecords")}
        for row in self._results(id_, "failedResults"):
            found[row[job.key]] = Verdict("rejected", reason=row["sf__Error"])
        for row in self._results(id_, "successfulResults"):
            found[row[job.key]] = Verdict("acknowledged", row["sf__Id"])
        return found

    def _results(self, id_: str, what: str) -> list[dict[str, str]]:
        response = self.api.send("GET", f"{_path(id_)}/{what}")
        self.api.require(response)
        text = response.content.decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    # --- which jobs may be at work -------------------------------------------------------------

    def _noted(self) -> list[str]:
        return self.noted.read_text("utf-8").split() if self.noted.exists() else []

    def _forget(self, id_: str) -> None:
        self._note([each for each in self._noted() if each != id_])

    def _note(self, ids: Sequence[str]) -> None:
        """Replace the file in one step, on the disk before a job begins."""
        fresh = self.noted.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write("".join(f"{each}\n" for each in ids))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.noted)


def csv_of(key: str, rows: Sequence[Cells]) -> bytes:
    """The rows as a file with the key first; everything is in quotes, since lines may break."""
    columns = [key, *sorted({name for row in rows for name in row} - {key})]
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return file.getvalue().encode()


def _path(id_: str) -> str:
    return f"/jobs/ingest/{id_}"
