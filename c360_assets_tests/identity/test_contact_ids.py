"""Contact ids: who bears which after merges and their ends, and where each went."""

import networkx as nx
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from c360_assets.identity.contact_ids import Account, contact_ids
from c360_assets.identity.fold import FoldRules
from c360_assets.identity.journal import fold_journal
from c360_assets_tests.identity.journals import DETERMINISTIC, cells, frame_of, rows_of

DAYS = dict(zip("abcdefgh", range(1, 9), strict=True))
RULES = FoldRules(frozenset(), 99)


def accounts_of(names="abcdefgh", more=()):
    """Account a is the oldest, b the next; `more` adds accounts with an address again."""
    born = [Account(f"{n}@x.co", n, pd.Timestamp(2021, 1, DAYS[n])) for n in names]
    return [*born, *(Account(f"{m[0]}@x.co", m, pd.Timestamp(2021, 2, 1)) for m in more)]


def replayed(rows, accounts=None):
    """Fold the rows and replay what came out, as the asset does."""
    accounts = accounts_of() if accounts is None else accounts
    known = pd.Series(sorted({account.email for account in accounts}), dtype="str")
    journal = fold_journal(rows, rows_of(), known_emails=known, rules=RULES)
    return journal, contact_ids(merges_of(journal), accounts)


def merges_of(journal):
    by_row = journal.set_index(["source_file", "source_row"])["decided_at"]
    merges = journal[journal["was_applied"]]
    ended = [
        by_row.get((file, row)) if pd.notna(row) else pd.NaT
        for file, row in zip(merges["ended_by_file"], merges["ended_by_row"], strict=True)
    ]
    return merges.assign(ended_at=pd.Series(ended, merges.index, dtype="datetime64[us]"))


def borne(*lines, accounts=None):
    """Letter of the address -> contact id, of the addresses that a merge names."""
    _, found = replayed(rows_of(*lines), accounts)
    return {email[0]: contact_id for email, contact_id in cells(found.ids, "email", "contact_id")}


def history(*lines, accounts=None):
    _, found = replayed(rows_of(*lines), accounts)
    return cells(found.history, "contact_id", "change", "other_contact_id", "current_contact_id")


def merge(old, new, rest=""):
    return f"{old}@x.co {new}@x.co {rest}".strip()


def undo(old, new, rest=""):
    return merge(old, new, f"decision=undo {rest}")


def never(old, new, rest=""):
    return merge(old, new, f"decision=never {rest}")


def test_the_older_id_wins_whichever_way_the_merge_points():
    assert borne(merge("a", "b")) == borne(merge("b", "a")) == {"a": "c_a", "b": "c_a"}


def test_an_id_that_was_merged_leads_to_the_one_that_won():
    assert history(merge("c", "b"), merge("b", "a")) == [
        ("c_b", "merged", "c_a", "c_a"),
        ("c_c", "merged", "c_b", "c_a"),
    ]


def test_a_merge_and_its_undo_leave_both_ids_as_they_were():
    accounts = accounts_of(more=["b2", "b3"])
    assert borne(merge("a", "b"), undo("a", "b"), accounts=accounts) == {"a": "c_a", "b": "c_b"}


def test_the_history_tells_of_a_split():
    assert history(merge("b", "a"), undo("b", "a")) == [
        ("c_b", "merged", "c_a", "c_b"),
        ("c_b", "split", "c_a", "c_b"),
    ]


def test_the_larger_part_keeps_the_id_where_people_came_since():
    assert borne(merge("a", "b"), merge("c", "b"), undo("a", "b")) == {
        "b": "c_a",
        "c": "c_a",
        "a": "c_a~2",
    }


def test_the_smaller_part_gets_back_the_id_that_it_had():
    lines = [merge("d", "c"), merge("c", "a"), merge("b", "a"), undo("c", "a")]
    assert borne(*lines, accounts=accounts_of(more=["a2"])) == {
        **{"a": "c_a", "b": "c_a"},
        **{"c": "c_c", "d": "c_c"},
    }


def test_of_parts_of_one_size_that_where_the_id_was_born_keeps_it():
    lines = [merge("b", "a"), merge("c", "b"), merge("d", "a"), undo("b", "a")]
    assert borne(*lines) == {"a": "c_a", "d": "c_a", "b": "c_b", "c": "c_b"}


def test_a_ban_gives_the_ids_back_like_an_undo():
    assert borne(merge("c", "b"), never("b", "c")) == {"b": "c_b", "c": "c_c"}
    assert borne(merge("a", "b"), merge("b", "c"), never("a", "c")) == {
        **{"a": "c_a", "b": "c_a"},
        "c": "c_c",
    }


def test_a_superseded_merge_hands_the_address_over():
    lines = [merge("b", "a"), merge("b", "c", "file=f2.csv")]
    assert borne(*lines) == {"a": "c_a", "b": "c_b", "c": "c_b"}
    assert history(*lines) == [
        ("c_b", "merged", "c_a", "c_b"),
        ("c_b", "split", "c_a", "c_b"),
        ("c_c", "merged", "c_b", "c_b"),
    ]


def test_a_merge_given_again_after_its_undo_joins_again():
    lines = [merge("b", "a"), undo("b", "a"), merge("b", "a")]
    assert borne(*lines) == {"a": "c_a", "b": "c_a"}


def test_an_address_that_nobody_has_bears_no_id_and_joins_others():
    accounts = accounts_of("ac")
    assert borne(merge("a", "b"), merge("b", "c"), accounts=accounts) == {"a": "c_a", "c": "c_a"}


def test_accounts_with_one_address_bear_the_id_of_the_oldest():
    assert borne(merge("b", "c"), accounts=accounts_of(more=["b2"])) == {"b": "c_b", "c": "c_b"}


def test_a_change_of_address_changes_no_id():
    """Account b was b@x.co and is now new@x.co: the merge names an address that is gone."""
    moved = [*accounts_of("a"), Account("new@x.co", "b", pd.Timestamp(2021, 1, 2))]
    assert borne(merge("new", "a"), accounts=moved)["n"] == "c_a"
    assert history(merge("new", "a"), undo("new", "a"), accounts=moved)[-1][0] == "c_b"


def test_taking_back_what_was_never_in_force_changes_no_id():
    """The third merge was refused for the ban; its undo must not hand an id across it."""
    banned = [never("a", "b"), merge("a", "c"), merge("c", "b"), merge("d", "b"), merge("e", "b")]
    ids = {"a": "c_a", "c": "c_a", "b": "c_b", "d": "c_b", "e": "c_b"}
    assert borne(*banned) == borne(*banned, undo("c", "b")) == ids
    waiting = [merge("b", "u"), merge("a", "u"), undo("b", "u"), undo("a", "u")]
    assert borne(*waiting, accounts=accounts_of("ab")) == {}


def test_no_merges_give_typed_empty_frames():
    _, found = replayed(rows_of())
    assert found.ids.empty
    assert found.history["source_row"].dtype == "int64"


NAMES = [f"{letter}@x.co" for letter in "abcdefgh"]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "source_file": st.sampled_from(["f1.csv", "f2.csv"]),
            "old": st.sampled_from(NAMES),
            "new": st.sampled_from(NAMES),
            "decision": st.sampled_from(["merge", "merge", "merge", "never", "undo"]),
            "decided_at": st.sampled_from([None, "2021-12-01", "2021-12-02"]),
            "reason": st.none(),
        }
    ),
    max_size=20,
)
KNOWN = st.sets(st.sampled_from("abcdefgh"), min_size=4).map(sorted).map("".join)


@DETERMINISTIC
@given(ROWS, KNOWN)
def test_one_person_bears_one_id_and_two_people_never_the_same(rows, names):
    journal, found = replayed(frame_of(rows), accounts_of(names))
    graph = nx.Graph()
    stood = merges_of(journal)
    graph.add_nodes_from(stood["old_key"])
    graph.add_nodes_from(stood["new_key"])
    graph.add_edges_from(cells(stood[stood["outcome"] == "applied"], "old_key", "new_key"))
    ids = dict(cells(found.ids, "email", "contact_id"))
    people = [
        {ids[e] for e in component if e in ids} for component in nx.connected_components(graph)
    ]
    assert all(len(person) <= 1 for person in people)
    assert len([p for p in people if p]) == len(set(ids.values()))
    assert set(ids) == {f"{name}@x.co" for name in names} & set(graph)


@DETERMINISTIC
@given(ROWS, KNOWN)
def test_every_id_that_ever_was_leads_to_one_that_somebody_bears(rows, names):
    _, found = replayed(frame_of(rows), accounts_of(names))
    now = set(found.ids["contact_id"])
    assert set(found.history["current_contact_id"]) <= now
    for contact_id, current in cells(found.history, "contact_id", "current_contact_id"):
        assert current == contact_id or contact_id not in now


@DETERMINISTIC
@given(ROWS, KNOWN, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_and_accounts_are_read_changes_no_id(rows, names, random):
    frame, accounts = frame_of(rows), accounts_of(names, more=["a2"] if "a" in names else [])
    order = list(range(len(rows)))
    random.shuffle(order)
    _, straight = replayed(frame, accounts)
    random.shuffle(accounts)
    _, shuffled = replayed(frame.iloc[order], accounts)
    pd.testing.assert_frame_equal(straight.ids, shuffled.ids)
    pd.testing.assert_frame_equal(straight.history, shuffled.history)


@DETERMINISTIC
@given(ROWS, KNOWN, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_whatever_went_before_a_merge_and_its_undo_leave_every_id_as_it_was(rows, names, old, new):
    rows = [{**row, "decided_at": None} for row in rows]
    late = {"source_file": "z.csv", "old": old, "new": new, "decided_at": None, "reason": None}
    both = [*rows, {**late, "decision": "merge"}, {**late, "decision": "undo"}]
    pairs = [{row["old"], row["new"]} for row in rows]
    olds = {row["old"] for row in rows}
    if old == new or {old, new} in pairs or old in olds:
        return  # the undo would be about something else, too
    before, after = (replayed(frame_of(each), accounts_of(names))[1] for each in (rows, both))
    ids = dict(cells(before.ids, "email", "contact_id"))
    for email, contact_id in cells(after.ids, "email", "contact_id"):
        assert contact_id == ids.get(email, f"c_{email[0]}")
