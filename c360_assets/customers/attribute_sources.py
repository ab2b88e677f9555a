"""The sources that attributes are made of, and what an entry takes of their rows, as SQL.

Belongs here: the SELECT of a source, the types of its columns, and the SQL of one entry alone. Not
here: what entries may say (`attribute_checks`) and what becomes of all of them (`attribute_sql`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

import duckdb

from c360_assets import contracts
from c360_assets.attribute_rules import AttributeRule
from c360_assets.contracts.bookkeeping import EMPTY_CATALOG


def source_select(source: str) -> str:
    """The SELECT of a source."""
    folder = files("c360_assets.customers").joinpath("profile_sources")
    return folder.joinpath(f"{source}.sql").read_text(encoding="utf-8").strip()


@lru_cache(maxsize=16)
def source_types(source: str) -> Mapping[str, str]:
    """The columns of a source with their types, as they follow from the contract."""
    select = source_select(source)
    with duckdb.connect() as connection:
        connection.execute(EMPTY_CATALOG)
        for table in contracts.ALL_TABLES:
            if table.layer != "ops" and table.qualified_name in select:
                columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
                connection.execute(f"create table {table.qualified_name} ({columns})")
        cursor = connection.execute(f"select * from (\n{select}\n) as s")
        return {name: str(kind) for name, kind, *_ in cursor.description or ()}


def taken(rule: AttributeRule) -> str:
    """What an entry makes of the rows of a day, null where there is nothing; or else of one row."""
    if rule.aggregate is None:
        return f"cast({inline(rule.expression or rule.value)} as {rule.type})"
    where = f" filter (where {inline(rule.where)})" if rule.where else ""
    if rule.aggregate == "days":
        return f"cast(case when count(*){where} > 0 then 1 end as bigint)"
    if rule.aggregate == "count":
        return f"nullif(cast(count(*){where} as bigint), 0)"
    return f"cast({rule.aggregate}({inline(rule.value)}){where} as {rule.type})"


def inline(text: str | None) -> str:
    """An expression in brackets; on lines of its own, since it may end in a comment."""
    return f"({text}\n)"
