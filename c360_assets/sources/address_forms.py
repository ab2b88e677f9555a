"""The addresses that SQL alone cannot normalise (NFKC and IDNA are not in it), each learnt once.

Belongs here: finding them and keeping their forms in `ops.address_forms`. Not here: what the
normal form is; the caller brings it (`identity.addresses`).
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from c360_assets.contracts import Table
from c360_assets.sources.row_rules import EMAIL_COLUMNS, PlainEmail

Normalise = Callable[[str], str | None]


def learn_addresses(
    connection: duckdb.DuckDBPyConnection,
    source: Table,
    plain_email: PlainEmail,
    normalise: Normalise,
) -> None:
    """Normalise the addresses of a raw table that SQL alone cannot, each distinct one for good.

    `plain_email` gives the SQL predicate of those that it can.
    """
    column = EMAIL_COLUMNS.get(source.name)
    if column is None:
        return
    rows = connection.execute(
        f"select distinct {column} from {source.qualified_name} where {column} is not null"
        f" and not ({plain_email(column)})"
        f" and {column} not in (select raw_email from ops.address_forms)"
    ).fetchall()
    forms = [(raw, normalise(raw)) for (raw,) in rows]
    valid = [(raw, email) for raw, email in forms if email is not None]
    if valid:
        connection.execute(
            "insert into ops.address_forms select unnest($1), unnest($2)",
            [list(column) for column in zip(*valid, strict=True)],
        )
