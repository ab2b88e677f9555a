"""Training and scoring with Splink: how likely two that compare so are the same.

The model is that of Fellegi and Sunter (1969, "A Theory for Record Linkage", JASA 64, 1183-1210),
as Splink implements it: each level of each trait has a probability m among pairs that are the same
and u among those that are not, and a pair's match weight is the log2 of the prior odds and of m/u
of each of its levels, added up. Traits that are unknown on either side add nothing.

**Training** needs no labels. m, u and the prior are estimated on the candidate pairs themselves by
Splink's expectation maximisation, m and u left free, so that the probabilities are those of the
pairs that are shown, not of two random records. It counts how often each combination of levels
occurs, and draws no random numbers.

**Blending.** Two sorts of pairs whose answer is known are put among the others, as in Nigam et al.
(2000, "Text Classification from Labeled and Unlabeled Documents using EM", Machine Learning 39,
103-134). Decided pairs, each as often as `DECISION_WEIGHT`, since a person has looked at them: with
none of them the model is the unlabelled one, with many they outweigh it. And some invented pairs
that are as `traits` expects, which is what a Dirichlet prior is: they keep an estimate from few
pairs, or from none, near what is expected. An extra trait, `ANSWER`, with m and u held at 1
and next to 0, tells training which of the two a known pair is.

What is estimated is rounded to six digits before it is used: sums of floating-point numbers depend
on the order of threads in digits far beyond those.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import duckdb

from c360_assets.identity.suggestions.traits import Level, Model, Trait

DECISION_WEIGHT: Final = 5
EXPECTED_SAME: Final = 20  # invented pairs that are the same, and
EXPECTED_DIFFERENT: Final = 60  # that are not; a few more, so that each level is on one
MAX_ITERATIONS: Final = 15
CONVERGENCE: Final = 0.001  # largest change of a probability in the last iteration
DIGITS: Final = 6
_NEVER: Final = 1e-100  # 332 bits: more than all other traits together can weigh
ANSWER: Final = Trait(
    "answer",
    (
        Level("same", 1.0, _NEVER, "", fixed=True),
        Level("different", _NEVER, 1.0, "", fixed=True),
    ),
)
_SMALLEST: Final = 10.0**-DIGITS
_SAME_ROW: Final = "l.unique_id = r.unique_id"  # two sides of one table: a pair and itself

LevelKey = tuple[str, str]
"""A trait's name and a level's code."""


@dataclass(frozen=True)
class Estimates:
    """The parameters of a model: the share of pairs that are the same, and m and u per level."""

    prior: float
    m: Mapping[LevelKey, float]
    u: Mapping[LevelKey, float]


def expected(model: Model) -> Estimates:
    """The model as `traits` writes it down, before any data."""
    levels = {(t.name, level.code): level for t in model.traits for level in t.levels}
    return Estimates(
        model.prior,
        {key: level.m for key, level in levels.items()},
        {key: level.u for key, level in levels.items()},
    )


def expected_pairs(model: Model) -> list[tuple[str, ...]]:
    """Invented pairs: per row a level's code for each trait of the model, and the answer.

    Each level is on so many of them as is expected of pairs with that answer, and on one at least.
    """
    rows: list[tuple[str, ...]] = []
    for answer, size in (("same", EXPECTED_SAME), ("different", EXPECTED_DIFFERENT)):
        columns = [_expected_codes(trait, answer, size) for trait in model.traits]
        length = max(len(column) for column in columns)
        filled = [[column[n * len(column) // length] for n in range(length)] for column in columns]
        rows += [(*codes, answer) for codes in zip(*filled, strict=True)]
    return rows


def _expected_codes(trait: Trait, answer: str, size: int) -> list[str]:
    shares = [(each.code, each.m if answer == "same" else each.u) for each in trait.levels]
    return [code for code, share in shares for _ in range(max(1, round(size * share)))]


def trained(connection: duckdb.DuckDBPyConnection, table: str, model: Model) -> Estimates:
    """Estimate the parameters from the pairs of `table`.

    The table has a `unique_id`, a column of level codes per trait, and `answer`, which is null
    where nobody knows.
    """
    traits = (*model.traits, ANSWER)
    start = expected(Model(model.kind, model.prior, traits))
    linker = _linker(connection, table, traits, start)
    linker.training.estimate_parameters_using_expectation_maximisation(
        _SAME_ROW,
        estimate_without_term_frequencies=True,
        fix_u_probabilities=False,
        fix_m_probabilities=not model.trains_m,
        populate_probability_two_random_records_match_from_trained_values=True,
    )
    found = linker.misc.save_model_to_json()
    rows, known_same, unknown = connection.execute(
        "select count(*), count(*) filter (where answer = 'same'),"
        f" count(*) filter (where answer is null) from {table}"
    ).fetchall()[0]
    same = found["probability_two_random_records_match"] * rows - known_same
    # Laplace's rule: neither nobody nor everybody is the same
    prior = (max(same, 0.0) + 1) / (unknown + 2)
    levels = {
        (comparison["output_column_name"], level["label_for_charts"]): level
        for comparison in found["comparisons"]
        for level in comparison["comparison_levels"]
        if not level.get("is_null_level") and comparison["output_column_name"] != ANSWER.name
    }
    return Estimates(
        _rounded(prior),
        {key: _rounded(level["m_probability"]) for key, level in levels.items()},
        {key: _rounded(level["u_probability"]) for key, level in levels.items()},
    )


def probability(estimates: Estimates, levels: Iterable[LevelKey]) -> float:
    """The probability that a pair with these levels is the same, as `scored` computes it."""
    odds = estimates.prior / (1 - estimates.prior)
    for key in levels:
        odds *= estimates.m[key] / estimates.u[key]
    return odds / (1 + odds)


def scored(
    connection: duckdb.DuckDBPyConnection, table: str, model: Model, estimates: Estimates
) -> str:
    """Score the rows of `table` as `trained` takes it; returns the name of a temporary table.

    Its columns: `unique_id_l`, `match_weight` (log2 of the odds), `match_probability` and, per
    trait, `mw_<trait>`: what the trait adds to the weight.
    """
    linker = _linker(connection, table, model.traits, estimates)
    return str(linker.inference.predict(warning_mode="never").physical_name)


def _rounded(value: float) -> float:
    return min(max(round(value, DIGITS), _SMALLEST), 1 - _SMALLEST)


def _linker(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    traits: Sequence[Trait],
    estimates: Estimates,
) -> Any:
    """A Splink linker that compares each row of the table with itself: every row is a pair."""
    from splink import Linker, SettingsCreator
    from splink.blocking_rule_library import CustomRule

    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[_comparison(trait, estimates) for trait in traits],
        blocking_rules_to_generate_predictions=[CustomRule(_SAME_ROW)],
        probability_two_random_records_match=estimates.prior,
        max_iterations=MAX_ITERATIONS,
        em_convergence=CONVERGENCE,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
    )
    backend = _backend()(connection)
    sides = [backend.register(table, table_name=side) for side in ("one", "other")]
    return Linker(sides, settings, log_level=None, validate_settings=False)


@cache
def _backend() -> Any:
    """Splink's DuckDB backend, writing temporary tables: the warehouse holds tables of ours only.

    Splink is imported when it is needed: that takes a quarter of a second.
    """
    from splink import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)

    class TemporaryTables(DuckDBAPI):
        def _setup_for_execute_sql(self, sql: str, physical_name: str) -> str:
            return f"create or replace temp table {physical_name} as\n{sql}"

    return TemporaryTables


def _comparison(trait: Trait, estimates: Estimates) -> Any:
    from splink.comparison_library import CustomComparison

    unknown = {
        "sql_condition": f"{trait.name}_l is null",
        "label_for_charts": "unknown",
        "is_null_level": True,
    }
    levels = [_level(trait, level, estimates) for level in trait.levels]
    return CustomComparison(output_column_name=trait.name, comparison_levels=[unknown, *levels])


def _level(trait: Trait, level: Level, estimates: Estimates) -> dict[str, Any]:
    key = (trait.name, level.code)
    return {
        "sql_condition": f"{trait.name}_l = '{level.code}'",
        "label_for_charts": level.code,
        "m_probability": estimates.m[key],
        "u_probability": estimates.u[key],
        "fix_m_probability": level.fixed,
        "fix_u_probability": level.fixed,
    }
