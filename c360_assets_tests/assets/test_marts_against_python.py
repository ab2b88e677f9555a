"""Contacts, gaggles and companies of random sources against plain Python, with many ties."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from c360_assets_tests.pipeline import World

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("marts_against_python")]

START = datetime(2021, 5, 1)
PERSONAL = ("gmail.com", "yahoo.com")
COMPANIES = ("a.com", "b.com", "c.com", "d.com")
DOMAIN_MERGES = {"b.com": "c.com"}


def random_source(seed: int) -> dict[str, Any]:
    """60 accounts with few distinct times, addresses that repeat, merges that chain."""
    draw = random.Random(seed)
    users = [
        {
            "id": str(n),
            "name": f"name{n}",
            "email": f"p{n if n % 9 else 0}@{draw.choice(COMPANIES + PERSONAL)}",
            "gaggle": draw.choice(["", "g1", "g2", "g3", "g4", "g5"]),
            "created": START + timedelta(days=draw.randrange(4)),
        }
        for n in range(60)
    ]
    emails = sorted({user["email"] for user in users})
    draw.shuffle(emails)
    # links only ever lead forward, so there is no cycle
    merges = {emails[n]: draw.choice(emails[n + 1 :]) for n in range(0, 50, 5)}
    events = [
        {
            "user": draw.choice(users)["id"],
            "is_order": draw.random() < 0.3,
            "at": START + timedelta(days=10, minutes=draw.randrange(60)),
        }
        for _ in range(120)
    ]
    return {"users": users, "merges": merges, "events": events}


def written(folder, source: dict[str, Any]) -> World:
    users = [
        f"{u['id']},{u['name']},{u['email']},{u['gaggle']},{u['created']}" for u in source["users"]
    ]
    events = [
        f"e{n},{e['user']},{'order_placed' if e['is_order'] else 'login'},{e['at']}"
        for n, e in enumerate(source["events"])
    ]
    return World(folder).write(
        raw_user="\n".join(["id,name,email,gaggle_id,created_at", *users]),
        raw_gaggle="id,name,created_at\n" + "\n".join(f"g{n},G{n},2021-01-01" for n in range(1, 7)),
        raw_event="\n".join(["event_id,user_id,event_name,timestamp", *events]),
        merged_user="\n".join(
            ["old_email,new_email,reason", *(f"{a},{b},yes" for a, b in source["merges"].items())]
        ),
        merged_company_domain="\n".join(
            ["old_domain,new_domain", *(f"{a},{b}" for a, b in DOMAIN_MERGES.items())]
        ),
    )


def activity_of(times: list[tuple[bool, datetime]]) -> dict[str, Any]:
    """Events and orders, first and last, of a group."""
    events = [at for _, at in times]
    orders = [at for is_order, at in times if is_order]
    return {
        "number_of_events": len(events),
        "first_event": min(events, default=None),
        "most_recent_event": max(events, default=None),
        "number_of_orders": len(orders),
        "first_order": min(orders, default=None),
        "most_recent_order": max(orders, default=None),
    }


def people_of(source: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The contacts: accounts grouped by the end of their address's chain."""
    groups = defaultdict(list)
    for user in source["users"]:
        end = user["email"]
        while end in source["merges"]:
            end = source["merges"][end]
        groups[end].append(user)
    times = defaultdict(list)
    for event in source["events"]:
        times[event["user"]].append((event["is_order"], event["at"]))
    people = {}
    for end, members in groups.items():
        owners = [user for user in members if user["email"] == end]
        owner = min(owners, key=lambda user: (user["created"], user["id"]))
        newest_time = max(user["created"] for user in members)
        newest = min(
            (user for user in members if user["created"] == newest_time),
            key=lambda user: (user is not owner, user["id"]),
        )
        domain = end.split("@")[1]
        done = [one for user in members for one in times[user["id"]]]
        people[owner["id"]] = {
            "user_id": owner["id"],
            "email": end,
            "corporate_email": None if domain in PERSONAL else DOMAIN_MERGES.get(domain, domain),
            "user_name": newest["name"],
            "gaggle_id": newest["gaggle"] or None,
            "created_at": min(user["created"] for user in members),
            "number_of_users": len(members),
            "merged_emails": sorted({user["email"] for user in members} - {end}),
            **activity_of(done),
            "done": done,
            "places": places_of(members, times),
        }
    return people


def places_of(members: list[dict[str, Any]], times: dict[str, Any]) -> dict[str, Any]:
    """Per gaggle that one of a person's accounts is in, what its accounts did."""
    return {
        gaggle: {
            "number_of_users": sum(user["gaggle"] == gaggle for user in members),
            **activity_of(
                [one for u in members if u["gaggle"] == gaggle for one in times[u["id"]]]
            ),
        }
        for gaggle in {user["gaggle"] for user in members} - {""}
    }


def group_facts(members: list[dict[str, Any]]) -> dict[str, Any]:
    done = [one for person in members for one in person["done"]]
    return {"number_of_users": len(members), **activity_of(done)}


def companies_in(members: list[dict[str, Any]]) -> list[str]:
    """The companies of a gaggle's people, the primary one first."""
    groups = defaultdict(list)
    for person in members:
        if person["corporate_email"]:
            groups[person["corporate_email"]].append(person)
    return sorted(
        groups,
        key=lambda name: (
            -len(groups[name]),
            -sum(len(person["done"]) for person in groups[name]),
            min(person["created_at"] for person in groups[name]),
            name,
        ),
    )


def gaggles_of(people: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {}
    for gaggle in (f"g{n}" for n in range(1, 7)):
        members = [person for person in people.values() if person["gaggle_id"] == gaggle]
        companies = companies_in(members)
        primary = companies[0] if companies else None
        own = [p for p in members if primary and p["corporate_email"] == primary]
        found[gaggle] = {
            "corporate_email": primary,
            "number_of_corporate_domains": len(companies),
            **group_facts(members),
            **{f"{name}_corporate": value for name, value in group_facts(own).items()},
        }
    return found


def age(person: dict[str, Any]) -> tuple[datetime, str]:
    return person["created_at"], person["user_id"]


def most(people: list[dict[str, Any]], name: str) -> str | None:
    """Who has most of it; ties go to the earliest created, then the smallest id."""
    best = min(people, key=lambda person: (-person[name], *age(person)), default=None)
    return None if best is None else best["user_id"]


def accounts_of(
    people: dict[str, dict[str, Any]], gaggles: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    found = {}
    for company in {p["corporate_email"] for p in people.values()} - {None}:
        own = [p for p in people.values() if p["corporate_email"] == company]
        its = {name for name, gaggle in gaggles.items() if gaggle["corporate_email"] == company}
        associated = [
            p for p in people.values() if p["corporate_email"] == company or p["gaggle_id"] in its
        ]
        ordering = [p for p in own if p["number_of_orders"]]
        found[company] = {
            "number_of_gaggles": len(its),
            **{f"{name}_corporate": value for name, value in group_facts(own).items()},
            **{f"{name}_associated": value for name, value in group_facts(associated).items()},
            "first_user_id": min(own, key=age)["user_id"],
            "most_active_user_id": most(own, "number_of_events"),
            "most_orders_user_id": most(ordering, "number_of_orders"),
        }
    return found


def common(rows: dict[str, dict[str, Any]], like: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The rows with the columns alone that the expectation has."""
    names = next(iter(like.values())).keys() - {"done", "places"}
    return {key: {name: row[name] for name in names} for key, row in rows.items()}


@pytest.mark.parametrize("seed", range(4))
def test_marts_are_what_plain_python_makes_of_the_same_source(tmp_path, seed):
    source = random_source(seed)
    world = written(tmp_path, source).build()
    people = people_of(source)
    gaggles = gaggles_of(people)
    accounts = accounts_of(people, gaggles)
    assert common(world.by("marts.contacts", "user_id"), people) == common(people, people)
    assert common(world.by("marts.gaggle_facts", "gaggle_id"), gaggles) == gaggles
    found = world.by("marts.corporate_accounts", "corporate_email")
    assert common(found, accounts) == accounts
    places = {
        (user, gaggle): {"is_current": gaggle == person["gaggle_id"], **facts}
        for user, person in people.items()
        for gaggle, facts in person["places"].items()
    }
    assert common(world.by("marts.user_gaggle_facts", "user_id", "gaggle_id"), places) == places
    assert len({user for user, _ in places}) < len(places), "somebody must be in several gaggles"
    empty = [name for name, gaggle in gaggles.items() if gaggle["number_of_users"] == 0]
    assert empty == ["g6"], "the source must have an empty gaggle"


def test_the_order_of_rows_in_the_files_changes_nothing(tmp_path):
    source = random_source(7)
    straight = written(tmp_path / "straight", source).build()
    shuffled = {
        **source,
        "users": source["users"][::-1],
        "events": source["events"][::-1],
        "merges": dict(reversed(source["merges"].items())),
    }
    backwards = written(tmp_path / "backwards", shuffled).build()
    for table in (
        *("contacts", "gaggle_facts", "user_gaggle_facts", "corporate_accounts", "rfm_segments"),
    ):
        sql = f"select * from marts.{table} order by all"
        assert straight.rows(sql) == backwards.rows(sql), table
