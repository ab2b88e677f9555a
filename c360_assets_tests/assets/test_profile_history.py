"""Profiles in two times: whatever comes in whatever order, the days say what is true today, and
what was known at any earlier time is what the snapshot said then."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c360_assets import contracts
from c360_assets.assets.claims import evaluate
from c360_assets.assets.profiles import CLAIMS, compile_registry
from c360_assets.customer_rules import LifecycleRules
from c360_assets.customers import attribute_sql
from c360_assets.customers.attributes import Attribute, Registry, shipped_rules, stage_rule
from c360_assets.warehouse import attribute_days, profile_archive, profile_store
from c360_assets.warehouse.session import fetch_dicts
from c360_assets_tests.customers.profile_small import (
    Account,
    Order,
    Shop,
    Values,
    bare_database,
    fill,
)

pytestmark = pytest.mark.xdist_group("profile_history")

FIRST = date(2021, 3, 1)
CHOSEN = {
    *("USER_NAME", "NUMBER_OF_ACCOUNTS", "SIGNUP_DATE", "ECOM_NUMBER_OF_ORDERS"),
    *("ECOM_NUMBER_OF_ORDER_DAYS", "ECOM_TOTAL_GROSS_SALES_AMOUNT", "ECOM_TOTAL_REFUND_AMOUNT"),
    *("ECOM_LARGEST_ORDER_AMOUNT", "FIRST_ORDER_DATE", "LAST_ORDER_DATE", "LAST_RETURN_DATE"),
    *("DAYS_SINCE_FIRST_ORDER", "DAYS_SINCE_LAST_ORDER", "RFM_SEGMENT", "NUMBEROFCAMPAIGNS"),
    "CUSTOMER_LIFETIME_VALUE_90D",
}
Snapshot = dict[tuple[date, str], Values]


def small_registry() -> Registry:
    """A few of the attributes that c360 ships, so that a run takes a quarter of a second."""
    rules = [r for r in shipped_rules() if r.name in CHOSEN]
    rules.append(stage_rule(LifecycleRules()))
    return Registry(
        tuple(
            Attribute(r.name if w is None else f"{r.name}_{w}", r, w)
            for r in rules
            for w in (None, *r.windows)
        )
    )


REGISTRY = small_registry()
NAMES = [attribute.name for attribute in REGISTRY.attributes]


@dataclass
class Store:
    """A database in memory whose profiles are stated run by run, an hour apart."""

    folder: Path | None = None
    registry: Registry = REGISTRY
    connection: duckdb.DuckDBPyConnection = field(default_factory=bare_database)
    at: datetime = datetime(2030, 1, 1)

    def run(self, shop: Shop, *days: date) -> profile_store.Stated:
        """What `make_profiles` does, without views and numbers of fields."""
        self.at += timedelta(hours=1)
        with self.connection.cursor() as connection:
            connection.execute("begin transaction")
            fill(connection, shop)
            done = self._state(connection, shop, list(days))
            connection.execute("commit")
        return done

    def _state(
        self, connection: duckdb.DuckDBPyConnection, shop: Shop, days: list[date]
    ) -> profile_store.Stated:
        sql = compile_registry(self.registry)
        new_columns = profile_store.prepare(connection, sql)
        if self.folder is not None:
            new_columns |= profile_archive.catch_up(connection, self.folder)[1]
        account = attribute_sql.facts_by_day(self.registry, attribute_sql.ACCOUNT_SOURCES)
        version = hashlib.sha256(account.encode()).hexdigest()
        attribute_days.count_days(connection, account, version, lambda _: connection.cursor())
        other = attribute_sql.facts_by_day(self.registry, attribute_sql.CONTACT_SOURCES)
        attribute_days.other_days(connection, other)
        both = attribute_sql.contact_days(self.registry, attribute_days.TABLE, "other_days")
        connection.execute(f"create or replace temp table contact_days as {both}")
        is_anew = attribute_days.is_new_version(connection, "profiles", repr(sql.columns))
        attribute_days.remember_version(connection, "profiles", repr(sql.columns))
        return profile_store.state_profiles(
            connection,
            sql,
            days,
            shop.clock.date(),
            self.at,
            is_anew,
            new_columns,
            lambda: self._keep(connection),
        )

    def _keep(self, connection: duckdb.DuckDBPyConnection) -> None:
        if self.folder is not None:
            profile_archive.write_batch(connection, self.folder, self.at, f"{self.at:%j%H}")

    def now(self) -> Snapshot:
        """What the profiles say today."""
        return self._by_day(attribute_sql.profiles_view(self.registry))

    def known_at(self, at: datetime) -> Snapshot:
        """What they said at that time, as anybody would ask the view."""
        view = attribute_sql.profiles_view(self.registry, with_superseded=True)
        known = f"as_known_at <= timestamp '{at}' and (known_until is null or known_until > '{at}')"
        return self._by_day(f"select * exclude (known_until) from ({view}) as v where {known}")

    def _by_day(self, select: str) -> Snapshot:
        found: Snapshot = {}
        for row in fetch_dicts(self.connection, select):
            key = (row.pop("profile_date"), row.pop("client_customer_id"))
            row.pop("as_known_at")
            assert key not in found, f"{key} is said twice"
            found[key] = row
        return found

    def rows(self) -> list[tuple]:
        """The table of intervals, in full."""
        return self.connection.execute(
            "select * from marts.customer_profile_history"
            " order by client_customer_id, valid_from, as_known_at"
        ).fetchall()


def broken_claims(store: Store) -> list[str]:
    """The names of the claims about profiles that do not hold."""
    results = evaluate(store.connection, contracts.table("customer_profiles"), CLAIMS)
    return [str(result.check_name) for result in results if not result.passed]


def of_oracle(shop: Shop, days: list[date]) -> Snapshot:
    """The same from the model in plain Python, with the attributes of the small registry."""
    return {
        key: {name: values[name] for name in NAMES} for key, values in shop.profiles(days).items()
    }


def day(n: int) -> date:
    return FIRST + timedelta(days=n)


def moment(n: int, hour: int = 12) -> datetime:
    return datetime(FIRST.year, FIRST.month, FIRST.day, hour) + timedelta(days=n)


def shop_of(*accounts: str, clock: int = 0) -> Shop:
    """A shop whose accounts were created one after the other, long ago."""
    return Shop(
        moment(clock, 23),
        {a: Account(f"Name {a}", moment(n - 50)) for n, a in enumerate(accounts)},
    )


def cents(value: int) -> Decimal:
    return Decimal(value).scaleb(-2)


# --- whatever comes in whatever order ------------------------------------------------------------

PEOPLE = ("a", "b", "c", "d")
DAYS_BACK = st.integers(0, 120)
AMOUNTS = st.one_of(st.none(), st.integers(0, 5000).map(cents))
who = st.sampled_from(PEOPLE)
actions = st.one_of(
    st.tuples(st.just("days"), st.integers(1, 40), st.booleans()),
    st.tuples(st.just("order"), who, DAYS_BACK, AMOUNTS, AMOUNTS),
    st.tuples(st.just("amount"), st.integers(0, 50), AMOUNTS),
    st.tuples(st.just("gone"), st.integers(0, 50)),
    st.tuples(st.just("merge"), who, who),
    st.tuples(st.just("undo"), who),
    st.tuples(st.just("segment"), who, DAYS_BACK, st.sampled_from(["Champions", "At Risk"])),
    st.tuples(st.just("value"), who, DAYS_BACK),
    st.tuples(st.just("campaign"), who, DAYS_BACK, st.booleans()),
    st.tuples(st.just("sign up"), st.sampled_from("xy"), st.integers(-20, 40)),
)


def act(shop: Shop, action: tuple, number: int) -> None:
    """Change the shop as an action says; what makes no sense there changes nothing."""
    kind, rest = action[0], action[1:]
    today = (shop.clock.date() - FIRST).days
    if kind == "days":
        shop.clock += timedelta(days=rest[0])
    elif kind == "order":
        account, back, cost, refund = rest
        shop.orders[f"o{number}"] = Order(account, moment(today - back, number % 24), cost, refund)
    elif kind in ("amount", "gone") and shop.orders:
        key = sorted(shop.orders)[rest[0] % len(shop.orders)]
        old = shop.orders.pop(key)
        if kind == "amount":
            shop.orders[key] = Order(old.account, old.at, rest[1], old.refund)
    elif kind == "merge" and shop.contact_of(rest[0]) != shop.contact_of(rest[1]):
        shop.merged[shop.contact_of(rest[0])] = rest[1]
    elif kind == "undo":
        shop.merged.pop(rest[0], None)
    elif kind == "segment":
        # midnight is the end of the day before
        shop.segments[rest[0], moment(today - rest[1], 12 * (number % 2))] = rest[2]
    elif kind == "value":
        shop.values[rest[0], day(today - rest[1])] = float(number)
    elif kind == "campaign":
        shop.campaigns.add((rest[0], day(today - rest[1]), f"p{number % 3}", rest[2]))
    elif kind == "sign up":
        shop.accounts.setdefault(rest[0], Account(rest[0].upper(), moment(today + rest[1])))


@pytest.mark.slow
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(st.lists(actions, min_size=1, max_size=4), min_size=1, max_size=6))
def test_runs_one_by_one_say_what_one_run_says_and_forget_nothing(changes):
    shop, store = shop_of(*PEOPLE), Store()
    shop.orders["o"] = Order("a", moment(-3))
    asked: set[date] = set()
    said: dict[datetime, Snapshot] = {}
    for number, together in enumerate(changes):
        before = shop.clock.date()
        for place, action in enumerate(together):
            act(shop, action, 10 * number + place)
        today = shop.clock.date()
        skips = any(action[0] == "days" and action[2] for action in together)
        passed = [before + timedelta(days=n) for n in range(1, (today - before).days + 1)]
        days = [today] if skips or not passed else passed
        store.run(shop, *days)
        asked |= {*days}
        said[store.at] = store.now()
        assert said[store.at] == of_oracle(shop, sorted(asked))
        assert broken_claims(store) == []
    for at, snapshot in said.items():
        assert store.known_at(at) == snapshot
    once = Store()
    once.run(shop, *sorted(asked))
    assert once.now() == store.now()
    assert store.run(shop, today).rows_added == 0


# --- corrections ---------------------------------------------------------------------------------


def spans(store: Store, contact: str) -> list[tuple]:
    """(from, to, known from, known until) of a contact's rows; times as the number of the run."""
    rows = store.connection.execute(
        "select valid_from, valid_to, as_known_at, known_until"
        " from marts.customer_profile_history where client_customer_id = ?"
        " order by as_known_at, valid_from",
        [contact],
    ).fetchall()
    run = {None: None, **{datetime(2030, 1, 1) + timedelta(hours=n): n for n in range(1, 99)}}
    return [(a, b, run[known], run[until]) for a, b, known, until in rows]


def several_days(shop: Shop, store: Store, count: int) -> None:
    """Run day by day, the clock always in the evening of the newest."""
    for n in range(count):
        shop.clock = moment(n, 23)
        store.run(shop, day(n))


def test_running_twice_changes_nothing():
    shop, store = shop_of("a", "b"), Store()
    shop.orders["o"] = Order("a", moment(-3))
    several_days(shop, store, 3)
    before = store.rows()
    done = store.run(shop, day(0), day(2))
    assert (done.rows_added, done.rows_superseded, done.contacts_restated) == (0, 0, 0)
    assert store.rows() == before


def test_a_day_on_which_nothing_changes_is_no_row():
    shop, store = shop_of("a"), Store()
    shop.orders["o"] = Order("a", moment(0))
    several_days(shop, store, 12)
    # the order itself, when it left one day, and when it left seven
    assert spans(store, "a") == [
        (day(0), day(1), 1, None),
        (day(1), day(7), 2, None),
        (day(7), None, 8, None),
    ]
    assert len(store.now()) == 12


def test_a_late_order_restates_the_contact_that_it_touches_and_nobody_else():
    shop, store = shop_of("a", "b"), Store()
    shop.orders["o"] = Order("a", moment(0))
    several_days(shop, store, 4)
    b_before, said = spans(store, "b"), store.now()
    a_before = spans(store, "a")
    shop.orders["late"] = Order("a", moment(2, 9))
    done = store.run(shop, day(3))
    assert (done.contacts_restated, spans(store, "b")) == (1, b_before)
    # the days before the late order say what they said, and since when it was known
    assert spans(store, "a")[0] == a_before[0]
    assert store.now() == of_oracle(shop, [day(n) for n in range(4)])
    assert store.known_at(store.at - timedelta(minutes=1)) == said


def test_an_order_of_the_newest_day_that_comes_after_its_run_counts():
    shop, store = shop_of("a"), Store()
    several_days(shop, store, 2)
    shop.orders["o"] = Order("a", moment(1, 9))
    assert store.run(shop, day(1)).contacts_restated == 1
    assert store.now() == of_oracle(shop, [day(0), day(1)])
    shop.orders["p"] = Order("a", moment(1, 22))
    shop.clock = moment(2, 23)
    assert store.run(shop, day(2)).contacts_restated == 1
    assert store.now() == of_oracle(shop, [day(0), day(1), day(2)])


def test_scores_that_change_for_an_old_day_restate_their_contact():
    shop, store = shop_of("a", "b"), Store()
    shop.orders["o"] = Order("a", moment(0))
    shop.segments["a", moment(0, 13)] = "At Risk"
    several_days(shop, store, 3)
    # midnight belongs to the day that ends
    shop.segments["a", moment(2, 0)] = "Champions"
    done = store.run(shop, day(2))
    assert done.contacts_restated == 1
    told = {key: row["RFM_SEGMENT"] for key, row in store.now().items()}
    assert told[day(0), "a"] == "At Risk"
    assert told[day(1), "a"] == told[day(2), "a"] == "Champions"
    assert told[day(1), "b"] is None


def test_of_a_day_not_yet_profiled_nothing_was_known():
    shop, store = shop_of("a", clock=5), Store()
    shop.orders["o"] = Order("a", moment(0))
    store.run(shop, day(1), day(5))
    first = store.at
    assert {on for on, _ in store.now()} == {day(1), day(5)}
    store.run(shop, day(3))
    assert {on for on, _ in store.now()} == {day(1), day(3), day(5)}
    assert {on for on, _ in store.known_at(first)} == {day(1), day(5)}
    assert store.known_at(first - timedelta(minutes=1)) == {}


def test_a_merge_leaves_one_contact_in_all_days_and_what_was_known_stays():
    shop, store = shop_of("a", "b"), Store()
    shop.orders |= {"o": Order("a", moment(0, 9)), "p": Order("b", moment(0, 15))}
    several_days(shop, store, 3)
    apart = store.now()
    shop.merged["b"] = "a"
    store.run(shop, day(2))
    merged_at = store.at
    assert {contact for _, contact in store.now()} == {"a"}
    one = store.now()[day(0), "a"]
    # two accounts, one day
    assert (one["ECOM_NUMBER_OF_ORDERS_1D"], one["ECOM_NUMBER_OF_ORDER_DAYS_1D"]) == (2, 1)
    assert (one["USER_NAME"], one["NUMBER_OF_ACCOUNTS"]) == ("Name b", 2)
    assert store.known_at(merged_at - timedelta(minutes=1)) == apart
    together = store.now()
    del shop.merged["b"]
    store.run(shop, day(2))
    assert store.now() == apart
    assert store.known_at(merged_at) == together


def test_a_new_name_counts_from_the_day_of_the_run_that_saw_it():
    shop, store = shop_of("a", "b"), Store()
    several_days(shop, store, 2)
    shop.accounts["a"] = Account("New", shop.accounts["a"].created_at)
    shop.clock = moment(2, 23)
    done = store.run(shop, day(2))
    assert (done.rows_added, done.rows_superseded) == (1, 0)
    names = {key: row["USER_NAME"] for key, row in store.now().items()}
    assert [names[day(n), "a"] for n in range(3)] == ["Name a", "Name a", "New"]
    # a late order states the days anew, under the names that they had
    shop.orders["late"] = Order("a", moment(0))
    store.run(shop, day(2))
    names = {key: row["USER_NAME"] for key, row in store.now().items()}
    assert [names[day(n), "a"] for n in range(3)] == ["Name a", "Name a", "New"]
    assert store.now()[day(0), "a"]["ECOM_NUMBER_OF_ORDERS"] == 1


def test_a_new_name_on_a_day_already_profiled_replaces_that_day_alone():
    shop, store = shop_of("a"), Store()
    several_days(shop, store, 3)
    said = store.now()
    shop.accounts["a"] = Account("New", shop.accounts["a"].created_at)
    store.run(shop, day(2))
    assert [row["USER_NAME"] for _, row in sorted(store.now().items())] == [
        *("Name a", "Name a", "New"),
    ]
    assert store.known_at(store.at - timedelta(minutes=1)) == said
    shop.accounts["a"] = Account("Newer", shop.accounts["a"].created_at)
    store.run(shop, day(2))
    assert [row["USER_NAME"] for _, row in sorted(store.now().items())] == [
        *("Name a", "Name a", "Newer"),
    ]


def test_somebody_who_signs_up_later_has_no_earlier_day():
    shop, store = shop_of("a"), Store()
    several_days(shop, store, 2)
    shop.accounts["n"] = Account("N", moment(2, 1))
    shop.orders["early"] = Order("n", moment(0))  # an order older than the account
    shop.clock = moment(4, 23)
    store.run(shop, day(2), day(3), day(4))
    mine = {on: row for (on, contact), row in store.now().items() if contact == "n"}
    assert sorted(mine) == [day(2), day(3), day(4)]
    assert store.now() == of_oracle(shop, [day(n) for n in range(5)])


def test_older_days_after_newer_ones_are_right_too():
    shop, store = shop_of("a", "b", clock=9), Store()
    shop.orders |= {"o": Order("a", moment(2)), "p": Order("b", moment(8))}
    store.run(shop, day(8), day(9))
    newer, at = store.now(), store.at
    store.run(shop, day(0), day(1), day(2))
    assert store.now() == of_oracle(shop, [day(n) for n in (0, 1, 2, 8, 9)])
    assert store.known_at(at) == newer
    store.run(shop, day(5))
    assert store.now() == of_oracle(shop, [day(n) for n in (0, 1, 2, 5, 8, 9)])


def test_a_clock_set_back_and_forward_again_says_the_same():
    shop, store = shop_of("a", "b"), Store()
    shop.orders |= {"o": Order("a", moment(0)), "p": Order("b", moment(4))}
    several_days(shop, store, 6)
    said = store.now()
    shop.clock = moment(2, 23)
    del shop.orders["p"]  # not yet there by then
    store.run(shop, day(2))
    assert store.now() == of_oracle(shop, [day(n) for n in range(3)])
    assert broken_claims(store) == []
    shop.orders["p"] = Order("b", moment(4))
    shop.clock = moment(5, 23)
    store.run(shop, *(day(n) for n in range(3, 6)))
    assert store.now() == said == of_oracle(shop, [day(n) for n in range(6)])
    # before everything that was profiled
    shop.clock = moment(-9, 23)
    store.run(shop, day(-9))
    assert store.now() == of_oracle(shop, [day(-9)])


def test_a_clock_set_back_to_a_day_that_was_not_asked_for_breaks_no_claim():
    shop, store = shop_of("a", clock=5), Store()
    shop.accounts["n"] = Account("N", moment(2))
    store.run(shop, day(0), day(5))
    shop.clock = moment(3, 23)
    store.run(shop)
    assert store.now() == of_oracle(shop, [day(0)])
    assert broken_claims(store) == []


def test_days_after_the_clock_are_left_out():
    shop, store = shop_of("a", clock=1), Store()
    store.run(shop, day(0), day(1), day(2), day(3))
    assert {on for on, _ in store.now()} == {day(0), day(1)}
    assert Store().run(shop, day(7)).span is None


@pytest.mark.parametrize("back", [1, 7, 30, 90, 365])
def test_a_window_ends_with_its_day_and_its_first_day_is_whole(back):
    suffix = {1: "1D", 7: "7D", 30: "1M", 90: "3M", 365: "12M"}[back]
    shop, store = shop_of("a", clock=back), Store()
    shop.orders["first moment"] = Order("a", datetime.combine(FIRST, datetime.min.time()))
    shop.orders["last moment"] = Order("a", datetime.combine(FIRST, datetime.max.time()))
    store.run(shop, day(-1), day(0), day(back - 1), day(back))
    counts = {on: row[f"ECOM_NUMBER_OF_ORDERS_{suffix}"] for (on, _), row in store.now().items()}
    assert counts == {day(-1): 0, day(0): 2, day(back - 1): 2, day(back): 0} | (
        {day(0): 2} if back == 1 else {}
    )


# --- attributes that come and go -----------------------------------------------------------------


def test_an_attribute_added_later_has_the_values_of_past_days():
    shop = shop_of("a", "b")
    shop.orders |= {"o": Order("a", moment(0)), "p": Order("a", moment(2), cents(55))}
    fewer = Registry(tuple(a for a in REGISTRY.attributes if not a.name.startswith("ECOM_LARGEST")))
    store = Store(registry=fewer)
    several_days(shop, store, 4)
    at, said = store.at, store.now()
    store.registry = REGISTRY
    store.run(shop, day(3))
    assert store.now() == of_oracle(shop, [day(n) for n in range(4)])
    known = store.known_at(at)
    assert {k: {n: row[n] for n in said[k]} for k, row in known.items()} == said
    assert {row["ECOM_LARGEST_ORDER_AMOUNT"] for row in known.values()} == {None}
    store.registry = fewer
    store.run(shop, day(3))
    assert store.now() == said


# --- the archive ---------------------------------------------------------------------------------


def eventful(shop: Shop, store: Store) -> None:
    """Days, a late order, a new name, a merge and its undo."""
    shop.orders |= {"o": Order("a", moment(0)), "p": Order("b", moment(1))}
    several_days(shop, store, 4)
    shop.orders["late"] = Order("a", moment(1, 5))
    store.run(shop, day(3))
    shop.accounts["b"] = Account("New", shop.accounts["b"].created_at)
    shop.clock = moment(4, 23)
    store.run(shop, day(4))
    shop.merged["c"] = "a"
    store.run(shop, day(4))
    del shop.merged["c"]
    shop.clock = moment(5, 23)
    store.run(shop, day(5))


def everything(store: Store) -> list[tuple]:
    days = store.connection.execute("select * from marts.profile_days order by 1").fetchall()
    return [*store.rows(), *days]


def test_a_warehouse_built_anew_has_the_same_history(tmp_path):
    shop, store = shop_of("a", "b", "c"), Store(tmp_path)
    eventful(shop, store)
    kept = everything(store)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 8
    anew = Store(tmp_path, at=store.at)
    done = anew.run(shop, *(day(n) for n in range(6)))
    assert (done.rows_added, done.rows_superseded) == (0, 0)
    assert everything(anew) == kept
    assert sorted(tmp_path.iterdir()) == files, "nothing new was said"
    assert any(row[4] is not None for row in anew.rows()), "what was superseded is there, too"


def test_a_warehouse_built_anew_after_a_clock_was_set_back_and_forward_is_the_same(tmp_path):
    shop, store = shop_of("a", "b"), Store(tmp_path)
    shop.orders |= {"o": Order("a", moment(0)), "p": Order("b", moment(1))}
    several_days(shop, store, 4)
    shop.clock = moment(1, 23)
    store.run(shop, day(1))
    back = everything(store)
    anew = Store(tmp_path, at=store.at)
    anew.run(shop, day(0), day(1))
    assert everything(anew) == back
    shop.clock = moment(3, 23)
    store.run(shop, day(2), day(3))
    again = Store(tmp_path, at=store.at)
    again.run(shop, *(day(n) for n in range(4)))
    assert everything(again) == everything(store)


def test_a_run_in_parts_says_and_keeps_what_a_run_at_once_does(tmp_path, monkeypatch):
    shop, store = shop_of("a", "b", "c"), Store(tmp_path / "at once")
    eventful(shop, store)
    monkeypatch.setattr(profile_store, "ROWS_AT_ONCE", 2)
    shop, in_parts = shop_of("a", "b", "c"), Store(tmp_path / "in parts")
    eventful(shop, in_parts)
    assert everything(in_parts) == everything(store)
    whole, parts = (len(list((tmp_path / name).iterdir())) for name in ("at once", "in parts"))
    assert parts > whole, "or nothing was done in parts"
    anew = Store(tmp_path / "in parts", at=store.at)
    anew.run(shop, *(day(n) for n in range(6)))
    assert everything(anew) == everything(store)


def test_a_file_of_a_run_that_never_committed_is_set_aside(tmp_path):
    shop, store = shop_of("a"), Store(tmp_path)
    several_days(shop, store, 2)
    kept = sorted(tmp_path.iterdir())
    rows = store.rows()
    (tmp_path / "20300101T090000000000-deadbeef.parquet").write_bytes(kept[0].read_bytes())
    (tmp_path / "20300101T100000000000-deadbeef.unfinished").write_bytes(b"half")
    store.run(shop, day(1))
    assert sorted(tmp_path.iterdir()) == [*kept, tmp_path / profile_archive.SET_ASIDE]
    assert store.rows() == rows


def test_a_replay_takes_attributes_that_came_and_went_meanwhile(tmp_path):
    shop = shop_of("a", "b")
    shop.orders |= {"o": Order("a", moment(0)), "p": Order("a", moment(2), cents(55))}
    fewer = Registry(tuple(a for a in REGISTRY.attributes if "REFUND" not in a.name))
    fewer = Registry(tuple(a for a in fewer.attributes if a.name != "USER_NAME"))
    others = Registry(tuple(a for a in REGISTRY.attributes if "LARGEST" not in a.name))
    store = Store(tmp_path, registry=fewer)
    several_days(shop, store, 3)
    at = store.at
    anew = Store(tmp_path, registry=others, at=at)
    anew.run(shop, *(day(n) for n in range(3)))
    expected = of_oracle(shop, [day(n) for n in range(3)])
    shown = {a.name for a in others.attributes}
    assert anew.now() == {
        k: {n: v for n, v in row.items() if n in shown} for k, row in expected.items()
    }
    known = anew.known_at(at)
    assert {row["ECOM_TOTAL_REFUND_AMOUNT"] for row in known.values()} == {None}
    assert {k: row["ECOM_NUMBER_OF_ORDERS"] for k, row in known.items()} == {
        k: row["ECOM_NUMBER_OF_ORDERS"] for k, row in expected.items()
    }
