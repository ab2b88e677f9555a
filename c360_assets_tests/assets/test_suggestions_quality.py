"""How right suggestions are: on demo data of seeds that nobody tuned for, and by decisions."""

from collections import defaultdict

import pytest

from c360_assets.assets.shell import open_step
from c360_assets.assets.suggestions import make_candidates
from c360_assets.settings import IdentityRules, Rules, SuggestionRules
from c360_assets.sources.demo import write_demo
from c360_assets.warehouse.duckdb import Warehouse
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("suggestions_quality")

HELD_BACK_SEED = 90_210

SUGGESTED = """
    select t.kind, t.is_same, m."left" is not null as is_listed
    from read_csv('{truth}') as t
    full join (select * from identity.merge_candidates where kind = 'user') as m
        on least(t.left_email, t.right_email) = m."left"
        and greatest(t.left_email, t.right_email) = m."right"
    where t.kind is distinct from 'merged'
"""


EVERYTHING = "select * from identity.merge_candidates order by value_rank"


def run_again(world: World, *statements: str) -> None:
    """Suggest once more, after these statements on the warehouse."""
    warehouse = Warehouse(database=str(world.settings.warehouse_path))
    with open_step(world.settings, warehouse, "again") as step:
        for statement in statements:
            step.connection.execute(statement)
        make_candidates(step)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("quality"))
    write_demo(world.settings.source_dir, seed=HELD_BACK_SEED)
    return world.build("suggestions")


@pytest.fixture(scope="module")
def rows(demo: World) -> list[dict]:
    truth = demo.settings.source_dir / "truth" / "duplicates.csv"
    return demo.rows(SUGGESTED.format(truth=truth))


@pytest.mark.slow
def test_nearly_all_that_is_suggested_on_unseen_data_is_right(rows):
    listed = [row for row in rows if row["is_listed"]]
    assert sum(bool(row["is_same"]) for row in listed) / len(listed) >= 0.95


@pytest.mark.slow
def test_duplicates_of_every_kind_are_found_on_unseen_data(rows):
    found = defaultdict(list)
    for row in rows:
        if row["is_same"]:
            found[row["kind"]].append(row["is_listed"])
    assert len(found) == 5
    assert all(sum(hits) / len(hits) >= 0.8 for hits in found.values()), found


@pytest.mark.slow
def test_training_again_suggests_the_same(demo):
    before = demo.rows(EVERYTHING)
    run_again(demo, "delete from ops.suggestion_models", "set threads = 1")
    run_again(demo, "reset threads")
    assert demo.rows(EVERYTHING) == before


@pytest.mark.slow
def test_no_company_is_suggested_where_there_is_no_second_domain(demo):
    assert demo.rows("select * from identity.merge_candidates where kind = 'domain'") == []


def people(pairs: int) -> str:
    """So many people, each with a private address and a tagged one, and one phone number."""
    lines = ["id,name,email,gaggle_id,created_at,phone"]
    for n in range(pairs):
        # names that no two of them share
        name = f"Ann {'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}field"
        phone = f"55512{n:05}"
        lines += [
            f"a{n},{name},user{n}x@gmail.com,g{n},2021-01-01,{phone}",
            f"b{n},{name},user{n}x+news@gmail.com,g{n},2021-01-02,{phone}",
        ]
    return "\n".join(lines)


def decided(decision: str, count: int) -> str:
    rows = [f"user{n}x+news@gmail.com,user{n}x@gmail.com,{decision}" for n in range(count)]
    return "\n".join(["old_email,new_email,decision", *rows])


def precision_of(world: World):
    warehouse = Warehouse(database=str(world.settings.warehouse_path))
    with open_step(world.settings, warehouse, "precision") as step:
        (result,) = make_candidates(step).checks
    return result


def test_precision_fails_once_people_reject_what_is_suggested(tmp_path):
    world = (
        World(tmp_path)
        .write(raw_user=people(80), merged_user=decided("never", 30))
        .build("suggestions")
    )
    result = precision_of(world)
    assert not result.passed
    assert result.metadata["all: approved"].value == 0
    assert result.metadata["all: decided"].value == 30
    assert result.metadata["all: precision, upper bound"].value < 0.15


def test_precision_passes_while_people_approve(tmp_path):
    world = (
        World(tmp_path)
        .write(raw_user=people(80), merged_user=decided("merge", 30))
        .build("suggestions")
    )
    result = precision_of(world)
    assert result.passed
    assert result.metadata["user: approved"].value == 30
    assert result.metadata["user: precision"].value == 1.0
    assert result.metadata["user: precision, lower bound"].value > 0.85


def test_precision_passes_before_the_first_decision(tmp_path):
    result = precision_of(World(tmp_path).write(raw_user=people(2)).build("suggestions"))
    assert result.passed
    assert result.metadata["all: precision"].value == "none"


def test_the_target_of_precision_is_a_setting(tmp_path):
    rules = Rules(identity=IdentityRules(suggestions=SuggestionRules(target_precision=0.01)))
    world = World(tmp_path, rules=rules).write(
        raw_user=people(80), merged_user=decided("never", 30)
    )
    assert precision_of(world.build("suggestions")).passed


def test_a_run_on_the_same_people_trusts_the_scores_it_has(tmp_path):
    world = World(tmp_path).write(raw_user=people(40)).build("suggestions")
    run_again(world, "update ops.suggestion_scores set match_probability = 0.75")
    rows = world.rows("select distinct match_probability from identity.merge_candidates")
    assert rows == [{"match_probability": 0.75}]


def test_a_new_decision_trains_anew(tmp_path):
    world = World(tmp_path).write(raw_user=people(40)).build("suggestions")
    known = "select kind, fingerprint from ops.suggestion_models order by kind"
    before = world.rows(known)
    assert len(before) == 2
    world.write(merged_user=decided("never", 1)).build("suggestions")
    after = world.rows(known)
    assert [row["fingerprint"] for row in before] != [row["fingerprint"] for row in after]
    assert len(world.rows("select * from identity.merge_candidates")) == 39
