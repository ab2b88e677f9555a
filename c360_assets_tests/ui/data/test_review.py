"""Merge review without a browser: which pair is next, what was decided, who was faster."""

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from c360_assets.crm_rules import CrmRules
from c360_assets.errors import MergeFileError
from c360_assets.resolution.decisions import Decision, Pair
from c360_assets.resolution.plan import plan, rows_of_decision
from c360_assets.resolution.recording import Recorded, record
from c360_assets.settings import Rules, Settings
from c360_assets.ui.copies import Copy
from c360_assets.ui.data import review, review_history, review_traits
from c360_assets.ui.data.contact import find_person
from c360_assets.ui.data.contact_identity import namesakes
from c360_assets.ui.data.review import Candidate, Choice, Leaning
from c360_assets.ui.pages.review_history import HISTORY
from c360_assets.ui.parts.table import State, sliced
from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.review_world import HOSTILE, HOSTILE_NAME, THRICE, newest, reviewed

pytestmark = pytest.mark.xdist_group("review")

FIRST = Pair("user", "eva10.long10+news@acme10.com", "eva10.long10@acme10.com")
SECOND = Pair("user", "eva11.long11+news@acme11.com", "eva11.long11@acme11.com")
DESK = "8,Desk,info@acme.com,g1,2021-01-07,"
MORNING = datetime(2000, 1, 1)
# two processes import all there is, on a machine that may be busy
PATIENCE_SECONDS = 120.0
# Eva twelve times, Ida's three pairs, and the hostile one
OPEN = 12 + 3 + 1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return reviewed(tmp_path_factory.mktemp("review"), *HOSTILE, *THRICE, DESK)


@pytest.fixture
def world(made: World) -> Iterator[World]:
    """The world without any decision; a test's own are removed."""
    yield made
    for path in made.settings.merges_dir.glob("merged_*_*.csv"):
        path.unlink()


@pytest.fixture(scope="module")
def copy(made: World) -> Copy:
    return newest(made)


def decided(world: World, pair: Pair, what: str = "merge", by: str = "Ann", why: str = "") -> None:
    found = record(world.settings, Decision(pair, what, by, datetime.max, why), once=True)
    assert found.path is not None, found


def first(copy: Copy, after: str | None = None, kind: str | None = None) -> Choice:
    return review.choose(copy, kind, None, after)


def open_pair(copy: Copy, text: str) -> Candidate:
    found = review.choose(copy, None, text, None).candidate
    assert found is not None
    return found


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def test_a_person_is_told_who_may_be_the_same_with_the_pair_to_review(copy: Copy) -> None:
    (contact_id,) = {
        row["contact_id"] for row in copy.rows("review/contacts", addresses=["ida.rare@acme77.com"])
    }
    found = namesakes(copy, find_person(copy, contact_id))
    assert {other.email for other in found} == {
        "ida.rare+news@acme77.com",
        "ida.rare+shop@acme77.com",
    }
    for other in found:
        assert open_pair(copy, other.pair).text == other.pair


def test_pairs_come_by_rank_and_the_list_goes_on_after_one(copy: Copy) -> None:
    found = first(copy)
    assert (found.people, found.companies, found.total, found.remaining) == (OPEN, 0, OPEN, OPEN)
    assert found.candidate is not None
    assert found.candidate.pair == FIRST
    second = first(copy, "1")
    assert second.candidate is not None
    assert second.candidate.pair == SECOND
    assert (second.remaining, second.is_again) == (OPEN - 1, False)
    by_pair = first(copy, f"{FIRST.old}~{FIRST.new}").candidate
    assert by_pair is not None
    assert by_pair.pair == SECOND


def test_after_the_last_pair_the_list_begins_again(copy: Copy) -> None:
    again = first(copy, str(OPEN))
    assert again.is_again
    assert again.candidate is not None
    assert again.candidate.pair == FIRST


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "²", "a~b"])
def test_an_after_that_names_nothing_is_the_start(copy: Copy, after: str) -> None:
    assert first(copy, after).candidate == first(copy).candidate


def test_only_one_kind_is_shown_where_it_is_asked_for(copy: Copy) -> None:
    assert first(copy, kind="domain").candidate is None
    assert first(copy, kind="user").candidate == first(copy, kind="nonsense").candidate


def test_the_order_in_the_url_says_who_is_kept(copy: Copy) -> None:
    there = open_pair(copy, f"{FIRST.old}~{FIRST.new}")
    swapped = open_pair(copy, there.swapped)
    assert (swapped.old, swapped.new) == (FIRST.new, FIRST.old)
    assert swapped.merged == Pair("user", FIRST.new, FIRST.old)


def test_a_tilde_in_an_address_parts_no_pair(copy: Copy) -> None:
    there = open_pair(copy, "a~b'{{7*7}}+%2f@acme99.com~a~b'{{7*7}}@acme99.com")
    assert there.new == "a~b'{{7*7}}@acme99.com"


def test_a_decision_in_a_file_counts_before_any_run_has_read_it(world: World, copy: Copy) -> None:
    decided(world, FIRST)
    decided(world, SECOND, "never", "Bob", "brothers")
    found = first(copy)
    assert found.total == OPEN - 2
    assert found.candidate is not None
    assert found.candidate.row["value_rank"] == 3
    asked = review.choose(copy, None, f"{SECOND.old}~{SECOND.new}", None)
    assert asked.candidate is None
    (said,) = asked.said
    assert (said["decided_by"], said["decision"], said["is_waiting"]) == ("Bob", "never", True)
    assert review.progress(copy, found.waiting, MORNING) == [("Ann", 1), ("Bob", 1)]
    assert review.progress(copy, found.waiting, now() + timedelta(1)) == []


def test_an_undo_before_the_run_brings_the_pair_back(world: World, copy: Copy) -> None:
    decided(world, FIRST)
    last = review.last_by(copy, review.waiting_now(copy), "Ann")
    assert last is not None
    assert (last["old_key"], last["is_waiting"]) == (FIRST.old, True)
    decided(world, FIRST, "undo")
    assert first(copy).candidate is not None
    assert first(copy).candidate.pair == FIRST  # type: ignore[union-attr]
    assert review.last_by(copy, review.waiting_now(copy), "Ann") is None


def test_three_accounts_of_one_person_are_joined_by_two_decisions(world: World, copy: Copy) -> None:
    news, shop, rare = (f"ida.rare{tag}@acme77.com" for tag in ("+news", "+shop", ""))
    decided(world, open_pair(copy, f"{news}~{shop}").merged)
    second = open_pair(copy, f"{news}~{rare}")
    # the first is merged away already: it is what it became that is merged now
    assert second.merged == Pair("user", shop, rare)
    decided(world, second.merged)
    assert first(copy).total == OPEN - 3
    rows = {(r["old_key"], r["new_key"]): r for r in review.waiting_now(copy).rows}
    assert {row["outcome"] for row in rows.values()} == {"applied"}
    assert rows[news, shop]["resolved_to"] == rare


def test_who_comes_second_hears_who_was_faster_and_writes_nothing(world: World, copy: Copy) -> None:
    decided(world, FIRST, "never", "Bob", "brothers")
    late = record(world.settings, Decision(FIRST, "merge", "Ann", datetime.max), once=True)
    assert late.path is None
    assert late.overtaken_by is not None
    assert (late.overtaken_by["decided_by"], late.overtaken_by["reason"]) == ("Bob", "brothers")
    assert len(list(world.settings.merges_dir.glob("merged_user_*.csv"))) == 1


def test_a_merge_that_would_replace_one_made_meanwhile_comes_too_late(world: World) -> None:
    news, shop, rare = (f"ida.rare{tag}@acme77.com" for tag in ("+news", "+shop", ""))
    decided(world, Pair("user", news, shop), by="Bob")
    stale = Decision(Pair("user", news, rare), "merge", "Ann", datetime.max)
    late = record(world.settings, stale, once=True)
    assert late.overtaken_by is not None
    assert late.overtaken_by["new_key"] == shop


def test_an_undo_of_what_was_undone_meanwhile_comes_too_late(world: World) -> None:
    decided(world, FIRST)
    decided(world, FIRST, "undo", "Bob")
    late = record(world.settings, Decision(FIRST, "undo", "Ann", datetime.max), once=True)
    assert late.overtaken_by is not None
    assert (late.overtaken_by["decision"], late.overtaken_by["decided_by"]) == ("undo", "Bob")


def test_who_may_not_any_more_when_it_is_written_writes_nothing(world: World) -> None:
    row = Decision(FIRST, "merge", "Ann", datetime.max)
    found = record(world.settings, row, once=True, is_allowed=lambda: False)
    assert found.path is None
    assert "may not decide" in str(found.objection)


def _decide(settings: Settings, barrier: Barrier, what: str) -> Recorded:
    barrier.wait(PATIENCE_SECONDS)
    return record(settings, Decision(FIRST, what, f"by {what}", datetime.max), once=True)


def _send(settings: Settings, barrier: Barrier, what: str, answers: Any) -> None:
    found = _decide(settings, barrier, what)
    faster = (found.overtaken_by or {}).get("decided_by")
    answers.put((what, found.path and found.path.name, faster))


def test_of_two_processes_at_the_same_moment_one_writes_and_the_other_hears_of_it(
    world: World,
) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=_send, args=(world.settings, barrier, what, answers))
        for what in ("merge", "never")
    ]
    for each in processes:
        each.start()
    found = [answers.get(timeout=PATIENCE_SECONDS) for _ in processes]
    for each in processes:
        each.join(PATIENCE_SECONDS)
        assert each.exitcode == 0
    (winner,) = [what for what, name, _ in found if name]
    (told,) = [faster for _, name, faster in found if not name]
    assert told == f"by {winner}"
    (file,) = world.settings.merges_dir.glob("merged_user_*.csv")
    assert f",{winner}," in file.read_text()


def test_a_shared_mailbox_needs_a_reason_and_what_is_banned_is_blocked(
    world: World, copy: Copy
) -> None:
    desk = Pair("user", "info@acme.com", FIRST.new)
    there = Candidate("user", desk.old, desk.new, desk, {})
    needed = review.readiness(copy, there, "Ann")
    assert needed.blocked is None
    assert "needs a reason" in str(needed.needs_reason)
    decided(world, FIRST, "never")
    banned = review.readiness(copy, Candidate("user", FIRST.old, FIRST.new, FIRST, {}), "Ann")
    # a later merge lifts a ban on the two themselves
    assert banned.blocked is None
    decided(world, Pair("user", FIRST.old, SECOND.new))
    around = Pair("user", FIRST.new, SECOND.new)
    blocked = review.readiness(copy, Candidate("user", *_keys(around), around, {}), "Ann")
    assert "forbids" in str(blocked.blocked)


def _keys(pair: Pair) -> tuple[str, str]:
    return pair.old, pair.new


def test_a_file_that_cannot_be_read_is_told_and_nothing_can_be_decided(
    world: World, copy: Copy
) -> None:
    torn = world.settings.merges_dir / "merged_user_torn.csv"
    torn.write_text('old_email,new_email\n"a')
    assert list(review.waiting_now(copy).unreadable) == ["merged_user_torn.csv"]
    assert first(copy).candidate is not None
    with pytest.raises(MergeFileError, match="no decision can be recorded"):
        record(world.settings, Decision(FIRST, "merge", "Ann", datetime.max))


def test_the_two_are_compared_trait_by_trait(copy: Copy) -> None:
    there = open_pair(copy, f"{FIRST.old}~{FIRST.new}")
    found = review_traits.compared(copy, there)
    assert found is not None
    verdicts = {each.label: each.verdict for each in found.traits}
    assert verdicts == {
        "Name": "same",
        "Address": "differs",
        "Company": "same",
        "Gaggle": "same",
        "Signed up": "alike",
        "Phone": "same",
        "Postal address": "",
        "Other accounts": "",
    }
    phone = next(each for each in found.traits if each.label == "Phone")
    assert phone.old == phone.new == ["+1 555 01010"]
    assert (found.old_title, found.new_title) == ("Eva10 Long10", "Eva10 Long10")


def test_names_that_try_to_be_code_come_as_they_are(copy: Copy) -> None:
    there = open_pair(copy, "a~b'{{7*7}}@acme99.com~a~b'{{7*7}}+%2f@acme99.com")
    found = review_traits.compared(copy, there)
    assert found is not None
    assert found.old_title == HOSTILE_NAME


@pytest.mark.parametrize(
    ("text", "other", "parts"),
    [
        ("thorrn", "thorn", [("tho", False), ("r", True), ("rn", False)]),
        ("same", "same", [("same", False)]),
        ("abc", "xyz", [("abc", False)]),
    ],
)
def test_what_differs_in_texts_that_are_alike_is_marked(
    text: str, other: str, parts: list[tuple[str, bool]]
) -> None:
    found = review_traits.marked(text, other)
    assert "".join(part for part, _ in found) == text
    assert sum(len(part) for part, is_other in found if is_other) == sum(
        len(part) for part, is_other in parts if is_other
    )


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (["+1 555-1"], ["+1 (555) 1"], "same"),
        (["1", "2"], ["2", "3"], "alike"),
        (["1"], ["2"], "differs"),
        (["1"], [], "unknown"),
    ],
)
def test_phone_numbers_are_compared_by_their_digits(
    old: list[str], new: list[str], verdict: str
) -> None:
    assert review_traits.phone_verdict(old, new) == verdict


def test_evidence_is_told_with_what_it_speaks_for_strongest_first() -> None:
    row: dict[str, Any] = dict.fromkeys(
        (
            *("evidence_mailbox", "evidence_address", "evidence_shared_people"),
            *("evidence_shared_gaggles", "evidence_created"),
        )
    )
    row |= {
        "kind": "user",
        "evidence_name": "for: same name",
        "evidence_workplace": "strongly against: two companies",
        "evidence_phone": "strongly for: same phone number",
        "evidence_activity": "(hidden)",
    }
    assert review.leanings(row) == [
        Leaning("Phone", "strongly for", "same phone number"),
        Leaning("Name", "for", "same name"),
        Leaning("Workplace", "strongly against", "two companies"),
        Leaning("Activity", "", "(hidden)"),
    ]


# --- history -------------------------------------------------------------------------------------


def history(copy: Copy, **query: str) -> list[dict[str, Any]]:
    given = review_history.parameters(copy, query)
    return sliced(copy, HISTORY, State.of(HISTORY, query), given).rows


def test_the_history_has_what_no_run_has_read_and_filters_it(world: World, copy: Copy) -> None:
    assert history(copy) == []
    decided(world, FIRST)
    decided(world, SECOND, "never", "Bob O'Neil", "two; really")
    rows = history(copy)
    assert [row["decided_by"] for row in rows] == ["Bob O'Neil", "Ann"]
    assert [row["state"] for row in rows] == ["applied, waiting for the next run"] * 2
    assert [row["undo"] for row in rows] == ["Undo", "Undo"]
    contact = copy.rows("review/contacts", addresses=[FIRST.old])[0]["contact_id"]
    assert rows[1]["old_contact"] == contact
    for query, count in (
        ({"by": "o'neil"}, 1),
        ({"key": "EVA10"}, 1),
        ({"decision": "never"}, 1),
        ({"outcome": "refused"}, 0),
        ({"kind": "domain"}, 0),
        ({"kind": "nonsense"}, 2),
        ({"by": "%"}, 0),
    ):
        assert len(history(copy, **query)) == count, query


def test_a_decision_is_found_by_its_file_and_row(world: World, copy: Copy) -> None:
    decided(world, FIRST)
    (row,) = history(copy)
    waiting = review.waiting_now(copy)
    found = review_history.decision_at(copy, waiting, row["decision_id"])
    assert found is not None
    assert (found["old_key"], found["is_waiting"]) == (FIRST.old, True)
    for text in ("", "user", "user/x.csv", "user/x.csv/1", "user/x.csv/²", "x/y/1"):
        assert review_history.decision_at(copy, waiting, text) is None


def test_rows_written_by_hand_are_told_before_the_run_but_those_of_who_is_hidden(
    world: World,
) -> None:
    (world.settings.merges_dir / "merged_user_by_hand.csv").write_text(
        f"""old_email,new_email,decision,reason
new@one.com,new@two.com,merge,nobody has either
ann@x,{FIRST.new},merge,
sue@gone.com,{FIRST.new},merge,
{SECOND.old},{SECOND.new},never,ask Sue@Gone.com
"""
    )
    (world.settings.source_dir / "opt_outs.csv").write_text("email\nsue@gone.com\n")
    rules = Rules(crm=CrmRules(suppression=("opt_outs.csv",)))
    rows = history(newest(World(world.folder, rules=rules)))
    assert {row["old_key"]: (row["state"].partition(",")[0], row["reason"]) for row in rows} == {
        "new@one.com": ("pending", "nobody has either"),
        "ann@x": ("refused", None),
        SECOND.old: ("applied", "(hidden)"),
    }
    refused = next(row for row in rows if row["old_key"] == "ann@x")
    assert "is no address" in refused["explanation"]


@pytest.mark.slow
def test_after_a_run_nothing_waits_and_a_removed_file_lapses(tmp_path: Path) -> None:
    name = "merged_user_20260101T000000Z_ann.csv"
    line = f"old_email,new_email,decided_by,decided_at\n{FIRST.old},{FIRST.new},Ann,2026-01-01\n"
    world = reviewed(tmp_path, tables={name.removesuffix(".csv"): line})
    copy = newest(world)
    waiting = review.waiting_now(copy)
    assert (waiting.rows, waiting.gone) == ([], frozenset())
    last = review.last_by(copy, waiting, "Ann")
    assert last is not None
    assert not last["is_waiting"]
    assert review.arrived(copy, "user", name, 1) is not None
    (row,) = history(copy)
    assert (row["state"], row["undo"]) == ("applied", "Undo")

    undo = Decision(FIRST, "undo", "Bob", now())
    parted = plan(world.settings, rows_of_decision(world.settings, undo)).people_after
    # one of the two has a contact id then that nobody has now
    assert review.shown_addresses(copy, parted) == {FIRST.old, FIRST.new}

    decided(world, FIRST, "undo", "Bob")
    states = {row["decision"]: row["state"] for row in history(copy)}
    assert states["merge"] == "applied, undone with the next run"
    (world.settings.merges_dir / name).unlink()
    assert review.waiting_now(copy).gone == {("user", name, 1)}
    gone = next(row for row in history(copy) if row["decision"] == "merge")
    assert "lapses with the next run" in gone["state"]
    assert gone["undo"] is None
    assert review.last_by(copy, review.waiting_now(copy), "Ann") is None


def test_a_reason_that_names_who_is_hidden_is_not_told_before_the_run_either(
    world: World,
) -> None:
    name, other = FIRST.new.split("@")[0].replace(".", " ").upper(), SECOND.old.split(".")[0]
    (world.settings.merges_dir / "merged_user_by_hand.csv").write_text(
        f"""old_email,new_email,decision,reason
{SECOND.old},{SECOND.new},never,she is no {name}!
{SECOND.new},new@two.com,never,{other} is alone
"""
    )
    (world.settings.source_dir / "opt_outs.csv").write_text(f"email\n{FIRST.new}\n")
    rules = Rules(crm=CrmRules(suppression=("opt_outs.csv",)))
    rows = history(newest(World(world.folder, rules=rules)))
    assert {row["reason"] for row in rows} == {"(hidden)", f"{other} is alone"}


def test_who_opted_out_is_in_no_pair_and_in_no_waiting_decision(
    world: World,
) -> None:
    decided(world, FIRST)
    decided(world, SECOND)
    (world.settings.source_dir / "opt_outs.csv").write_text(f"email\n{FIRST.new}\n")
    rules = Rules(crm=CrmRules(suppression=("opt_outs.csv",)))
    copy = newest(World(world.folder, rules=rules))
    found = first(copy)
    assert found.total == OPEN - 2
    assert [row["old_key"] for row in history(copy)] == [SECOND.old]
    both = [{"email": pair.new} for pair in (FIRST, SECOND)]
    assert review.shown_addresses(copy, both) == {SECOND.new}
    asked = review.choose(copy, None, f"{FIRST.old}~{FIRST.new}", None)
    assert (asked.candidate, asked.said) == (None, [])
    assert review.last_by(copy, found.waiting, "Ann") is not None


def test_an_objection_that_names_who_is_hidden_does_not_tell_them(world: World, copy: Copy) -> None:
    (world.settings.merges_dir / "merged_user_by_hand.csv").write_text(
        f"""old_email,new_email,decision
{SECOND.old},{FIRST.old},merge
{SECOND.old},{FIRST.new},never
"""
    )
    pair = Candidate("user", FIRST.old, FIRST.new, FIRST, {})
    assert SECOND.old in str(review.readiness(copy, pair, "Ann").blocked)
    (world.settings.source_dir / "opt_outs.csv").write_text(f"email\n{SECOND.old}\n")
    rules = Rules(crm=CrmRules(suppression=("opt_outs.csv",)))
    hiding = newest(World(world.folder, rules=rules))
    assert review.readiness(hiding, pair, "Ann").blocked == review.OF_HIDDEN
