"""What a CRM holds of a person: the ledger and the newest delivery beside what would be sent."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from c360_assets.activation.destinations.build import rules_of
from c360_assets.activation.destinations.file import FileDestination
from c360_assets.activation.objects import CRM_OBJECTS, SYNC_OBJECTS
from c360_assets.activation.sync.ledger import Ledger
from c360_assets.activation.sync.ledger_conflicts import (
    conflict_of,
    keep_conflicts,
    settle_conflict,
)
from c360_assets.activation.sync.ledger_links import settle_links
from c360_assets.activation.sync.ledger_rows import RECORD, Acknowledged, Conflict, Intent
from c360_assets.activation.sync.run import LEDGER
from c360_assets.activation.sync.wanted import load_suppression, make_wanted, rows_of
from c360_assets.crm_rules import ObjectRules
from c360_assets.errors import ConfigError, DeliveryError, LedgerError
from c360_assets.settings import Settings
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.contact import find_person
from c360_assets.ui.data.contact_crm import Field, Held, held
from c360_assets.ui.privacy import HIDDEN
from c360_assets.warehouse.published import open_published
from c360_assets_tests.pipeline import World

pytestmark = pytest.mark.xdist_group("few_people")
AT = datetime(2021, 3, 1, 12)


@pytest.fixture
def settings(few_people_world: World) -> Iterator[Settings]:
    """The world's settings, with a HubSpot; what a test writes for CRMs is gone after it."""
    made = few_people_world.settings.model_copy(update={"crm": "hubspot"})
    yield made
    shutil.rmtree(made.crm_dir, ignore_errors=True)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with Ledger(settings.crm_dir / LEDGER, "hubspot") as made:
        yield made


def one(copy: Copy, settings: Settings, contact_id: str = "c_1") -> Held:
    (found,) = held(copy, settings, find_person(copy, contact_id))
    return found


def mapping(settings: Settings) -> ObjectRules:
    rules = rules_of("hubspot", settings.rules.crm).contacts
    assert rules is not None
    return rules


def wanted(settings: Settings, contact_id: str = "c_1") -> tuple[dict[str, Any], str]:
    """Payload and hash as a sync of everybody makes them."""
    source = next(each for each in SYNC_OBJECTS if each.name == "contacts")
    with open_published(settings) as connection:
        load_suppression(connection, settings.rules.crm.suppression, settings.source_dir)
        make_wanted(connection, source, mapping(settings), "contact_id")
        row, hash_ = rows_of(connection, "contacts", [contact_id])[contact_id]
    return dict(row.payload), hash_


def acknowledge(ledger: Ledger, payload: dict[str, Any], hash_: str, key: str = "c_1") -> None:
    row = Acknowledged("contacts", key, f"remote-{key}", payload, hash_, "update")
    ledger.settle([row], {}, "run-7", AT)


def states(found: Held) -> dict[str, str]:
    """The fields that are not the same."""
    return {each.name: each.state for each in found.fields if each.state != "same"}


def field(found: Held, name: str) -> Field:
    return next(each for each in found.fields if each.name == name)


# --- the ledger -----------------------------------------------------------------------------------


def test_without_a_ledger_it_is_said_so_and_none_is_made(
    few_people: Copy, settings: Settings
) -> None:
    found = one(few_people, settings)
    assert (found.destination, found.state, found.remote_id) == ("hubspot", "no_ledger", None)
    assert not settings.crm_dir.exists()


def test_what_was_acknowledged_as_it_is_wanted_is_the_same(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    payload, hash_ = wanted(settings)
    acknowledge(ledger, payload, hash_)
    found = one(few_people, settings)
    assert (found.state, found.remote_id, found.run_id) == ("same", "remote-c_1", "run-7")
    assert (found.acknowledged_at, states(found)) == (AT, {})
    assert {each.name for each in found.fields} == set(payload)
    assert field(found, "c360_orders").wanted == "3"


def test_a_field_with_another_value_differs_and_says_both(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    payload, _ = wanted(settings)
    acknowledge(ledger, payload | {"c360_orders": 2, "old_field": "x"}, "other")
    found = one(few_people, settings)
    assert found.state == "differs"
    assert states(found) == {"c360_orders": "differs", "old_field": "ended"}
    orders = field(found, "c360_orders")
    assert (orders.sent, orders.wanted, orders.column) == ("2", "3", "number_of_orders")


def test_a_value_of_theirs_that_was_acknowledged_stands(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    payload, hash_ = wanted(settings)
    acknowledge(ledger, payload | {"firstname": "Annie"}, hash_)
    found = one(few_people, settings)
    assert (found.state, states(found)) == ("same", {"firstname": "theirs"})


def test_whom_the_crm_does_not_have_was_never_sent(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    found = one(few_people, settings)
    assert (found.state, found.remote_id) == ("never", None)
    assert set(states(found).values()) == {"new"}


def test_a_refused_row_tells_why_and_when_it_is_tried_again(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    _, hash_ = wanted(settings)
    ledger.settle([], {("contacts", "c_1", hash_): "no such plan"}, "run-8", AT)
    found = one(few_people, settings)
    assert found.state == "rejected"
    assert found.refusal is not None
    assert (found.refusal.reason, found.refusal.attempts) == ("no such plan", 1)
    assert found.refusal.next_at == datetime(2021, 3, 1, 12, 5)


def test_a_refusal_of_other_values_is_history(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    ledger.settle([], {("contacts", "c_1", "other"): "no such plan"}, "run-8", AT)
    found = one(few_people, settings)
    assert found.state == "never"
    assert found.refusal is not None
    assert not found.refusal.is_of_this


def conflict(name: str, in_crm: str | None) -> Conflict:
    return Conflict("contacts", "c_1", name, "always", "3", in_crm, "3")


def test_a_conflict_shows_what_stands_in_the_crm(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    acknowledge(ledger, *wanted(settings))
    keep_conflicts(ledger, [conflict("c360_orders", "5")], "run-9", AT)
    found = one(few_people, settings)
    assert (found.state, states(found)) == ("conflict", {"c360_orders": "conflict"})
    assert field(found, "c360_orders").in_crm == "5"


@pytest.mark.parametrize(("is_ours", "state"), [(True, "ours"), (False, "theirs")])
def test_what_people_settled_is_told(
    few_people: Copy, settings: Settings, ledger: Ledger, is_ours: bool, state: str
) -> None:
    acknowledge(ledger, *wanted(settings))
    keep_conflicts(ledger, [conflict("c360_orders", "5")], "run-9", AT)
    settle_conflict(
        ledger, conflict_of(ledger, "contacts", "c_1", "c360_orders"), is_ours, "Jo", AT
    )
    found = one(few_people, settings)
    assert states(found) == {"c360_orders": state}
    assert found.state == "differs", "the next sync carries it out"


def test_a_record_that_somebody_deleted_there_is_told(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    acknowledge(ledger, *wanted(settings))
    keep_conflicts(ledger, [conflict(RECORD, None)], "run-9", AT)
    assert one(few_people, settings).state == "deleted"


def test_a_row_without_an_answer_is_told(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    payload, hash_ = wanted(settings)
    ledger.intend(
        [Intent("contacts", "c_1", None, "ann@acme.com", payload, payload, hash_, "run-9")], AT
    )
    assert one(few_people, settings).state == "unknown"


def test_records_of_before_a_merge_are_listed(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    acknowledge(ledger, *wanted(settings))
    acknowledge(ledger, {"email": "ann.old@gmail.com"}, "h", key="c_2")
    acknowledge(ledger, {"email": "bob@beta.com"}, "h", key="c_3")
    assert one(few_people, settings).former == {"c_2": "remote-c_2"}


def test_links_are_told_with_what_a_sync_would_do_about_them(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    def links() -> dict[tuple[str, str], tuple[str, datetime | None, str | None]]:
        return {
            (each.kind, each.other.key): (each.state, each.acknowledged_at, each.refusal)
            for each in one(few_people, settings).links
        }

    acme = "acme.org"
    power = {
        (f"company_{what}", acme): ("new", None, None)
        for what in ("first_person", "most_active_person", "person_with_most_orders")
    }
    assert links() == {("contact_company", acme): ("new", None, None)} | power
    made = {("c_1", acme): ("1", "2"), ("c_1", "old.com"): ("1", "3"), ("c_3", acme): ("4", "2")}
    settle_links(ledger, "contact_company", made, {}, True, "run-7", AT)
    refused = {(acme, "c_1"): "HAL@secret.org has it", (acme, "c_3"): "of another"}
    settle_links(ledger, "company_first_person", {}, refused, True, "run-7", AT)
    assert links() == power | {
        ("contact_company", acme): ("same", AT, None),
        ("contact_company", "old.com"): ("ended", AT, None),
        ("company_first_person", acme): ("refused", None, "(hidden)"),
    }


@pytest.mark.parametrize(("is_deleted", "state"), [(True, "ending"), (False, "staying")])
def test_whom_the_mapping_leaves_out_is_told_with_what_becomes_of_the_record(
    few_people: Copy, settings: Settings, ledger: Ledger, is_deleted: bool, state: str
) -> None:
    payload, hash_ = wanted(settings)
    rules = mapping(settings).model_copy(
        update={"where": {"rfm_segment": ["Nobody"]}, "delete": is_deleted}
    )
    crm = settings.rules.crm
    crm = crm.model_copy(update={"hubspot": crm.hubspot.model_copy(update={"contacts": rules})})
    filtered = settings.model_copy(update={"rules": settings.rules.model_copy(update={"crm": crm})})
    assert one(few_people, filtered).state == "left_out"
    acknowledge(ledger, payload, hash_)
    assert one(few_people, filtered).state == state


def test_a_destination_that_takes_no_people_is_told(few_people: Copy, settings: Settings) -> None:
    crm = settings.rules.crm
    none = crm.hubspot.model_copy(update={"contacts": None})
    none.model_fields_set.add("contacts")
    changed = crm.model_copy(update={"hubspot": none})
    there = settings.model_copy(
        update={"rules": settings.rules.model_copy(update={"crm": changed})}
    )
    assert one(few_people, there).state == "not_mapped"


def test_of_who_opted_out_nothing_of_the_ledger_is_shown_but_that_there_is_a_record(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    acknowledge(ledger, {"email": "hal@secret.org", "firstname": "Hal"}, "h", key="c_10")
    ledger.settle([], {("contacts", "c_10", "x"): "hal@secret.org is taken"}, "run-8", AT)
    found = one(few_people, settings, "c_10")
    assert (found.state, found.remote_id) == ("opted_out", "remote-c_10")
    assert (found.fields, found.refusal, found.links) == ((), None, ())


def test_addresses_of_hidden_people_do_not_show_in_the_record_of_another(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    payload, hash_ = wanted(settings)
    acknowledge(ledger, payload | {"email": "hal@secret.org"}, "other")
    ledger.settle([], {("contacts", "c_1", hash_): "HAL@secret.org has it"}, "run-8", AT)
    keep_conflicts(ledger, [conflict("firstname", "mail hal@secret.org")], "run-9", AT)
    shown = repr(one(few_people, settings))
    assert "ann@acme.com" in shown
    assert "hal@secret" not in shown.lower()


def test_looking_writes_nothing_and_waits_for_nobody(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    acknowledge(ledger, *wanted(settings))
    before = (settings.crm_dir / LEDGER).read_bytes()
    with ledger.transaction():
        assert one(few_people, settings).state == "same"
    assert (settings.crm_dir / LEDGER).read_bytes() == before


def test_a_ledger_of_a_later_release_is_told_with_the_remedy(
    few_people: Copy, settings: Settings, ledger: Ledger
) -> None:
    with sqlite3.connect(settings.crm_dir / LEDGER) as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(LedgerError, match="use the release of c360 that wrote it"):
        one(few_people, settings)


def test_a_destination_that_there_is_not_is_told(few_people: Copy, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="the destinations are file"):
        one(few_people, settings.model_copy(update={"crm": "hubspott"}))


def test_every_destination_is_told_in_its_order(few_people: Copy, settings: Settings) -> None:
    both = settings.model_copy(update={"crm": "file, hubspot"})
    found = held(few_people, both, find_person(few_people, "c_1"))
    assert [each.destination for each in found] == ["file", "hubspot"]


# --- files ----------------------------------------------------------------------------------------


def deliver(settings: Settings, change: str = "") -> Path:
    """Deliver people as the pipeline does, or with a column as another expression."""
    contacts = next(each for each in CRM_OBJECTS if each.name == "contacts")
    if change:
        contacts = replace(contacts, select=f"select * replace ({change}) from ({contacts.select})")
    with open_published(settings) as connection:
        made = FileDestination(settings.crm_dir).deliver(
            connection, [contacts], "run-1", AT.replace(tzinfo=UTC)
        )
    return Path(made.location)


@pytest.fixture
def files(settings: Settings) -> Settings:
    return settings.model_copy(update={"crm": "file"})


def test_before_the_first_delivery_it_is_said_so(few_people: Copy, files: Settings) -> None:
    assert one(few_people, files).state == "no_ledger"


def test_the_newest_delivery_is_compared_column_by_column(
    few_people: Copy, files: Settings
) -> None:
    deliver(files)
    found = one(few_people, files)
    assert (found.state, found.run_id, found.acknowledged_at) == ("same", "run-1", AT)
    assert (states(found), field(found, "email").sent) == ({}, "ann@acme.com")
    deliver(files, "number_of_orders + 1 as number_of_orders")
    found = one(few_people, files)
    assert (found.state, states(found)) == ("differs", {"number_of_orders": "differs"})
    orders = field(found, "number_of_orders")
    assert (orders.sent, orders.wanted) == ("4", "3")


def test_whom_the_newest_delivery_lacks_was_never_sent(few_people: Copy, files: Settings) -> None:
    deliver(files, "'other ' || user_id as user_id")
    found = one(few_people, files)
    assert (found.state, set(states(found).values())) == ("never", {"new"})


def test_of_who_opted_out_no_delivery_is_read(few_people: Copy, files: Settings) -> None:
    deliver(files)
    found = one(few_people, files, "c_10")
    assert (found.state, found.fields) == ("opted_out", ())


def test_a_delivery_does_not_tell_of_who_opted_out_in_the_record_of_another(
    few_people: Copy, files: Settings
) -> None:
    deliver(files, "'see HAL@secret.org' as user_name")
    found = one(few_people, files)
    assert (field(found, "user_name").sent, found.state) == (HIDDEN, "differs")
    assert field(found, "email").sent == "ann@acme.com"


def test_a_delivery_that_cannot_be_read_is_told(few_people: Copy, files: Settings) -> None:
    path = deliver(files) / ".state" / "contacts.parquet"
    path.chmod(0o644)
    path.write_bytes(json.dumps("no parquet").encode())
    with pytest.raises(DeliveryError, match="load the page again"):
        one(few_people, files)
