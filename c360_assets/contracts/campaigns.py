"""Campaigns: whom they reached, what they were, and what came of them."""

from __future__ import annotations

from c360_assets.contracts.model import Table

CAMPAIGN_TABLES: tuple[Table, ...] = ()
