"""The demo data: its figures, its consistency, and how it is written."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from c360_assets.sources.demo import DemoSummary, write_demo

PERSONAL = "('gmail.com', 'hotmail.com', 'yahoo.com', 'icloud.com', 'outlook.com')"
PRINTED_CUSTOMER = "1111113001034507"
CENTS = "::decimal(18, 2)"


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a connection with one view per table of the folder; CSV columns are text."""
    con = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    con.execute(f"create view raw_event as from '{folder}/raw_event/*.parquet'")
    for path in sorted(folder.rglob("*.csv")):
        source = f"read_csv('{path}', all_varchar = true, header = true, delim = ',', quote = '\"')"
        con.execute(f"create view {path.stem} as from {source}")
    for path in sorted(folder.glob("*.parquet")):
        con.execute(f"create view {path.stem} as from '{path}'")
    con.execute("create macro domain(email) as lower(split_part(email, '@', 2))")
    return con


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def progress() -> list[str]:
    return []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, progress: list[str]) -> DemoSummary:
    return write_demo(tmp_path_factory.mktemp("one") / "demo", progress=progress.append)


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    return write_demo(tmp_path_factory.mktemp("longer") / "demo", history_days=100)


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    return write_demo(tmp_path_factory.mktemp("two") / "demo", scale=2)


@pytest.fixture(scope="module")
def con(demo: DemoSummary) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(demo.folder) as connection:
        yield connection


@pytest.fixture(scope="module")
def con2(doubled: DemoSummary) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(doubled.folder) as connection:
        yield connection


def values(con: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    rows = con.execute(query).fetchall()
    assert len(rows) == 1
    return tuple(rows[0])


def none(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Assert that a query for offending rows finds none."""
    assert con.execute(query).fetchmany(3) == []


def test_the_demo_has_the_figures_of_the_original(
    demo: DemoSummary, con: duckdb.DuckDBPyConnection
) -> None:
    assert demo.rows["raw_gaggle"] == 823
    assert demo.rows["raw_user"] == 5_781
    assert demo.rows["raw_event"] == 120_307
    for table, rows in demo.rows.items():
        assert values(con, f"select count(*) from {table}") == (rows,)
    names = con.execute("select distinct event_name from raw_event order by 1").fetchall()
    assert [row[0] for row in names] == ["order_placed", "recipe_favorited", "recipe_viewed"]


def test_events_span_the_92_days_of_the_original(con: duckdb.DuckDBPyConnection) -> None:
    span = "select min(timestamp)::date::text, max(timestamp)::date::text"
    days = "count(distinct timestamp::date)"
    assert values(con, f"{span}, {days} from raw_event") == ("2021-09-01", "2021-12-01", 92)


def test_every_event_file_holds_its_own_day_in_order(demo: DemoSummary) -> None:
    con = duckdb.connect()
    files = sorted((demo.folder / "raw_event").iterdir())
    assert len(files) == 92
    for path in (files[0], files[50], files[-1]):
        rows = con.execute(f"select timestamp from '{path}'").fetchall()
        times = [row[0] for row in rows]
        assert times == sorted(times)
        assert {time.date().isoformat() for time in times} == {path.stem}


def test_parquet_has_the_types_of_the_contract(demo: DemoSummary) -> None:
    con = duckdb.connect()
    path = demo.folder / "raw_event" / "2021-10-01.parquet"
    columns = con.execute(f"describe select * from '{path}'").fetchall()
    assert {name: kind for name, kind, *_ in columns} == {
        "event_id": "VARCHAR",
        "user_id": "VARCHAR",
        "event_name": "VARCHAR",
        "timestamp": "TIMESTAMP",
        "session_id": "VARCHAR",
        "page_url": "VARCHAR",
        "order_id": "VARCHAR",
        "product_id": "VARCHAR",
    }


def test_users_join_from_september_to_november_and_before_their_first_event(
    con: duckdb.DuckDBPyConnection,
) -> None:
    first, last = values(con, "select min(created_at), max(created_at) from raw_user")
    assert str(first) >= "2021-09-01"
    assert str(last) < "2021-12-01"
    none(
        con,
        "select user_id from raw_event join raw_user on id = user_id"
        " where timestamp < created_at::timestamp",
    )
    none(con, "select id from raw_user where updated_at < created_at")


def test_gaggles_and_companies_have_the_shape_of_the_original(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute(f"""
        create or replace temp table staff as
        select gaggle_id, coalesce(twice.new_domain, once.new_domain, domain(email)) as company
        from raw_user
        left join merged_company_domain once on once.old_domain = domain(email)
        left join merged_company_domain twice on twice.old_domain = once.new_domain
        where domain(email) not in {PERSONAL}
    """)
    rows = con.execute("""
        with counted as (select gaggle_id, company, count(*) n from staff group by all),
        main as (select gaggle_id, max_by(company, n) company from counted group by 1),
        owned as (select company, count(*) gaggles from main group by 1)
        select gaggles, count(*) from owned group by 1 order by 1
    """).fetchall()
    assert rows == [(1, 417), (2, 118), (3, 37), (4, 9)]
    assert values(con, "select count(distinct company) from staff") == (581,)
    (personal_only,) = values(
        con, "select count(*) from raw_gaggle where id not in (select gaggle_id from staff)"
    )
    assert personal_only == 23
    mixed = con.execute(
        "select gaggle_id from staff group by 1 having count(distinct company) = 2"
    ).fetchall()
    assert len(mixed) >= 5
    largest = "select min(n), max(n) from (select count(*) n from raw_user group by gaggle_id)"
    assert values(con, largest) == (1, 13)


def test_ids_count_from_1000(con2: duckdb.DuckDBPyConnection) -> None:
    own = f"id <> '{PRINTED_CUSTOMER}'"
    bounds = "select min(id::bigint), max(id::bigint), count(*)"
    assert values(con2, f"{bounds} from raw_user where {own}") == (1_000, 12_561, 11_561)
    assert values(con2, f"{bounds} from raw_gaggle") == (1_000, 2_645, 1_646)


def test_a_quarter_of_the_addresses_is_personal(con: duckdb.DuckDBPyConnection) -> None:
    (share,) = values(con, f"select avg((domain(email) in {PERSONAL})::int)::double from raw_user")
    assert isinstance(share, float)
    assert 0.23 < share < 0.28


def test_addresses_are_unique_and_some_have_capitals(con: duckdb.DuckDBPyConnection) -> None:
    assert values(
        con,
        "select count(distinct lower(email)),"
        " count(*) filter (split_part(email, '@', 2) <> domain(email)),"
        " count(*) filter (split_part(email, '@', 1) <> lower(split_part(email, '@', 1))) > 5"
        " from raw_user",
    ) == (5_781, 9, True)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("raw_user", "id"),
        ("raw_gaggle", "id"),
        ("raw_event", "event_id"),
        ("raw_order", "order_id"),
        ("raw_order_item", "order_id, product_id"),
        ("raw_product", "product_id"),
        ("raw_promo", "promo_id"),
        ("raw_address", "address_id"),
        ("raw_campaign", "plan_id, plan_detail_id"),
        ("raw_campaign_target", "execution_date, user_id, plan_id"),
        ("raw_ticket", "ticket_id"),
        ("merged_user", "old_email"),
        ("merged_company_domain", "old_domain"),
    ],
)
@pytest.mark.parametrize("size", ["con", "con2"])
def test_keys_are_unique(table: str, key: str, size: str, request: pytest.FixtureRequest) -> None:
    connection = request.getfixturevalue(size)
    none(connection, f"select {key} from {table} group by all having count(*) > 1")


@pytest.mark.parametrize(
    ("table", "column", "target", "key"),
    [
        ("raw_user", "gaggle_id", "raw_gaggle", "id"),
        ("raw_user", "address_id", "raw_address", "address_id"),
        ("raw_event", "user_id", "raw_user", "id"),
        ("raw_event", "product_id", "raw_product", "product_id"),
        ("raw_event", "order_id", "raw_order", "order_id"),
        ("raw_order", "user_id", "raw_user", "id"),
        ("raw_order", "promo_id", "raw_promo", "promo_id"),
        ("raw_order", "address_id", "raw_address", "address_id"),
        ("raw_order_item", "order_id", "raw_order", "order_id"),
        ("raw_order_item", "product_id", "raw_product", "product_id"),
        ("raw_campaign", "promotion_id", "raw_promo", "promo_id"),
        ("raw_campaign_target", "user_id", "raw_user", "id"),
        ("raw_campaign_target", "plan_id", "raw_campaign", "plan_id"),
        ("raw_campaign_target", "plan_detail_id", "raw_campaign", "plan_detail_id"),
        ("raw_ticket", "email", "raw_user", "email"),
        ("deals", "email", "raw_user", "email"),
        ("merged_user", "old_email", "raw_user", "email"),
        ("merged_user", "new_email", "raw_user", "email"),
        ("duplicates", "left_email", "raw_user", "email"),
        ("duplicates", "right_email", "raw_user", "email"),
    ],
)
@pytest.mark.parametrize("size", ["con", "con2"])
def test_every_reference_resolves(
    table: str, column: str, target: str, key: str, size: str, request: pytest.FixtureRequest
) -> None:
    connection = request.getfixturevalue(size)
    query = f"select {column} from {table} where {column} is not null"
    none(connection, f"{query} and {column} not in (select {key} from {target})")
    assert connection.execute(f"{query} limit 1").fetchall()


def test_every_order_placed_is_one_order_of_the_same_user_and_time(
    con: duckdb.DuckDBPyConnection,
) -> None:
    none(
        con, "select 1 from raw_event where (event_name = 'order_placed') <> (order_id is not null)"
    )
    none(
        con,
        "select order_id from raw_event e full join raw_order o using (order_id)"
        " where (e.order_id is not null or o.order_id is not null) and"
        " (e.event_name = 'order_placed' or o.order_id is not null) and"
        " (e.user_id is distinct from o.user_id or"
        "  o.created_at::timestamp - e.timestamp not between interval 0 second"
        "  and interval 1 second)",
    )
    assert values(
        con,
        "select count(*) = (select count(*) from raw_event where event_name = 'order_placed')"
        " from raw_order",
    ) == (True,)


def test_amounts_of_orders_add_up_to_the_cent(con: duckdb.DuckDBPyConnection) -> None:
    none(
        con,
        f"""
        with items as (
            select order_id, sum(price{CENTS} * quantity::int) as cost, count(*) as lines
            from raw_order_item join raw_product using (product_id) group by 1
        )
        select order_id from raw_order left join items using (order_id)
        left join raw_promo using (promo_id)
        where cost is distinct from order_cost{CENTS} or lines not between 1 and 4
            or order_total{CENTS}
                <> order_cost{CENTS} - coalesce(discount{CENTS}, 0) + shipping_cost{CENTS}
            or refund_amount{CENTS} < 0 or refund_amount{CENTS} > order_total{CENTS}
            or coalesce(discount{CENTS}, 0) > order_cost{CENTS}
        """,
    )


def test_orders_are_delivered_by_age(con: duckdb.DuckDBPyConnection) -> None:
    none(con, "select 1 from raw_order where (status = 'delivered') <> (delivered_at is not null)")
    none(con, "select 1 from raw_order where delivered_at <= created_at")
    none(con, "select 1 from raw_order where delivered_at > '2021-12-01 20:00:00'")
    none(con, "select 1 from raw_order where (status = 'preparing') <> (tracking_id is null)")
    rows = con.execute(
        "select status, avg(epoch(created_at::timestamp)) from raw_order group by 1 order by 2"
    ).fetchall()
    assert [status for status, _ in rows] == ["delivered", "shipped", "preparing"]


def test_people_come_in_bursts_and_most_have_ordered(con: duckdb.DuckDBPyConnection) -> None:
    (days, per_day) = values(
        con,
        "select count(*), avg(n) from"
        " (select count(*) n from raw_event group by user_id, timestamp::date)",
    )
    assert isinstance(days, int)
    assert isinstance(per_day, float)
    assert 20_000 < days < 28_000
    assert 4.5 < per_day < 5.5
    shares = values(
        con,
        "select avg((event_name = 'order_placed')::int),"
        " (select avg((id in (select user_id from raw_order))::int) from raw_user),"
        " (select avg((id not in (select user_id from raw_event))::int) from raw_user)"
        " from raw_event",
    )
    orders, ordered, idle = (float(str(share)) for share in shares)
    assert 0.2 < orders < 0.25
    assert 0.75 < ordered < 0.8
    assert 0.02 < idle < 0.12
    per_user = "select count(*) n from raw_event group by user_id"
    (tail,) = values(con, f"select quantile_cont(n, 0.99) / median(n) from ({per_user})")
    assert float(str(tail)) > 6


def test_promos_and_refunds_are_the_exception(con: duckdb.DuckDBPyConnection) -> None:
    promo, refund = values(
        con,
        "select avg((promo_id is not null)::int), "
        f"avg((refund_amount{CENTS} > 0)::int) from raw_order",
    )
    assert 0.08 < float(str(promo)) < 0.12
    assert 0.03 < float(str(refund)) < 0.05


def test_a_session_is_one_visit_of_one_user(con: duckdb.DuckDBPyConnection) -> None:
    none(
        con,
        "select session_id from raw_event group by 1 having count(distinct user_id) > 1"
        " or count(distinct timestamp::date) > 1",
    )


def test_the_merges_hold_two_chains_and_leave_5774_contacts(
    con: duckdb.DuckDBPyConnection,
) -> None:
    chained = "from merged_user a join merged_user b on a.new_email = b.old_email"
    assert values(con, f"select count(*) {chained}") == (2,)
    assert values(con, "select 5781 - count(distinct old_email) from merged_user") == (5_774,)
    none(con, "select 1 from merged_user where old_email = new_email")


def test_the_domain_merges_hold_a_chain_of_domains_in_use(con: duckdb.DuckDBPyConnection) -> None:
    chained = (
        "from merged_company_domain a join merged_company_domain b on a.new_domain = b.old_domain"
    )
    assert values(con, f"select count(*) {chained}") == (1,)
    none(
        con,
        "select name from (select unnest([old_domain, new_domain]) as name"
        " from merged_company_domain) where name not in (select domain(email) from raw_user)",
    )


def test_deals_are_those_of_the_seed_in_kind(
    demo: DemoSummary, con: duckdb.DuckDBPyConnection
) -> None:
    rows = con.execute(
        "select deal_stage, amount, count(*) from deals group by all order by all"
    ).fetchall()
    assert rows == [
        ("Lost", "$10,000", 48),
        ("Lost", "$40,000", 13),
        ("Won", "$10,000", 42),
        ("Won", "$40,000", 20),
    ]
    assert ',"$40,000",' in (demo.folder / "deals.csv").read_text(encoding="utf-8")
    none(con, f"select email from deals where domain(email) in {PERSONAL}")


def test_campaigns_have_a_control_group_and_excluded_customers_have_a_reason(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert values(con, "select count(distinct plan_id) from raw_campaign") == (24,)
    control = "(campaign_action_id = '1') <> (campaign_action_name = 'DN')"
    none(con, f"select 1 from raw_campaign where {control}")
    none(
        con,
        "select 1 from raw_campaign_target where (plan_detail_id is null)"
        " <> (exclusion_reason_id is not null and exclusion_reason is not null)",
    )
    none(
        con,
        "select 1 from raw_campaign_target join raw_user on id = user_id"
        " where execution_date < created_at::date::text"
        " or last_updated_time::timestamp::date <> execution_date::date",
    )
    none(
        con,
        "select 1 from raw_campaign_target t join raw_campaign c using (plan_detail_id)"
        " where t.plan_id <> c.plan_id",
    )


def test_tickets_of_merged_away_addresses_exist(con: duckdb.DuckDBPyConnection) -> None:
    assert values(con, "select count(*) from raw_ticket") == (300,)
    (merged,) = values(
        con, "select count(*) from raw_ticket where email in (select old_email from merged_user)"
    )
    assert isinstance(merged, int)
    assert merged >= 7
    statuses = con.execute("select distinct status from raw_ticket order by 1").fetchall()
    assert statuses == [("closed",), ("open",), ("pending",)]
    none(
        con,
        "select 1 from raw_ticket t join raw_user u using (email)"
        " where t.created_at < u.created_at",
    )


@pytest.mark.parametrize("size", ["con", "con2"])
def test_the_printed_customer_buys_returns_and_is_targeted(
    size: str, request: pytest.FixtureRequest
) -> None:
    connection = request.getfixturevalue(size)
    (orders, refunds, targets) = values(
        connection,
        f"select count(*), count(*) filter (refund_amount{CENTS} > 0),"
        " (select count(*) from raw_campaign_target t where t.user_id = o.user_id)"
        f" from raw_order o where user_id = '{PRINTED_CUSTOMER}' group by user_id",
    )
    assert isinstance(orders, int)
    assert orders >= 6
    assert refunds
    assert targets


def test_the_truth_names_dozens_of_pairs_of_every_kind(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute(
        "select kind, is_same, count(*) from duplicates group by all order by 1"
    ).fetchall()
    assert rows == [
        ("father_and_son", "false", 30),
        ("merged", "true", 9),
        ("moved_company", "true", 30),
        ("namesake", "false", 36),
        ("new_employer_address", "true", 36),
        ("nickname", "true", 30),
        ("plus_tag", "true", 30),
        ("shared_mailbox", "false", 30),
        ("typo", "true", 30),
    ]
    none(con, "select 1 from duplicates where left_email = right_email")
    none(
        con,
        "select 1 from merged_user m left join duplicates d"
        " on left_email = old_email and right_email = new_email and kind = 'merged'"
        " where d.kind is null",
    )


def test_people_with_two_accounts_share_a_phone_and_namesakes_do_not(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rows = con.execute(
        "select kind, count(*) filter (l.phone = r.phone), count(*) filter (l.phone <> r.phone)"
        " from duplicates join raw_user l on l.email = left_email"
        " join raw_user r on r.email = right_email group by 1"
    ).fetchall()
    for kind, same, different in rows:
        if kind in ("namesake", "father_and_son", "shared_mailbox"):
            assert same == 0
        else:
            assert different == 0


def test_another_seed_writes_other_people(demo: DemoSummary, tmp_path: Path) -> None:
    other = write_demo(tmp_path / "other", seed=1)
    assert other.rows["raw_event"] == 120_307
    assert other.rows["raw_user"] == 5_781
    assert digests(other.folder)["raw_user.csv"] != digests(demo.folder)["raw_user.csv"]


def test_scale_2_doubles_everything_but_the_catalogue(
    demo: DemoSummary, doubled: DemoSummary, con2: duckdb.DuckDBPyConnection
) -> None:
    exact = ("raw_gaggle", "raw_user", "raw_event", "deals", "raw_ticket", "merged_user")
    for table in (*exact, "merged_company_domain"):
        assert doubled.rows[table] == 2 * demo.rows[table]
    for table in ("raw_product", "raw_promo", "raw_campaign"):
        assert doubled.rows[table] == demo.rows[table]
    for table in ("raw_order", "raw_order_item", "raw_address", "raw_campaign_target"):
        assert 1.9 < doubled.rows[table] / demo.rows[table] < 2.1
    assert values(
        con2,
        "select count(distinct lower(email)), count(distinct domain(email))"
        f" filter (domain(email) not in {PERSONAL}) from raw_user",
    ) == (2 * 5_781, 2 * 584)


def test_a_longer_history_appends_days_for_the_same_users(
    demo: DemoSummary, longer: DemoSummary
) -> None:
    assert longer.rows["raw_event"] == 120_307 + round(8 * 120_307 / 92)
    before, after = digests(demo.folder), digests(longer.folder)
    events = [name for name in before if name.startswith("raw_event/")]
    for name in (*events, "raw_user.csv", "raw_gaggle.csv", "merged_user.csv"):
        assert before[name] == after[name]
    with connect(longer.folder) as con:
        assert values(con, "select max(timestamp)::date::text from raw_event") == ("2021-12-09",)
        none(con, "select order_id from raw_order group by 1 having count(*) > 1")
        none(con, "select event_id from raw_event group by 1 having count(*) > 1")


def test_the_same_seed_replaces_an_older_demo_by_the_same_bytes_and_spares_other_files(
    demo: DemoSummary, longer: DemoSummary, tmp_path: Path
) -> None:
    folder = shutil.copytree(longer.folder, tmp_path / "demo")
    mine = {
        folder / "merged_user_mine.csv": b"old_email,new_email\n",
        folder / "raw_event" / "2022-06-01.parquet": b"mine",
        folder / "notes.txt": b"mine too",
    }
    for path, content in mine.items():
        path.write_bytes(content)
    (folder / "raw_user.csv").write_text("spoilt", encoding="utf-8")

    again = write_demo(folder)

    assert again.rows == demo.rows
    assert {path: path.read_bytes() for path in mine} == mine
    for path in mine:
        path.unlink()
    assert digests(folder) == digests(demo.folder)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_raw_tables_of_somebody_else_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "raw_user.csv").write_text("id\n1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"raw_user\.csv, which the demo did not write"):
        write_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["raw_user.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0}, "scale 0 of the demo is too small; the smallest is 1"),
        ({"history_days": 91}, "a history of 91 days is shorter"),
        ({"seed": -1}, "seed -1 of the demo is negative"),
    ],
)
def test_arguments_out_of_range_are_refused(
    arguments: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        write_demo(tmp_path / "demo", **arguments)
    assert not (tmp_path / "demo").exists()


def test_progress_hears_of_blocks_and_days(demo: DemoSummary, progress: list[str]) -> None:
    assert progress[0] == "block 1 of 1"
    assert "raw_event of 2021-11-03" in progress
