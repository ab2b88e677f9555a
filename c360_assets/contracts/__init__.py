"""The data contract in code: every table, column, type, key and meaning, in ONE place.

Types, key checks, docs, column metadata and the validation of raw rows all come from here.
"""

from __future__ import annotations

from c360_assets.contracts.bookkeeping import SCHEMAS
from c360_assets.contracts.campaigns import CAMPAIGN_TABLES
from c360_assets.contracts.candidates import CANDIDATE_TABLES
from c360_assets.contracts.kpis import KPI_TABLES
from c360_assets.contracts.lifetime_value import LIFETIME_VALUE_TABLES
from c360_assets.contracts.marts import MART_TABLES
from c360_assets.contracts.model import Column, Reference, Table
from c360_assets.contracts.profiles import PROFILE_TABLES
from c360_assets.contracts.raw import MERGE_TABLES, RAW_TABLES
from c360_assets.contracts.rfm_history import RFM_TABLES
from c360_assets.contracts.tables import IDENTITY_TABLES, OPS_TABLES, STAGING_TABLES
from c360_assets.errors import ContractError

# the marts that tell of time, in the order in which they are made
TIME_TABLES: tuple[Table, ...] = (
    *KPI_TABLES,
    *RFM_TABLES,
    *LIFETIME_VALUE_TABLES,
    *PROFILE_TABLES,
    *CAMPAIGN_TABLES,
)
ALL_TABLES: tuple[Table, ...] = (
    *RAW_TABLES,
    *MERGE_TABLES,
    *STAGING_TABLES,
    *IDENTITY_TABLES,
    *MART_TABLES,
    *CANDIDATE_TABLES,
    *TIME_TABLES,
    *OPS_TABLES,
)
# in an order in which each can be staged
SOURCE_OF_STAGED = {
    "stg_users": "raw_user",
    "stg_gaggles": "raw_gaggle",
    "stg_promos": "raw_promo",
    "stg_products": "raw_product",
    "stg_addresses": "raw_address",
    "stg_events": "raw_event",
    "stg_orders": "raw_order",
    "stg_order_items": "raw_order_item",
    "stg_deals": "deals",
    "stg_campaigns": "raw_campaign",
    "stg_campaign_targets": "raw_campaign_target",
    "stg_tickets": "raw_ticket",
}

_BY_NAME = {table.name: table for table in ALL_TABLES}


def table(name: str) -> Table:
    """The table of that bare name.

    Raises:
        ContractError: the contract has no such table; the text lists those it has.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ContractError(
            f"the contract has no table {name!r}; it has {', '.join(sorted(_BY_NAME))}"
        ) from None


__all__ = [
    "ALL_TABLES",
    "CANDIDATE_TABLES",
    "IDENTITY_TABLES",
    "MART_TABLES",
    "MERGE_TABLES",
    "OPS_TABLES",
    "RAW_TABLES",
    "SCHEMAS",
    "SOURCE_OF_STAGED",
    "STAGING_TABLES",
    "TIME_TABLES",
    "Column",
    "Reference",
    "Table",
    "table",
]
