"""A merge file that becomes unreadable in whatever way: a clear report, and the identity stands."""

import pytest

from c360_assets_tests.pipeline import World

HEADER = "old_email,new_email\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return (
        World(tmp_path_factory.mktemp("merges"))
        .write(
            raw_user="""\
                id,name,email,created_at
                1,Ann,ann@acme.com,2021-01-01
                2,Ann,ann@gmail.com,2021-01-02
                3,Bo,bo@acme.com,2021-01-03
            """,
            merged_user="old_email,new_email\nann@gmail.com,ann@acme.com",
        )
        .build()
    )


def _sparse(path):
    with path.open("wb") as file:
        file.truncate(1 << 30)


def _link(path):
    path.symlink_to(path.parent / "raw_user.csv")


BROKEN = {
    "0 bytes": (lambda path: path.write_bytes(b""), "is empty"),
    "a wrong header": (lambda path: path.write_text("from,to\na,b\n"), "header lacks"),
    "a wrong encoding": (
        lambda path: path.write_bytes(HEADER.encode() + b"\xe9@x.co,"),
        "no UTF-8",
    ),
    "UTF-16": (lambda path: path.write_text(HEADER, encoding="utf-16"), "UTF-16"),
    "1 GB": (_sparse, "larger than"),
    "a million columns": (lambda path: path.write_text("a," * 1_000_000 + "\n"), "columns"),
    "an open quote": (
        lambda path: path.write_text(HEADER + '"a@x.co,b@x.co\n'),
        "close every quote",
    ),
    "a symbolic link": (_link, "symbolic link"),
    "a folder": (lambda path: path.mkdir(), "no regular file"),
}


def people(world):
    return sorted(
        (row["email"], row["contact_id"], row["number_of_users"])
        for row in world.rows("select * from marts.contacts")
    )


@pytest.mark.parametrize("kind", BROKEN)
def test_what_it_said_before_stands_and_the_report_says_why(world, kind):
    path = world.settings.merges_dir / "merged_user.csv"
    good, before = path.read_text(), people(world)
    write, words = BROKEN[kind]
    path.unlink()
    write(path)
    try:
        world.build()
        assert people(world) == before
        (told,) = world.rows("select source_file, reason from ops.unreadable_merge_files")
        assert told["source_file"] == "merged_user.csv"
        assert words in told["reason"]
    finally:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
        path.write_text(good)


def test_one_that_is_mended_counts_as_it_is_now(world):
    path = world.settings.merges_dir / "merged_user.csv"
    good, before = path.read_text(), people(world)
    path.write_bytes(b"")
    world.build()
    path.write_text(HEADER + "bo@acme.com,ann@acme.com\n")
    world.build()
    assert [email for email, _, _ in people(world)] == ["ann@acme.com", "ann@gmail.com"]
    assert world.rows("select * from ops.unreadable_merge_files") == []
    path.write_text(good)
    world.build()
    assert people(world) == before


def test_one_that_is_removed_takes_its_decisions_along(world):
    path = world.settings.merges_dir / "merged_user.csv"
    good, before = path.read_text(), people(world)
    path.write_bytes(b"")
    world.build()
    path.unlink()
    world.build()
    assert len(people(world)) == 3
    path.write_text(good)
    world.build()
    assert people(world) == before
