"""How every DuckDB connection of c360 is opened, and how small results are read.

Imports no Dagster, so that pages and `c360` start fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

# Nothing is downloaded at run time.
SAFE_CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
}
# The machine's own time zone changes nothing. The compression methods left out double the cost of
# writing a wide table, and the warehouse is a cache (as a connection option they are ignored).
SESSION = "set TimeZone = 'UTC'; set disabled_compression_methods = 'zstd,fsst,dict_fsst'"


def fetch_dicts(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries; for small results only."""
    cursor = connection.execute(sql, parameters)
    names = [item[0] for item in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
