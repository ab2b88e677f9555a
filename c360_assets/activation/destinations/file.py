"""The destination `file`: CSV files, their types and what changed, in a folder per delivery.

    <folder>/latest -> deliveries/20211201T202024Z-1a2b3c4d/
        contacts.csv ...   sorted by key, typed as schema.json says
        schema.json        Data Package (datapackage.org, version 2) of the CSV files
        changes.jsonl      a line per record new, changed or gone since the last delivery
        manifest.json      run, counts, and size and SHA-256 of every file
        .state/*.parquet   the same records with exact types: what the next delivery compares with

Rows never travel through Python. The caller's connection only runs the SELECTs; sorting, checks,
comparison and writing happen in a DuckDB of this module's own, with fixed settings and bounded
memory that spills to disk.

In CSV null is an empty cell and an empty text is `""`, which Table Schema cannot tell apart: a
tool that ignores quotes reads both as missing. Text is delivered as it is. People who open the
files in a spreadsheet set `escape_formulas`: text that a spreadsheet would run (`=`, `+`, `-`,
`@`, tab, line break or a full-width twin, after any apostrophes) then gets a leading apostrophe,
in the CSV alone; `c360:escaped_formulas` in schema.json says so, and taking one apostrophe off
each text that starts with one and matches the pattern there restores it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from c360_assets.activation import tabular
from c360_assets.activation.destinations._folder import (
    FORMAT,
    MANIFEST,
    Baseline,
    DeliveryFolder,
    deliveries_in,
    file_facts,
)
from c360_assets.activation.destinations._records import CHANGES, RecordWriter, Written
from c360_assets.activation.destinations.base import Delivered, Delivery, ObjectDelivery
from c360_assets.activation.objects import CrmObject
from c360_assets.errors import DeliveryError

logger = logging.getLogger(__name__)

KEPT_DELIVERIES = 5
MEMORY_LIMIT = "512MB"
MAX_THREADS = 4
SCHEMA = "schema.json"

_SPILL = ".spill"
_PROFILES = "https://datapackage.org/profiles/2.0"


@dataclass(frozen=True)
class FileDestination:
    """Delivers into `folder`; keeps the newest `keep` deliveries.

    `memory_limit` bounds the DuckDB that sorts and compares (it spills beside the files).
    `escape_formulas` makes text safe for spreadsheets (see the module). Needs a file system with
    symbolic links.
    """

    folder: Path
    escape_formulas: bool = False
    keep: int = KEPT_DELIVERIES
    memory_limit: str = MEMORY_LIMIT

    @property
    def name(self) -> str:
        """The word for it in `C360_CRM`."""
        return "file"

    def deliver(
        self,
        connection: DuckDBPyConnection,
        objects: Sequence[CrmObject],
        run_id: str,
        delivered_at: datetime,
    ) -> Delivery:
        """Write every object and what changed, then swap `latest` to it in one step.

        `delivered_at` without a zone is UTC. An object of the last delivery that `objects` lacks
        has every record gone. Raises DeliveryError (null or duplicate keys, an untrustworthy last
        delivery, a full disk, a SELECT that fails, another delivery under way): `latest` stands.
        """
        _check_objects(objects)
        try:
            with DeliveryFolder(self.folder.absolute()).locked():
                return self._deliver(connection, objects, run_id, _utc(delivered_at))
        except (OSError, duckdb.Error) as error:
            raise DeliveryError(
                f"delivery to {self.folder} failed and nothing was replaced: {error}; "
                "mend the cause (free disk space? rights?) and run again"
            ) from error

    def _deliver(
        self,
        connection: DuckDBPyConnection,
        objects: Sequence[CrmObject],
        run_id: str,
        delivered_at: datetime,
    ) -> Delivery:
        folder = DeliveryFolder(self.folder.absolute())
        last = folder.last()
        short = re.sub(r"[^A-Za-z0-9]", "", run_id)[:8] or "run"
        name = folder.free_name(f"{delivered_at:%Y%m%dT%H%M%SZ}-{short}")
        with folder.staging(name) as temporary:
            with self._engine(temporary) as engine:
                writer = RecordWriter(temporary, connection, engine, last, self.escape_formulas)
                written = writer.write(objects)
            shutil.rmtree(temporary / _SPILL, ignore_errors=True)
            _write_schema(temporary, written, delivered_at, self.escape_formulas)
            _write_manifest(temporary, written, last, run_id, delivered_at)
        folder.prune(max(self.keep, 1))
        final = folder.deliveries / name
        delivery = Delivery(self.name, str(final), tuple(w.report(final) for w in written))
        logger.info("delivered %s with %d changes", final, delivery.number_of_changes)
        return delivery

    def rewrite_changes(self, rewritten: Callable[[str], str]) -> int:
        """Remove all deliveries but the newest, and rewrite lines of what changed in that.

        For erasures: nothing else changes what was delivered. Returns the lines rewritten.
        """
        folder = DeliveryFolder(self.folder.absolute())
        if not folder.deliveries.is_dir():
            return 0
        with folder.locked():
            last = folder.last()
            if last is None:
                return 0
            folder.prune(1)
            path = last.path / CHANGES
            before = path.read_text(encoding="utf-8").splitlines()
            after = [rewritten(line) for line in before]
            partial = path.with_suffix(".partial")
            partial.write_text("".join(f"{line}\n" for line in after), encoding="utf-8")
            partial.replace(path)
            manifest = last.manifest | {
                "files": last.manifest["files"] | {CHANGES: file_facts(path)}
            }
            partial.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
            partial.replace(last.path / MANIFEST)
            return sum(old != new for old, new in zip(before, after, strict=True))

    def deliveries(self) -> list[Delivered]:
        """What was delivered, the newest first; reads alone."""
        return [_delivered(each) for each in deliveries_in(self.folder.absolute())]

    @contextmanager
    def _engine(self, temporary: Path) -> Iterator[DuckDBPyConnection]:
        threads = min(MAX_THREADS, os.cpu_count() or 1)
        engine = duckdb.connect(
            config={
                "memory_limit": self.memory_limit,
                "threads": threads,
                "temp_directory": str(temporary / _SPILL),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        try:
            engine.execute("set TimeZone = 'UTC'")
            yield engine
        finally:
            engine.close()


def _delivered(baseline: Baseline) -> Delivered:
    manifest = baseline.manifest
    objects = tuple(
        ObjectDelivery(
            *(each["name"], each["rows"], each["new"], each["changed"], each["gone"]),
            unchanged=each["rows"] - each["new"] - each["changed"],
            path=baseline.path / f"{each['name']}.csv",
        )
        for each in manifest["objects"]
    )
    at = datetime.fromisoformat(manifest["delivered_at"])
    retired = tuple(each["name"] for each in manifest["retired"])
    return Delivered(baseline.path, manifest["run_id"], at, objects, retired)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _check_objects(objects: Sequence[CrmObject]) -> None:
    names = [o.name for o in objects]
    if not names:
        raise DeliveryError("no crm object to deliver; name at least one, such as contacts")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DeliveryError(f"crm objects named twice: {', '.join(twice)}; name each once")


def _write_schema(
    folder: Path, written: Sequence[Written], delivered_at: datetime, escaped: bool
) -> None:
    package = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": "c360-crm",
        "created": delivered_at.strftime(tabular.SECONDS),
        "resources": [_resource(folder, w, escaped) for w in written if w.crm_object],
    }
    _write_json(folder / SCHEMA, package)


def _resource(folder: Path, written: Written, escaped: bool) -> dict[str, Any]:
    facts = file_facts(folder / f"{written.name}.csv")
    resource: dict[str, Any] = {
        "$schema": f"{_PROFILES}/dataresource.json",
        "name": written.name,
        "description": written.crm_object.description if written.crm_object else "",
        "type": "table",
        "path": f"{written.name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": facts["bytes"],
        "hash": f"sha256:{facts['sha256']}",
        "dialect": {
            "$schema": f"{_PROFILES}/tabledialect.json",
            "delimiter": ",",
            "lineTerminator": "\n",
            "quoteChar": '"',
            "doubleQuote": True,
            "header": True,
        },
        "schema": {
            "$schema": f"{_PROFILES}/tableschema.json",
            "fields": [tabular.field(c, written.key) for c in written.columns],
            "primaryKey": list(written.key),
            "missingValues": [""],
        },
    }
    if escaped:
        resource["c360:escaped_formulas"] = tabular.FORMULA_START
    return resource


def _write_manifest(
    folder: Path,
    written: Sequence[Written],
    last: Baseline | None,
    run_id: str,
    delivered_at: datetime,
) -> None:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    manifest = {
        "format": FORMAT,
        "run_id": run_id,
        "delivered_at": delivered_at.isoformat().replace("+00:00", "Z"),
        "sequence": last.sequence + 1 if last else 1,
        "previous": last.path.name if last else None,
        "objects": [w.manifest_entry() for w in written if w.crm_object],
        "retired": [w.manifest_entry() for w in written if not w.crm_object],
        "files": {str(p.relative_to(folder)): file_facts(p) for p in files},
    }
    _write_json(folder / MANIFEST, manifest)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    path.write_text(text, encoding="utf-8")
