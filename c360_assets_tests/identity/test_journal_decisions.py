"""`never` and `undo`, bans by whatever path, and shared mailboxes."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c360_assets.identity.fold import FoldRules
from c360_assets.identity.journal import fold_journal
from c360_assets_tests.identity.journals import (
    APPLIED,
    DETERMINISTIC,
    REFUSED,
    cells,
    fold,
    frame_of,
    outcomes,
    rows_of,
)
from c360_assets_tests.identity.oracle import folded_by_networkx

UNDONE = ("undone", "undo")
SUSPENDED = ("undone", "never")
SUPERSEDED = ("undone", "superseded")
BANNED = (REFUSED, "banned")
REPEAT = ("applied", "repeat")
NOTHING = (REFUSED, "nothing_to_undo")


def never(pair, rest=""):
    return f"{pair} decision=never {rest}".strip()


def undo(pair, rest=""):
    return f"{pair} decision=undo {rest}".strip()


AB, BA, BC, CD = ("a@x.co b@x.co", "b@x.co a@x.co", "b@x.co c@x.co", "c@x.co d@x.co")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([AB, undo(AB)], [UNDONE, APPLIED]),
        ([AB, undo(BA)], [UNDONE, APPLIED]),
        ([AB, undo(AB), AB], [UNDONE, APPLIED, APPLIED]),
        ([AB, AB, undo(AB)], [UNDONE, UNDONE, APPLIED]),
        ([undo(AB), AB], [NOTHING, APPLIED]),
        ([AB, undo(AB), undo(AB)], [UNDONE, APPLIED, NOTHING]),
        ([never(AB), undo(AB)], [UNDONE, APPLIED]),
        ([AB, never(AB), undo(AB)], [APPLIED, UNDONE, APPLIED]),
        ([never(AB), AB, undo(AB)], [APPLIED, UNDONE, APPLIED]),
        ([never(AB), never(AB), AB], [SUPERSEDED, SUPERSEDED, APPLIED]),
        ([never(AB), never(AB), undo(AB)], [UNDONE, UNDONE, APPLIED]),
        ([AB, never(AB), AB, undo(AB), undo(AB)], [APPLIED, UNDONE, UNDONE, APPLIED, APPLIED]),
        ([AB, never(BA)], [SUSPENDED, APPLIED]),
        ([never(AB), BA], [SUPERSEDED, APPLIED]),
        ([never(AB), never(BA)], [APPLIED, REPEAT]),
        ([never(AB), AB, never(AB)], [SUPERSEDED, SUSPENDED, APPLIED]),
        ([AB, BA, undo(AB)], [UNDONE, APPLIED, APPLIED]),
        # the order of decision is that of decided_at, else of the files' names
        ([f"{AB} decided_at=2021-12-02", undo(AB, "decided_at=2021-12-01")], [APPLIED, NOTHING]),
        ([f"{AB} file=f2.csv", undo(AB, "file=f1.csv")], [APPLIED, NOTHING]),
    ],
)
def test_the_latest_decision_on_a_pair_wins(lines, expected):
    by_file = rows_of(*lines).sort_values(["source_file", "source_row"]).index.tolist()
    found = dict(zip(by_file, outcomes(fold(lines)), strict=True))
    assert [found[line] for line in range(len(lines))] == expected


def test_an_undo_leaves_the_rest_of_the_chain_as_it_was():
    journal = fold([AB, BC, CD, undo(BC)])
    assert cells(journal, "outcome", "resolved_to") == [
        ("applied", "b@x.co"),
        ("undone", None),
        ("applied", "d@x.co"),
        ("applied", None),
    ]


def test_what_an_undone_merge_had_replaced_stands_again():
    journal = fold([AB, "a@x.co c@x.co file=f2.csv", undo("a@x.co c@x.co", "file=f3.csv")])
    assert outcomes(journal) == [APPLIED, UNDONE, APPLIED]


def test_an_undo_settles_a_conflict_and_breaks_a_cycle():
    assert outcomes(fold([AB, "a@x.co c@x.co", undo(AB)])) == [UNDONE, APPLIED, APPLIED]
    assert outcomes(fold([AB, BC, "c@x.co a@x.co", undo(BC)])) == [
        APPLIED,
        UNDONE,
        APPLIED,
        APPLIED,
    ]


def test_undone_rows_name_the_row_that_ended_them():
    journal = fold([AB, undo(AB, "file=f2.csv"), CD, "c@x.co a@x.co file=f3.csv"])
    assert cells(journal, "ended_by_file", "ended_by_row") == [
        ("f2.csv", 1),
        ("f3.csv", 1),
        (None, None),
        (None, None),
    ]
    assert "taken back by f2.csv, row 1" in journal["explanation"][0]


def test_a_ban_stops_every_path_between_its_two():
    journal = fold([never("a@x.co c@x.co"), AB, BC])
    assert outcomes(journal) == [APPLIED, APPLIED, BANNED]
    assert (
        'would make "a@x.co" and "c@x.co" one, which f1.csv, row 1 forbids'
        in (journal["explanation"][2])
    )


def test_a_ban_is_inherited_by_all_that_either_side_was_merged_with():
    lines = [never(AB), "p@x.co a@x.co", "q@x.co b@x.co", "p2@x.co p@x.co", "q@x.co p2@x.co"]
    lines[-1] = "b@x.co p2@x.co"
    assert outcomes(fold(lines))[-1] == BANNED


def test_a_ban_on_a_standing_chain_suspends_the_merge_that_closed_it():
    journal = fold([AB, BC, never("a@x.co c@x.co")])
    assert outcomes(journal) == [APPLIED, SUSPENDED, APPLIED]
    assert journal["explanation"][2] == (
        '"a@x.co" and "c@x.co" stay two people by whatever path; '
        'it suspends "b@x.co" into "c@x.co" (f1.csv, row 2).'
    )
    assert cells(journal, "ended_by_file", "ended_by_row")[1] == ("f1.csv", 3)


def test_repeats_of_a_merge_that_gives_way_give_way_too():
    journal = fold([AB, BC, BC, never("a@x.co c@x.co"), BC])
    assert outcomes(journal) == [APPLIED, SUSPENDED, SUSPENDED, APPLIED, BANNED]


def test_a_lifted_ban_lets_what_it_suspended_stand_again():
    journal = fold([AB, BC, never("a@x.co c@x.co"), undo("a@x.co c@x.co")])
    assert outcomes(journal) == [APPLIED, APPLIED, UNDONE, APPLIED]
    assert cells(journal, "resolved_to")[0] == ("c@x.co",)


def test_a_ban_may_name_addresses_that_nobody_has():
    journal = fold([never("a@x.co ghost@x.co"), "a@x.co ghost@x.co"], known=["a@x.co"])
    assert outcomes(journal) == [SUPERSEDED, ("pending", "unknown_target")]


def test_companies_are_kept_apart_like_people():
    journal = fold(domains=["a.co b.co", "b.co c.co", never("a.co c.co"), undo("a.co b.co")])
    assert outcomes(journal) == [UNDONE, APPLIED, APPLIED, APPLIED]
    assert "two companies" in journal["explanation"][2]


def test_a_never_about_a_personal_domain_may_stand():
    assert outcomes(fold(domains=[never("gmail.com x.co")])) == [APPLIED]


def test_a_never_about_an_address_and_itself_is_refused():
    assert outcomes(fold([never("a@x.co A@x.co")])) == [(REFUSED, "self_merge")]


ROLES = FoldRules(frozenset(), 10, frozenset({"info", "sales"}))


@pytest.mark.parametrize("line", ["info@x.co a@x.co", "a@x.co SALES@x.co"])
def test_a_shared_mailbox_merges_only_with_a_reason(line):
    assert outcomes(fold([line], rules=ROLES)) == [(REFUSED, "shared_mailbox")]
    assert outcomes(fold([f"{line} reason=hers"], rules=ROLES)) == [APPLIED]
    assert outcomes(fold([line, f"{line} reason=hers file=f2.csv"], rules=ROLES)) == [
        APPLIED,
        REPEAT,
    ]


def test_an_address_that_only_begins_like_a_shared_mailbox_is_a_persons():
    assert outcomes(fold(["infobob@x.co a@x.co", "info.a@x.co a@x.co"], rules=ROLES)) == [
        APPLIED,
        APPLIED,
    ]


def test_domains_know_no_shared_mailboxes():
    assert outcomes(fold(domains=["info.co sales.co"], rules=ROLES)) == [APPLIED]


NAMES = [f"{letter}@x.co" for letter in "abcdefg"]
NAMES.append("info@x.co")
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "source_file": st.sampled_from(["f1.csv", "f2.csv", "f3.csv"]),
            "old": st.sampled_from(NAMES),
            "new": st.sampled_from(NAMES),
            "decision": st.sampled_from(["merge", "merge", "merge", "never", "undo"]),
            "decided_at": st.sampled_from([None, None, "2021-12-01", "2021-12-02"]),
            "reason": st.sampled_from([None, None, "same person"]),
        }
    ),
    max_size=18,
)
KNOWN = st.sets(st.sampled_from(NAMES), min_size=4)
LIMIT = 5


def verdicts(rows, known):
    rules = FoldRules(frozenset(), LIMIT, frozenset({"info"}))
    journal = fold_journal(
        frame_of(rows), rows_of(), known_emails=pd.Series(sorted(known)), rules=rules
    )
    verdict = journal["outcome"].where(journal["outcome"] == "applied", journal["outcome_reason"])
    return journal, cells(journal.assign(verdict=verdict), "verdict", "resolved_to", "merge_path")


@DETERMINISTIC
@given(st.lists(ROWS, min_size=1, max_size=6), KNOWN)
def test_random_journals_with_bans_and_undos_fold_as_graph_walks_say(journals, known):
    for rows in journals:
        rows = sorted(rows, key=lambda row: row["source_file"])
        _, found = verdicts(rows, known)
        assert found == folded_by_networkx(rows, known, LIMIT, roles=("info",))


@DETERMINISTIC
@given(ROWS, KNOWN)
def test_no_path_joins_what_a_standing_ban_keeps_apart(rows, known):
    journal, _ = verdicts(rows, known)
    merges = journal[journal["resolved_to"].notna()]
    end = dict(zip(merges["old_key"], merges["resolved_to"], strict=True))
    bans = journal[(journal["decision"] == "never") & (journal["outcome"] == "applied")]
    for left, right in cells(bans, "old_key", "new_key"):
        assert end.get(left, left) != end.get(right, right)


@DETERMINISTIC
@given(ROWS, KNOWN, st.data())
def test_an_undo_takes_back_exactly_one_merge(rows, known, data):
    """A merge and its undo, both later than all else, leave every other decision as it was."""
    old, new = data.draw(st.sampled_from([(a, b) for a in NAMES for b in NAMES if a != b]))
    rows = [{**row, "source_file": "f1.csv", "decided_at": None} for row in rows]
    is_decided = any({row["old"], row["new"]} == {old, new} for row in rows)
    late = {"source_file": "z.csv", "old": old, "new": new, "decided_at": None, "reason": "late"}
    both = [*rows, {**late, "decision": "merge"}, {**late, "decision": "undo"}]
    _, before = verdicts(rows, known)
    _, after = verdicts(both, known)
    if not is_decided:
        assert after[: len(rows)] == before


@DETERMINISTIC
@given(ROWS, KNOWN, st.randoms(use_true_random=False))
def test_decisions_come_to_the_same_in_whatever_order_they_are_read(rows, known, random):
    frame = frame_of(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    rules = FoldRules(frozenset(), LIMIT, frozenset({"info"}))
    straight, shuffled = (
        fold_journal(f, rows_of(), known_emails=pd.Series(k, dtype="str"), rules=rules)
        for f, k in ((frame, sorted(known)), (frame.iloc[order], sorted(known, reverse=True)))
    )
    pd.testing.assert_frame_equal(straight, shuffled)
    assert straight["outcome"].notna().all()
    assert straight["explanation"].str.endswith(".").all()
