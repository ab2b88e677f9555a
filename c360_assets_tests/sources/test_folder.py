from __future__ import annotations

from pathlib import Path

import pytest

from c360_assets.errors import SourceError
from c360_assets.sources.folder import SourceFolder, format_of
from c360_assets_tests.sources.helpers import ANN, Pipeline, lines, users


def folder(tmp_path: Path, **files: str) -> SourceFolder:
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return SourceFolder(tmp_path)


def names(source: SourceFolder, table: str) -> list[str]:
    return [file.name for file in source.files(table)]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet", "jsonl"])
def test_a_table_is_one_file_of_any_format(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"raw_user.{suffix}").write_bytes(b"x")
    assert names(SourceFolder(tmp_path), "raw_user") == [f"raw_user.{suffix}"]


def test_a_table_is_every_file_of_a_folder_in_the_order_of_their_names(tmp_path: Path) -> None:
    files = {"raw_user__b_DOT_csv": "", "raw_user__a_DOT_jsonl": "", "raw_user__c__d_DOT_csv": ""}
    source = folder(tmp_path, **files)
    assert names(source, "raw_user") == ["raw_user/a.jsonl", "raw_user/b.csv", "raw_user/c/d.csv"]


@pytest.mark.parametrize("name", [".a.csv", "_a.parquet", "a.csv.part", "a.txt", "a", "a.csv~"])
def test_hidden_partial_and_other_files_are_not_the_tables(name: str) -> None:
    assert format_of(Path(name)) is None


def test_a_missing_optional_table_has_no_file(tmp_path: Path) -> None:
    assert SourceFolder(tmp_path).files("raw_order") == ()


def test_a_missing_required_table_is_an_error_that_lists_what_is_there(tmp_path: Path) -> None:
    source = folder(tmp_path, people_DOT_csv="")
    with pytest.raises(SourceError, match=r"has no raw_user: .*sources\.toml; found: people\.csv"):
        source.files("raw_user")


def test_an_empty_folder_of_a_required_table_is_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "raw_user").mkdir()
    with pytest.raises(SourceError, match="has no raw_user"):
        SourceFolder(tmp_path).files("raw_user")


def test_two_candidates_for_a_table_are_an_error_that_names_both(tmp_path: Path) -> None:
    source = folder(tmp_path, raw_user_DOT_csv="", raw_user__a_DOT_csv="")
    with pytest.raises(SourceError, match=r"raw_user more than once \(raw_user\.csv, raw_user\)"):
        source.files("raw_user")


def test_a_mapping_may_choose_one_of_two_candidates(tmp_path: Path) -> None:
    text = '[raw_user]\nfile = "raw_user.csv"'
    source = folder(tmp_path, raw_user_DOT_csv="", raw_user_DOT_jsonl="", sources_DOT_toml=text)
    assert names(source, "raw_user") == ["raw_user.csv"]


def test_a_missing_source_folder_is_an_error_that_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="C360_SOURCE"):
        SourceFolder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raw_user = [", r"sources\.toml is no valid TOML"),
        ("[people]\nfile = 'x.csv'", r"\[people\] is no raw table; there are .*raw_user"),
        ("[raw_user.columns]\nkey = 'id'", r"\[raw_user\.columns\] key is no column; there are id"),
        ("[raw_user]\nfiles = 'x.csv'", r"\[raw_user\] has the unknown entry 'files'"),
        ("[raw_user.columns]\nid = 3", r"id must be an SQL expression in quotes"),
        ("raw_user = 'x.csv'", r"raw_user must be a table with `file` and `columns`"),
        ("[raw_user]\ncolumns = 'id'", r"\[raw_user\] columns must be a table"),
        ("[raw_user]\nfile = 3", r"\[raw_user\] file must be a name in quotes"),
    ],
)
def test_a_wrong_mapping_is_an_error_that_tells_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        folder(tmp_path, sources_DOT_toml=text)


@pytest.mark.parametrize(
    ("name", "message"),
    [("../x.csv", "outside"), ("gone.csv", "does not exist"), ("x.txt", r"is none of \.csv")],
)
def test_a_mapped_file_must_be_a_known_format_within_the_folder(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "x.csv").write_text("", encoding="utf-8")
    source = folder(tmp_path / "in", x_DOT_txt="", sources_DOT_toml=f"[raw_user]\nfile = '{name}'")
    with pytest.raises(SourceError, match=message):
        source.files("raw_user")


def test_mapping_expressions_give_the_contracts_columns(pipe: Pipeline) -> None:
    pipe.write("people.csv", lines("key,first,last,mail,since", "1,Ann,Lee,a@acme.com,2021-01-01"))
    pipe.write(
        "sources.toml",
        """
        [raw_user]
        file = "people.csv"
        [raw_user.columns]
        id = "'u' || key"
        name = "first || ' ' || last"
        email = "mail"
        created_at = "since"
        """,
    )
    pipe.load("raw_user")
    assert pipe.rows("select user_id, user_name, email from staging.stg_users") == [
        ("u1", "Ann Lee", "a@acme.com")
    ]


def test_another_mapping_lands_and_judges_the_same_file_anew(pipe: Pipeline) -> None:
    pipe.write("raw_user.csv", lines("id,name,nick,email,created_at", "1,A,B,a@b.com,2021-01-01"))
    pipe.load("raw_user")
    pipe.write("sources.toml", '[raw_user.columns]\nname = "nick"\nemail = "\'nobody\'"')
    assert pipe.land().new_files == 1
    pipe.stage("raw_user")
    assert pipe.reasons("raw_user") == {"invalid_email: email": 1}
    pipe.write("sources.toml", '[raw_user.columns]\nname = "nick"')
    pipe.load("raw_user")
    assert pipe.values("select user_name from staging.stg_users") == ["B"]


@pytest.mark.parametrize("expression", ["surname", "1; drop table x", "lower(", "id +", "count(*)"])
def test_an_expression_that_does_not_fit_is_an_error_that_names_the_file(
    pipe: Pipeline, expression: str
) -> None:
    pipe.write("raw_user.csv", users(ANN))
    pipe.write("sources.toml", f"[raw_user.columns]\nname = '{expression}'")
    with pytest.raises(SourceError, match=r"sources\.toml does not fit raw_user\.csv"):
        pipe.land()
