"""What every asset shares: its face in Dagster, its transaction, its claims.

Belongs here: turning a contract and a SQL file into an asset. Not here: any single asset.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import dagster as dg
import duckdb

from c360_assets import contracts
from c360_assets.assets.claims import Claim, check_specs, contract_claims, evaluate
from c360_assets.contracts import Table
from c360_assets.settings import Settings
from c360_assets.sources.folder import SourceFolder
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.queries import Query, all_queries, query, remembered_lineage
from c360_assets.warehouse.rules import sync_rules
from c360_assets.warehouse.tables import replace_table, replace_view, row_count

GROUPS = {
    "raw": "raw",
    "staging": "staging",
    "identity": "identity",
    "marts": "marts",
    "crm": "activation",
    "main": "optimove",
}


@dataclass(frozen=True)
class Step:
    """What the body of an asset works with, inside its transaction."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    folder: SourceFolder
    run_id: str
    at: datetime


@dataclass(frozen=True)
class Outcome:
    """What the body of an asset tells: extra metadata, and the scope of its measured claims.

    `checks` are results of checks that are not about the asset's own table, or are no claims
    (`table_asset` has their specs).
    """

    metadata: Mapping[str, Any]
    scope: str = ""
    checks: Sequence[dg.AssetCheckResult] = ()


Body = Callable[[Step], Outcome]


def deps_of(table: Table) -> list[str]:
    """The assets that must come before: those that its SQL reads or its references name."""
    qualified = {t.qualified_name: t for t in contracts.ALL_TABLES if t.layer != "ops"}
    query = all_queries().get(table.qualified_name)
    read = query.tables if query else ()
    names = {qualified[name].asset for name in read if name in qualified}
    names |= {contracts.table(reference.to_table).asset for reference in table.references}
    source = contracts.SOURCE_OF_STAGED.get(table.name)
    if source:
        for reference in contracts.table(source).references:
            if reference.to_table == "stg_users":
                names.add("stg_users")
    return sorted(names - {table.asset})


def column_schema(table: Table) -> dg.TableSchema:
    """The contract's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=column.type,
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.is_nullable, unique=table.key == (column.name,)
                ),
            )
            for column in table.columns
        ]
    )


def column_lineage(table: Table, settings: Settings) -> dg.TableColumnLineage | None:
    """Which columns of which assets each column is computed from, as the SQL says."""
    query = all_queries().get(table.qualified_name)
    if query is None:
        return None
    assets = {t.qualified_name: t.asset for t in contracts.ALL_TABLES if t.layer != "ops"}
    lineage = remembered_lineage(query, settings.home_dir / "lineage.json")
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_key=dg.AssetKey(asset), column_name=name)
                # two tables of one asset may have a column of the same name
                for asset, name in dict.fromkeys(
                    (assets[origin], name)
                    for origin, name in origins
                    if origin in assets and assets[origin] != table.asset
                )
            ]
            for column, origins in lineage.items()
        }
    )


def face(table: Table, deps: Sequence[str] | None = None) -> dict[str, Any]:
    """The arguments of `@dg.asset` that show what the table is."""
    query = all_queries().get(table.qualified_name)
    return {
        "name": table.name,
        "group_name": GROUPS[table.layer],
        "owners": [table.owner],
        "kinds": set(table.kinds),
        "description": _description(table, query),
        "deps": list(deps_of(table) if deps is None else deps),
        "metadata": {
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": table.qualified_name,
            "grain": table.grain,
            "key": ", ".join(table.key) or "none",
        },
        "code_version": _code_version(query),
    }


def table_asset(
    settings: Settings,
    table: Table,
    body: Body,
    claims: Sequence[Claim] = (),
    deps: Sequence[str] | None = None,
    with_contract_claims: bool = True,
    beside: Mapping[Table, Sequence[Claim]] | None = None,
    other_checks: Sequence[dg.AssetCheckSpec] = (),
) -> dg.AssetsDefinition:
    """An asset that writes `table` in one transaction and tests its claims in the same.

    `claims` come on top of those of the contract, which raw tables leave to staging; `beside` are
    those on other tables that the body writes (`claims_beside`).
    """
    others = beside or {}
    all_claims = (*(contract_claims(table) if with_contract_claims else ()), *claims)

    @dg.asset(  # type: ignore[untyped-decorator]
        **face(table, deps),
        check_specs=[
            *check_specs(table.asset, all_claims),
            *(spec for each in others.values() for spec in check_specs(table.asset, each)),
            *other_checks,
        ],
    )
    def run(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with open_step(settings, warehouse, context.run.run_id) as work:
            outcome = body(work)
            results = evaluate(work.connection, table, all_claims, outcome.scope)
            for other, each in others.items():
                results += evaluate(work.connection, other, each)
            rows = row_count(work.connection, table)
        return dg.MaterializeResult(
            metadata={**run_metadata(table, rows, settings), **outcome.metadata},
            check_results=[*results, *outcome.checks],
        )

    return cast(dg.AssetsDefinition, run)


def claims_beside(table: Table) -> dict[Table, tuple[Claim, ...]]:
    """The claims of the contract on the other tables that the asset of a table writes."""
    others = (t for t in contracts.ALL_TABLES if t.asset == table.asset and t != table)
    return {other: contract_claims(other) for other in others}


def sql_asset(settings: Settings, name: str, claims: Sequence[Claim] = ()) -> dg.AssetsDefinition:
    """An asset that is one SELECT."""
    table = contracts.table(name)
    return table_asset(settings, table, replaced(name), claims)


def replaced(*names: str) -> Body:
    """The body of an asset that replaces these tables or views, in this order, by their SELECTs."""

    def body(step: Step) -> Outcome:
        for name in names:
            table = contracts.table(name)
            replace = replace_view if table.is_view else replace_table
            replace(step.connection, table, query(table.qualified_name))
        return Outcome({})

    return body


def run_metadata(table: Table, rows: int, settings: Settings) -> dict[str, Any]:
    """The metadata that every materialization carries."""
    metadata: dict[str, Any] = {"dagster/row_count": rows}
    lineage = column_lineage(table, settings)
    if lineage is not None:
        metadata["dagster/column_lineage"] = lineage
    return metadata


@contextmanager
def open_step(settings: Settings, warehouse: Warehouse, run_id: str) -> Iterator[Step]:
    """One transaction with the rule tables in step with the settings."""
    with warehouse.transaction() as connection:
        orders = connection.execute(
            "select count(*) from ops.source_files where source_table = 'raw_order'"
        ).fetchall()
        sync_rules(connection, settings.rules, clock_of(settings, run_id), orders[0][0] > 0)
        yield Step(connection, settings, SourceFolder(settings.source_dir), run_id, utc_now())


@lru_cache(maxsize=64)
def clock_of(settings: Settings, run_id: str) -> datetime | None:
    """The as-of time of a run: `now` stands still for the length of one run."""
    return settings.clock


def utc_now() -> datetime:
    """The wall clock as naive UTC; it stamps records and decides nothing."""
    return datetime.now(UTC).replace(tzinfo=None)


def _description(table: Table, query: Query | None) -> str:
    parts = [table.grain]
    if query is not None:
        parts.append(f"```sql\n{query.text.strip()}\n```")
    return "\n\n".join(parts)


def _code_version(query: Query | None) -> str | None:
    if query is None:
        return None
    return hashlib.sha256(re.sub(r"\s+", " ", query.text).encode()).hexdigest()[:12]


def reasons_table(reasons: Mapping[str, int]) -> dg.MetadataValue:
    """Counts by reason as a small table."""
    lines = ["| reason | rows |", "|---|---|", *(f"| {r} | {n} |" for r, n in reasons.items())]
    return dg.MetadataValue.md("\n".join(lines) if reasons else "none")


def asset_names(assets: Iterable[dg.AssetsDefinition]) -> list[str]:
    """The bare names of assets."""
    return [key.path[-1] for definition in assets for key in definition.keys]
