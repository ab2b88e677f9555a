"""The shapes in which the contract is written down: columns, references and tables.

Belongs here: the vocabulary. Not here: any table (see `raw` and `tables`) or anything that runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from c360_assets.errors import ContractError

Layer = Literal["raw", "staging", "identity", "marts", "crm", "ops", "main"]

_LINE = re.compile(
    r"(?P<name>\w+)(?P<optional>\?)?\s+(?P<type>[A-Z]+(?:\(\d+, ?\d+\))?(?:\[\])?)"
    r"(?P<not_null>\s+not null)?(?:\s+one of \[(?P<accepted>[^\]]+)\])?(?P<minimum>\s+>= 0)?"
    r"\s*--\s*(?P<description>.+)"
)
_REFERENCE = re.compile(r"(\w+)\s*->\s*(\w+)[.](\w+)")


@dataclass(frozen=True)
class Column:
    """One column: its DuckDB type, whether it may be null, what it may hold, what it means.

    `is_optional` says that a source may lack the column altogether (raw tables only).
    """

    name: str
    type: str
    description: str
    is_nullable: bool = True
    is_optional: bool = False
    accepted: tuple[str, ...] = ()
    is_non_negative: bool = False


@dataclass(frozen=True)
class Reference:
    """Non-null values of `column` must exist as `to_column` of the table `to_table`."""

    column: str
    to_table: str
    to_column: str


@dataclass(frozen=True)
class Table:
    """One table of the contract; `grain` is one sentence that says what one row is.

    A view is a table whose rows are computed when somebody asks. `layer` is the schema.
    `cluster_by` are the columns by which the published copy is sorted, so that the rows of one
    person lie together and looking them up reads a few thousand rows, not all.
    """

    name: str
    layer: Layer
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    is_required: bool = True
    owner: str = "team:data"
    produced_by: str = ""
    kinds: tuple[str, ...] = field(default=("duckdb", "sql"))
    is_view: bool = False
    cluster_by: tuple[str, ...] = ()

    @property
    def qualified_name(self) -> str:
        """`schema.table`, as SQL files name it."""
        return f"{self.layer}.{self.name}"

    @property
    def asset(self) -> str:
        """The asset that writes this table; itself unless the contract says otherwise."""
        return self.produced_by or self.name

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            ContractError: there is none; the text lists those that exist.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(
            f"{self.qualified_name} has no column {name!r}; it has {', '.join(self.column_names)}"
        )


def columns(text: str) -> tuple[Column, ...]:
    """Columns from lines `name[?] TYPE [not null] [one of [a, b]] [>= 0] -- meaning`."""
    return tuple(_column(line.strip()) for line in text.strip().splitlines() if line.strip())


def _column(line: str) -> Column:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ContractError(f"contract line {line!r} is not `name TYPE [not null] -- meaning`")
    accepted = match["accepted"]
    return Column(
        name=match["name"],
        type=match["type"].replace(", ", ","),
        description=match["description"],
        is_nullable=match["not_null"] is None,
        is_optional=match["optional"] is not None,
        accepted=tuple(value.strip() for value in accepted.split(",")) if accepted else (),
        is_non_negative=match["minimum"] is not None,
    )


def references(text: str) -> tuple[Reference, ...]:
    """References from lines `column -> table.column`."""
    return tuple(_reference(line.strip()) for line in text.strip().splitlines())


def _reference(line: str) -> Reference:
    match = _REFERENCE.fullmatch(line)
    if match is None:
        raise ContractError(f"contract line {line!r} is not `column -> table.column`")
    return Reference(*match.groups())
