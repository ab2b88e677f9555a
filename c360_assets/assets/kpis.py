"""The tables of the KPI dashboard, and the support queue."""

from __future__ import annotations

import dagster as dg

from c360_assets import contracts
from c360_assets.assets.claims import Claim
from c360_assets.assets.shell import Body, table_asset
from c360_assets.settings import Settings

CLAIMS: dict[str, tuple[Claim, ...]] = {}
# by asset, in the order in which they run
BODIES: dict[str, Body] = {}


def build_kpi_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset for each body."""
    return [
        table_asset(settings, contracts.table(name), body, CLAIMS.get(name, ()))
        for name, body in BODIES.items()
    ]
