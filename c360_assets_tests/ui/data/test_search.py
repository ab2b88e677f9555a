"""Search, on a small world that was published: what is found, in which order, and what is not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c360_assets.crm_rules import CrmRules
from c360_assets.settings import Rules
from c360_assets.ui.copies import Copies, Copy
from c360_assets.ui.data import search as module
from c360_assets.ui.data.search import KINDS, MAX_CHARACTERS, Found, search
from c360_assets_tests.pipeline import World

SOURCE = {
    "raw_user": """
        id,name,email,gaggle_id,created_at
        1,José Álvarez,jose.alvarez@acme.com,g1,2021-01-01
        2,Ann Lee,ann@acme.com,g1,2021-01-02
        3,Ann Leeds,leeds@gmail.com,g2,2021-01-03
        4,Joanna Lee,jo_anna@beta.com,g2,2021-01-04
        5,Ann Oldname,ann.old@gmail.com,g2,2021-01-05
        6,100% Pure,pure+shop@beta.com,g3,2021-01-06
        7,Zoë Hidden,zoe@secret.org,g3,2021-01-07
        8,,noname@old-acme.com,,2021-01-08
        9,Back\\Slash,slash@beta.com,g3,2021-01-09
        AB-10,Bo Long,bo@beta.com,,2021-01-10
        11,İpek Şahin,ipek@beta.com,,2021-01-11
        12,ann,other@beta.com,,2021-01-12
        13,Max Nash,max@beta.com,,2021-01-13
    """,
    "raw_gaggle": """
        id,name,created_at
        g1,Acme Ducks,2021-01-01
        g2,Lee  Geese,2021-01-01
        g3,Éclairs,2021-01-01
    """,
    "raw_order": """
        order_id,user_id,created_at,order_cost
        o1,3,2021-02-01 10:00:00,10
        o2,3,2021-02-02 10:00:00,10
        o3,12,2021-02-02 10:00:00,10
    """,
    "raw_event": """
        event_id,user_id,event_name,timestamp
        e1,4,login,2021-02-01 10:00:00
    """,
    # the first of the chain is nobody's account
    "merged_user": """
        old_email,new_email
        ann.first@gmail.com,ann.old@gmail.com
        ann.old@gmail.com,ann@acme.com
    """,
    "merged_company_domain": "old_domain,new_domain\nold-acme.com,acme.com",
    "optouts": "email\nzoe@secret.org",
}
RULES = Rules(crm=CrmRules(suppression=["optouts.csv"]))


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    made = World(tmp_path_factory.mktemp("search"), rules=RULES).write(**SOURCE)
    made.build_everything().publish()
    return made


@pytest.fixture(scope="module")
def ask(world) -> Copy:
    return Copies(world.settings).current()


def ids(ask: Copy, text: str, *kinds: module.Kind) -> list[str]:
    found = search(ask, text, kinds or KINDS)
    assert found.total == len(found.found), "all of this small world fits one page"
    return [each.object_id for each in found.found]


def one(ask: Copy, text: str) -> Found:
    found = search(ask, text).found
    assert len(found) == 1
    return found[0]


# --- what is found --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["José Álvarez", "jose alvarez", "JOSÉ", "Álv", "jose.alvarez@acme.com", "alvarez jose"]
)
def test_people_are_found_by_name_and_address_whatever_the_case_and_accents(ask, text):
    assert "c_1" in ids(ask, text, "person")


def test_letters_that_change_when_made_small_are_found(ask):
    assert ids(ask, "İpek şahin") == ids(ask, "ipek sahin") == ["c_11"]


def test_every_word_must_be_found_somewhere(ask):
    assert ids(ask, "leeds gmail") == ["c_3"]
    assert ids(ask, "leeds acme") == []


def test_many_words_are_all_looked_for(ask):
    words = "jose alvarez acme com lvar jos"
    assert ids(ask, words) == ["c_1"]
    assert ids(ask, f"{words} nothing") == []


def test_an_address_that_was_merged_away_leads_to_todays_contact_and_is_told(ask):
    found = one(ask, "ann.old@gmail.com")
    assert (found.object_id, found.address) == ("c_2", "ann@acme.com")
    assert found.note == "also ann.old@gmail.com"


def test_an_address_of_the_journal_that_no_account_has_leads_there_too(ask):
    found = one(ask, "ann.first")
    assert (found.object_id, found.note) == ("c_2", "also ann.first@gmail.com")


def test_an_address_that_can_be_seen_is_not_told_again(ask):
    assert one(ask, "ann@acme.com").note is None


def test_an_id_that_ended_in_a_merge_leads_to_todays_contact_and_is_told(ask):
    found = one(ask, "c_5")
    assert (found.object_id, found.note) == ("c_2", "was c_5, merged")


def test_an_account_leads_to_its_contact_and_is_told(ask):
    first = search(ask, "5").found[0]
    assert (first.object_id, first.note) == ("c_2", "account 5")


@pytest.mark.parametrize("text", ["AB-10", "ab-10", "c_AB-10"])
def test_ids_are_found_in_any_case(ask, text):
    assert ids(ask, text)[0] == "c_AB-10"


def test_a_company_is_found_by_its_domain_before_its_people(ask):
    found = search(ask, "acme.com").found
    assert (found[0].kind, found[0].object_id) == ("company", "acme.com")
    assert {f.object_id for f in found[1:]} == {"c_1", "c_2", "c_8"}
    assert (found[0].number_of_people, found[0].note) == (3, None)


def test_a_domain_that_was_merged_away_leads_to_todays_company_and_is_told(ask):
    found = search(ask, "old-acme", ["company"]).found
    assert [(f.object_id, f.note) for f in found] == [("acme.com", "also old-acme.com")]


def test_people_are_found_by_the_company_that_their_domain_became(ask):
    assert "c_8" in ids(ask, "noname acme.com")


def test_gaggles_are_found_by_id_and_by_name(ask):
    assert [f.kind for f in search(ask, "g1").found] == ["gaggle"]
    assert ids(ask, "eclair") == ids(ask, "ÉCLAIR") == ["g3"]
    assert ids(ask, "lee geese") == ["g2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("%", ["c_6"]), ("0% p", ["c_6"]), ("_", ["c_4"]), ("\\", ["c_9"]), ("a%n", []), ("'", [])],
)
def test_wildcards_and_quotes_mean_themselves(ask, text, expected):
    assert ids(ask, text) == expected


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "\u00a0"])
def test_nothing_is_found_by_nothing(ask, text):
    assert search(ask, text) == module.Results((), dict.fromkeys(KINDS, 0))


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "a " * 5_000, "\ud800", "\x00", "🦆", "] \\b [", "$word_1"]
)
def test_whatever_is_typed_is_only_text(ask, text):
    assert search(ask, text).total <= 20


def test_a_text_is_cut_where_no_name_is_longer(ask):
    blanks = " " * (MAX_CHARACTERS - 3)
    assert ids(ask, f"ann{blanks}nothing") == ids(ask, "ann")


# --- who is hidden --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Zoë Hidden", "zoe", "zoe@secret.org", "secret.org zoe"])
def test_personal_data_of_suppressed_people_finds_nobody(ask, text):
    assert ids(ask, text, "person") == []


@pytest.mark.parametrize("text", ["7", "c_7"])
def test_suppressed_people_are_found_by_id_without_personal_data(ask, text):
    found = one(ask, text)
    assert (found.object_id, found.title, found.address) == ("c_7", None, None)


# --- in which order -------------------------------------------------------------------------------


def test_the_closest_come_first_and_of_these_the_most_valuable(ask):
    people = [f.object_id for f in search(ask, "ann", ["person"]).found]
    # a whole name; beginnings, with two orders and with none; anywhere in a word
    assert people == ["c_12", "c_3", "c_2", "c_4"]


def test_beginnings_of_words_come_before_other_places(ask):
    # c_4 has done more, but none of its words begins so
    assert ids(ask, "na", "person") == ["c_13", "c_4", "c_2", "c_8"]


def test_ids_come_before_everything(ask):
    found = [f.object_id for f in search(ask, "12").found]
    assert found[0] == "c_12"


@pytest.mark.parametrize("many", [0, 10**9])
@pytest.mark.parametrize("text", ["a", "e", "ann", "a l", "5", "acme.com"])
def test_pages_together_are_the_whole_however_many_there_are(ask, monkeypatch, text, many):
    monkeypatch.setattr(module, "MANY_HITS", 10**9)
    whole = search(ask, text, limit=100)
    monkeypatch.setattr(module, "MANY_HITS", many)
    for limit in (1, 3, 7, 50):
        assert search(ask, text, limit=limit).found == whole.found[:limit]
    pages = [search(ask, text, limit=2, offset=n) for n in range(0, whole.total + 2, 2)]
    assert [found for page in pages for found in page.found] == list(whole.found)
    assert {page.total for page in pages} == {whole.total}
    assert len({(f.kind, f.object_id) for f in whole.found}) == whole.total


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_kinds_asked_for_are_found_and_counted(ask, kind):
    found = search(ask, "e", [kind])
    assert {f.kind for f in found.found} == {kind}
    assert found.totals == {**dict.fromkeys(KINDS, 0), kind: len(found.found)}


def test_kinds_and_bounds_that_cannot_be_are_refused_with_those_that_can(ask):
    with pytest.raises(ValueError, match=r"person, company, gaggle.*dog"):
        search(ask, "ann", ["dog"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"0 or more.*-1"):
        search(ask, "ann", offset=-1)


# --- against plain Python -------------------------------------------------------------------------

TEXTS = {
    "c_1": ["José Álvarez", "jose.alvarez@acme.com"],
    "c_2": ["Ann Oldname", "ann@acme.com", "ann.old@gmail.com", "ann.first@gmail.com"],
    "c_3": ["Ann Leeds", "leeds@gmail.com"],
    "c_4": ["Joanna Lee", "jo_anna@beta.com"],
    "c_6": ["100% Pure", "pure+shop@beta.com"],
    "c_8": ["noname@old-acme.com", "@acme.com"],
    "c_9": ["Back\\Slash", "slash@beta.com"],
    "c_AB-10": ["Bo Long", "bo@beta.com"],
    "c_11": ["İpek Şahin", "ipek@beta.com"],
    "c_12": ["ann", "other@beta.com"],
    "c_13": ["Max Nash", "max@beta.com"],
    "acme.com": ["acme.com", "old-acme.com"],
    "beta.com": ["beta.com"],
    "secret.org": ["secret.org"],
    "g1": ["Acme Ducks"],
    "g2": ["Lee Geese"],
    "g3": ["Éclairs"],
}


def folded(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    return "".join(c for c in parts if unicodedata.category(c) != "Mn").lower()


PIECES = sorted({
    folded(text)[start : start + length]
    for texts in TEXTS.values()
    for text in texts
    for start in range(len(folded(text)))
    for length in (1, 2, 3, 6)
    # which may be ids
    if not folded(text)[start : start + length].strip().isdigit()
})  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
def test_what_is_found_is_what_plain_python_finds(ask, words):
    text = " ".join(words)
    expected = {
        key
        for key, texts in TEXTS.items()
        if all(any(word in folded(each) for each in texts) for word in text.split())
    }
    found = search(ask, text, limit=100)
    assert {f.object_id for f in found.found} == (expected if text.split() else set())
    assert found.total == len(found.found)
