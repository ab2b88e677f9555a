"""The protocol that every destination of `crm_sync` follows, and what a delivery reports.

Belongs here: what all destinations share. Not here: files, HTTP, retries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from duckdb import DuckDBPyConnection

from c360_assets.activation.objects import CrmObject


@dataclass(frozen=True)
class ObjectDelivery:
    """What became of one object: `new + changed + unchanged == rows`; `gone` were there before.

    `path` is the object's file, where the destination writes one.
    """

    name: str
    rows: int
    new: int
    changed: int
    gone: int
    unchanged: int
    path: Path | None = None


@dataclass(frozen=True)
class Delivery:
    """One whole delivery; `location` is the folder or address that now holds it."""

    destination: str
    location: str
    objects: tuple[ObjectDelivery, ...]

    @property
    def number_of_changes(self) -> int:
        """Records new, changed or gone, over all objects."""
        return sum(o.new + o.changed + o.gone for o in self.objects)


@dataclass(frozen=True)
class Delivered:
    """A delivery as its manifest tells of it; `retired` are objects that ended with it.

    `delivered_at` has a zone.
    """

    path: Path
    run_id: str
    delivered_at: datetime
    objects: tuple[ObjectDelivery, ...]
    retired: tuple[str, ...] = ()


class Destination(Protocol):
    """Somewhere that records can be delivered to."""

    @property
    def name(self) -> str:
        """The word for it in `C360_CRM`."""
        ...

    def deliver(
        self,
        connection: DuckDBPyConnection,
        objects: Sequence[CrmObject],
        run_id: str,
        delivered_at: datetime,
    ) -> Delivery:
        """Deliver every object, read through a read-only `connection` on the published copy.

        Raises DeliveryError; the last delivery stands then.
        """
        ...
