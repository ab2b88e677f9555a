"""The history of RFM segments, and what is counted over it."""

from __future__ import annotations

from c360_assets.contracts.model import Table

RFM_TABLES: tuple[Table, ...] = ()
