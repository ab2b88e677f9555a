import os
from datetime import datetime

import pandas as pd
import pytest

from c360_assets.errors import MergeFileError, RequestError
from c360_assets.identity.merge_files import read_merge_file, read_merge_files
from c360_assets.resolution.decisions import (
    Decision,
    Pair,
    append_decision,
    file_name,
    pair_of,
    rows_of,
)

AT = datetime(2026, 11, 22, 17, 37, 0, 5)


def decision(pair=None, kind="merge", by="Ann O'Hara", reason="same, she says"):
    pair = pair or Pair("user", "a@x.co", "b@x.co")
    return Decision(pair, kind, by, AT, reason)


@pytest.mark.parametrize(
    ("old", "new", "pair"),
    [
        (" Ann@X.co ", "b@x.co.", Pair("user", "ann@x.co", "b@x.co")),
        ("RAMS.sl", "rams.la.", Pair("domain", "rams.sl", "rams.la")),
        ("münchen.de", "x.co", Pair("domain", "xn--mnchen-3ya.de", "x.co")),
    ],
)
def test_a_pair_is_two_addresses_or_two_domains_in_any_spelling(old, new, pair):
    assert pair_of(old, new) == pair


@pytest.mark.parametrize(
    ("old", "new"),
    [("a@x.co", "x.co"), ("a", "b"), ("a@x.co", "A@x.co"), ("x.co", "X.co"), ("", "")],
)
def test_what_is_no_pair_is_refused_with_the_remedy(old, new):
    with pytest.raises(RequestError, match="name two"):
        pair_of(old, new)


def test_a_decision_becomes_one_new_file_that_reads_back_as_it_was(tmp_path):
    path = append_decision(tmp_path, decision())
    assert path.name == "merged_user_20261122T173700Z_ann-o-hara.csv"
    assert os.listdir(tmp_path) == [path.name]
    read = read_merge_files(tmp_path).user_rows
    pd.testing.assert_frame_equal(read, rows_of([decision()], path.name, "user"))


def test_a_decision_on_companies_goes_into_a_file_of_domains(tmp_path):
    path = append_decision(tmp_path, decision(Pair("domain", "a.co", "b.co"), "never"))
    assert path.name.startswith("merged_company_domain_2026")
    rows = read_merge_file(path).domain_rows
    assert rows[["old", "new", "decision"]].to_numpy().tolist() == [["a.co", "b.co", "never"]]


def test_no_file_is_ever_replaced(tmp_path):
    first, second = (append_decision(tmp_path, decision()) for _ in range(2))
    assert second.name == "merged_user_20261122T173700Z_ann-o-hara_2.csv"
    assert first.name < decision_after(tmp_path).name
    assert first.read_bytes() == second.read_bytes()


def decision_after(folder):
    later = Decision(Pair("user", "a@x.co", "b@x.co"), "undo", "aa", AT.replace(second=1))
    return append_decision(folder, later)


def test_a_decision_is_later_than_the_undated_rows_of_any_other_file(tmp_path):
    (tmp_path / "merged_user_john.csv").write_text("old_email,new_email\na@x.co,b@x.co\n")
    path = append_decision(tmp_path, decision(kind="undo"))
    assert path.name == "merged_user_~20261122T173700Z_ann-o-hara.csv"
    assert decision_after(tmp_path).name > path.name


def test_a_person_of_any_script_is_in_the_name(tmp_path):
    assert file_name(decision(by="Жанна Д'Арк"), tmp_path).endswith("Z_жанна-д-арк.csv")


def test_a_reason_is_one_line_of_text(tmp_path):
    path = append_decision(tmp_path, decision(reason="she\r\nsays"))
    assert read_merge_file(path).user_rows["reason"].tolist() == ["she says"]
    with pytest.raises(RequestError, match="UTF-8"):
        append_decision(tmp_path, decision(reason="h\udce9"))


def test_a_folder_that_is_not_there_is_told_with_the_remedy(tmp_path):
    with pytest.raises(MergeFileError, match="C360_MERGES"):
        append_decision(tmp_path / "none", decision())


def test_a_decision_that_is_none_is_refused(tmp_path):
    with pytest.raises(RequestError, match="merge, never, undo"):
        append_decision(tmp_path, decision(kind="join"))
    assert os.listdir(tmp_path) == []


def test_a_merge_file_is_read_wherever_it_lies_and_tells_its_kind_by_its_header(tmp_path):
    path = tmp_path / "proposal.csv"
    path.write_text("old_domain,new_domain\na.co,b.co\n")
    assert len(read_merge_file(path).domain_rows) == 1
    path.write_text("old,new\na.co,b.co\n")
    with pytest.raises(MergeFileError, match="header lacks"):
        read_merge_file(path)
