from datetime import datetime

import pytest

from c360_assets.errors import NothingPublishedError
from c360_assets.resolution.decisions import Decision, pair_of, rows_of
from c360_assets.resolution.plan import plan, rows_of_file
from c360_assets.resolution.what_if import MergeRows
from c360_assets.settings import Settings
from c360_assets_tests.resolution.conftest import published


def rows(old, new, decision="merge", reason=""):
    each = Decision(pair_of(old, new), decision, "ann", datetime(2021, 3, 1), reason)
    name = "merged_user_new.csv"
    return MergeRows(rows_of([each], name, "user"), rows_of([each], name, "domain"))


def planned(world, *what, **more):
    return plan(world.settings, rows(*what, **more))


def test_a_merge_of_two_people_shows_who_they_are_and_who_they_would_be(company):
    found = planned(company, "ann@acme.de", "ann@acme.com")
    assert [p["contact_id"] for p in found.people_before] == ["c_1", "c_3"]
    (person,) = found.people_after
    assert (person["contact_id"], person["email"]) == ("c_1", "ann@acme.com")
    assert (person["number_of_users"], person["number_of_events"]) == (3, 3)
    assert sorted(person["merged_emails"]) == ["ann@acme.de", "ann@gmail.com"]
    assert found.crm["contacts"]["removed"] == 1
    assert found.blast_radius["accounts"] == 3
    # the third is beta.co.uk, which her gaggle is associated with
    assert found.blast_radius["companies"] == 3
    assert found.blast_radius["won_amount"] == 1000
    assert found.refused == []


def test_an_undo_shows_both_people_again(company):
    found = planned(company, "ann@gmail.com", "ann@acme.com", decision="undo")
    assert len(found.people_before) == 1
    assert [p["contact_id"] for p in found.people_after] == ["c_1", "c_2"]
    present = [d for d in found.decisions if not d["is_new"]]
    assert [(d["outcome_before"], d["outcome"]) for d in present] == [("applied", "undone")]


def test_a_merge_of_companies_shows_both_rows(company):
    found = planned(company, "acme.de", "acme.com")
    assert {c["corporate_email"] for c in found.companies_before} == {"acme.com", "acme.de"}
    assert {c["corporate_email"] for c in found.companies_after} == {"acme.com"}
    assert found.crm["companies"]["removed"] == 1
    assert found.people_before == []


def test_a_refused_decision_changes_nothing_and_says_why(company):
    found = planned(company, "info@acme.com", "ann@acme.com")
    assert [d["outcome_reason"] for d in found.refused] == ["shared_mailbox"]
    assert found.people_before == found.people_after == []
    assert found.blast_radius["crm_records"] == 0
    assert planned(company, "info@acme.com", "ann@acme.com", reason="hers").refused == []


def test_a_ban_on_two_who_are_one_would_part_them(company):
    found = planned(company, "ann@gmail.com", "ann@acme.com", decision="never")
    assert (len(found.people_before), len(found.people_after)) == (1, 2)


def test_segments_that_move_are_named(company):
    moves = planned(company, "bo@acme.com", "ann@acme.com").blast_radius["rfm_moves"]
    assert all(" -> " in move for move in moves)


def test_a_plan_writes_nothing(company):
    def files():
        return {
            path: path.stat().st_mtime_ns for path in company.folder.rglob("*") if path.is_file()
        }

    before = files()
    planned(company, "ann@acme.de", "ann@acme.com")
    assert files() == before


def test_what_the_plan_says_is_what_the_run_does(tmp_path):
    world = published(tmp_path / "one")
    found = planned(world, "ann@acme.de", "ann@acme.com")
    merges = TABLES_WITH_BOTH
    after = published(tmp_path / "two", merged_user=merges)
    columns = ("contact_id", "email", "number_of_users", "number_of_events", "number_of_orders")
    ran = after.by("marts.contacts", "contact_id")["c_1"]
    assert [found.people_after[0][c] for c in columns] == [ran[c] for c in columns]
    assert "c_3" not in after.by("marts.contacts", "contact_id")
    gone = after.by("identity.contact_id_history", "contact_id")["c_3"]
    assert gone["current_contact_id"] == "c_1"


TABLES_WITH_BOTH = """\
    old_email,new_email
    ann@gmail.com,ann@acme.com
    ann@acme.de,ann@acme.com
"""


def test_a_file_that_lies_in_the_folder_already_is_planned_as_if_it_did_not(company):
    path = company.settings.merges_dir / "merged_user.csv"
    found = plan(company.settings, rows_of_file(path))
    assert [d["is_new"] for d in found.decisions] == [True]
    assert (len(found.people_before), len(found.people_after)) == (2, 1)


def test_without_a_published_copy_the_remedy_is_named(tmp_path):
    (tmp_path / "source").mkdir()
    settings = Settings(home=tmp_path / "home", source=tmp_path / "source")
    with pytest.raises(NothingPublishedError, match="c360 run"):
        plan(settings, rows("a@x.co", "b@x.co"))
