"""The SQL files: one SELECT each, and what it reads, column by column.

Dependencies and column lineage come from the SQL itself. Nothing here runs a query.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from c360_assets import contracts
from c360_assets.errors import ContractError

Origin = tuple[str, str]
# a folder is a schema, but for the views of the guide, which stand where no schema need be named
SCHEMA_OF_FOLDER = {"optimove": "main"}


@dataclass(frozen=True)
class Query:
    """One SQL file: `layer` is its folder, `name` the table that it makes."""

    name: str
    layer: str
    text: str

    @cached_property
    def tree(self) -> exp.Query:
        """The parsed SELECT."""
        statements = [s for s in sqlglot.parse(self.text, dialect="duckdb") if s is not None]
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise ContractError(f"sql/{self.layer}/{self.name}.sql must hold exactly one SELECT")
        return statements[0]

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The qualified names of the tables that it reads, sorted."""
        found = {f"{table.db}.{table.name}" for table in self.tree.find_all(exp.Table) if table.db}
        return tuple(sorted(found))

    @property
    def grain(self) -> str:
        """The opening comment line, without its dashes."""
        return self.text.splitlines()[0].removeprefix("--").strip()

    def to_dialect(self, dialect: str) -> str:
        """The SELECT in another engine's words."""
        return self.tree.sql(dialect=dialect, pretty=True)

    @cached_property
    def lineage(self) -> dict[str, tuple[Origin, ...]]:
        """Per output column the (qualified table, column) pairs that it is computed from."""
        qualified = qualify(
            self.tree.copy(),
            dialect="duckdb",
            schema=_schema(),
            validate_qualify_columns=False,
            identify=False,
        )
        scope = build_scope(qualified)
        if scope is None:
            raise ContractError(f"sql/{self.layer}/{self.name}.sql cannot be traced")
        tracer = _Tracer()
        return {
            projection.alias_or_name: tuple(sorted(tracer.origins(scope, index)))
            for index, projection in enumerate(_selects(scope))
        }


def remembered_lineage(query: Query, cache: Path) -> dict[str, tuple[Origin, ...]]:
    """`query.lineage`, read from the file `cache` while neither the SQL nor the contract changes.

    Tracing all queries takes about a second; a run should not pay for it every time.
    """
    key = hashlib.sha256(f"{query.text}|{_schema()}".encode()).hexdigest()
    known = _remembered(cache)
    name = f"{query.layer}.{query.name}"
    entry = known.get(name)
    if not isinstance(entry, dict) or entry.get("key") != key:
        known[name] = {"key": key, "columns": query.lineage}
        cache.parent.mkdir(parents=True, exist_ok=True)
        temporary = cache.with_suffix(f".{os.getpid()}.new")
        temporary.write_text(json.dumps(known), encoding="utf-8")
        temporary.replace(cache)
    columns = known[name]["columns"]
    return {
        column: tuple((table, origin) for table, origin in origins)
        for column, origins in columns.items()
    }


def _remembered(cache: Path) -> dict[str, Any]:
    """What the file holds; nothing where it is missing or damaged."""
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


class _Tracer:
    """Follows output columns through CTEs, subqueries and unions; each node once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], frozenset[Origin]] = {}

    def origins(self, scope: Scope, index: int) -> frozenset[Origin]:
        key = (id(scope), index)
        if key not in self._known:
            self._known[key] = frozenset()
            self._known[key] = frozenset(self._trace(scope, index))
        return self._known[key]

    def _trace(self, scope: Scope, index: int) -> Iterator[Origin]:
        if scope.set_operation_scopes:
            for part in scope.set_operation_scopes:
                yield from self.origins(part, index)
            return
        projection = _selects(scope)[index]
        for column in projection.find_all(exp.Column):
            yield from self._resolve(scope, column)

    def _resolve(self, scope: Scope, column: exp.Column) -> Iterator[Origin]:
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table) and source.db:
            table = f"{source.db}.{source.name}"
            yield table, _written(table).get(column.name.lower(), column.name)
        elif isinstance(source, Scope):
            names = [s.alias_or_name for s in _selects(source)]
            if column.name in names:
                yield from self.origins(source, names.index(column.name))
        else:
            for inner in scope.subquery_scopes:
                if column.table in inner.sources:
                    yield from self._resolve(inner, column)


def _selects(scope: Scope) -> list[exp.Expr]:
    expression = scope.expression
    return list(expression.selects) if isinstance(expression, exp.Query) else []


@lru_cache(maxsize=256)
def _written(table: str) -> dict[str, str]:
    """The columns of a table of the contract as it writes them, by their names in lower case."""
    found = (t for t in contracts.ALL_TABLES if t.qualified_name == table)
    return {name.lower(): name for t in found for name in t.column_names}


@lru_cache(maxsize=1)
def _schema() -> dict[str, object]:
    schema: dict[str, dict[str, object]] = {}
    for table in contracts.ALL_TABLES:
        columns = {column.name: column.type for column in table.columns}
        if table.layer == "raw":
            columns |= {"source_file": "VARCHAR", "source_row": "BIGINT"}
        schema.setdefault(table.layer, {})[table.name] = columns
    return dict(schema)


@lru_cache(maxsize=1)
def all_queries() -> dict[str, Query]:
    """Every SQL file of the package by the qualified name of its table."""
    found: dict[str, Query] = {}
    for folder in sorted(files("c360_assets").joinpath("sql").iterdir(), key=lambda f: f.name):
        if not folder.is_dir():
            continue
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.endswith(".sql"):
                name = file.name.removesuffix(".sql")
                text = file.read_text(encoding="utf-8")
                schema = SCHEMA_OF_FOLDER.get(folder.name, folder.name)
                found[f"{schema}.{name}"] = Query(name, folder.name, text)
    return found


def query(name: str) -> Query:
    """The SQL file of that table, by its qualified name.

    Raises:
        ContractError: there is none; the text lists those there are.
    """
    try:
        return all_queries()[name]
    except KeyError:
        raise ContractError(
            f"there is no SQL file for {name!r}; there are {', '.join(all_queries())}"
        ) from None
