"""Who is never shown: views over the published copy that hide suppressed and erased people.

Of who was erased there is no row, also between `c360 forget` and the next publication. Who opted
out (`crm.suppression`) keeps rows and figures, and loses every name, address and number by which
they could be told. Pages read these views and nothing else.

Belongs here: the views. Not here: what each column is (`privacy_rules`), who is hidden
(`privacy_people`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from c360_assets.errors import ConfigError, NothingPublishedError
from c360_assets.settings import Settings
from c360_assets.sources.sql_text import identifier, literal
from c360_assets.sources.tombstones import FOLDER as ERASURE
from c360_assets.ui.privacy_people import find_hidden
from c360_assets.ui.privacy_rules import (
    COVERS,
    PROFILE_TABLES,
    Attribute,
    Cover,
    is_text,
    profile_cover,
)
from c360_assets.ui.privacy_texts import note_texts, noted, quoted, telling_gaggles
from c360_assets.warehouse.published import PUBLISHED

HIDDEN = "(hidden)"
SEARCH_INDEX = "marts.search_index"
# which set of `hidden` each kind of column is looked up in
_OWNERS = (
    ("users", "users"), ("contacts", "contacts"), ("places", "places"), ("addresses", "addresses"),
)  # fmt: skip


@dataclass(frozen=True)
class Hidden:
    """How many people are hidden, and a text that changes when it should be others."""

    people: int
    version: str


def version(settings: Settings) -> str:
    """A text that changes when other people are to be hidden; cheap enough for every page.

    Raises:
        ConfigError: a file of who opted out is missing.
    """
    erased = settings.home_dir / ERASURE
    marks = [_mark(path) for path in (erased / "tombstones.jsonl", erased / "salt")]
    for name in settings.rules.crm.suppression:
        path = settings.source_dir / name
        if not path.is_file():
            raise ConfigError(
                f"crm.suppression names {name!r}, and there is no {path}; no page is shown while "
                "it is not known who opted out. Put the file there, or take its name out"
            )
        marks.append(_mark(path))
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]


def cover(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Hidden:
    """Make the views, in memory, under the names of the tables of the copy beside it.

    Raises:
        ConfigError: a file of who opted out is missing or cannot be read.
        SourceError: it cannot be read who was erased.
        NothingPublishedError: the copy lacks a table by which people are told.
    """
    now = version(settings)
    try:
        return Hidden(_cover(connection, settings), now)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise NothingPublishedError(
            "the published copy was made by another release of c360, and it cannot be told who is "
            f"to be hidden in it ({str(error).splitlines()[0]}); publish anew with `c360 run`"
        ) from error


def _cover(connection: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    tables = published_columns(connection)
    covers = {
        name: rules
        for name, columns in tables.items()
        if (rules := _cover_of(connection, name, columns)) is not None
    }
    people = find_hidden(connection, settings, covers)
    is_anybody, is_anybody_erased = connection.execute(
        "select count(*) > 0, coalesce(bool_or(is_erased), false)"
        " from (from hidden.users union all from hidden.addresses)"
    ).fetchall()[0]
    gaggles: list[str] = []
    if is_anybody:
        note_texts(connection, covers)
        gaggles = telling_gaggles(connection)
    for name, rules in covers.items():
        schema = name.partition(".")[0]
        connection.execute(f"create schema if not exists {identifier(schema)}")
        in_all = _in_all_rows(connection, name, rules, tables[name], gaggles) if is_anybody else {}
        select = _select(name, tables[name], rules, in_all, is_anybody, is_anybody_erased)
        connection.execute(f"create view {quoted(name)} as {select}")
    connection.execute("drop table hidden.mentioned")
    return people


def published_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The tables and views of the copy, `schema.name`, each with its columns and their types."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for table, column, type_ in connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns()"
        " where database_name = ? and not internal order by 1, column_index",
        [PUBLISHED],
    ).fetchall():
        found[table][column] = type_
    return dict(found)


def _cover_of(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str]
) -> Cover | None:
    """What is known of a table; None where nobody has thought of it."""
    if name not in PROFILE_TABLES:
        return COVERS.get(name)
    fields = connection.execute(
        "select name, field_name, type, source, definition, is_own"
        f" from {PUBLISHED}.marts.profile_fields order by position"
    ).fetchall()
    return profile_cover([Attribute(*row) for row in fields], columns, PROFILE_TABLES[name])


def _in_all_rows(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    rules: Cover,
    columns: Mapping[str, str],
    gaggles: list[str],
) -> dict[str, str]:
    """The columns that are something else in whosever row, each as SQL.

    `gaggles` are the names of gaggles that tell of hidden people; they stand in the text, since a
    join would be made also where the column is not asked for.
    """
    nulls = f"{rules.free} {rules.of_gaggles if gaggles else ''}".split()
    found = {column: f"cast(null as {columns[column]})" for column in nulls}
    if not gaggles:
        return found
    listed = ", ".join(map(literal, gaggles))
    for column in rules.gaggles.split():
        shown = f"t.{identifier(column)}"
        found[column] = f"case when {shown} in ({listed}) then {literal(HIDDEN)} else {shown} end"
    if name == SEARCH_INDEX:
        ids = connection.execute(
            f"select gaggle_id from {PUBLISHED}.staging.stg_gaggles where gaggle_name in ({listed})"
        ).fetchall()
        listed = ", ".join(literal(id_) for (id_,) in ids) or "null"
        found["search_text"] = (
            f"case when t.kind = 'gaggle' and t.object_id in ({listed}) then null"
            " else t.search_text end"
        )
    return found


def _select(
    name: str,
    columns: Mapping[str, str],
    rules: Cover,
    in_all: Mapping[str, str],
    is_anybody: bool,
    is_anybody_erased: bool,
) -> str:
    """The SELECT of a view; `in_all` are the columns that are something else in all rows."""
    known = {column.lower() for column in rules.named()}
    unknown = [
        column
        for column, type_ in columns.items()
        if is_text(type_) and column.lower() not in known
    ]
    excluded = f" exclude ({', '.join(map(identifier, unknown))})" if unknown else ""
    source = f"{PUBLISHED}.{quoted(name)}"
    if not is_anybody:
        return f"select *{excluded} from {source}"
    owners = [(kind, column) for kind, _ in _OWNERS for column in getattr(rules, kind).split()]
    is_told_by_one = len(owners) == 1 and not rules.texts and not rules.addresses
    if is_told_by_one and not (rules.pointers and is_anybody_erased):
        return _in_two(source, excluded, rules, columns, in_all, is_anybody_erased)
    joins, hits, pointers = _joins(name, rules, is_anybody_erased)
    changes = {**_changes(rules, columns, hits, pointers), **in_all}
    select = f"select t.*{excluded}{_replaced(changes)}"
    aliases = [*hits.values(), *(["m"] if rules.texts else [])]
    kept = [f"{alias}.is_erased is not true" for alias in aliases]
    where = f" where {' and '.join(kept)}" if is_anybody_erased and kept else ""
    return f"{select} from {source} as t {' '.join(joins)}{where}"


def _in_two(
    source: str,
    excluded: str,
    rules: Cover,
    columns: Mapping[str, str],
    in_all: Mapping[str, str],
    is_anybody_erased: bool,
) -> str:
    """The SELECT of a view of a table whose rows one id makes somebody's.

    Everybody else's rows are as they are, so that what is asked of a column is asked of the table,
    before any join; of suppressed people's rows only those are looked at.
    """
    nobodys = {
        name: "[]" if columns[name].endswith("[]") else f"cast(null as {columns[name]})"
        for name in rules.personal.split()
    }
    kind, table = next((kind, table) for kind, table in _OWNERS if getattr(rules, kind))
    hidden = f"hidden.{'known_users' if rules.as_known else table}"
    on = f"h.id = t.{identifier(getattr(rules, kind))}"
    others = f"select t.*{excluded}{_replaced(in_all)} from {source} as t"
    if not nobodys:
        erased = f" anti join (from {hidden} where is_erased) as h on {on}"
        return others + (erased if is_anybody_erased else "")
    return (
        f"{others} anti join {hidden} as h on {on} union all"
        f" select t.*{excluded}{_replaced({**in_all, **nobodys})} from {source} as t"
        f" semi join (from {hidden} where not is_erased) as h on {on}"
    )


def _replaced(changed: Mapping[str, str]) -> str:
    if not changed:
        return ""
    return (
        f" replace ({', '.join(f'{text} as {identifier(name)}' for name, text in changed.items())})"
    )


def _joins(
    name: str, rules: Cover, is_anybody_erased: bool
) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """The joins with `hidden`, and their aliases by the columns that make a row somebody's and by
    those that point at somebody."""
    joins: list[str] = []
    hits: dict[str, str] = {}
    pointers: dict[str, str] = {}
    for kind, table in _OWNERS:
        is_as_known = kind == "users" and rules.as_known
        for column in getattr(rules, kind).split():
            alias = hits[column] = f"{kind[0]}{len(hits)}"
            looked_up = "known_users" if is_as_known else table
            joins.append(_left_join(f"hidden.{looked_up}", alias, f"id = t.{identifier(column)}"))
    for column in rules.pointers.split() if is_anybody_erased else ():
        alias = pointers[column] = f"p{len(pointers)}_"
        joins.append(_left_join("hidden.users", alias, f"id = t.{identifier(column)}"))
    if rules.texts:
        joins.append(_left_join(noted(name), "m", "row = t.rowid"))
    return joins, hits, pointers


def _changes(
    rules: Cover, columns: Mapping[str, str], hits: Mapping[str, str], pointers: Mapping[str, str]
) -> dict[str, str]:
    """The columns that are something else in rows of hidden people, each as SQL."""
    addresses = rules.addresses.split()
    theirs = [f"{alias}.id is not null" for alias in hits.values()]
    # a pair has two addresses: one may be shown
    by_id = [f"{hits[column]}.id is not null" for column in hits if column not in addresses]
    found = {}
    for column in rules.personal.split():
        empty = "[]" if columns.get(column, "").endswith("[]") else "null"
        found[column] = _unless(theirs, column, empty)
    for column in addresses:
        found[column] = _unless([*by_id, f"{hits[column]}.id is not null"], column, "null")
    for column in rules.texts.split():
        shown = _unless([*theirs, "m.row is not null"], column, literal(HIDDEN))
        # nothing to hide where nothing stands
        found[column] = f"if(t.{identifier(column)} is null, null, {shown})"
    for column, alias in pointers.items():
        found[column] = _unless([f"{alias}.is_erased"], column, "null")
    return found


def _unless(conditions: list[str], column: str, otherwise: str) -> str:
    name = f"t.{identifier(column)}"
    return f"case when {' or '.join(conditions)} then {otherwise} else {name} end"


def _left_join(table: str, alias: str, condition: str) -> str:
    return f"left join {table} as {alias} on {alias}.{condition}"


def _mark(path: Path) -> str:
    """A text that changes with the file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return f"{path}: none"
    return f"{path}: {status.st_mtime_ns} {status.st_size} {status.st_ino}"
