"""SQL text for typed records: how a column is kept, compared and written as CSV and JSON.

Functions here build SQL (DuckDB's dialect) and never run it. Values follow one lexical form in
both formats: times ISO 8601 in UTC with Z, dates ISO, decimals exact, lists as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from c360_assets.errors import DeliveryError

_INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
_FLOATS = frozenset({"FLOAT", "DOUBLE"})
_LISTS = frozenset(f"{element}[]" for element in (*_INTEGERS, "VARCHAR", "BOOLEAN"))
_AS_IS = _INTEGERS | _FLOATS | _LISTS | {"VARCHAR", "BOOLEAN", "DATE", "TIME", "TIMESTAMP"}
_AS_TEXT = frozenset({"UUID", "JSON", '"NULL"'})
_DECIMAL = re.compile(r"DECIMAL\(\d+,\s*(\d+)\)")

# A spreadsheet takes a cell that starts with one of these for a formula (OWASP, "CSV Injection";
# the last four are the full-width twins). Leading apostrophes are let through so that taking one
# apostrophe away from every match restores the text exactly.
FORMULA_START = r"^'*[=+\-@\t\r\n＝＋－＠]"

SECONDS = "%Y-%m-%dT%H:%M:%SZ"
MICROSECONDS = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class Column:
    """A column of a kept record; `type` is DuckDB's name of its type."""

    name: str
    type: str


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def kept_expression(column: Column, object_name: str) -> str:
    """Cast a source column to the type in which it is kept: UTC times, no 128-bit integers.

    Parquet has no 128-bit integer (DuckDB would write a DOUBLE) and no second or zone of its own.
    Raises DeliveryError for a type that CSV has no plain form for.
    """
    name, kind = identifier(column.name), column.type
    if kind in _AS_IS or _DECIMAL.fullmatch(kind):
        return name
    if kind in {"HUGEINT", "UHUGEINT"}:
        return f"cast({name} as decimal(38, 0)) as {name}"
    if kind in {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}:
        return f"cast({name} as timestamp) as {name}"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"{name} at time zone 'UTC' as {name}"
    if kind in _AS_TEXT or kind.startswith("ENUM("):
        return f"cast({name} as varchar) as {name}"
    raise DeliveryError(
        f"crm object {object_name}, column {column.name}: type {kind} has no plain form in a "
        "file; cast it in the object's SELECT to text, a number, a date, a time or a list of text"
    )


def csv_expression(column: Column, *, escape_formulas: bool) -> str:
    """Write a kept column in the lexical form that `field` describes; null stays null."""
    name = identifier(column.name)
    if column.type == "VARCHAR" and escape_formulas:
        matches = f"regexp_matches({name}, {literal(FORMULA_START)})"
        return f"case when {matches} then '''' || {name} else {name} end as {name}"
    return f"{_lexical(name, column.type)} as {name}"


def _lexical(value: str, kind: str) -> str:
    if kind == "TIMESTAMP":
        return (
            f"case when {value} = date_trunc('second', {value}) "
            f"then strftime({value}, '{SECONDS}') else strftime({value}, '{MICROSECONDS}') end"
        )
    if kind in _FLOATS:
        return (
            f"case when {value} is null then null when isnan({value}) then 'NaN' "
            f"when isinf({value}) then if({value} > 0, 'INF', '-INF') "
            f"else cast({value} as varchar) end"
        )
    if kind in _LISTS:
        return f"cast(to_json({value}) as varchar)"
    return value


def _json_value(value: str, kind: str) -> str:
    text = f"cast({_lexical(value, kind)} as varchar)"
    if kind in _FLOATS:
        text = f"if(isfinite({value}), {text}, '\"' || {text} || '\"')"
    elif kind == "VARCHAR":
        text = f"cast(to_json({value}) as varchar)"
    elif kind in {"TIMESTAMP", "DATE", "TIME"}:
        text = f"'\"' || {text} || '\"'"
    return f"coalesce({text}, 'null')"


def _json_object(source: str, columns: Sequence[Column]) -> str:
    members = [
        f"{literal(json.dumps(c.name) + ':')} || "
        + _json_value(f"{source}.{identifier(c.name)}", c.type)
        for c in columns
    ]
    return "'{' || " + " || ',' || ".join(members) + " || '}'"


def _line_start(object_name: str, change: str) -> str:
    start = json.dumps({"object": object_name, "change": change}, separators=(",", ":"))
    return literal(start[:-1] + ',"key":')


def record_line(
    object_name: str,
    change: Literal["new", "gone"],
    source: str,
    columns: Sequence[Column],
    key: Sequence[str],
) -> str:
    """Build the text of a JSON line that carries the whole record of `source`."""
    keys = [c for c in columns if c.name in key]
    return (
        f"{_line_start(object_name, change)} || {_json_object(source, keys)} || ',\"record\":' || "
        f"{_json_object(source, columns)} || '}}'"
    )


def _is_number(kind: str) -> bool:
    return kind in _INTEGERS or kind in _FLOATS or _DECIMAL.fullmatch(kind) is not None


def comparable(old: Column, new: Column) -> bool:
    """Whether two versions of a column compare by value: one type, or numbers both."""
    return old.type == new.type or (_is_number(old.type) and _is_number(new.type))


def _field_difference(name: str, old: Column | None, new: Column | None) -> tuple[str, str]:
    """Return the condition under which a field counts as changed, and its JSON member."""
    was, now = f"o.{identifier(name)}", f"n.{identifier(name)}"
    if old is None:
        differs = f"{now} is not null"
    elif new is None:
        differs = f"{was} is not null"
    elif comparable(old, new):
        differs = f"{was} is distinct from {now}"
    else:
        differs = f"({was} is not null or {now} is not null)"
    old_json = _json_value(was, old.type) if old else "'null'"
    new_json = _json_value(now, new.type) if new else "'null'"
    start = literal(json.dumps(name) + ':{"old":')
    return differs, f"{start} || {old_json} || ',\"new\":' || {new_json} || '}}'"


def difference_select(
    object_name: str,
    key: Sequence[str],
    old: Sequence[Column],
    new: Sequence[Column],
    tables: tuple[str, str],
) -> str:
    """Select `key_0…, change, line` for each record that differs between two keyed tables.

    `tables` are the old and the new one. Values compare typed, null equal to null and NaN to NaN.
    A column that only one side has differs where it is not null; one whose type changed to
    something incomparable differs wherever either side is not null.
    """
    before, after = {c.name: c for c in old}, {c.name: c for c in new}
    names = [name for name in {**after, **before} if name not in key]
    fields = [_field_difference(name, before.get(name), after.get(name)) for name in names]
    changed = " or ".join(differs for differs, _ in fields) or "false"
    members = ", ".join(f"case when {differs} then {member} end" for differs, member in fields)
    keys = [after[name] for name in key]
    first = identifier(key[0])
    line = (
        f"{_line_start(object_name, 'changed')} || {_json_object('n', keys)} || "
        f"',\"fields\":{{' || concat_ws(',', {members or 'null'}) || '}}}}'"
    )
    key_columns = ", ".join(
        f"coalesce(n.{identifier(k)}, o.{identifier(k)}) as key_{i}" for i, k in enumerate(key)
    )
    condition = " and ".join(f"o.{identifier(k)} = n.{identifier(k)}" for k in key)
    return (
        f"select {key_columns}, case when o.{first} is null then 'new' "
        f"when n.{first} is null then 'gone' else 'changed' end as change, "
        f"case when o.{first} is null then {record_line(object_name, 'new', 'n', new, key)} "
        f"when n.{first} is null then {record_line(object_name, 'gone', 'o', old, key)} "
        f"else {line} end as line "
        f"from {tables[0]} as o full join {tables[1]} as n on {condition} "
        f"where o.{first} is null or n.{first} is null or {changed}"
    )


def field(column: Column, key: Sequence[str]) -> dict[str, Any]:
    """Describe a kept column as a field of a Table Schema (datapackage.org, version 2)."""
    described: dict[str, Any] = {"name": column.name, "type": _field_type(column.type)}
    described["format"] = "default"
    if column.name in key:
        described["constraints"] = {"required": True}
    return described


def _field_type(kind: str) -> str:
    scale = _DECIMAL.fullmatch(kind)
    if kind in _INTEGERS or (scale and scale[1] == "0"):
        return "integer"
    if kind in _FLOATS or scale:
        return "number"
    if kind in _LISTS:
        return "array"
    names = {"BOOLEAN": "boolean", "DATE": "date", "TIME": "time", "TIMESTAMP": "datetime"}
    return names.get(kind, "string")
