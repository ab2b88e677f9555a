import hashlib
import os
from pathlib import Path

import pandas as pd
import pytest

from c360_assets.errors import MergeFileError
from c360_assets.identity import merge_files
from c360_assets.identity.merge_files import ROW_COLUMNS, MergeFile, read_merge_files

GOOD = b"old_email,new_email\na@x.com,b@x.com\n"


def read(folder, **contents):
    for name, content in contents.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / f"{name}.csv").write_bytes(data)
    return read_merge_files(folder)


def cells(frame, *columns):
    chosen = frame[list(columns)].astype(object)
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in chosen.to_numpy()]


def reason_of(result):
    assert len(result.user_rows) == 0
    (file,) = result.unreadable
    return file.reason


def test_rows_of_both_kinds_come_out_with_file_and_row(tmp_path):
    result = read(
        tmp_path,
        merged_user="old_email,new_email\na@x.com,b@x.com\nb@x.com,c@x.com",
        merged_user_2="old_email,new_email\nd@x.com,b@x.com",
        merged_company_domain="old_domain,new_domain\nx.com,y.com",
        other="old_email,new_email\nno,no",
    )
    assert cells(result.user_rows, "source_file", "source_row", "old", "new") == [
        ("merged_user.csv", 1, "a@x.com", "b@x.com"),
        ("merged_user.csv", 2, "b@x.com", "c@x.com"),
        ("merged_user_2.csv", 1, "d@x.com", "b@x.com"),
    ]
    assert cells(result.domain_rows, "source_file", "old", "new") == [
        ("merged_company_domain.csv", "x.com", "y.com")
    ]
    assert result.unreadable == ()


def test_each_file_is_named_with_kind_hash_and_number_of_rows(tmp_path):
    result = read(tmp_path, merged_user=GOOD)
    digest = hashlib.sha256(GOOD).hexdigest()
    assert result.files == (MergeFile("merged_user.csv", "user", digest, 1),)


def test_an_empty_folder_gives_typed_frames_without_rows(tmp_path):
    result = read_merge_files(tmp_path)
    for frame in (result.user_rows, result.domain_rows):
        assert list(frame.columns) == list(ROW_COLUMNS)
        assert len(frame) == 0
        assert frame["old"].dtype == "str"
        assert frame["source_row"].dtype == "int64"


def test_a_missing_folder_is_an_error_and_not_an_empty_one(tmp_path):
    with pytest.raises(MergeFileError, match="C360_MERGES"):
        read_merge_files(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.rstrip(),
        b"\n\n" + GOOD + b"\n  \n",
        b' Old_Email , NEW_EMAIL\n"a@x.com","b@x.com"\n',
        b"id,new_email,note,old_email\n7,b@x.com,hm,a@x.com\n",
    ],
    ids=["bom", "crlf", "no end of line", "blank lines", "header and quotes", "extra columns"],
)
def test_how_a_file_is_written_makes_no_difference(tmp_path, content):
    result = read(tmp_path, merged_user=content)
    assert cells(result.user_rows, "source_row", "old", "new") == [(1, "a@x.com", "b@x.com")]


def test_optional_columns_are_text_and_missing_where_blank(tmp_path):
    result = read(
        tmp_path,
        merged_user="old_email,new_email,decision,decided_by,decided_at,reason\n"
        'a@x.com,b@x.com,merge,,2021-12-01,"one person,\nsays ""Ann"""\n'
        "c@x.com,d@x.com, ,,,\n",
    )
    assert cells(result.user_rows, "decision", "decided_by", "decided_at", "reason") == [
        ("merge", None, "2021-12-01", 'one person,\nsays "Ann"'),
        (None, None, None, None),
    ]
    assert set(result.user_rows.dtypes.drop("source_row").astype(str)) == {"str"}


@pytest.mark.parametrize("line", ["a@x.com", "a@x.com,b@x.com", "a@x.com,b@x.com,merge,too,much"])
def test_a_row_with_the_wrong_number_of_fields_is_kept_with_its_problem(tmp_path, line):
    result = read(
        tmp_path, merged_user=f"old_email,new_email,decision\n{line}\nc@x.com,d@x.com,merge\n"
    )
    first, second = cells(result.user_rows, "source_row", "old", "new", "problem")
    fields = line.count(",") + 1
    assert first == (1, None, None, f'has {fields} fields where the header has 3: "{line}"')
    assert second == (2, "c@x.com", "d@x.com", None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"old,new\na@x.com,b@x.com\n", "lacks old_email and new_email"),
        (b"old_email;new_email\na@x.com;b@x.com\n", 'it has "old_email;new_email"'),
        (b"old_email,new_email,old_email\n", "more than once"),
        (b"old_email,new_email\na@x.com,\xe9@x.com\n", "line 2 is no UTF-8"),
        ("old_email,new_email\n".encode("utf-16"), "UTF-16"),
        (GOOD + b"\0", "NUL"),
        (b"old_email,new_email" + b",x" * 200, "202 columns"),
        (GOOD + b'"a@x.com,b@x.com\n', "close every quote"),
        (GOOD + b"x" * 200_000 + b",b\n", "keep fields short"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_harms_no_other(tmp_path, content, words):
    assert words in reason_of(read(tmp_path, merged_user=content))
    with_good = read(tmp_path, merged_user_2=GOOD)
    assert cells(with_good.user_rows, "source_file") == [("merged_user_2.csv",)]
    assert [file.name for file in with_good.unreadable] == ["merged_user.csv"]


def test_links_folders_and_pipes_are_no_merge_files(tmp_path):
    (tmp_path / "real.csv").write_bytes(GOOD)
    (tmp_path / "merged_user_1.csv").symlink_to(tmp_path / "real.csv")
    (tmp_path / "merged_user_2.csv").mkdir()
    os.mkfifo(tmp_path / "merged_user_3.csv")
    (tmp_path / "merged_user_4.csv").symlink_to(tmp_path / "nowhere")
    result = read_merge_files(tmp_path)
    words = ["symbolic link", "regular file", "regular file", "symbolic link"]
    assert len(result.unreadable) == 4
    assert all(w in file.reason for w, file in zip(words, result.unreadable, strict=True))


def test_a_file_over_a_limit_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(merge_files, "MAX_FILE_BYTES", len(GOOD) - 1)
    assert "split it" in reason_of(read(tmp_path, merged_user=GOOD))
    monkeypatch.setattr(merge_files, "MAX_FILE_BYTES", len(GOOD))
    monkeypatch.setattr(merge_files, "MAX_FILE_ROWS", 0)
    assert "more than 0 rows" in reason_of(read_merge_files(tmp_path))


def test_a_file_name_that_is_no_utf8_is_reported_in_printable_form(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/merged_user_\xff.csv")).write_bytes(GOOD)
    assert "rename" in reason_of(read_merge_files(tmp_path))
    assert read_merge_files(tmp_path).unreadable[0].name.encode()


def test_the_published_files_are_read_as_they_are(shared_data):
    result = read_merge_files(shared_data / "jaffle_gaggle")
    assert (len(result.user_rows), len(result.domain_rows)) == (7, 3)
    assert result.unreadable == ()
    assert cells(result.domain_rows, "old", "new")[-1] == ("rams.sl", "rams.la")
