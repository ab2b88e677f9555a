"""A person's record in the newest delivery of files, beside the record as it would be now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from c360_assets.activation.destinations._folder import STATE
from c360_assets.activation.destinations.file import FileDestination
from c360_assets.activation.objects import CRM_OBJECTS
from c360_assets.activation.sync.erase import CONTACTS
from c360_assets.activation.tabular import identifier
from c360_assets.errors import DeliveryError
from c360_assets.settings import Settings
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.contact import Person
from c360_assets.warehouse.session import SAFE_CONFIG, SESSION

_OBJECT = next(each for each in CRM_OBJECTS if each.name == CONTACTS)


@dataclass(frozen=True)
class DeliveredRecord:
    """A record by its columns, as text: `sent` in the delivery (empty: not in it), `wanted` now.

    `delivered_at` has a zone.
    """

    delivered_at: datetime
    run_id: str
    sent: Mapping[str, str | None]
    wanted: Mapping[str, str | None]


def delivered(copy: Copy, settings: Settings, person: Person) -> DeliveredRecord | None:
    """What the newest delivery has of the person; None where nothing was delivered yet.

    Raises:
        DeliveryError: it cannot be read.
    """
    deliveries = FileDestination(settings.crm_dir).deliveries()
    if not deliveries:
        return None
    newest = deliveries[0]
    key = [str(getattr(person, name)) for name in _OBJECT.key]
    where = " and ".join(f"cast({identifier(name)} as varchar) = ?" for name in _OBJECT.key)
    with copy.working() as connection:
        now = _record(connection, f"select * from ({_OBJECT.select}) as s where {where}", key)
    sent = _delivered_record(newest.path / STATE / f"{CONTACTS}.parquet", where, key)
    return DeliveredRecord(newest.delivered_at, newest.run_id, sent, now)


def _delivered_record(path: Path, where: str, key: Sequence[str]) -> dict[str, str | None]:
    """The record in a delivery's file of typed records; empty where it is not among them."""
    if not path.exists():
        return {}
    try:
        with duckdb.connect(config=SAFE_CONFIG) as connection:
            connection.execute(SESSION)
            sql = f"select * from read_parquet(?) where {where}"
            return _record(connection, sql, [str(path), *key])
    except duckdb.Error as error:
        raise DeliveryError(
            f"{path} cannot be read ({str(error).splitlines()[0]}); a newer delivery may have "
            "taken its place: load the page again"
        ) from error


def _record(
    connection: duckdb.DuckDBPyConnection, sql: str, given: Sequence[str]
) -> dict[str, str | None]:
    cursor = connection.execute(sql, list(given))
    names = [item[0] for item in cursor.description or ()]
    row = cursor.fetchone()
    return {} if row is None else {n: _text(v) for n, v in zip(names, row, strict=True)}


def _text(value: Any) -> str | None:
    """A value as text; lists with commas, as in the table of addresses."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return str(value)
