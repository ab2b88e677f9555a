"""The parts of pages that need no browser."""

import asyncio
from datetime import date, datetime
from decimal import Decimal

import pytest
from nicegui import Client, core, ui
from starlette.requests import Request

from c360_assets.errors import ContractError
from c360_assets.ui.copies import Order
from c360_assets.ui.downloads import lines
from c360_assets.ui.parts import states
from c360_assets.ui.parts.chart import merged, plain_options
from c360_assets.ui.parts.figures import Source
from c360_assets.ui.parts.table import Column, Listing, State
from c360_assets.ui.parts.text import ago, change, cut, plural, shown

LISTING = Listing(
    "people",
    "home/people",
    (Column("name", "Name"), Column("why", "Why", is_sortable=False)),
    "user_id",
    Order("name", False, ("user_id",)),
)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "money", "-"),
        ([], "list", "-"),
        (1234567, "number", "1,234,567"),
        (Decimal("1234.5"), "money", "$1,234.50"),
        (Decimal("-12345.67"), "money", "-$12,346"),
        (0.1234, "percent", "12.3%"),
        (datetime(2021, 12, 1, 23, 7, 59), "time", "2021-12-01 23:07"),
        (date(2021, 12, 1), "date", "2021-12-01"),
        (False, "flag", "no"),
        (["a", "b"], "list", "a, b"),
        (0, "number", "0"),
    ],
)
def test_values_are_shown_as_people_write_them(value: object, kind: str, text: str) -> None:
    assert shown(value, kind, "$") == text  # type: ignore[arg-type]


def test_a_change_from_nothing_is_no_number() -> None:
    assert change(3, 2) == 0.5
    assert change(3, 0) is None
    assert change(None, 2) is None


def test_ages_and_counts_are_words() -> None:
    now = datetime(2021, 12, 1, 12)
    assert ago(datetime(2021, 12, 1, 11, 59, 30), now) == "less than a minute ago"
    assert ago(datetime(2021, 12, 1, 11), now) == "1 hour ago"
    assert ago(datetime(2021, 11, 1, 12), now) == "30 days ago"
    assert plural(1, "company", "companies") == "1 company"
    assert plural(2000, "company", "companies") == "2,000 companies"


@pytest.mark.parametrize("sort", ["nothing", "-why", "name; drop table x", "--name", ""])
def test_an_order_that_a_table_does_not_offer_is_its_own(sort: str) -> None:
    assert LISTING.order_of(sort) == LISTING.order


def test_an_order_of_the_url_ends_with_what_makes_it_total() -> None:
    assert LISTING.order_of("-name") == Order("name", True, ("user_id",))
    assert Order("name", True, ("user_id",)).sql() == (
        '"name" desc nulls last, "user_id" asc nulls last'
    )


def test_a_text_that_would_fill_the_page_is_cut_and_says_how_long_it_is() -> None:
    assert cut("a@b.com, c@d.com", 16) == "a@b.com, c@d.com"
    assert cut("a@b.com, c@d.com", 9) == "a@b.com,… (16 characters)"


@pytest.mark.parametrize("text", ["-1", "0", "x", "1e9", "99999999999999", "٣", ""])
def test_a_page_that_makes_no_sense_is_the_first(text: str) -> None:
    state = State.of(LISTING, {"people_page": text, "people_rows": text})
    assert (state.page, state.rows) == (1, LISTING.rows_per_page)


def test_the_state_of_a_table_comes_back_from_its_url() -> None:
    state = State("-name", 3, 50)
    query = {key: value for key, value in state.query(LISTING).items() if value}
    assert State.of(LISTING, query) == state


def test_what_a_spreadsheet_would_run_is_defused() -> None:
    batches = [[("name", "n")], [('=cmd|"x"', -5), ("@a", None), ("a,b", 1), (["x", "y"], 2)]]
    assert b"".join(lines(iter(batches))).decode().splitlines() == [
        "name,n",
        '"\'=cmd|""x""",-5',
        "'@a,",
        '"a,b",1',
        '"x, y",2',
    ]


def test_a_chart_takes_no_keys_that_would_run() -> None:
    with pytest.raises(ContractError, match=":formatter"):
        plain_options({"tooltip": [{":formatter": "alert(1)"}]})
    assert plain_options({"data": (Decimal("1.5"), date(2021, 1, 1))}) == {
        "data": [1.5, "2021-01-01"]
    }
    assert merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}) == {"a": {"b": 3, "c": 2}}


def test_a_source_is_a_column_of_the_contract() -> None:
    assert Source("contacts", "number_of_orders").name == "marts.contacts.number_of_orders"
    assert "orders of all accounts" in Source("contacts", "number_of_orders").meaning
    with pytest.raises(ContractError, match="no column 'orders'"):
        Source("contacts", "orders")


# --- what comes later ----------------------------------------------------------------------------


def test_what_comes_later_is_not_worked_out_for_a_page_that_nobody_opened(monkeypatch):
    asked = []

    async def load() -> None:
        asked.append("loaded")

    async def leave() -> None:
        monkeypatch.setattr(core, "loop", asyncio.get_running_loop())
        request = Request({"type": "http", "path": "/left", "headers": []})
        with Client(ui.page("/left"), request=request) as client:
            states.later("Working it out", load, asked.append)
        (task,) = (t for t in asyncio.all_tasks() if t.get_name() == "later: Working it out")
        await asyncio.sleep(0)
        client.delete()
        await task

    asyncio.run(leave())
    assert asked == []
