"""Merge review of two domains that may be one company: what is asked, written, and taken back."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from c360_assets.crm_rules import CrmRules
from c360_assets.resolution.decisions import Decision, Pair
from c360_assets.resolution.recording import record
from c360_assets.settings import Rules
from c360_assets.ui.copies import Copy
from c360_assets.ui.data import review, review_history, review_traits
from c360_assets.ui.data.review import Candidate, Choice
from c360_assets_tests.pipeline import World
from c360_assets_tests.ui.review_world import newest
from c360_assets_tests.ui.serving import NARROW, served, window

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("review_companies")]
PAIR = Pair("domain", "hammerworks.com", "hammerworks.io")
# two of the three people of .com went over to .io; Zoë has three names and two accents
USERS = """
    id,name,email,gaggle_id,created_at
    1,Zoë Mia Stoné,zoe@hammerworks.com,g1,2021-01-01
    2,Bea Wood,bea@hammerworks.com,g1,2021-01-02
    3,Cal Reed,cal@hammerworks.com,g1,2021-01-03
    4,Zoë Mia Stoné,zms@hammerworks.io,g1,2021-03-04
    5,Bea Wood,bw@hammerworks.io,g1,2021-03-05
"""
DEALS = """
    close_date,amount,deal_name,deal_stage,email
    2021-02-01,4000,Hammer - Business Deal,Won,bea@hammerworks.com
"""


EVENTS = """
    event_id,user_id,event_name,timestamp
    e1,1,page_view,2021-02-01 10:00:00
    e2,5,page_view,2021-04-01 10:00:00
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("review_companies"))
    world.write(raw_user=USERS, raw_event=EVENTS, deals=DEALS)
    return world.build_everything().publish()


@pytest.fixture
def world(made: World) -> Iterator[World]:
    """The world without any decision; a test's own are removed."""
    yield made
    for path in files(made):
        path.unlink()


def files(world: World) -> list[Path]:
    return sorted(world.settings.merges_dir.glob("merged_*_*_*.csv"))


def open_company(copy: Copy) -> Candidate:
    found = review.choose(copy, "domain", None, None).candidate
    assert found is not None
    return found


def decided(world: World, what: str) -> Path:
    found = record(world.settings, Decision(PAIR, what, "Ann", datetime.max), once=True)
    assert found.path is not None, found
    return found.path


def test_two_domains_are_compared_with_evidence_that_is_about_companies(world: World) -> None:
    copy = newest(world)
    there = open_company(copy)
    assert there.pair == PAIR
    found = review_traits.compared(copy, there)
    assert found is not None
    traits = {each.label: (each.old, each.new, each.verdict) for each in found.traits}
    assert traits["Domain"] == ("hammerworks.com", "hammerworks.io", "differs")
    assert traits["Customer since"][2] == "unknown"
    figures = {each.label: (each.old, each.new) for each in found.figures}
    assert (figures["People"], figures["Deals won"]) == ((3, 2), (1, 0))
    said = {each.about: each.words for each in review.leanings(there.row)}
    assert said["Domain"] == "hammerworks.com and hammerworks.io differ in their ending only"
    assert said["People in both"].endswith(": Bea Wood, Zoë Mia Stoné")
    assert "Workplace" not in said
    assert "Gaggle names" in said


def test_evidence_that_names_somebody_who_opted_out_is_hidden(world: World) -> None:
    (world.settings.source_dir / "opt_outs.csv").write_text("email\nzoe@hammerworks.com\n")
    rules = Rules(crm=CrmRules(suppression=("opt_outs.csv",)))
    row = open_company(newest(World(world.folder, rules=rules))).row
    told = " ".join(str(value) for value in row.values()).lower()
    assert "ston" not in told
    assert row["evidence_shared_people"] == "(hidden)"


def test_an_approval_is_a_file_of_domains_and_an_undo_opens_the_pair_again(world: World) -> None:
    copy = newest(world)
    path = decided(world, "merge")
    assert path.name.startswith("merged_company_domain_")
    header, row = path.read_text().splitlines()
    assert header.startswith("old_domain,new_domain,decision,")
    assert row.startswith("hammerworks.com,hammerworks.io,merge,Ann,")
    asked = review.choose(copy, None, str_of(PAIR), None)
    assert asked.candidate is None
    assert [(each["decision"], each["outcome"]) for each in asked.said] == [("merge", "applied")]
    decided(world, "undo")
    again: Choice = review.choose(copy, "domain", None, None)
    assert again.candidate is not None
    assert again.companies == 1
    # whoever sees it again reads why
    assert [each["decision"] for each in again.said] == ["undo", "merge"]
    assert len(review_history.parameters(copy, {})["waiting"]) > 2


def str_of(pair: Pair) -> str:
    return f"{pair.old}~{pair.new}"


def test_a_pair_of_companies_is_approved_and_taken_back_by_keyboard(
    browser: Browser, world: World
) -> None:
    with served(world.settings) as url, window(browser, NARROW) as there:
        page = there.open(f"{url}/review?kind=domain").page
        expect(page.get_by_text("Are these two companies one?")).to_be_visible()
        plan = page.locator("section", has=page.get_by_role("heading", name="If you approve"))
        expect(plan.get_by_text("2 now, 1 then")).to_be_visible()
        then = plan.get_by_role("row").filter(has_text="hammerworks.io").last
        expect(then).to_contain_text("$4,000")
        page.keyboard.press("?")
        expect(page.locator(".c-review-keys kbd").first).to_be_visible()
        page.keyboard.press("a")
        page.wait_for_url("**/review?kind=domain&after=*")
        (file,) = files(world)
        assert "hammerworks.com,hammerworks.io,merge," in file.read_text()
        there.open(page.url)
        expect(page.get_by_text("Every suggested pair of companies is decided.")).to_be_visible()
        page.keyboard.press("u")
        page.wait_for_url("**/review?kind=domain&pair=*")
        assert ",undo," in files(world)[-1].read_text()
        expect(page.get_by_text("So the two are open until the next run.")).to_be_visible()
