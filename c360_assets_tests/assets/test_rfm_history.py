"""The RFM history of whole pipelines: every hour of Greenery, hours of the demo, and merges."""

import random
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from benchmarks.bare import BarePipeline
from benchmarks.rfm import original
from c360_assets.assets.published import published_tables
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets.warehouse.publish import current_database, publish
from c360_assets_tests.customers.rfm_small import compare, full_hours
from c360_assets_tests.pipeline import World

FACTS = """
select i.contact_user_id as user_id, o.ordered_at as at, o.sales_total as amount
from staging.stg_orders as o
inner join identity.user_identity as i on i.user_id = o.user_id
"""


def facts_of(world: World) -> pd.DataFrame:
    """The staged orders by contact, with amounts as Decimals."""
    return pd.DataFrame(world.rows(FACTS), columns=["user_id", "at", "amount"])


def compare_hours(world: World, hours, facts: pd.DataFrame) -> dict:
    """Compare these hours with the formula; returns the number of customers at each."""
    with Warehouse(database=str(world.settings.warehouse_path)).reading() as connection:
        return {hour: compare(connection, facts, hour) for hour in hours}


# --- Greenery ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def greenery(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, repo_root: Path) -> World:
    world = World(tmp_path_factory.mktemp("rfm_greenery"), as_of="2021-02-12T06:00:00")
    source = world.folder / "source"
    shutil.copytree(shared_data / "greenery", source)
    mapping = repo_root / "c360_assets_tests" / "data" / "greenery" / "sources.toml"
    shutil.copy(mapping, source / "sources.toml")
    return world.build_everything()


@pytest.mark.xdist_group("rfm_greenery")
def test_every_hour_of_greenery_is_that_of_the_formula(greenery):
    facts = facts_of(greenery)
    hours = full_hours(facts, greenery.settings.clock)
    customers = compare_hours(greenery, hours, facts)
    assert (len(hours), customers[hours[-1]]) == (54, 124)
    assert len(greenery.rows("select 1 from marts.rfm_hours")) == len(hours)


@pytest.mark.xdist_group("rfm_greenery")
def test_most_segment_changes_of_greenery_happen_to_customers_with_no_new_order(greenery):
    found = greenery.rows("""
        with changes as (
            select user_id, valid_from, rfm_segment,
                lag(rfm_segment) over (partition by user_id order by valid_from) as before
            from marts.rfm_segment_history
        )
        select count(*) as changes, count(*) filter (where s.user_id is null) as without_order
        from changes as c
        left join marts.rfm_customer_states as s
            on s.user_id = c.user_id and s.valid_from = c.valid_from
        where c.before <> c.rfm_segment
    """)[0]
    assert round(found["without_order"] / found["changes"], 2) == 0.72


@pytest.mark.xdist_group("rfm_greenery")
def test_the_published_copy_answers_an_hour_as_the_warehouse_does(greenery, tmp_path):
    question = (
        "select * from marts.rfm_segments_hourly where date_hour = timestamp '2021-02-11 12:00:00'"
        " order by user_id"
    )
    pipeline = BarePipeline(greenery.settings)
    with pipeline.warehouse.reading() as connection:
        here = connection.execute(question).fetchall()
        publish(connection, published_tables(), tmp_path, "run", greenery.settings.clock)
    with duckdb.connect(str(current_database(tmp_path)), read_only=True) as connection:
        assert connection.execute(question).fetchall() == here != []


# --- the demo ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xdist_group("built_demo")
def test_sampled_hours_of_the_demo_are_those_of_the_formula_in_every_column(built_demo):
    facts = facts_of(built_demo)
    clock = built_demo.rows("select max(as_of) as at from marts.rfm_segments")[0]["at"]
    hours = full_hours(facts, clock)
    chosen = {hours[0], hours[1], hours[-1], *random.Random(1).sample(hours, 6)}
    assert max(compare_hours(built_demo, sorted(chosen), facts).values()) > 4000


@pytest.mark.slow
@pytest.mark.xdist_group("built_demo")
def test_every_hour_of_the_demo_has_the_scores_and_segments_of_the_original(built_demo):
    found = original(Warehouse(database=str(built_demo.settings.warehouse_path)), hours=None)
    assert (found["original_hours"], found["rows_that_differ"]) == (2195, 0)


# --- counts, written out again -------------------------------------------------------------------


@pytest.mark.xdist_group("rfm_greenery")
def test_days_migrations_and_cohorts_are_those_counted_by_hand(greenery):
    history = pd.DataFrame(greenery.rows("select * from marts.rfm_segment_history"))
    ends = {"2021-02-10": "2021-02-11 00:00", "2021-02-11": "2021-02-12 00:00"}
    at = {}
    for day, end in ends.items():
        held = history[
            (history["valid_from"] <= end)
            & (history["valid_to"].isna() | (history["valid_to"] > end))
        ]
        at[day] = dict(zip(held["user_id"], held["rfm_segment"], strict=True))
    moved: dict[tuple[str, str], int] = {}
    for user, segment in at["2021-02-11"].items():
        pair = (at["2021-02-10"].get(user, "prospects"), segment)
        moved[pair] = moved.get(pair, 0) + 1
    found = greenery.rows(
        "select from_segment, to_segment, customers from marts.rfm_migrations"
        " where period = 'day' and period_start = date '2021-02-11'"
    )
    assert {(r["from_segment"], r["to_segment"]): r["customers"] for r in found} == moved
    days = greenery.rows(
        "select rfm_segment, customers, monetary from marts.rfm_segment_days"
        " where day = date '2021-02-11'"
    )
    by_segment = {row["rfm_segment"]: row["customers"] for row in days}
    assert by_segment.pop("prospects") == 130 - len(at["2021-02-11"])
    assert sum(by_segment.values()) == len(at["2021-02-11"])
    assert sum(row["monetary"] or 0 for row in days) == facts_of(greenery)["amount"].sum()
    cohorts = greenery.rows("select * from marts.rfm_cohorts")
    assert [(r["cohort_customers"], r["orders"], r["retention_rate"]) for r in cohorts] == [
        (124, 361, 1.0)
    ]
