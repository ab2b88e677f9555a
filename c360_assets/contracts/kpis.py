"""The tables of the KPI dashboard, and the support queue."""

from __future__ import annotations

from c360_assets.contracts.model import Table

KPI_TABLES: tuple[Table, ...] = ()
