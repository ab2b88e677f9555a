import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c360_assets.identity.fold import FoldRules
from c360_assets.identity.journal import fold_journal
from c360_assets.identity.merge_files import read_merge_files
from c360_assets.identity.rulings import RULINGS, Ruling
from c360_assets_tests.identity.journals import (
    APPLIED,
    COLUMNS,
    DETERMINISTIC,
    REFUSED,
    RULES,
    cells,
    fold,
    frame_of,
    outcomes,
    rows_of,
)
from c360_assets_tests.identity.oracle import folded_by_networkx


def test_a_chain_resolves_to_its_end():
    journal = fold(["a@x.co b@x.co", "b@x.co c@x.co"])
    assert outcomes(journal) == [APPLIED, APPLIED]
    assert cells(journal, "resolved_to", "merge_path") == [
        ("c@x.co", "a@x.co > b@x.co > c@x.co"),
        ("c@x.co", "b@x.co > c@x.co"),
    ]


def test_addresses_are_compared_in_normal_form():
    journal = fold(["A@X.co b@x.co.", "B@x.CO c@x.co"], known=["a@x.co", "c@x.co"])
    assert cells(journal, "old_key", "new_key", "resolved_to")[0] == ("a@x.co", "b@x.co", "c@x.co")


def test_domains_fold_by_themselves_and_need_no_known_target():
    journal = fold(["a@x.co b@x.co"], ["x.co y.co", "Y.co. münchen.de"])
    assert cells(journal, "kind", "outcome", "resolved_to") == [
        ("user", "applied", "b@x.co"),
        ("domain", "applied", "xn--mnchen-3ya.de"),
        ("domain", "applied", "xn--mnchen-3ya.de"),
    ]


def test_a_self_merge_is_refused():
    journal = fold(["a@x.co A@X.CO", "b@x.co a@x.co"])
    assert outcomes(journal) == [(REFUSED, "self_merge"), APPLIED]


def test_every_row_of_a_cycle_is_refused_and_what_leads_into_it_stands():
    journal = fold(["a@x.co b@x.co", "b@x.co c@x.co", "c@x.co a@x.co", "d@x.co a@x.co"])
    assert outcomes(journal) == [(REFUSED, "cycle")] * 3 + [APPLIED]
    assert cells(journal, "resolved_to") == [(None,)] * 3 + [("a@x.co",)]
    assert "3 merges, a@x.co > b@x.co > c@x.co > a@x.co;" in journal["explanation"][0]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a@x.co b@x.co", "a@x.co c@x.co"], "cc"),
        (["a@x.co b@x.co decided_at=2021-12-01", "a@x.co c@x.co decided_at=2021-12-01"], "cc"),
        (["a@x.co b@x.co decided_at=2021-12-01", "a@x.co c@x.co"], "cc"),
        (["a@x.co b@x.co", "a@x.co c@x.co file=f2.csv"], "sA"),
        (["a@x.co b@x.co decided_at=2021-12-01", "a@x.co c@x.co file=f2.csv"], "sA"),
        (["a@x.co b@x.co decided_at=2021-12-02", "a@x.co c@x.co decided_at=2021-12-01"], "As"),
        (
            [
                "a@x.co b@x.co decided_at=2021-12-02",
                "a@x.co c@x.co decided_at=2021-12-01 file=f2.csv",
            ],
            "As",
        ),
        (
            [
                "a@x.co b@x.co decided_at=2021-12-01T10:00:00Z",
                "a@x.co c@x.co decided_at=2021-12-01T10:00:00+02:00",
            ],
            "As",
        ),
        # An undated row of an older file changes nothing about the dated ones of the last file.
        (
            [
                "a@x.co b@x.co file=f0.csv",
                "a@x.co c@x.co decided_at=2021-12-01",
                "a@x.co d@x.co decided_at=2021-12-02",
            ],
            "ssA",
        ),
        # Rows that agree with the latest are repeats; rows that agree with a refused one share it.
        (["a@x.co b@x.co", "a@x.co c@x.co file=f2.csv", "a@x.co b@x.co file=f3.csv"], "Asr"),
        (
            ["a@x.co b@x.co", "a@x.co b@x.co file=f2.csv", "a@x.co c@x.co file=f2.csv"],
            "ccc",
        ),
        (
            ["a@x.co b@x.co", "a@x.co c@x.co file=f2.csv", "a@x.co d@x.co file=f2.csv"],
            "scc",
        ),
    ],
)
def test_of_several_targets_the_latest_decides(lines, expected):
    words = {
        "c": (REFUSED, "conflicting_target"),
        "s": ("undone", "superseded"),
        "A": APPLIED,
        "r": ("applied", "repeat"),
    }
    assert outcomes(fold(lines)) == [words[letter] for letter in expected]


def test_a_superseded_row_stays_undone_when_its_successor_is_refused():
    journal = fold(
        ["a@x.co b@x.co", "a@x.co c@x.co file=f2.csv", "c@x.co a@x.co file=f2.csv"],
    )
    assert outcomes(journal) == [("undone", "superseded")] + [(REFUSED, "cycle")] * 2


def test_explanations_of_conflicts_name_the_other_row():
    conflict, _, undone, _ = fold(
        ["a@x.co b@x.co", "a@x.co c@x.co", "d@x.co b@x.co", "d@x.co c@x.co file=f2.csv"]
    )["explanation"]
    assert conflict.startswith('f1.csv, row 1 merges "a@x.co" into "b@x.co" and f1.csv, row 2 into')
    assert undone.endswith('replaced by the later decision for "c@x.co" (f2.csv, row 1).')


def test_an_exact_repeat_is_applied_and_says_what_it_repeats():
    journal = fold(["a@x.co b@x.co", "A@x.co b@x.co file=f2.csv"])
    assert outcomes(journal) == [APPLIED, ("applied", "repeat")]
    assert cells(journal, "resolved_to") == [("b@x.co",)] * 2
    assert "f2.csv, row 1 repeats f1.csv, row 1" in journal["explanation"][1]


LARGE = [f"p{i}@x.co p{i + 1}@x.co" for i in range(4)]  # five addresses
SMALL = FoldRules(personal_domains=frozenset(), max_cluster_size=4)


def test_a_cluster_over_the_limit_keeps_only_its_rows_with_reason():
    lines = [LARGE[0], *[f"{line} reason=same" for line in LARGE[1:]], "q@x.co r@x.co"]
    journal = fold(lines, rules=SMALL)
    assert outcomes(journal) == [(REFUSED, "too_large"), *[APPLIED] * 4]
    assert "cluster of 5 emails, and more than 4 " in journal["explanation"][0]


def test_a_cluster_at_the_limit_needs_no_reason():
    assert outcomes(fold(LARGE[:3], rules=SMALL)) == [APPLIED] * 3


def test_the_reason_may_stand_in_a_repeat_of_the_row():
    lines = [*LARGE, *[f"{line} reason=same file=f2.csv" for line in LARGE]]
    assert outcomes(fold(lines, rules=SMALL)) == [APPLIED] * 4 + [("applied", "repeat")] * 4


def test_a_blank_reason_is_none():
    lines = rows_of(*LARGE).assign(reason="  ")
    known = pd.Series([f"p{i}@x.co" for i in range(5)])
    journal = fold_journal(lines, rows_of(), known_emails=known, rules=SMALL)
    assert outcomes(journal) == [(REFUSED, "too_large")] * 4


def test_the_limit_holds_for_domains_too():
    domains = [f"p{i}.co p{i + 1}.co" for i in range(4)]
    journal = fold(domains=domains, rules=SMALL)
    assert outcomes(journal) == [(REFUSED, "too_large")] * 4


@pytest.mark.parametrize("line", ["ann@x b@x.co", "b@x.co ann@x", "- b@x.co", "b@x.co -"])
def test_an_invalid_email_is_refused_with_its_column(line):
    journal = fold([line])
    assert outcomes(journal) == [(REFUSED, "invalid_email")]
    column = "new_email" if line.startswith("b@") else "old_email"
    assert f"f1.csv, row 1: {column} " in journal["explanation"][0]
    assert "write it as name@domain or remove the row" in journal["explanation"][0]


def test_an_invalid_domain_is_refused_and_its_raw_text_kept():
    journal = fold(domains=["@X.co y.co", "x.co y"])
    assert outcomes(journal) == [(REFUSED, "invalid_domain")] * 2
    assert cells(journal, "old_key", "new_key") == [("@X.co", "y.co"), ("x.co", "y")]


def test_a_very_long_text_is_kept_whole_but_quoted_short():
    journal = fold(["x" * 5000 + " b@x.co"])
    assert len(journal["old_key"][0]) == 5000
    assert len(journal["explanation"][0]) < 400


def test_a_row_with_the_wrong_number_of_fields_is_refused_as_invalid():
    problem = 'has 3 fields where the header has 2: "a@x.co,b@x.co,"'
    rows = rows_of("- -").assign(problem=problem)
    journal = fold_journal(rows, rows, known_emails=pd.Series(["a@x.co"]), rules=RULES)
    assert outcomes(journal) == [(REFUSED, "invalid_email"), (REFUSED, "invalid_domain")]
    assert journal["explanation"][0].startswith(f"f1.csv, row 1 {problem};")


@pytest.mark.parametrize("line", ["gmail.com x.co", "x.co GMAIL.com"])
def test_a_personal_domain_on_either_side_is_refused(line):
    journal = fold(domains=[line])
    assert outcomes(journal) == [(REFUSED, "personal_domain")]
    assert '"gmail.com" is a personal domain' in journal["explanation"][0]


def test_people_with_personal_addresses_may_be_merged():
    assert outcomes(fold(["ann@gmail.com ann@x.co"])) == [APPLIED]


def test_an_unknown_decision_is_refused():
    journal = fold(["a@x.co b@x.co decision=Mergee"])
    assert outcomes(journal) == [(REFUSED, "unknown_decision")]
    assert '"mergee" is none of merge, never, undo' in journal["explanation"][0]


@pytest.mark.parametrize("decision", ["merge", " MERGE "])
def test_the_decision_merge_may_be_written_out(decision):
    rows = rows_of("a@x.co b@x.co").assign(decision=decision)
    journal = fold_journal(rows, rows_of(), known_emails=pd.Series(["b@x.co"]), rules=RULES)
    assert cells(journal, "decision", "outcome") == [("merge", "applied")]


@pytest.mark.parametrize("text", ["soon", "now", "2021", "2021-13-01", "01.12.2021", "1638316800"])
def test_a_decided_at_that_is_no_time_is_refused(text):
    journal = fold([f"a@x.co b@x.co decided_at={text}"])
    assert outcomes(journal) == [(REFUSED, "invalid_decided_at")]
    assert f'decided_at "{text}"' in journal["explanation"][0]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2021-12-01", "2021-12-01"),
        ("2021-12-01T05:00", "2021-12-01 05:00"),
        (" 2021-12-01 05:00:00 UTC ", "2021-12-01 05:00"),
        ("2021-12-01t05:00:00.123456789z", "2021-12-01 05:00:00.123456"),
        ("2021-12-01 05:00:00,5-0330", "2021-12-01 08:30:00.5"),
        ("2021-12-01T05:00+02", "2021-12-01 03:00"),
        ("9999-12-31", "9999-12-31"),
    ],
)
def test_decided_at_comes_out_as_naive_utc(text, time):
    rows = rows_of("a@x.co b@x.co", "c@x.co b@x.co").assign(decided_at=[text, "2020-01-01"])
    journal = fold_journal(rows, rows_of(), known_emails=pd.Series(["b@x.co"]), rules=RULES)
    assert journal["decided_at"].dtype == "datetime64[us]"
    assert journal["decided_at"][0] == pd.Timestamp(time)


def test_a_target_that_is_no_user_yet_waits_for_it():
    lines = ["a@x.co b@x.co", "b@x.co c@x.co"]
    waiting = fold(lines, known=["a@x.co", "b@x.co"])
    assert outcomes(waiting) == [APPLIED, ("pending", "unknown_target")]
    assert cells(waiting, "resolved_to") == [("b@x.co",), (None,)]
    arrived = fold(lines, known=["a@x.co", "b@x.co", "c@x.co"])
    assert cells(arrived, "resolved_to") == [("c@x.co",)] * 2


def test_a_chain_passes_through_an_address_that_is_no_user():
    journal = fold(["a@x.co b@x.co", "b@x.co c@x.co"], known=["a@x.co", "c@x.co"])
    assert outcomes(journal) == [APPLIED, ("applied", "old_address_unknown")]
    assert cells(journal, "resolved_to") == [("c@x.co",)] * 2


def test_a_chain_without_any_known_target_waits_as_a_whole():
    journal = fold(["a@x.co b@x.co", "b@x.co c@x.co"], known=["a@x.co"])
    assert outcomes(journal) == [("pending", "unknown_target")] * 2


def test_a_long_path_is_shown_shortened():
    rules = FoldRules(personal_domains=frozenset(), max_cluster_size=99)
    journal = fold([f"p{i}@x.co p{i + 1}@x.co" for i in range(12)], rules=rules)
    assert journal["merge_path"][0] == (
        "p0@x.co > p1@x.co > p2@x.co > p3@x.co > … (8 more) … > p12@x.co"
    )
    assert journal["merge_path"][2] == " > ".join(f"p{i}@x.co" for i in range(2, 13))


def test_no_rows_give_a_typed_empty_journal():
    journal = fold_journal(
        pd.DataFrame(), pd.DataFrame(), known_emails=pd.Series([], dtype="str"), rules=RULES
    )
    assert list(journal.columns) == list(COLUMNS)
    assert len(journal) == 0
    assert (
        journal.dtypes.astype(str).to_dict() == fold(["a@x.co b@x.co"]).dtypes.astype(str).to_dict()
    )


TYPED = ("decided_at", "source_row", "was_applied", "ended_by_row")


def test_columns_without_a_value_are_text_to_duckdb():
    journal = fold(["a@x.co b@x.co"])
    with duckdb.connect() as connection:
        connection.register("journal", journal)
        types = dict(
            connection.execute("select column_name, column_type from (describe journal)").fetchall()
        )
    assert types["decided_at"] == "TIMESTAMP"
    assert types["was_applied"] == "BOOLEAN"
    assert types["source_row"] == types["ended_by_row"] == "BIGINT"
    assert {types[name] for name in COLUMNS if name not in TYPED} == {"VARCHAR"}


def test_every_ruling_has_a_meaning_that_says_something():
    assert set(RULINGS) == set(Ruling) - {Ruling.OPEN}


def test_the_published_journal_applies_as_a_whole(shared_data):
    folder = shared_data / "jaffle_gaggle"
    files = read_merge_files(folder)
    known = pd.read_csv(folder / "raw_user.csv")["email"].str.lower()
    journal = fold_journal(files.user_rows, files.domain_rows, known_emails=known, rules=RULES)
    assert journal.groupby("kind")["outcome"].value_counts().to_dict() == {
        ("user", "applied"): 7,
        ("domain", "applied"): 3,
    }
    assert "constancerohr@outlaws.com" in set(journal["resolved_to"])


NAMES = [f"{letter}@x.co" for letter in "abcdefgh"]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "source_file": st.sampled_from(["f1.csv", "f2.csv", "f3.csv"]),
            "old": st.sampled_from(NAMES),
            "new": st.sampled_from(NAMES),
            "decided_at": st.sampled_from([None, None, "2021-12-01", "2021-12-02"]),
            "reason": st.sampled_from([None, None, "same person"]),
        }
    ),
    max_size=14,
)
KNOWN = st.sets(st.sampled_from(NAMES), min_size=3)


def together(journals):
    """Many journals as one: those of journal 3 are about a3@x.co, b3@x.co and so on."""
    rows = [
        row | {side: row[side].replace("@", f"{number}@") for side in ("old", "new")}
        for number, rows in enumerate(journals)
        for row in rows
    ]
    return sorted(rows, key=lambda row: row["source_file"])


@DETERMINISTIC
@given(st.lists(ROWS, min_size=1, max_size=12), KNOWN)
def test_random_journals_fold_as_graph_walks_say(journals, known):
    rules = FoldRules(personal_domains=frozenset(), max_cluster_size=4)
    rows = together(journals)
    users = {n.replace("@", f"{number}@") for n in known for number in range(len(journals))}
    journal = fold_journal(
        frame_of(rows), rows_of(), known_emails=pd.Series(sorted(users)), rules=rules
    )
    verdict = journal["outcome"].where(journal["outcome"] == "applied", journal["outcome_reason"])
    found = cells(journal.assign(verdict=verdict), "verdict", "resolved_to", "merge_path")
    assert found == folded_by_networkx(rows, users, limit=4)


@DETERMINISTIC
@given(ROWS, KNOWN, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_files_changes_nothing(rows, known, random):
    users = frame_of(rows)
    domains = users.assign(old=users["old"].str[2:] + "m", new=users["new"].str[0] + ".com")
    order = list(range(len(rows)))
    random.shuffle(order)
    straight, shuffled = (
        fold_journal(u, d, known_emails=pd.Series(sorted(k)), rules=RULES)
        for u, d, k in (
            (users, domains, known),
            (users.iloc[order], domains.iloc[order[::-1]], sorted(known, reverse=True)),
        )
    )
    pd.testing.assert_frame_equal(straight, shuffled)
    assert len(straight) == 2 * len(rows)
    assert straight["outcome"].notna().all()
    assert straight["explanation"].str.endswith(".").all()


@DETERMINISTIC
@given(ROWS, KNOWN)
def test_folding_what_was_applied_again_gives_the_same_ends(rows, known):
    known_emails = pd.Series(sorted(known))
    first = fold_journal(frame_of(rows), rows_of(), known_emails=known_emails, rules=RULES)
    kept = first[first["outcome"] == "applied"].rename(columns={"old_key": "old", "new_key": "new"})
    again = fold_journal(
        kept.assign(decided_at=None), rows_of(), known_emails=known_emails, rules=RULES
    )
    assert cells(again, "old_key", "resolved_to") == cells(kept, "old", "resolved_to")


def test_a_chain_of_a_hundred_thousand_merges_folds_to_its_end():
    size = 100_000
    names = [f"p{i}@x.co" for i in np.random.default_rng(7).permutation(size + 1)]
    rows = (
        pd.DataFrame(
            {
                "source_file": "f1.csv",
                "source_row": range(size),
                "old": names[:-1],
                "new": names[1:],
            }
        )
        .assign(reason="one mailbox")
        .sample(frac=1, random_state=7)
    )
    journal = fold_journal(rows, rows_of(), known_emails=pd.Series(names), rules=RULES)
    assert set(journal["resolved_to"]) == {names[-1]}
    assert journal["merge_path"].str.len().max() < 200
