"""Raw rows of people who were erased are nowhere, whatever they are read from; all else stands."""

import json

import duckdb
import pytest

from c360_assets.errors import SourceError
from c360_assets.sources.tombstones import open_tombstones, plain_address, read_tombstones
from c360_assets_tests.pipeline import World

TABLES = {
    "raw_user": "id,name,email,created_at,address_id\n"
    "1,Ann,ann@acme.com,2021-01-01,a1\n"
    "2,Bob, BOB@acme.com ,2021-01-02,a2\n",
    "raw_order": "order_id,user_id,created_at,order_cost\no1,1,2021-02-01,10\no2,2,2021-02-01,20\n",
    "raw_order_item": "order_id,product_id,quantity\no1,p1,1\no2,p1,2\n",
    "raw_address": "address_id,address,zipcode,state,country\na1,1 St,1,CA,US\na2,2 St,2,CA,US\n",
    "raw_ticket": "ticket_id,email,created_at,subject,status\n"
    "t1,ann@acme.com,2021-02-01,Help,open\nt2,bob@acme.com,2021-02-01,Bob here,open\n",
    "deals": "close_date,amount,deal_name,deal_stage,email\n"
    "2021-03-01,$100,Bob Smith - Large Deal,Won,bob@acme.com\n"
    "2021-03-01,$50,Small Deal,Won,ann@acme.com\n",
    "raw_campaign_target": "execution_date,user_id,plan_id,last_updated_time\n"
    "2021-02-01,1,p,2021-02-01\n2021-02-01,2,p,2021-02-01\n",
    "merged_user": "old_email,new_email\nx@y.com,bob@acme.com\n",
}
EVENTS = (
    "select * from (values ('e1', '1', 'click', timestamp '2021-02-01'),"
    " ('e2', '2', 'click', timestamp '2021-02-01'), ('e3', '2', 'click', timestamp '2021-02-02'))"
    " as t (event_id, user_id, event_name, timestamp)"
)
MARKS = {"email": ["bob@acme.com"], "user": ["2"], "order": ["o2"], "address": ["a2"]}


@pytest.fixture
def world(tmp_path) -> World:
    found = World(tmp_path).write(**TABLES)
    write_parquet(found, "raw_event", EVENTS)
    return found


def write_parquet(world: World, name: str, select: str) -> None:
    path = world.settings.source_dir / f"{name}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to '{path}' (format parquet)")


def rows(world: World, sql: str) -> list[tuple]:
    return [tuple(row.values()) for row in world.rows(sql)]


def erase(world: World) -> None:
    open_tombstones(world.settings.home_dir).add(MARKS, {"receipt": "r"})


def column(world: World, table: str, name: str) -> list:
    return sorted(value for (value,) in rows(world, f"select {name} from {table}"))


def test_a_hash_is_the_same_in_the_engine_and_here(tmp_path, world):
    found = open_tombstones(tmp_path)
    ((there,),) = rows(world, f"select sha256('{found.salt}' || 'email' || ':' || 'bob@acme.com')")
    assert there == found.hash_of("email", "bob@acme.com")


def test_erased_people_are_in_no_table_of_raw_or_staged_rows_and_the_others_stay(world):
    erase(world)
    world.build()
    assert column(world, "raw.raw_user", "id") == ["1"]
    assert column(world, "raw.raw_event", "event_id") == ["e1"]
    assert column(world, "raw.raw_order", "order_id") == ["o1"]
    assert column(world, "raw.raw_order_item", "order_id") == ["o1"]
    assert column(world, "raw.raw_address", "address_id") == ["a1"]
    assert column(world, "raw.raw_ticket", "ticket_id") == ["t1"]
    assert column(world, "raw.raw_campaign_target", "user_id") == ["1"]
    assert rows(world, "select * from raw.merged_user") == []
    assert column(world, "marts.contacts", "email") == ["ann@acme.com"]
    assert rows(world, "select * from ops.rejected_rows") == []


def test_an_erased_persons_deal_stays_with_its_money_and_plan_and_without_their_name(world):
    erase(world)
    world.build()
    assert rows(
        world, "select email, deal_name, amount from staging.stg_deals order by amount"
    ) == [
        ("ann@acme.com", "Small Deal", 50),
        ("erased@acme.com", "Large Deal", 100),
    ]


def test_deals_in_a_parquet_file_lose_the_name_too(world):
    (world.settings.source_dir / "deals.csv").unlink()
    write_parquet(
        world,
        "deals",
        "select date '2021-03-01' as close_date, 100 as amount, 'Bob Smith' as deal_name,"
        " 'Won' as deal_stage, 'bob@acme.com' as email",
    )
    erase(world)
    world.build()
    assert rows(world, "select email, deal_name from staging.stg_deals") == [
        ("erased@acme.com", "erased")
    ]


def test_a_table_that_was_there_before_loses_them_with_the_next_run(world):
    world.build()
    assert len(column(world, "raw.raw_user", "id")) == 2
    erase(world)
    world.build()
    assert column(world, "raw.raw_user", "id") == ["1"]
    assert column(world, "marts.contacts", "number_of_events") == [1]


def test_who_comes_back_with_another_id_under_the_old_address_is_left_out_with_their_events(world):
    erase(world)
    world.write(raw_user=TABLES["raw_user"] + "9,Bob,bob@acme.com,2021-03-01,\n")
    write_parquet(
        world,
        "raw_event",
        EVENTS.replace("('e3'", "('e9', '9', 'click', timestamp '2021-03-02'), ('e3'"),
    )
    world.build()
    world.build()
    assert column(world, "raw.raw_user", "id") == ["1"]
    assert column(world, "raw.raw_event", "event_id") == ["e1"]
    assert rows(world, "select * from ops.rejected_rows") == []


SPELLED = ["\u200bbob@acme.com", "\uff42ob@acme.com", "bob\uff20acme.com", "bob@acme.com\t"]


@pytest.mark.parametrize("is_parquet", [False, True])
def test_who_comes_back_under_another_spelling_is_left_out_too(world, is_parquet):
    erase(world)
    spelled = [*SPELLED, "x@b\u00fccher.de"]
    open_tombstones(world.settings.home_dir).add({"email": ["x@xn--bcher-kva.de"]}, {})
    people = [f"{n},Bob,{each},2021-03-01,\n" for n, each in enumerate(spelled, 10)]
    tickets = [f"t{n},{each},2021-03-01,Hi,open\n" for n, each in enumerate(spelled, 10)]
    world.write(
        raw_user=TABLES["raw_user"] + "".join(people),
        raw_ticket=TABLES["raw_ticket"] + "".join(tickets),
        merged_user=TABLES["merged_user"] + "".join(f"{each},a@b.com\n" for each in spelled),
    )
    if is_parquet:
        for name in ("raw_user", "raw_ticket"):
            path = world.settings.source_dir / f"{name}.csv"
            write_parquet(world, name, f"from read_csv('{path}', all_varchar = true)")
            path.unlink()
    world.build()
    world.build()
    assert column(world, "raw.raw_user", "id") == ["1"]
    assert column(world, "raw.raw_ticket", "ticket_id") == ["t1"]
    assert rows(world, "select * from raw.merged_user") == []
    assert read_tombstones(world.settings.home_dir).covers("user", "10")


def test_a_deal_under_another_spelling_keeps_its_money_and_no_name(world):
    erase(world)
    lines = "".join(f"2021-03-01,$7,Bob Small Deal,Won,{each}\n" for each in SPELLED)
    world.write(deals=TABLES["deals"] + lines)
    world.build()
    assert rows(
        world, "select distinct email, deal_name from staging.stg_deals where amount = 7"
    ) == [("erased@acme.com", "Small Deal")]


def test_a_line_that_is_no_row_and_names_them_is_kept_without_the_name(world):
    erase(world)
    world.write(raw_ticket=TABLES["raw_ticket"] + 't3,bob@acme.com,"x\n')
    world.build()
    texts = column(world, "ops.malformed_rows", "row_json")
    assert texts
    assert not any("bob@" in text for text in texts)


def test_columns_that_sources_toml_maps_are_erased_by_what_they_mean(world):
    world.write(
        raw_user="uid,person,mail,born\n1,Ann,ann@acme.com,2021-01-01\n2,Bob,bob@acme.com,2021-01-02"
    )
    (world.settings.source_dir / "sources.toml").write_text(
        '[raw_user.columns]\nid = "uid"\nname = "person"\nemail = "mail"\ncreated_at = "born"\n',
    )
    erase(world)
    world.build()
    assert column(world, "raw.raw_user", "id") == ["1"]


def test_a_lifted_tombstone_lets_the_address_in_again(world):
    erase(world)
    found = read_tombstones(world.settings.home_dir)
    left = found.without(MARKS)
    assert not left
    assert not read_tombstones(world.settings.home_dir)
    world.build()
    assert len(column(world, "raw.raw_user", "id")) == 2


def test_the_file_of_tombstones_names_nobody_and_its_salt_is_the_owners_alone(tmp_path):
    found = open_tombstones(tmp_path).add(MARKS, {"receipt": "r"})
    folder = tmp_path / "erasure"
    text = (folder / "tombstones.jsonl").read_text()
    assert "bob" not in text
    assert {json.loads(line)["kind"] for line in text.splitlines()} == set(MARKS)
    assert (folder / "salt").stat().st_mode & 0o077 == 0
    assert found.covers("email", plain_address(" BOB@acme.com."))
    # another home has another salt
    assert open_tombstones(tmp_path / "other").hash_of("user", "2") != found.hash_of("user", "2")


def test_without_its_salt_nothing_is_landed(world):
    erase(world)
    (world.settings.home_dir / "erasure" / "salt").unlink()
    with pytest.raises(SourceError, match="would come back"):
        world.build()
