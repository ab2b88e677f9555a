"""What customers are expected to order and to be worth."""

from __future__ import annotations

from c360_assets.contracts.model import Table

LIFETIME_VALUE_TABLES: tuple[Table, ...] = ()
