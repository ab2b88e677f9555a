"""Syncs to Front: accounts, how many calls there are, what support sees, erasure, and crashes."""

import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from c360_assets.activation.destinations.front_answers import learn_limits
from c360_assets.activation.sync.limits import CallLimit
from c360_assets.activation.sync.model import Row, Verdict
from c360_assets.errors import CrmError
from c360_assets_tests.activation.destinations.front_small import (
    ANN,
    BOB,
    CAT,
    addresses,
    is_settled,
    reasons,
    small_of,
)
from c360_assets_tests.activation.destinations.front_vendor import (
    FrontVendor,
    add_fields_of_the_mapping,
)
from c360_assets_tests.activation.emulators import faults
from c360_assets_tests.activation.emulators.front import FrontEmulator
from c360_assets_tests.activation.sync import crm_child
from c360_assets_tests.activation.sync.crm_small import IMPATIENT, Person, Small


@pytest.fixture
def small(tmp_path: Path, front: FrontEmulator) -> Small:
    return small_of(tmp_path, front, ANN, BOB, CAT)


# --- accounts ------------------------------------------------------------------------------------


def test_an_account_that_people_made_is_adopted_and_keeps_its_name_and_domains(small, front):
    made = front.add_account("Acme Corporation", "acme.org", "acme.com")
    small.sync()
    assert front.accounts() == [made]
    assert (made.name, made.domains) == ("Acme Corporation", ["acme.org", "acme.com"])
    assert made.custom["c360_domain"] == "acme.com"


def test_a_domain_that_people_took_away_is_put_back_beside_theirs(small, front):
    small.sync()
    (account,) = front.accounts()
    account.domains = ["acme.org"]
    small.people.append(Person("4", "dan@acme.com", "Dan", "acme.com"))
    assert small.sync().tally.conflicts == 1
    assert account.domains == ["acme.org", "acme.com"]
    assert is_settled(small)


def test_two_companies_that_people_keep_as_one_account_do_not_fight_for_it(small, front):
    front.add_account("Acme", "acme.com", "beta.io")
    small.change("2", company="beta.io")
    small.sync()
    assert "merge the two here, or part them there" in reasons(small)["beta.io"]
    (account,) = front.accounts()
    assert account.custom["c360_domain"] == "acme.com"


def test_two_domains_that_are_merged_are_one_account_and_two_again_when_it_is_undone(small, front):
    front.add_field("accounts", "Region", "string")
    front.add_field("accounts", "Tier", "string")
    small.change("2", company="acme.io")
    small.sync()
    kept, gone = (
        front.records.account(f"alt:domain:{domain}") for domain in ("acme.com", "acme.io")
    )
    gone.custom |= {"Region": "Austria", "Tier": "silver"}
    kept.custom["Tier"], gone.domains = "gold", ["acme.io", "acme.eu"]
    # more than a page of contacts that people put there
    theirs = [front.add(f"p{n}@acme.eu") for n in range(100)]
    for contact in theirs:
        contact.account = gone.id
    small.change("2", company="acme.com")
    small.merged_domains = {"acme.io": "acme.com"}
    done = small.sync()
    assert done.tally.rejected == done.tally.unknown == 0
    assert front.accounts() == [kept]
    assert kept.domains == ["acme.com", "acme.io", "acme.eu"]
    assert (kept.custom["Region"], kept.custom["Tier"]) == ("Austria", "gold")
    assert kept.custom["c360_domain"] == "acme.com"
    assert {contact.account for contact in (*theirs, front.by("c_2"))} == {kept.id}
    assert is_settled(small)
    small.change("2", company="acme.io")
    small.merged_domains = {}
    small.sync()
    assert [account.domains for account in front.accounts()] == [
        ["acme.com", "acme.eu"],
        ["acme.io"],
    ]
    assert is_settled(small)


@pytest.mark.parametrize("nth", range(5, 10))
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_a_merge_of_accounts_that_ends_halfway_is_made_again(small, front, nth, applied):
    small.change("2", company="acme.io")
    small.sync()
    small.change("2", company="acme.com")
    small.merged_domains = {"acme.io": "acme.com"}
    made = front.records.account("alt:domain:acme.io").id
    # both were read twice; contacts are listed and moved, domains taken and given, one deleted
    front.fault(faults.reset(applied=applied), path="/accounts/acc", nth=range(nth, nth + 6))
    with suppress(CrmError):
        small.sync()
    front.mend()
    small.sync()
    assert made not in front.records.accounts
    assert front.accounts()[0].domains == ["acme.com", "acme.io"]
    assert is_settled(small)


def test_an_account_without_an_answer_is_looked_at_and_not_made_again(small, front):
    front.fault(faults.held(applied=True), path="/accounts", method="POST")
    small.rules = IMPATIENT
    done = small.sync()
    small.rules = {}
    front.settle()
    assert done.tally.unknown == 0
    assert len(front.calls("POST", "/accounts")) == 2  # the account, and its contacts
    assert is_settled(small)


def test_the_links_of_an_account_are_one_call(small, front):
    small.people += [Person(str(n), f"p{n}@beta.io", f"P{n}", "beta.io") for n in range(10, 14)]
    plan = small.plan().links["contact_company"]
    # nobody is there yet, but the links are known
    assert plan.planned == 6
    small.sync()
    calls = [c for c in front.calls("POST", "/accounts/")]
    assert sorted(len(call.body["contact_ids"]) for call in calls) == [2, 4]
    assert plan.writes(small.job().destination.limits) == len(calls)


def test_links_of_a_contact_that_people_deleted_are_gone_with_it(small, front):
    small.sync()
    with front.lock:
        front.records.delete_contact(front.by("c_2").id)
    small.people = [ANN, CAT]
    done = small.sync()
    assert done.tally.rejected == 0
    assert small.plan().links["contact_company"].planned == 0


# --- calls ---------------------------------------------------------------------------------------


def test_the_calls_of_a_first_sync_and_their_time_are_told(small):
    job = small.job()
    job.connection.execute(
        "delete from marts.contacts; delete from marts.corporate_accounts;"
        " insert into marts.contacts by name select 'u' || n as user_id, 'c_' || n as contact_id,"
        " 'p' || n || '@mail.com' as email, [] as merged_emails from range(5774) as r (n)"
    )
    plan = job.plan()
    job.destination.close()
    # each is looked for and then made, 50 calls a minute
    assert plan.calls == 2 * 5774
    assert plan.seconds == pytest.approx((2 * 5774 - 50) / 50 * 60)
    assert 3.8 < plan.seconds / 3600 < 3.9


def test_the_plan_goes_by_the_limit_that_front_told(small, front):
    front.calls_per_minute = 200
    small.sync()
    destination = small.job().destination
    assert (destination.limits.calls, destination.limits.seconds) == (200, 60)
    destination.close()


def test_a_minute_that_others_used_up_is_waited_out(tmp_path, shared_specs):
    with FrontEmulator(shared_specs / "front", calls_per_minute=60, window_seconds=0.4) as front:
        add_fields_of_the_mapping(front)
        small = small_of(tmp_path, front, ANN, CAT)
        # right before the first call: a busy machine might come when the minute is over
        front.fault(faults.doing(lambda: front.spend(60), applied=False))
        done = small.sync()
        assert done.tally.acknowledged == done.tally.planned
        refused = [call for call in front.calls() if call.status == 429]
        assert [call.answer["_error"]["title"] for call in refused] == ["Too many requests"]
        assert set(FrontVendor(front).written().values()) == {1}


def test_a_burst_is_waited_out_though_the_minute_has_calls_left(small, front):
    body = {"_error": {"status": 429, "title": "Too many requests", "message": "tier-2"}}
    headers = {"Retry-After": "0.05", "X-RateLimit-Remaining": "49", "X-Front-Tier": "2"}
    front.fault(faults.answering(429, body, headers), path="/contacts", method="POST")
    assert small.sync().tally.rejected == 0
    assert set(FrontVendor(front).written().values()) == {1}


@pytest.mark.parametrize(
    ("headers", "calls", "closed"),
    [
        ({"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "10"}, 200, 0.0),
        ({"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0"}, 100, 30.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}, 50, 0.0),
        ({}, 50, 0.0),
    ],
    ids=["calls left", "none left", "unreadable", "none told"],
)
def test_front_tells_its_limit_and_when_the_minute_is_over(tmp_path, headers, calls, closed):
    waits: list[float] = []
    limit = CallLimit(
        *(tmp_path / "limits.sqlite", "front", 50, 60.0),
        clock=lambda: 1000.0 + sum(waits),
        sleep=waits.append,
    )
    at = {"Date": "Sun, 06 Nov 2022 08:49:30 GMT", "X-RateLimit-Reset": "1667724600.0"}
    learn_limits(httpx.Headers({**at, **headers}), limit)
    assert limit.known() == (calls, 60.0)
    limit.take()
    assert sum(waits) == pytest.approx(closed)
    limit.close()


# --- what support sees ---------------------------------------------------------------------------


def test_segment_priority_and_the_companys_plan_reach_the_support_tool(small, front):
    job = small.job()
    job.connection.execute(
        "insert into marts.rfm_segments by name select '1' as user_id, 'Champions' as rfm_segment;"
        " insert into marts.support_queue by name select * from (values"
        " (1, 't1', '1', 96.4), (2, 't2', '3', 50.0), (3, 't3', '1', 41.0), (4, 't4', null, 7.0)"
        ") as v (queue_rank, ticket_id, user_id, priority);"
        " update marts.corporate_accounts set current_plan = 'Business', is_paying = true"
    )
    job.sync("run1")
    job.destination.close()
    ann, bob, cat = (front.by(f"c_{n}").custom for n in (1, 2, 3))
    # of several tickets the one that is answered first; none without a ticket
    assert [held.get("c360_priority") for held in (ann, bob, cat)] == [96, None, 50]
    assert (ann["c360_segment"], ann["c360_company_plan"]) == ("Champions", "Business")
    assert (ann["c360_company_is_paying"], cat.get("c360_company_is_paying")) == (True, None)


# --- erasure -------------------------------------------------------------------------------------


def erased(small: Small, person: Person, remote_id: str | None) -> Verdict:
    job = small.job()
    row = Row(f"c_{person.id}", {}, person.email, remote_id)
    verdict = job.destination.erase(job.mapping("contacts"), row)
    job.destination.close()
    return verdict


def test_who_is_erased_is_told_what_front_keeps(small, front):
    small.sync()
    verdict = erased(small, BOB, None)
    assert verdict.outcome == "acknowledged"
    assert "conversations" in verdict.reason
    assert [addresses(each) for each in front.contacts()] == [
        ["ann@acme.com"],
        ["cat@gmail.com"],
    ]


def test_of_somebody_elses_contact_only_the_address_is_erased(small, front):
    small.sync()
    ann, bob = front.by("c_1"), front.by("c_2")
    front.edit(ann)
    with front.lock:
        front.records.merge({"target_contact_id": ann.id, "contact_ids": [bob.id]})
    assert erased(small, BOB, bob.id).outcome == "acknowledged"
    assert addresses(ann) == ["ann@acme.com"]
    assert len(front.records.contacts) == 2


def test_a_contact_that_people_made_anew_with_the_address_is_erased_too(small, front):
    small.sync()
    bob = front.by("c_2")
    bob.handles = [("phone", "+4366012345")]
    front.add("bob@acme.com")
    assert erased(small, BOB, bob.id).outcome == "acknowledged"
    assert len(front.records.contacts) == 2


# --- killed --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_a_sync_killed_at_any_call_is_finished_by_the_next_and_nothing_is_sent_twice(
    small, front, applied
):
    small.sync()
    vendor = FrontVendor(front)
    # two lists of fields, an account and a contact found and made, Ann read and updated, Cat read
    # and given an address, the old one taken away, updated, the new contact linked
    for nth in range(1, 15):
        small.change("1", orders=nth)
        small.change("3", email=f"cat{nth}@gmail.com")
        small.people.append(Person(f"{nth}00", f"p{nth}@c{nth}.com", "New", f"c{nth}.com"))
        before = vendor.written()
        process = crm_child.prepared(small)
        front.fault(faults.doing(process.kill, applied=applied), nth=nth)
        process.start()
        _, errors = process.communicate()
        front.settle()
        front.mend()
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()[-2000:]
        small.sync()
        check_all_is_well(small, front)
        written: Counter[str] = vendor.written() - before
        assert max(written.values()) == 1, f"killed at call {nth}: {written}"
    assert process.returncode == 0, "there are more calls than were killed"


def check_all_is_well(small: Small, front: FrontEmulator) -> None:
    """Front holds what is wanted, each person under one address, and nothing is left to do."""
    assert {(c.custom["c360_contact_id"], *addresses(c)) for c in front.contacts()} == {
        (f"c_{person.id}", person.email) for person in small.people
    }
    assert [account.domains for account in front.accounts()] == [
        [account.custom["c360_domain"]] for account in front.accounts()
    ]
    companies = {person.company for person in small.people if person.company}
    assert Counter(a.custom["c360_domain"] for a in front.accounts()) == Counter(companies)
    assert is_settled(small)
