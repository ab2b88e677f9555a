"""Daily customer profiles, and the views over them that Optimove's guide names."""

from __future__ import annotations

from c360_assets.contracts.model import Table

PROFILE_TABLES: tuple[Table, ...] = ()
