"""From the domain of an address to its company: classes, subdomains and merge decisions."""

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c360_assets.domain_rules import DomainRules
from c360_assets.identity.domains import classify
from c360_assets.settings import Rules
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.session import fetch_dicts
from c360_assets_tests.pipeline import World, columns

pytestmark = pytest.mark.xdist_group("domains")

# --- the SELECT alone, on tables made for it ------------------------------------------------------

TABLES = """
create schema staging; create schema identity; create schema ops;
create table staging.stg_users (email_domain varchar);
create table staging.stg_deals (email_domain varchar);
create table identity.merge_journal (
    kind varchar, decision varchar, outcome varchar, old_key varchar, resolved_to varchar,
    merge_path varchar
);
create table ops.domain_rules (
    email_domain varchar, registrable_domain varchar, domain_class varchar, class_source varchar,
    is_company boolean
);
"""
TABLE_NAMES = ("staging.stg_users", "identity.merge_journal", "ops.domain_rules")


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        yield connection


def path(merges: Mapping[str, str], old: str) -> list[str]:
    """The chain of merges from a domain to its end."""
    steps = [old]
    while steps[-1] in merges:
        steps.append(merges[steps[-1]])
    return steps


def resolved(
    connection: duckdb.DuckDBPyConnection,
    seen: list[str],
    merges: Mapping[str, str],
    rules: DomainRules | None = None,
) -> dict[str, dict[str, Any]]:
    """The rows of domain_identity for these domains of accounts and applied merges."""
    for name in TABLE_NAMES:
        connection.execute(f"delete from {name}")
    connection.execute("insert into staging.stg_users select unnest($1::varchar[])", [seen])
    for old in merges:
        chain = path(merges, old)
        connection.execute(
            "insert into identity.merge_journal values ('domain', 'merge', 'applied', ?, ?, ?)",
            [old, chain[-1], " > ".join(chain)],
        )
    names = pd.Series([*seen, *merges, *merges.values()], dtype="str")
    connection.register("rows", classify(names, rules or DomainRules()))
    connection.execute("insert into ops.domain_rules by name select * from rows")
    rows = fetch_dicts(connection, query("identity.domain_identity").text)
    found = {row["email_domain"]: row for row in rows}
    assert len(found) == len(rows), "a domain comes out once"
    return found


def companies(*given: Any) -> dict[str, str | None]:
    return {name: row["corporate_email"] for name, row in resolved(*given).items()}


def test_a_subdomain_and_its_registrable_domain_are_one_company(connection):
    found = resolved(connection, ["mail.acme.co.uk", "acme.co.uk", "gmail.com"], {})
    shown = {name: columns(row, "corporate_email", "merge_path") for name, row in found.items()}
    assert shown == {
        "acme.co.uk": ("acme.co.uk", None),
        "mail.acme.co.uk": ("acme.co.uk", "mail.acme.co.uk > acme.co.uk"),
        "gmail.com": (None, None),
    }


def test_a_registrable_domain_that_nobody_wrote_from_has_a_row_of_its_own(connection):
    assert companies(connection, ["mail.acme.co.uk"], {}) == {
        "acme.co.uk": "acme.co.uk",
        "mail.acme.co.uk": "acme.co.uk",
    }


def test_a_merge_of_the_subdomain_stands_against_the_fold(connection):
    found = companies(
        connection, ["mail.acme.co.uk", "acme.co.uk"], {"mail.acme.co.uk": "beta.com"}
    )
    assert found["mail.acme.co.uk"] == "beta.com"
    assert found["acme.co.uk"] == "acme.co.uk"


def test_a_subdomain_goes_where_its_registrable_domain_is_merged_to(connection):
    found = resolved(connection, ["mail.acme.co.uk"], {"acme.co.uk": "beta.com"})
    mail = found["mail.acme.co.uk"]
    assert columns(mail, "corporate_email", "registrable_domain") == ("beta.com", "acme.co.uk")
    assert mail["merge_path"] == "mail.acme.co.uk > acme.co.uk > beta.com"


def test_what_a_merge_leads_to_counts_as_its_registrable_domain(connection):
    found = resolved(connection, ["acme.com", "beta.com"], {"acme.com": "mail.beta.com"})
    assert {row["corporate_email"] for row in found.values()} == {"beta.com"}
    assert found["acme.com"]["merge_path"] == "acme.com > mail.beta.com > beta.com"


def test_a_company_may_be_called_by_its_subdomain(connection):
    merges = {"acme.com": "mail.acme.com"}
    assert set(companies(connection, ["lab.acme.com"], merges).values()) == {"mail.acme.com"}


@pytest.mark.parametrize("domain", ["gmail.com", "10minutemail.com", "mozmail.com"])
def test_a_merge_with_a_domain_that_is_no_company_gives_none(connection, domain):
    assert companies(connection, [], {"acme.com": domain})["acme.com"] is None
    assert companies(connection, [], {domain: "acme.com"})[domain] is None


def test_what_is_kept_apart_is_a_company_of_its_own(connection):
    rules = DomainRules(keep_apart=("lab.acme.com",))
    found = companies(connection, ["x.lab.acme.com", "mail.acme.com"], {}, rules)
    assert (found["x.lab.acme.com"], found["mail.acme.com"]) == ("lab.acme.com", "acme.com")


NAMES = [f"{sub}{name}.com" for name in "abc" for sub in ("", "m.", "n.", "x.m.")]


@st.composite
def forests(draw: st.DrawFn) -> dict[str, str]:
    """Merges without a circle: each leads to a name further on in a random order."""
    order = draw(st.permutations(NAMES))
    olds = draw(st.sets(st.integers(0, len(order) - 2), max_size=6))
    return {order[n]: order[draw(st.integers(n + 1, len(order) - 1))] for n in olds}


@settings(max_examples=150, deadline=None)
@given(forests(), st.sets(st.sampled_from(NAMES), max_size=2))
def test_whatever_is_merged_every_company_stands_for_itself(connection, merges, apart):
    rules = DomainRules(keep_apart=tuple(apart))
    found = companies(connection, NAMES, merges, rules)
    for name, company in found.items():
        assert found[company] == company, (name, merges)
    for old, new in merges.items():
        assert found[old] == found[new], "whom a decision joins stay together"
    decided = {*merges, *merges.values()}
    for name in set(NAMES) - decided:
        top = next((t for t in (name, name[2:], name[-5:]) if t in apart), name[-5:])
        assert found[name] == found[top], "an undecided subdomain goes with its company"


# --- through the pipeline -------------------------------------------------------------------------

USERS = """
    id,name,email,gaggle_id,created_at
    1,A,a@acme.co.uk,g1,2021-01-01
    2,B,b@mail.acme.co.uk,g2,2021-01-02
    3,C,c@ox.ac.uk,g3,2021-01-03
    4,D,d@hey.com,g4,2021-01-04
    5,E,e@privaterelay.appleid.com,g5,2021-01-05
    6,F,f@10minutemail.com,g6,2021-01-06
    7,G,g@10minutemail.com,g4,2021-01-07
    8,H,h@nopain'nogain.com,g1,2021-01-08
    9,I,i@nopain,nogain.com,g1,2021-01-08
    10,J,j@10.0.0.1,g1,2021-01-09
    11,K,o'k@acme.test,g7,2021-01-09
""".replace("i@nopain,nogain.com", '"i@nopain,nogain.com"')


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("domains")
    return (
        World(folder)
        .write(
            raw_user=USERS,
            raw_gaggle="id,name,created_at\n"
            + "\n".join(f"g{n},G{n},2021-01-01" for n in range(1, 8)),
            deals="close_date,amount,deal_name,deal_stage,email\n"
            "2021-01-10,10,A - B Deal,Won,x@sales.acme.co.uk",
        )
        .build()
    )


def test_people_and_deals_of_a_subdomain_count_for_the_company(world):
    acme = world.by("marts.corporate_accounts", "corporate_email")["acme.co.uk"]
    names = ("number_of_users_corporate", "number_of_gaggles", "won_deals")
    assert columns(acme, *names) == (2, 2, 1)


def test_every_domain_tells_its_class_and_what_gave_it(world):
    rows = world.by("identity.domain_identity", "email_domain")
    shown = {
        name: columns(row, "domain_class", "class_source", "corporate_email")
        for name, row in rows.items()
    }
    assert shown == {
        "acme.co.uk": ("corporate", "default", "acme.co.uk"),
        "mail.acme.co.uk": ("corporate", "default", "acme.co.uk"),
        "sales.acme.co.uk": ("corporate", "default", "acme.co.uk"),
        "ox.ac.uk": ("education", "education rule", "ox.ac.uk"),
        "hey.com": ("personal", "correction", None),
        "privaterelay.appleid.com": ("relay", "relay list", None),
        "10minutemail.com": ("disposable", "disposable-email-domains", None),
        "nopain,nogain.com": ("corporate", "default", "nopain,nogain.com"),
        "acme.test": ("corporate", "default", "acme.test"),
    }


def test_an_address_that_email_validator_refuses_is_set_apart(world):
    rows = world.rows("select source_row, reason from ops.rejected_rows order by source_row")
    assert [(row["source_row"], row["reason"]) for row in rows] == [
        (8, "invalid_email: email"),
        (10, "invalid_email: email"),
    ]


def test_gaggles_without_a_company_where_somebody_can_be_written_to_are_candidates(world):
    candidates = set(world.by("marts.upgrade_candidates", "gaggle_id"))
    # g3 is a university's; nobody in g6 can be reached
    assert candidates == {"g4", "g5"}


def test_rules_that_change_reach_the_companies_with_the_next_run(tmp_path):
    users = "id,name,email,created_at\n1,A,a@acme.com,2021-01-01\n2,B,b@lab.acme.com,2021-01-01"
    world = World(tmp_path).write(raw_user=users).build()
    assert set(world.by("marts.corporate_accounts", "corporate_email")) == {"acme.com"}

    apart = Rules(domains=DomainRules(keep_apart=("lab.acme.com",)))
    world = World(tmp_path, rules=apart).build()
    found = world.by("marts.corporate_accounts", "corporate_email")
    assert set(found) == {"acme.com", "lab.acme.com"}

    world = World(tmp_path, rules=Rules(domains=DomainRules(relay=("acme.com",)))).build()
    assert world.by("marts.corporate_accounts", "corporate_email") == {}
