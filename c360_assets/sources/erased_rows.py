"""Which raw rows are of people who were erased, and raw tables without them.

A text file's twin is written again without such rows. A Parquet file is read where it lies, so
that its rows are named in `ops.erased_rows` and left out by the view. Deals stay, since the money
is the company's: their address becomes `erased@<domain>`, of their name the plan is
left (`Large Deal`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from c360_assets.contracts import Table
from c360_assets.sources.sql_text import identifier, literal
from c360_assets.sources.text_files import Parsed
from c360_assets.sources.tombstones import Kind, Tombstones

# by which columns a row is a person's
PERSONAL: Mapping[str, Mapping[str, Kind]] = {
    "raw_user": {"id": "user", "email": "email"},
    "raw_event": {"user_id": "user"},
    "raw_order": {"user_id": "user"},
    "raw_order_item": {"order_id": "order"},
    "raw_address": {"address_id": "address"},
    "raw_campaign_target": {"user_id": "user"},
    "raw_ticket": {"email": "email"},
    "deals": {"email": "email"},
}
KEPT_WITHOUT_NAMES = "deals"
ERASED = "erased"
# the sign has wide forms, which staging takes for it
_AT = "@\uff20\ufe6b"
_NAMELESS = f"'{ERASED}@' || regexp_extract(lower(trim({{}})), '[^{_AT}]*$')"
# other addresses are their normal form, once they are trimmed and in small letters
_PLAIN_KEY = "[a-z0-9._+@-]*"
# `Large Deal` is what the plan is read off; what stands before it may be the person
_PLAN = f"coalesce(nullif(regexp_extract({{}}, '[^ ]+ Deal$'), ''), '{ERASED}')"
_ADDRESS = re.compile(rf"[^\s{_AT}\"',;<>]+[{_AT}][^\s{_AT}\"',;<>]+")


def tag_of(table: Table, erased: Tombstones) -> str:
    """What the fingerprint of a file of this table must end with, to be landed anew in time."""
    return erased.tag if table.name in PERSONAL else ""


def without_erased(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    expressions: Mapping[str, str],
    twin: Path,
    parsed: Parsed,
    erased: Tombstones,
) -> Parsed:
    """Write a twin again without the rows of erased people; returns what it holds now.

    The ids of erased people who came back under their old address are erased, too.
    """
    malformed = tuple((row, _without_addresses(text, erased)) for row, text in parsed.malformed)
    rows = _rows(connection, table, expressions, twin, "source_row", erased)
    if not rows:
        return replace(parsed, malformed=malformed)
    hit = f"source_row in ({', '.join(map(str, rows))})"
    columns, chosen, left = "*", f"where not {hit}", len(rows)
    if table.name == KEPT_WITHOUT_NAMES:
        texts = [_without_name(name, expressions, hit) for name in parsed.columns]
        columns, chosen, left = f"* replace ({', '.join(texts)})", "", 0
    partial = twin.with_suffix(".partial")
    with connection.cursor() as scratch:
        scratch.execute(
            f"copy (select {columns} from read_parquet({literal(str(twin))}) {chosen}"
            f" order by source_row) to {literal(str(partial))} (format parquet)"
        )
    partial.replace(twin)
    return replace(parsed, rows=parsed.rows - left, malformed=malformed)


def note_erased(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    expressions: Mapping[str, str],
    file: tuple[str, Path],
    erased: Tombstones,
) -> int:
    """Name erased people's rows of a Parquet file (name, path); returns how many are left out."""
    name, path = file
    rows = _rows(connection, table, expressions, path, "file_row_number + 1", erased)
    connection.execute(
        "insert into ops.erased_rows select ?, ?, unnest(?::bigint[])", [table.name, name, rows]
    )
    return 0 if table.name == KEPT_WITHOUT_NAMES else len(rows)


def view_without(
    connection: duckdb.DuckDBPyConnection, table: Table, select: str, columns: Sequence[str]
) -> str:
    """A SELECT of raw rows (with these columns) without those that `ops.erased_rows` names."""
    found = connection.execute(
        "select 1 from ops.erased_rows where source_table = ? limit 1", [table.name]
    ).fetchall()
    if not found:
        return select
    of_row = (
        f"exists (select 1 from ops.erased_rows as e where e.source_table = {literal(table.name)}"
        " and e.source_file = v.source_file and e.source_row = v.source_row)"
    )
    if table.name != KEPT_WITHOUT_NAMES:
        return f"select v.* from ({select}) as v where not {of_row}"
    nameless = {"email": _NAMELESS, "deal_name": _PLAN}
    replaced = ", ".join(
        f"case when {of_row} then {nameless[name].format('v.' + identifier(column))}"
        f" else v.{identifier(column)} end"
        f" as {identifier(column)}"
        for column in columns
        if (name := column.removesuffix("__raw")) in nameless
    )
    return f"select v.* replace ({replaced}) from ({select}) as v"


def _rows(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    expressions: Mapping[str, str],
    path: Path,
    row: str,
    erased: Tombstones,
) -> list[int]:
    """The numbers of erased people's rows in a file, in order."""
    keys = PERSONAL[table.name]
    chosen = ", ".join(
        f"{_key(expressions[column], kind)} as key_{place}"
        for place, (column, kind) in enumerate(keys.items())
    )
    rows = (
        f"select {row} as source_row, {chosen}"
        f" from read_parquet({literal(str(path))}, file_row_number = true)"
    )
    # each key is hashed once, however many rows it has
    hit = " or ".join(
        f"key_{place} in (select key from (select distinct key_{place} as key from rows)"
        f" where sha256($salt || '{kind}:' || key) in (select unnest($hashes::varchar[])))"
        + (f" or key_{place} in (select unnest($spelled::varchar[]))" if kind == "email" else "")
        for place, kind in enumerate(keys.values())
    )
    both = "key_0, key_1" if table.name == "raw_user" else "null, null"
    with connection.cursor() as scratch:
        given: dict[str, object] = {"salt": erased.salt, "hashes": sorted(erased.hashes)}
        if "email" in keys.values():
            place = list(keys.values()).index("email")
            given["spelled"] = _spelled(scratch, rows, f"key_{place}", erased)
        found = scratch.execute(
            f"with rows as ({rows})"
            f" select source_row, {both} from rows where {hit} order by source_row",
            given,
        ).fetchall()
    for _, user, email in found:
        if user and email and (form := erased.erased_form(email)):
            erased.add({"user": [user]}, {"because": erased.hash_of("email", form)})
    return [number for number, *_ in found]


def _spelled(
    scratch: duckdb.DuckDBPyConnection, rows: str, key: str, erased: Tombstones
) -> list[str]:
    """The keys that are an erased address in another spelling; only odd ones are looked at."""
    odd = scratch.execute(
        f"select distinct {key} from ({rows}) as rows"
        f" where {key} is not null and not regexp_full_match({key}, '{_PLAIN_KEY}')"
    ).fetchall()
    return [each for (each,) in odd if erased.erased_form(each)]


def _key(expression: str, kind: Kind) -> str:
    text = f"cast({expression} as varchar)"
    return (
        f"regexp_replace(lower(trim({text})), '[.]$', '')" if kind == "email" else f"trim({text})"
    )


def _without_name(column: str, expressions: Mapping[str, str], hit: str) -> str:
    """A text column of deals: in rows that are hit there is neither address nor name."""
    name = identifier(column)
    if expressions["deal_name"] == name:
        return f"case when {hit} then {_PLAN.format(name)} else {name} end as {name}"
    is_address = f"{hit} and regexp_matches({name}, '[{_AT}]')"
    return f"case when {is_address} then {_NAMELESS.format(name)} else {name} end as {name}"


def _without_addresses(text: str, erased: Tombstones) -> str:
    """A line that is no row, unless it names somebody who was erased."""
    found: Sequence[str] = _ADDRESS.findall(text)
    if any(erased.erased_form(each) for each in found):
        return json.dumps({ERASED: True})
    return text
