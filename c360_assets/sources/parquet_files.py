"""What a Parquet file tells of itself: columns, types, rows."""

from __future__ import annotations

from typing import Any

import duckdb

from c360_assets.errors import SourceError
from c360_assets.sources.folder import SourceFile


def parquet_types(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> dict[str, str]:
    """The columns of a Parquet file with their types.

    Raises:
        SourceError: it is no readable Parquet file.
    """
    rows = _read_parquet(connection, "describe select * from read_parquet(?)", file)
    return {str(row[0]): str(row[1]) for row in rows}


def parquet_rows(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> int:
    """The number of rows, which the file itself tells."""
    counted = "select sum(num_rows)::bigint from parquet_file_metadata(?)"
    return int(_read_parquet(connection, counted, file)[0][0] or 0)


def _read_parquet(
    connection: duckdb.DuckDBPyConnection, sql: str, file: SourceFile
) -> list[tuple[Any, ...]]:
    try:
        # on a connection of its own, since an error would abort the transaction
        with connection.cursor() as scratch:
            return scratch.execute(sql, [str(file.path)]).fetchall()
    except duckdb.Error as error:
        first_line = str(error).strip().splitlines()[0]
        raise SourceError(
            f"{file.path} is no readable Parquet file: {first_line}; write it again"
        ) from error
