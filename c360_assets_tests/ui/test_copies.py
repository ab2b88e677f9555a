"""Published versions as pages open them."""

import gc
from pathlib import Path

import duckdb
import pytest

from c360_assets.errors import ContractError, NothingPublishedError
from c360_assets.ui import copies as copies_module
from c360_assets.ui.copies import Copies, Copy, Details, Order, SlowQuestionError
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
    made.publish()
    return made


@pytest.fixture
def questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    texts = {
        "people": "select user_id, user_name from marts.contacts where user_name <> $name",
        "ids": "select user_id from marts.contacts",
        "names": "select user_id, user_name from marts.contacts where user_name <> 'Bob'",
        "places": "select user_id, gaggle_id as place from marts.contacts",
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


@pytest.mark.parametrize("sort", ["user_id", "user_name", "place"])
def test_details_are_added_to_the_rows_shown_whatever_they_are_sorted_by(
    world: World, questions: Path, sort: str
) -> None:
    copy = Copies(world.settings).current()
    details = Details("user_id", ("names", "places"))
    found = copy.page("ids", Order(sort, sort == "user_name", ("user_id",)), 2, details=details)
    ann, cat, bob = ("1", "Ann"), ("3", "Cat"), ("2", None)
    shown = [(row["user_id"], row["user_name"]) for row in found.rows]
    # Bob, whose name is not there, is the last of those who are sorted by it
    assert shown == ([cat, ann] if sort == "user_name" else [ann, bob])
    assert [row["place"] for row in found.rows] == ["g1", "g1"]
    assert found.total == 3
    names, rows = copy.stream("ids", Order(sort, then=("user_id",)), details=details)
    assert names == [("user_name", "place", "user_id")]
    assert sorted(rows, key=lambda row: row[2]) == [
        ("Ann", "g1", "1"), (None, "g1", "2"), ("Cat", "g1", "3")
    ]  # fmt: skip


def test_an_order_by_what_no_detail_has_is_refused(world: World, questions: Path) -> None:
    copy = Copies(world.settings).current()
    details = Details("user_id", ("names",))
    with pytest.raises(ContractError, match="no column place; it has user_id, user_name"):
        copy.page("ids", Order("place"), 1, details=details)


def test_a_number_of_rows_that_is_known_is_not_counted_again(world: World, questions: Path) -> None:
    copy = Copies(world.settings).current()
    assert copy.page("ids", Order("user_id"), 1, total=7).total == 7


def test_all_rows_come_in_batches_after_the_names(world: World, questions: Path) -> None:
    copy = Copies(world.settings).current()
    names, rows = copy.stream("people", Order("user_id"), name="Bob")
    assert names == [("user_id", "user_name")]
    assert rows == [("1", "Ann"), ("3", "Cat")]


def test_a_question_that_takes_too_long_is_given_up(
    world: World, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Copies(world.settings).current()
    with monkeypatch.context() as patch:
        patch.setattr(copies_module, "PATIENCE_SECONDS", 0.2)
        with pytest.raises(SlowQuestionError, match="longer than"):
            copy.rows("slow")
    assert copy.rows("people", name="Ann")  # and the next one is answered


def test_a_new_version_is_taken_up_while_the_old_one_stays_for_those_who_hold_it(
    tmp_path: Path, questions: Path
) -> None:
    world = World(tmp_path / "world").write(raw_user=USERS).build_everything()
    world.publish()
    copies = Copies(world.settings)
    old = copies.current()
    assert copies.current() is old
    world.write(raw_user=f"{USERS.rstrip()}\n    4,Dan,dan@acme.com,g1,2021-01-04")
    world.build_everything().publish()
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
