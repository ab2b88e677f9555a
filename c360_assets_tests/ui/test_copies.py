"""Published versions as pages open them."""

import gc
from pathlib import Path

import duckdb
import pytest

from benchmarks.bare import BarePipeline
from c360_assets.errors import ContractError, NothingPublishedError
from c360_assets.ui import copies as copies_module
from c360_assets.ui.copies import Copies, Copy, Order, SlowQuestionError
from c360_assets_tests.pipeline import World

USERS = """
    id,name,email,gaggle_id,created_at
    1,Ann,ann@acme.com,g1,2021-01-01
    2,Bob,bob@acme.com,g1,2021-01-02
    3,Cat,cat@acme.com,g1,2021-01-03
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("copies")).write(raw_user=USERS).build_everything()
    BarePipeline(made.settings).publish()
    return made


@pytest.fixture
def questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    texts = {
        "people": "select user_id, user_name from marts.contacts where user_name <> $name",
        "slow": "select count(*) as total from range(1000000000) as a, range(1000000000) as b",
    }
    monkeypatch.setattr(copies_module, "question", texts.__getitem__)
    return tmp_path


def test_nothing_published_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(NothingPublishedError, match="c360 demo"):
        Copies(World(tmp_path).write(raw_user=USERS).settings).current()


def test_a_slice_is_in_order_and_knows_how_many_there_are(world: World, questions: Path) -> None:
    copy = Copies(world.settings).current()
    order = Order("user_name", True, ("user_id",))
    found = copy.page("people", order, 1, 1, name="Ann")
    assert [row["user_name"] for row in found.rows] == ["Bob"]
    assert found.total == 2


def test_an_order_by_what_is_no_column_is_refused(world: World, questions: Path) -> None:
    copy = Copies(world.settings).current()
    with pytest.raises(ContractError, match="no column user_name; drop"):
        copy.page("people", Order("user_name; drop"), 1, name="Ann")


def test_all_rows_come_in_batches_after_the_names(world: World, questions: Path) -> None:
    copy = Copies(world.settings).current()
    names, rows = copy.stream("people", Order("user_id"), name="Bob")
    assert names == [("user_id", "user_name")]
    assert rows == [("1", "Ann"), ("3", "Cat")]


def test_a_question_that_takes_too_long_is_given_up(
    world: World, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies_module, "PATIENCE_SECONDS", 0.2)
    copy = Copies(world.settings).current()
    with pytest.raises(SlowQuestionError, match="longer than"):
        copy.rows("slow")
    assert copy.rows("people", name="Ann")  # and the next one is answered


def test_a_new_version_is_taken_up_while_the_old_one_stays_for_those_who_hold_it(
    tmp_path: Path, questions: Path
) -> None:
    world = World(tmp_path / "world").write(raw_user=USERS).build_everything()
    BarePipeline(world.settings).publish()
    copies = Copies(world.settings)
    old = copies.current()
    assert copies.current() is old
    world.write(raw_user=f"{USERS.rstrip()}\n    4,Dan,dan@acme.com,g1,2021-01-04")
    world.build_everything()
    BarePipeline(world.settings).publish()
    new = copies.current()
    assert len(new.rows("people", name="")) == 4
    assert len(old.rows("people", name="")) == 3
    connection = old._connection
    del old
    gc.collect()
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("select 1")


def test_pages_cannot_write(world: World) -> None:
    copy: Copy = Copies(world.settings).current()
    with pytest.raises(duckdb.Error, match="read-only"):
        copy._connection.execute("delete from published.marts.contacts")
