"""What the model makes of the ways in which pairs compare, remembered while they stay the same.

Most pairs compare in one of a few hundred ways: a pattern is one level, or none, for each trait.
Training and scoring see how many pairs have which pattern, and nothing else, so what they find is
kept in `ops.suggestion_models` and `ops.suggestion_scores` under a fingerprint of that: a run on
people who did not change need not train again. Not here: how pairs come by their levels
(`candidates`), or how the probabilities are estimated (`model`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import duckdb

from c360_assets.identity.suggestions.model import (
    DECISION_WEIGHT,
    Estimates,
    LevelKey,
    expected,
    expected_pairs,
    probability,
    scored,
    trained,
)
from c360_assets.identity.suggestions.precision import Precision
from c360_assets.identity.suggestions.traits import Model

MIN_TRAINING_PAIRS: Final = 30  # fewer leave the model as expected
MAX_TRAINING_PAIRS: Final = 50_000  # of more pairs each pattern gives its share, and one at least


@dataclass(frozen=True)
class Decided:
    """Decided pairs of one pattern: their levels, how many are the same and how many are not."""

    levels: frozenset[LevelKey]
    same: int
    different: int


def judge(
    connection: duckdb.DuckDBPyConnection, patterns: str, model: Model, min_probability: float
) -> Precision:
    """Score the patterns, and hold what people decided against what the model thinks of it.

    `patterns` is a table of `unique_id`, a column of level codes per trait, and the numbers of
    undecided `pairs` and of those decided to be `same` and `different`. The scores are the rows of
    the model's kind in `ops.suggestion_scores`; patterns without an undecided pair may have none.
    """
    fingerprint = _fingerprint(connection, patterns, model, min_probability)
    known = connection.execute(
        "select approved, rejected from ops.suggestion_models where kind = ? and fingerprint = ?",
        [model.kind, fingerprint],
    ).fetchall()
    if known:
        return Precision(*known[0])
    decided = _decided(connection, patterns, model)
    pairs = int(connection.execute(f"select sum(pairs) from {patterns}").fetchall()[0][0] or 0)
    estimates = _estimates(connection, patterns, model, pairs, decided)
    connection.execute("delete from ops.suggestion_scores where kind = ?", [model.kind])
    if pairs:
        _keep_scores(connection, scored(connection, patterns, model, estimates), model)
    if any(each.different for each in decided):
        # rejections are held against a model that did not learn from them
        estimates = _estimates(connection, patterns, model, pairs, ())
    precision = _precision(estimates, decided, min_probability)
    connection.execute("delete from ops.suggestion_models where kind = ?", [model.kind])
    connection.execute(
        "insert into ops.suggestion_models values (?, ?, ?, ?)",
        [model.kind, fingerprint, precision.approved, precision.rejected],
    )
    return precision


def _fingerprint(
    connection: duckdb.DuckDBPyConnection, patterns: str, model: Model, min_probability: float
) -> str:
    """A digest of everything that the scores and the precision follow from."""
    counted = connection.execute(
        "select md5(string_agg(concat_ws(' ', unique_id, pairs, same, different), ','"
        f" order by unique_id)) from {patterns}"
    ).fetchall()[0][0]
    here = files("c360_assets.identity.suggestions")
    code = [here.joinpath(f"{name}.py").read_text("utf-8") for name in ("model", "judging")]
    everything = [str(counted), repr(model), str(min_probability), _splink_version(), *code]
    return hashlib.sha256("|".join(everything).encode()).hexdigest()[:32]


def _splink_version() -> str:
    from importlib.metadata import version

    return version("splink")


def _decided(connection: duckdb.DuckDBPyConnection, patterns: str, model: Model) -> list[Decided]:
    """The decided pairs: as many rows as there are patterns with one."""
    traits = [trait.name for trait in model.traits]
    rows = connection.execute(
        f"select same, different, {', '.join(traits)} from {patterns}"
        " where same + different > 0 order by unique_id"
    ).fetchall()
    levels = [frozenset((t, c) for t, c in zip(traits, row[2:], strict=True) if c) for row in rows]
    return [Decided(each, *row[:2]) for each, row in zip(levels, rows, strict=True)]


def _estimates(
    connection: duckdb.DuckDBPyConnection,
    patterns: str,
    model: Model,
    pairs: int,
    decided: Sequence[Decided],
) -> Estimates:
    """The model trained on the undecided pairs and on these decided ones; expected if too few."""
    if pairs + sum(each.same + each.different for each in decided) < MIN_TRAINING_PAIRS:
        return expected(model)
    table, traits = f"{patterns}_training", ", ".join(trait.name for trait in model.traits)
    share = min(1.0, MAX_TRAINING_PAIRS / max(pairs, 1))
    rows = expected_pairs(model)
    weight = DECISION_WEIGHT if decided else 0
    connection.execute(
        f"create or replace temp table {table} as"
        f" select row_number() over () as unique_id, {traits}, answer from ("
        f" select {traits}, null::varchar as answer,"
        f" unnest(range(case when pairs > 0 then greatest(1, round(pairs * {share})) else 0 end"
        "::bigint))"
        f" from {patterns}"
        f" union all select {traits}, 'same', unnest(range(same * {weight})) from {patterns}"
        f" union all select {traits}, 'different', unnest(range(different * {weight}))"
        f" from {patterns}"
        f" union all select {', '.join('unnest(?)' for _ in rows[0])}, 0)",
        [list(column) for column in zip(*rows, strict=True)],
    )
    return trained(connection, table, model)


def _keep_scores(connection: duckdb.DuckDBPyConnection, scores: str, model: Model) -> None:
    weights = ", ".join(f"mw_{trait.name}" for trait in model.traits)
    connection.execute(
        "insert into ops.suggestion_scores"
        f" select ?, unique_id_l, match_weight, match_probability, [{weights}] from {scores}",
        [model.kind],
    )


def _precision(
    estimates: Estimates, decided: Sequence[Decided], min_probability: float
) -> Precision:
    """How many of the decided pairs that would be listed were approved, and how many rejected."""
    listed = [d for d in decided if probability(estimates, d.levels) >= min_probability]
    return Precision(sum(d.same for d in listed), sum(d.different for d in listed))
