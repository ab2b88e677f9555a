"""Which records a sync would have a CRM hold, of a few of its objects' keys.

Belongs here: the mapping's SELECTs, asked of single records. Not here: what the CRM holds
(`contact_crm`, `contact_links`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from c360_assets.activation.objects import SYNC_OBJECTS, CrmObject
from c360_assets.activation.sync.model import Row
from c360_assets.activation.sync.run import KEYS
from c360_assets.activation.sync.wanted import load_suppression, make_wanted, rows_of
from c360_assets.activation.tabular import identifier, literal
from c360_assets.crm_rules import ObjectRules


def records_wanted(
    connection: duckdb.DuckDBPyConnection, mapping: ObjectRules, object_: str, keys: Sequence[str]
) -> dict[str, tuple[Row, str]]:
    """The records of these keys that the mapping has, each with its hash; by key.

    `connection` is one for temporary tables (`Copy.working`).
    """
    # who opted out is hidden, and does not come this far
    load_suppression(connection, (), Path())
    source, key = crm_object(object_), KEYS[object_]
    # in the text, since the engine plans a look-up for constants: a tenth of the time
    listed = ", ".join(literal(each) for each in keys)
    some = replace(
        source,
        select=f"select * from ({source.select}) as rows where {identifier(key)} in ({listed})",
    )
    make_wanted(connection, some, mapping, key)
    return rows_of(connection, object_, list(keys))


def crm_object(name: str) -> CrmObject:
    """The object of that name that syncs know."""
    return next(each for each in SYNC_OBJECTS if each.name == name)
