"""`c360 merge …` and `c360 explain A B`, on a published copy of a small company."""

import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

from c360_assets.cli import app
from c360_assets_tests.resolution.conftest import published

pytestmark = pytest.mark.xdist_group("cli_merge")


def c360(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def point_to(world, monkeypatch):
    monkeypatch.setenv("C360_HOME", str(world.settings.home_dir))
    monkeypatch.setenv("C360_SOURCE", str(world.settings.source_dir))
    monkeypatch.setenv("C360_USER", "Kim")


@pytest.fixture
def reading(company, monkeypatch):
    point_to(company, monkeypatch)
    return company


@pytest.fixture
def suggesting(tmp_path, monkeypatch):
    """Twelve people who signed up twice each, which is enough to learn from."""
    users = [
        f"{n}{k},Eva{n} Long{n},{local}@acme{n}.com,g1,2021-01-0{k},+1 555 010{n:02d}"
        for n in range(10, 22)
        for k, local in ((1, f"eva{n}.long{n}"), (2, f"eva{n}.long{n}+news"))
    ]
    world = published(
        tmp_path, raw_user="\n".join(["id,name,email,gaggle_id,created_at,phone", *users])
    )
    point_to(world, monkeypatch)
    return world


@pytest.fixture
def writing(tmp_path, monkeypatch):
    world = published(tmp_path)
    point_to(world, monkeypatch)
    return world


def files(world):
    return sorted(path.name for path in world.settings.merges_dir.glob("merged_*_2*.csv"))


def test_approve_writes_one_file_and_says_what_changes(writing):
    result = c360("merge", "approve", "Ann@acme.de", "ann@acme.com", "--reason", "her mail")
    assert result.exit_code == 0
    (name,) = files(writing)
    assert name.endswith("_kim.csv")
    text = (writing.settings.merges_dir / name).read_text()
    assert "ann@acme.de,ann@acme.com,merge,Kim,2" in text
    assert "People then" in result.stdout


def test_approve_of_a_suggestion_takes_its_direction(suggesting):
    suggested = json.loads(c360("merge", "suggest", "--json").stdout)["suggestions"]
    pair = next(s for s in suggested if s["kind"] == "user")
    c360("merge", "approve", pair["new_key"], pair["old_key"])
    (name,) = files(suggesting)
    text = (suggesting.settings.merges_dir / name).read_text()
    assert f"{pair['old_key']},{pair['new_key']},merge,Kim" in text


def test_a_decision_that_would_be_refused_is_not_written(writing):
    result = c360("merge", "approve", "info@acme.com", "ann@acme.com")
    assert result.exit_code == 1
    assert files(writing) == []
    assert "needs a reason" in result.stderr


def test_a_whole_round_of_decisions(writing):
    assert c360("merge", "never", "bo@acme.com", "ann@acme.com").exit_code == 0
    banned = c360("merge", "approve", "bo@acme.com", "ann@gmail.com")
    assert (banned.exit_code, len(files(writing))) == (1, 1)
    assert "forbids" in banned.stderr
    assert c360("merge", "undo", "bo@acme.com", "ann@acme.com").exit_code == 0
    assert c360("merge", "approve", "bo@acme.com", "ann@gmail.com").exit_code == 0
    assert len(files(writing)) == 3


def test_a_decision_that_would_have_no_effect_or_do_harm_is_not_written(writing):
    folder = writing.settings.merges_dir
    (folder / "merged_user_john.csv").write_text("old_email,new_email\nbo@acme.com,di@beta.co.uk\n")
    assert c360("merge", "undo", "bo@acme.com", "di@beta.co.uk").exit_code == 0
    (folder / "merged_user_torn.csv").write_text("")
    torn = c360("merge", "never", "bo@acme.com", "di@beta.co.uk")
    assert torn.exit_code == 2
    assert "merged_user_torn.csv cannot be read" in torn.stderr


def test_reject_is_for_suggestions_alone(writing):
    result = c360("merge", "reject", "bo@acme.com", "di@beta.co.uk")
    assert result.exit_code == 2
    assert "c360 merge never" in result.stderr
    assert files(writing) == []


def test_undo_needs_something_that_was_decided(writing):
    result = c360("merge", "undo", "bo@acme.com", "di@beta.co.uk")
    assert result.exit_code == 2
    assert "no merge file" in result.stderr
    assert c360("merge", "undo", "ANN@gmail.com", "ann@acme.com").exit_code == 0


def test_nobody_decides_anonymously(writing, monkeypatch):
    monkeypatch.setenv("C360_USER", " ")
    result = c360("merge", "never", "bo@acme.com", "ann@acme.com")
    assert result.exit_code == 2
    assert "--by" in result.stderr


def test_plan_of_a_pair_and_of_a_file_writes_nothing(reading, tmp_path):
    pair = json.loads(c360("merge", "plan", "ann@acme.de", "ann@acme.com", "--json").stdout)
    path = tmp_path / "proposal.csv"
    path.write_text("old_email,new_email\nann@acme.de,ann@acme.com\n")
    file = json.loads(c360("merge", "plan", str(path), "--json").stdout)
    assert pair["blast_radius"] == file["blast_radius"]
    assert pair["blast_radius"]["people_after"] == 1
    assert files(reading) == []


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [(["none.csv"], "is no file"), (["a@x.co", "b@x.co", "c@x.co"], "one merge file")],
)
def test_plan_of_something_else_is_told(reading, arguments, remedy):
    result = c360("merge", "plan", *arguments)
    assert result.exit_code == 2
    assert remedy in result.stderr


def test_log_shows_decisions_and_names_files_that_no_run_has_read(writing):
    c360("merge", "never", "bo@acme.com", "ann@acme.com")
    found = json.loads(c360("merge", "log", "--json").stdout)
    assert [d["outcome"] for d in found["decisions"]] == ["applied"]
    assert found["files_not_run"] == files(writing)
    assert json.loads(c360("merge", "log", "ghost@x.co", "--json").stdout)["decisions"] == []


def test_explain_of_two_tells_what_joins_and_what_would_part_them(reading):
    result = c360("explain", "ann@gmail.com", "ann@acme.com")
    assert result.exit_code == 0
    assert "are one person" in result.stdout
    assert "c360 merge undo ann@gmail.com ann@acme.com" in result.stdout
    assert c360("explain", "ann@gmail.com", "ghost@x.co").exit_code == 1
    folded = c360("explain", "mail.beta.co.uk", "beta.co.uk")
    assert "registered under" in folded.stdout
