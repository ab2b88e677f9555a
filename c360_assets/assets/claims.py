"""Claims about tables: what must hold, how much breaks it, and a sample of what does.

A claim is tested inside the engine. Those that follow from the contract (keys, not-null, accepted
values, references) are made here; those about several tables stand beside their asset. A breach of
a contract blocks what is downstream; drift only warns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb

from c360_assets import contracts
from c360_assets.contracts import Table
from c360_assets.warehouse.session import fetch_dicts

SAMPLE_ROWS = 5


@dataclass(frozen=True)
class Claim:
    """One property of a table.

    `breaches` is a SELECT of the rows that break it. `measure`, where given, is an aggregate over
    the table's rows that counts them, so that many claims cost one scan.
    """

    name: str
    description: str
    breaches: str
    is_blocking: bool = True
    measure: str | None = None


def contract_claims(table: Table) -> tuple[Claim, ...]:
    """The claims that follow from the contract of a table."""
    return tuple(
        (*_not_null(table), *_unique(table), *_accepted(table), *_minimum(table), *_refers(table))
    )


def equal_sums(name: str, description: str, left: str, right: str) -> Claim:
    """A claim that two sums are the same."""
    return Claim(
        name,
        description,
        f"select * from (select ({left}) as given, ({right}) as kept) as sums"
        " where given is distinct from kept",
    )


def check_specs(table: str, claims: Iterable[Claim]) -> list[dg.AssetCheckSpec]:
    """What Dagster shows before anything ran."""
    return [
        dg.AssetCheckSpec(
            claim.name, asset=table, description=claim.description, blocking=claim.is_blocking
        )
        for claim in claims
    ]


def evaluate(
    connection: duckdb.DuckDBPyConnection, table: Table, claims: Sequence[Claim], scope: str = ""
) -> list[dg.AssetCheckResult]:
    """Test the claims on the tables as they stand on this connection.

    `scope` is a condition on the table's rows that bounds the measured claims.
    """
    counts = _measured(connection, table, claims, scope)
    return [_result(connection, table, claim, counts.get(claim.name)) for claim in claims]


def _measured(
    connection: duckdb.DuckDBPyConnection, table: Table, claims: Sequence[Claim], scope: str
) -> dict[str, int]:
    measured = [claim for claim in claims if claim.measure is not None]
    if not measured:
        return {}
    where = f" where {scope}" if scope else ""
    chosen = ", ".join(str(claim.measure) for claim in measured)
    row = connection.execute(f"select {chosen} from {table.qualified_name}{where}").fetchall()[0]
    return {claim.name: int(n or 0) for claim, n in zip(measured, row, strict=True)}


def _result(
    connection: duckdb.DuckDBPyConnection, table: Table, claim: Claim, count: int | None
) -> dg.AssetCheckResult:
    if count is None:
        rows = connection.execute(f"select count(*) from ({claim.breaches})").fetchall()
        count = int(rows[0][0])
    metadata: dict[str, Any] = {"breaches": count}
    if count:
        sample = fetch_dicts(connection, f"select * from ({claim.breaches}) limit {SAMPLE_ROWS}")
        metadata["sample"] = dg.MetadataValue.json(json.loads(json.dumps(sample, default=str)))
    return dg.AssetCheckResult(
        asset_key=table.asset,
        check_name=claim.name,
        passed=count == 0,
        severity=(dg.AssetCheckSeverity.ERROR if claim.is_blocking else dg.AssetCheckSeverity.WARN),
        metadata=metadata,
    )


def _prefix(table: Table) -> str:
    """Claims about a second table of one asset carry its name."""
    return "" if table.asset == table.name else f"{table.name}_"


def _not_null(table: Table) -> Iterable[Claim]:
    names = [column.name for column in table.columns if not column.is_nullable]
    tests = {name: f'"{name}" is null' for name in names}
    yield from _one_claim(table, "required_values_are_never_null", "always have a value", tests)


def _one_claim(table: Table, name: str, claim: str, tests: dict[str, str]) -> Iterable[Claim]:
    """One claim about several columns: Dagster spends more on a check than the engine does."""
    if not tests:
        return
    broken = " or ".join(tests.values())
    which = ", ".join(f"case when {test} then '{column}' end" for column, test in tests.items())
    yield Claim(
        f"{_prefix(table)}{name}",
        f"{', '.join(tests)}: {claim}.",
        f"select concat_ws(', ', {which}) as broken_columns, *"
        f" from {table.qualified_name} where {broken}",
        measure=f"count(*) filter (where {broken})",
    )


def _unique(table: Table) -> Iterable[Claim]:
    if not table.key:
        return
    key = ", ".join(f'"{name}"' for name in table.key)
    repeated = (
        f"select {key}, count(*) as number_of_rows from {table.qualified_name}"
        f" group by {key} having count(*) > 1"
    )
    is_or_are = "is" if len(table.key) == 1 else "are"
    yield Claim(
        f"{_prefix(table)}{'_and_'.join(table.key)}_{is_or_are}_unique",
        f"{table.grain.rstrip('.')}: no two rows share {', '.join(table.key)}.",
        repeated,
        measure=f"count(*) - count(distinct {key})" if len(table.key) == 1 else None,
    )


def _accepted(table: Table) -> Iterable[Claim]:
    tests = {}
    for column in table.columns:
        if column.accepted:
            values = ", ".join(f"'{value}'" for value in column.accepted)
            tests[column.name] = f"cast({column.name} as varchar) not in ({values})"
    lists = "; ".join(
        f"{column.name} is one of {', '.join(column.accepted)}"
        for column in table.columns
        if column.accepted
    )
    yield from _one_claim(table, "coded_values_are_accepted_ones", f"{lists}", tests)


def _minimum(table: Table) -> Iterable[Claim]:
    tests = {c.name: f"{c.name} < 0" for c in table.columns if c.is_non_negative}
    yield from _one_claim(table, "amounts_are_never_negative", "are zero or more", tests)


def _refers(table: Table) -> Iterable[Claim]:
    for reference in table.references:
        target = contracts.table(reference.to_table)
        yield Claim(
            f"{_prefix(table)}{reference.column}_refers_to_{reference.to_table}",
            f"Every {reference.column} is a {reference.to_column} of {target.qualified_name}.",
            f"select t.* from {table.qualified_name} as t left join {target.qualified_name} as r"
            f" on r.{reference.to_column} = t.{reference.column}"
            f" where t.{reference.column} is not null and r.{reference.to_column} is null",
            # bad rows of a source never stop the rest; judging rejects those of unknown users
            is_blocking=table.layer != "staging" or reference.to_table == "stg_users",
        )
