"""Which free texts of the copy tell of hidden people: by an address, a full name, or an id.

Belongs here: `hidden.mentioned` (each address in a text, before it is known who is hidden),
`hidden."texts of <table>"` (the rows that tell of somebody) and `hidden.gaggles` (each name of a
gaggle, which is such a text, too). Not here: who is hidden
(`privacy_people`) and what becomes of the texts (`privacy`).

Rows are told by their row numbers: the copy is never written to.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from c360_assets.sources.erased_rows import PERSONAL
from c360_assets.sources.sql_text import identifier, literal
from c360_assets.ui.privacy_rules import Cover
from c360_assets.warehouse.published import PUBLISHED

REJECTED = "ops.rejected_rows"
GAGGLES = "hidden.gaggles"
# names of today, and those that gaggles once had
_GAGGLE_NAMES = {
    "staging.stg_gaggles": "gaggle_name",
    "marts.customer_profile_history": "GAGGLE_NAME",
}
# words of a text without accents, which people leave out, too; one blank between two
WORDS = (
    "array_to_string(regexp_extract_all(lower(strip_accents({})),"
    " '[\\p{{L}}\\p{{M}}\\p{{N}}]+'), ' ')"
)
# in JSON a line break is a backslash and a letter
JSON_BREAK = r"\\(?:[bfnrt]|u[0-9a-fA-F]{4})"
# by the signs that addresses mostly have, by all that parts one from what stands round it, and by
# the odd signs that some have; each means the same to RE2 and to `re`
_PARTING = r"\s\"'`<>(){}\[\],;:|/=\\"
ADDRESSES = (
    "[a-z0-9._%+-]+@[a-z0-9.-]+",
    f"[^{_PARTING}]+@[^{_PARTING}!?*&#]+",
    "[a-z0-9._!#$%&'*+/=?^`{|}~-]+@[a-z0-9.,_-]+",
)
QUOTES, ENDS = "'`*", ".,_-"

# rows (of `texts`: row, words) with all words of a name in a row
_NAMED = """
        names as (
            select words, string_split(words, ' ') as parts from hidden.names
        ),
        -- two words in a row tell nearly all names apart, and lists of words are not copied
        pairs as (
            select row, unnest(list_zip(words, words[2:])) as pair,
                generate_subscripts(words, 1) as place
            from texts
        ),
        begun as (
            select p.row, p.place, n.words, len(n.parts) as length
            from pairs as p inner join names as n
                on n.parts[1] = p.pair[1] and n.parts[2] = p.pair[2]
        ),
        named as (
            select b.row from begun as b inner join texts as t on t.row = b.row
            where array_to_string(t.words[b.place:b.place + b.length - 1], ' ') = b.words
        ),
"""


def find_mentions(connection: duckdb.DuckDBPyConnection, covers: Mapping[str, Cover]) -> None:
    """Make `hidden.mentioned`: the table, row number and address of each mention in a text.

    And `hidden.gaggles` (`name`), the texts that are no column of one table.
    """
    connection.execute("create table hidden.mentioned (place varchar, row bigint, address varchar)")
    named = " union ".join(
        f"select {column} as name from {PUBLISHED}.{name}"
        for name, column in _GAGGLE_NAMES.items()
        if covers.get(name, Cover()).gaggles
    )
    connection.execute(f"create table {GAGGLES} as {named or 'select null as name where false'}")
    found = " || ".join(f"regexp_extract_all(text, {literal(each)})" for each in ADDRESSES)
    for name, source, texts in _places(covers):
        connection.execute(
            f"""
            insert into hidden.mentioned
            select distinct place, row,
                ltrim(rtrim(address, {literal(ENDS)}), {literal(QUOTES)})
            from (
                select {literal(name)} as place, row, unnest({found}) as address
                from (
                    select t.rowid as row, {_plain(texts)} as text from {source} as t
                ) as texts
                where contains(text, '@')
            ) as found
            """
        )


def note_texts(connection: duckdb.DuckDBPyConnection, covers: Mapping[str, Cover]) -> None:
    """Make tables of the rows whose texts tell of hidden people (`row, is_erased`).

    A text tells of somebody by an address, in any spelling that is one in small letters, or by a
    full name of two words or more.
    """
    for name, source, texts in _places(covers):
        # of rejected rows the text is all there is: whom it names, that is whose it is
        is_erased = "h.is_erased" if name == REJECTED else "false"
        connection.execute(
            f"""
            create table {noted(name)} as
            with texts as materialized (
                select t.rowid as row,
                    string_split({WORDS.format(f"concat_ws(' ', {texts})")}, ' ') as words
                from {source} as t
            ),
            {_NAMED}
            found as (
                select m.row, {is_erased} as is_erased
                from hidden.mentioned as m inner join hidden.addresses as h on h.id = m.address
                where m.place = {literal(name)}
                union all
                select row, false from named
                {_rejected_of_hidden() if name == REJECTED else ""}
            )
            select row, bool_or(is_erased) as is_erased from found group by row
            """
        )


def telling_gaggles(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of gaggles that tell of hidden people, after `note_texts`."""
    found = connection.execute(
        f"select g.name from {GAGGLES} as g semi join {noted(GAGGLES)} as n on n.row = g.rowid"
        " order by g.name"
    ).fetchall()
    return [name for (name,) in found]


def _places(covers: Mapping[str, Cover]) -> list[tuple[str, str, str]]:
    """Where texts stand: a name, the relation, its texts as SQL."""
    return [
        *(
            (name, f"{PUBLISHED}.{quoted(name)}", _texts(rules))
            for name, rules in covers.items()
            if rules.texts
        ),
        (GAGGLES, GAGGLES, "t.name"),
    ]


def noted(name: str) -> str:
    """The table of rows whose texts tell of hidden people."""
    return f"hidden.{identifier('texts of ' + name)}"


def quoted(name: str) -> str:
    """A table's name with its schema, as SQL takes any."""
    return ".".join(map(identifier, name.split(".")))


def _plain(texts: str) -> str:
    """Texts as addresses are looked for in; their sign has wide forms."""
    unbroken = f"regexp_replace(concat_ws(' ', {texts}), {literal(JSON_BREAK)}, ' ', 'g')"
    return f"translate(lower({unbroken}), '\uff20\ufe6b', '@@')"


def _texts(rules: Cover) -> str:
    return ", ".join(f"t.{identifier(column)}" for column in rules.texts.split())


def _rejected_of_hidden() -> str:
    """Rejected rows that an id makes somebody's."""
    sets = {"user": "users", "address": "places"}
    return " ".join(
        f"union all select t.rowid, h.is_erased from {PUBLISHED}.{REJECTED} as t"
        f" inner join hidden.{sets[kind]} as h"
        f" on h.id = trim(try_cast(t.row_json as json) ->> {literal('$.' + column)})"
        f" where t.source_table = {literal(table)}"
        for table, columns in PERSONAL.items()
        for column, kind in columns.items()
        if kind in sets
    )
