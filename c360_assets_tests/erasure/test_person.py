"""Who an address belongs to, and in which tables they stand."""

import duckdb
import pytest

from c360_assets.erasure.person import Person, find_person, spellings, traces
from c360_assets_tests.pipeline import World


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    """Bob has two accounts that are one; his first address is shared with Ann, his second his."""
    return (
        World(tmp_path_factory.mktemp("person"))
        .write(
            raw_user="""
                id,name,email,created_at,address_id
                1,Ann,ann@acme.com,2021-01-01,shared
                2,Bob,bob@acme.com,2021-01-02,shared
                3,Bobby,bobby@home.net,2021-01-03,his
                4,Jo,jobob@acme.com,2021-01-04,
            """,
            merged_user="old_email,new_email\nbobby@home.net,bob@acme.com",
            raw_order="order_id,user_id,created_at,order_cost\no1,1,2021-02-01,1\no3,3,2021-02-01,1",
            raw_ticket="ticket_id,email,created_at,subject,status\n"
            "t1,lead@only.com,2021-02-01,Hello,open",
            deals="close_date,amount,deal_name,deal_stage,email\n"
            "2021-03-01,$50,Small Deal,Won,buyer@only.com",
        )
        .build("kpis")
    )


@pytest.fixture
def connection(world):
    with duckdb.connect(str(world.settings.warehouse_path), read_only=True) as found:
        yield found


@pytest.mark.parametrize("email", ["bob@acme.com", " BOBBY@home.net "])
def test_any_address_leads_to_the_whole_person(connection, email):
    found = find_person(connection, email)
    assert found == Person(
        frozenset({"bob@acme.com", "bobby@home.net"}),
        frozenset({"2", "3"}),
        frozenset({"c_2", "c_3"}),
        frozenset({"o3"}),
        # the other one is Ann's, too
        frozenset({"his"}),
    )


def test_an_address_of_nobody_leads_to_nobody(connection):
    assert find_person(connection, "nobody@acme.com") is None


@pytest.mark.parametrize("email", ["lead@only.com", "Buyer@only.com"])
def test_who_only_wrote_or_bought_is_found_by_their_address(connection, email):
    found = find_person(connection, email)
    assert found == Person(frozenset({email.lower()}), frozenset(), frozenset())
    assert any(table.startswith("staging.stg_") for table in traces(connection, found))


def test_traces_are_rows_by_address_anywhere_and_by_id_in_columns_of_people(connection):
    found = traces(connection, Person(frozenset({"bob@acme.com"}), frozenset({"2"}), frozenset()))
    assert found["staging.stg_users"] == 1
    assert found["identity.user_identity"] == 2
    assert found["marts.contacts"] == 1
    # an order's id is no person's
    assert "staging.stg_orders" not in traces(
        connection, Person(frozenset({"x@y.zz"}), frozenset({"o1"}), frozenset())
    )


def test_an_address_is_erased_in_letters_and_in_punycode():
    assert spellings("Jo@xn--exmple-cua.de") == {"jo@xn--exmple-cua.de", "jo@exämple.de"}
