"""The model by itself: its vocabulary, its training on known answers, its scores, its precision."""

import re
from collections import Counter
from math import log2
from pathlib import Path

import duckdb
import pytest

from c360_assets.identity import suggestions
from c360_assets.identity.suggestions.model import (
    Estimates,
    expected,
    expected_pairs,
    probability,
    scored,
    trained,
)
from c360_assets.identity.suggestions.precision import Precision
from c360_assets.identity.suggestions.traits import COMPANIES, PEOPLE, Level, Model, Trait

SUGGESTIONS = Path(suggestions.__file__).parent
each_model = pytest.mark.parametrize("model", [PEOPLE, COMPANIES], ids=lambda model: model.kind)

COIN = Model(
    "user",
    0.3,
    (
        Trait("name", (Level("same", 0.8, 0.2, ""), Level("other", 0.2, 0.8, ""))),
        Trait("phone", (Level("same", 0.7, 0.1, ""), Level("other", 0.3, 0.9, ""))),
        Trait("place", (Level("same", 0.6, 0.3, ""), Level("other", 0.4, 0.7, ""))),
    ),
)


def table_of(connection, rows):
    """The training table of rows (name, phone, place, answer, how often)."""
    connection.execute(
        "create or replace temp table drawn (name varchar, phone varchar, place varchar,"
        " answer varchar, often integer)"
    )
    connection.executemany("insert into drawn values (?, ?, ?, ?, ?)", rows)
    connection.execute(
        "create or replace temp table training as select row_number() over () as unique_id,"
        " name, phone, place, answer from drawn, unnest(range(often))"
    )
    return "training"


def pairs_of(estimates, size=10_000):
    """So many pairs, exactly as the estimates say they compare; nobody knows the answer."""
    rows = Counter()
    for share, level_share in (
        (estimates.prior, estimates.m),
        (1 - estimates.prior, estimates.u),
    ):
        for name in ("same", "other"):
            for phone in ("same", "other"):
                for place in ("same", "other"):
                    part = level_share["name", name] * level_share["phone", phone]
                    rows[name, phone, place] += share * part * level_share["place", place] * size
    return [(*levels, None, round(often)) for levels, often in rows.items()]


@each_model
def test_shares_of_a_trait_add_up_to_one(model):
    for trait in model.traits:
        assert sum(level.m for level in trait.levels) == pytest.approx(1)
        assert sum(level.u for level in trait.levels) == pytest.approx(1)


@each_model
def test_every_level_says_something_and_has_a_code_of_its_own(model):
    for trait in model.traits:
        assert len(set(trait.codes)) == len(trait.codes)
        assert all(level.says.strip() for level in trait.levels)


@each_model
def test_every_level_is_on_an_expected_pair_of_either_answer(model):
    seen = {
        (trait.name, code, row[-1])
        for row in expected_pairs(model)
        for trait, code in zip(model.traits, row, strict=False)
    }
    wanted = {
        (t.name, code, answer)
        for t in model.traits
        for code in t.codes
        for answer in ("same", "different")
    }
    assert seen == wanted


def test_expected_pairs_are_as_the_traits_expect():
    names = Counter((row[0], row[-1]) for row in expected_pairs(COIN))
    assert names["same", "same"] / (names["same", "same"] + names["other", "same"]) == 0.8
    assert names["same", "different"] < names["other", "different"]


def test_training_without_labels_finds_the_shares_that_the_pairs_were_drawn_with():
    truth = Estimates(
        0.2,
        {
            ("name", "same"): 0.95, ("name", "other"): 0.05, ("phone", "same"): 0.9,
            ("phone", "other"): 0.1, ("place", "same"): 0.85, ("place", "other"): 0.15,
        },
        {
            ("name", "same"): 0.1, ("name", "other"): 0.9, ("phone", "same"): 0.05,
            ("phone", "other"): 0.95, ("place", "same"): 0.2, ("place", "other"): 0.8,
        },
    )  # fmt: skip
    with duckdb.connect() as connection:
        found = trained(connection, table_of(connection, pairs_of(truth)), COIN)
    assert found.prior == pytest.approx(truth.prior, abs=0.02)
    assert found.m == pytest.approx(dict(truth.m), abs=0.03)
    assert found.u == pytest.approx(dict(truth.u), abs=0.03)


def test_decisions_move_the_model_their_way():
    pairs = pairs_of(expected(COIN), size=500)
    rejected = [("same", "same", "same", "different", 200)]
    approved = [("same", "same", "same", "same", 200)]
    levels = [("name", "same"), ("phone", "same"), ("place", "same")]
    with duckdb.connect() as connection:
        before, down, up = (
            probability(trained(connection, table_of(connection, pairs + known), COIN), levels)
            for known in ([], rejected, approved)
        )
    assert down < before < up


def test_a_level_on_one_side_alone_stays_possible_on_the_other():
    rows = [("same", "same", "same", None, 300), ("other", "other", "other", None, 3000)]
    known = [("same", "same", "same", "same", 1), ("other", "other", "other", "different", 1)]
    known += [("other", "other", "other", "same", 1), ("same", "same", "same", "different", 1)]
    with duckdb.connect() as connection:
        found = trained(connection, table_of(connection, rows + known), COIN)
    assert min(*found.m.values(), *found.u.values()) > 0


def test_a_fixed_level_keeps_its_shares():
    traits = (
        Trait("name", (Level("same", 0.8, 0.2, "", fixed=True), Level("other", 0.2, 0.8, ""))),
        *COIN.traits[1:],
    )
    with duckdb.connect() as connection:
        rows = pairs_of(expected(COIN))
        found = trained(connection, table_of(connection, rows), Model("user", 0.3, traits))
    assert found.m["name", "same"] == 0.8
    assert found.u["name", "same"] == 0.2


def test_scores_are_the_sum_of_what_the_traits_weigh():
    estimates = expected(COIN)
    with duckdb.connect() as connection:
        connection.execute(
            "create temp table pairs as select * from (values (1, 'same', 'other', null),"
            " (2, 'same', 'same', 'same')) as p(unique_id, name, phone, place)"
        )
        table = scored(connection, "pairs", COIN, estimates)
        rows = connection.execute(
            "select match_weight, match_probability, mw_name, mw_phone, mw_place"
            f" from {table} order by unique_id_l"
        ).fetchall()
    assert rows[0][2:] == pytest.approx((log2(0.8 / 0.2), log2(0.3 / 0.9), 0))
    for weight, chance, *parts in rows:
        assert weight == pytest.approx(log2(0.3 / 0.7) + sum(parts))
        assert chance == pytest.approx(1 / (1 + 2**-weight))
    known = [("name", "same"), ("phone", "same"), ("place", "same")]
    assert rows[1][1] == pytest.approx(probability(estimates, known))


def test_training_leaves_no_table_behind():
    with duckdb.connect() as connection:
        trained(connection, table_of(connection, pairs_of(expected(COIN), size=200)), COIN)
        kept = connection.execute(
            "select table_name from duckdb_tables() where not temporary"
        ).fetchall()
    assert kept == []


def test_wilsons_bounds_are_those_of_the_textbook():
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 of 263
    low, high = Precision(81, 263 - 81).bounds
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_every_sql_file_opens_with_its_grain_and_stays_short():
    texts = [file.read_text() for file in SUGGESTIONS.glob("*.sql")]
    assert len(texts) == 9
    assert all(text.startswith("-- One row per ") for text in texts)
    assert max(len(text.splitlines()) for text in texts) <= 150


def test_nicknames_are_plain_words_and_each_pair_stands_once():
    lines = (SUGGESTIONS / "nicknames.csv").read_text().split()
    assert lines[0] == "nickname,name"
    assert len(set(lines)) == len(lines)
    assert all(re.fullmatch("[a-z]+,[a-z]+", line) for line in lines)


def test_before_the_first_decision_anything_is_possible():
    precision = Precision(0, 0)
    assert precision.value is None
    assert precision.bounds == (0.0, 1.0)
    assert not precision.is_below(0.95)


def test_few_rejections_prove_nothing_and_many_do():
    assert not Precision(3, 1).is_below(0.95)
    assert Precision(30, 10).is_below(0.95)
