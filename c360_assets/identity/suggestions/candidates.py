"""The suggested pairs, put together: SQL compares, Splink judges, SQL tells.

Per kind (people, companies) the SQL files beside this module make, one after the other, the items
to compare, the pairs worth a look, and how each trait of a pair compares. The model judges every
way in which pairs compare, and a pair has the score of its own. All tables but the result and the
scores are temporary, and rows never leave the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import duckdb

from c360_assets.identity.suggestions.judging import judge
from c360_assets.identity.suggestions.precision import Precision
from c360_assets.identity.suggestions.traits import COMPANIES, PEOPLE, Model
from c360_assets.settings import IdentityRules


@dataclass(frozen=True)
class Items:
    """One kind of what is compared; the names of its SQL files and tables begin with `name`."""

    name: str
    model: Model


@dataclass(frozen=True)
class Suggested:
    """What came of one kind: pairs compared, and how right the model is on the decided ones."""

    compared: int
    precision: Precision


KINDS: Final = (Items("people", PEOPLE), Items("companies", COMPANIES))


def suggest(connection: duckdb.DuckDBPyConnection, rules: IdentityRules) -> dict[str, Suggested]:
    """Make the temporary table `candidates`, in the columns of `identity.merge_candidates`.

    Reads `staging`, `identity` and `marts`. Returns, per kind (`user`, `domain`), what was found.
    """
    _rule_tables(connection, rules)
    found = {items.model.kind: _suggest(connection, items, rules) for items in KINDS}
    _make(connection, "candidates")
    return found


def _suggest(
    connection: duckdb.DuckDBPyConnection, items: Items, rules: IdentityRules
) -> Suggested:
    _make(connection, items.name)
    _make(connection, f"{items.name}_pairs")
    _compare(connection, items)
    pairs = _patterns(connection, items)
    patterns = f"{items.name}_patterns"
    precision = judge(connection, patterns, items.model, rules.suggestions.min_probability)
    _word(connection, items)
    _make(connection, f"{items.name}_candidates")
    return Suggested(pairs, precision)


def _make(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(f"create or replace temp table {name} as {_file(f'{name}.sql')}")


@cache
def _file(name: str) -> str:
    return files("c360_assets.identity.suggestions").joinpath(name).read_text(encoding="utf-8")


def _rule_tables(connection: duckdb.DuckDBPyConnection, rules: IdentityRules) -> None:
    """The settings and the nicknames as tables that the SQL joins."""
    lines = [line.split(",") for line in _file("nicknames.csv").split()[1:]]
    connection.execute(
        "create or replace temp table nicknames as"
        " select nickname, list(distinct name order by name) as roots"
        " from (select unnest(?) as nickname, unnest(?) as name) group by nickname",
        [[line[0] for line in lines], [line[1] for line in lines]],
    )
    connection.execute(
        "create or replace temp table office_mailboxes as"
        " select distinct unnest(cast(? as varchar[])) as local",
        [list(rules.role_addresses)],
    )
    connection.execute(
        "create or replace temp table suggestion_rules as"
        " select cast(? as double) as min_probability, cast(? as bigint) as max_listed",
        [rules.suggestions.min_probability, rules.suggestions.max_listed],
    )


def _compare(connection: duckdb.DuckDBPyConnection, items: Items) -> None:
    """`compared_<name>`: a pair's levels, one byte each, and their combination as one number."""
    columns, terms, radix = [], [], 1
    for trait in items.model.traits:
        codes = ", ".join(f"'{code}'" for code in trait.codes)
        columns.append(f"cast({trait.name} as enum({codes})) as {trait.name}")
        terms.append(f"coalesce(enum_code({trait.name}) + 1, 0)::bigint * {radix}")
        radix *= len(trait.codes) + 1
    connection.execute(
        f"create or replace temp table compared_{items.name} as"
        f" select *, {' + '.join(terms)} as pattern from ("
        f" select left_item, right_item, is_same, {', '.join(columns)}"
        f" from ({_file(f'{items.name}_comparisons.sql')}))"
    )


def _patterns(connection: duckdb.DuckDBPyConnection, items: Items) -> int:
    """`<name>_patterns`: every combination of levels there is; returns the undecided pairs."""
    traits = ", ".join(trait.name for trait in items.model.traits)
    connection.execute(
        f"create or replace temp table {items.name}_patterns as"
        f" select pattern as unique_id, {traits},"
        " count(*) filter (where is_same is null) as pairs,"
        " count(*) filter (where is_same) as same,"
        " count(*) filter (where not is_same) as different"
        f" from compared_{items.name} group by pattern, {traits} order by pattern"
    )
    rows = connection.execute(
        f"select coalesce(sum(pairs), 0) from {items.name}_patterns"
    ).fetchall()
    return int(rows[0][0])


def _word(connection: duckdb.DuckDBPyConnection, items: Items) -> None:
    """`<name>_scores`: per pattern its probability, its weight, and what each trait says."""
    traits = items.model.traits
    rows = [(t.name, level.code, level.says) for t in traits for level in t.levels]
    connection.execute(
        f"create or replace temp table {items.name}_says as"
        " select unnest(?) as trait, unnest(?) as code, unnest(?) as says",
        [list(column) for column in zip(*rows, strict=True)],
    )
    says = ", ".join(
        f"{_strength(f'w.trait_weights[{place}]')} || {t.name}_level.says as {t.name}_says"
        for place, t in enumerate(traits, start=1)
    )
    joins = " ".join(
        f"left join {items.name}_says as {t.name}_level"
        f" on {t.name}_level.trait = '{t.name}' and {t.name}_level.code = p.{t.name}::varchar"
        for t in traits
    )
    connection.execute(
        f"create or replace temp table {items.name}_scores as"
        " select p.unique_id as pattern, round(w.match_probability, 6) as match_probability,"
        f" round(w.match_weight, 4) as match_weight, {says}"
        f" from {items.name}_patterns as p"
        " inner join ops.suggestion_scores as w on w.unique_id = p.unique_id and w.kind = ?"
        f" {joins}",
        [items.model.kind],
    )


def _strength(weight: str) -> str:
    """SQL: the words for a weight in bits; at 3 bits the odds change eightfold."""
    return (
        f"case when {weight} >= 3 then 'strongly for: ' when {weight} >= 0.5 then 'for: '"
        f" when {weight} > -0.5 then 'neutral: ' when {weight} > -3 then 'against: '"
        " else 'strongly against: ' end"
    )
