"""Whoever opted out, or was erased, is told by no cell of any view that pages read."""

import json
import re

import pytest

from benchmarks.bare import BarePipeline
from c360_assets import contracts
from c360_assets.assets.published import published_tables
from c360_assets.attribute_rules import AttributeRule
from c360_assets.contracts.kpis import KPI_TABLES
from c360_assets.erasure.person import find_person
from c360_assets.errors import ConfigError, SourceError
from c360_assets.settings import Rules
from c360_assets.sources.tombstones import open_tombstones
from c360_assets.ui import privacy
from c360_assets.ui.privacy_rules import (
    COVERS,
)
from c360_assets.warehouse.published import beside_published, open_published
from c360_assets_tests.pipeline import World

# the pipeline runs twice on the small world: ten seconds and more
pytestmark = pytest.mark.slow
OPT_OUTS = "optouts.csv"
ANN_ONLY = (
    *("ann@acme.com", "ann@gmail.com", "ann.old@acme.com", "Ann Archer", "Archer", "555-0101"),
    *("1 Ann Street", "ZIP-ANN", "TRACK-ANN", "annie", "ann+x", "ann+y", "ann.old@"),
)
BOB_ONLY = (
    *("bob@acme.com", "bobby@home.net", "bob@xn--bcher-kva", "Bob Baker"),
    *("Robert Q. Baker", "555-0202", "2 Bob Street", "ZIP-BOB", "TRACK-BOB"),
)
TABLES = {
    "raw_user": """\
        id,name,email,gaggle_id,created_at,phone,address_id
        1,Ann Archer,ann@acme.com,g1,2021-01-01,555-0101,a1
        2,Ann Archer,ann@gmail.com,g1,2021-01-02,555-0101,a1
        3,Bob Baker,bob@acme.com,g1,2021-01-03,555-0202,a2
        4,Robert Q. Baker,bobby@home.net,g2,2021-01-04,555-0202,a2
        5,Cyd Carter,cyd@acme.com,g1,2021-01-05,555-0303,a3
        6,Bob Baker,bob@bücher.example,g2,2021-01-06,,a3
        7,Dee Dunn,dee@acme.de,g2,2021-01-07,,
        2,Ann Archer,ann@gmail.com,g1,2021-09-02,555-0101,a1
        3,Bob Baker,bob@acme.com,g1,2021-09-03,555-0202,a2
        9,Ann Archer,ann@acme.com@,g1,2021-01-09,555-0101,a1
    """,
    "raw_gaggle": """\
        id,name,created_at
        g1,Makers,2021-01-01
        g2,Readers of Dee  Dünn,2021-01-01
        g3,cyd@acme.com's lab,2021-01-01
    """,
    "raw_address": """\
        address_id,address,zipcode,state,country
        a1,1 Ann Street,ZIP-ANN,Ohio,United States
        a2,2 Bob Street,ZIP-BOB,Ohio,United States
        a3,3 Shared Street,ZIP-CYD,Utah,United States
        a1,1 Ann Street again,ZIP-ANN,Ohio,United States
    """,
    "raw_event": """\
        event_id,user_id,event_name,timestamp,session_id
        e1,1,page_view,2021-02-01 10:00:00,s1
        e2,3,page_view,2021-02-01 11:00:00,s2
        e3,5,page_view,2021-02-02 10:00:00,s3
        e4,5,page_view,2021-02-02 10:05:00,s4
        e5,3,page_view,2021-02-02 10:06:00,s4
    """,
    "raw_order": """\
        order_id,user_id,created_at,order_cost,order_total,address_id,tracking_id
        o1,1,2021-02-01,10,10,a1,TRACK-ANN
        o2,3,2021-02-01,20,20,a2,TRACK-BOB
        o3,5,2021-02-02,30,30,a3,TRACK-CYD
        o4,4,2021-02-02,5,5,a2,TRACK-BOB
    """,
    "deals": """\
        close_date,amount,deal_name,deal_stage,email
        2021-02-01,1000,Ann Archer - Business Deal,Won,ann@acme.com
        2021-02-01,2000,Bob Baker - Business Deal,Won,bob@acme.com
        2021-02-01,3000,Cyd Carter with ann@acme.com - Large Deal,Won,cyd@acme.com
    """,
    "raw_ticket": """\
        ticket_id,email,created_at,subject,status
        t1,ann@gmail.com,2021-02-01,From Ann Archer,open
        t2,bob@acme.com,2021-02-01,From Bob,open
        t3,cyd@acme.com,2021-02-01,Please ask ánn  archer,open
        t4,cyd@acme.com,2021-02-01,or <BOBBY@home.net>,open
        t5,cyd@acme.com,2021-02-01,Where is it?,open
        t6,ann.old@acme.com,2021-02-01,hello,open
        t7,cyd@acme.com,2021-02-01,"Archer, Ann knows",open
        t8,cyd@acme.com,2021-02-01,[bob@bücher.example]!,open
        t9,ann+x@acme.com,2021-02-01,hello again,open
        t10,cyd@acme.com,2021-02-01,it was ann+y@gmail.com,open
    """,
    "raw_campaign": """\
        plan_id,plan_detail_id,campaign_action_id,campaign_action_name,execution_start_date,\
target_group_id,target_group_name,channel_id,channel_name,template_name,promotion_id,tag_names,\
campaign_type
        p1,d1,2,Mail,2021-02-01,,,,,,,,
    """,
    "raw_campaign_target": """\
        execution_date,user_id,plan_id,plan_detail_id,last_updated_time
        2021-02-01,1,p1,d1,2021-02-01
        2021-02-01,3,p1,d1,2021-02-01
        2021-02-01,5,p1,d1,2021-02-01
    """,
    "merged_user": """\
        old_email,new_email,decision,decided_by,decided_at,reason
        ann.old@acme.com,ann@gmail.com,merge,cyd@acme.com,2021-03-01,
        ann@gmail.com,ann@acme.com,merge,ann@acme.com,2021-03-02,Ann Archer said so
        bobby@home.net,bob@acme.com,merge,cyd@acme.com,2021-03-02,
        bob@acme.com,cyd@acme.com,never,cyd@acme.com,2021-03-03,Bob is not Cyd
        dee@acme.de,dee@acme.net,merge,cyd@acme.com,2021-03-03,not ann@acme.com
        ann@acme.com,cyd@acme.com,merge,cyd@acme.com,2021-03-04,
        annie archer at home,ann@acme.com,merge,cyd@acme.com,2021-03-04,
        ann.old@@acme.com,cyd@acme.com,merge,cyd@acme.com,2021-03-04,
        annie@old.example,ann@acme.com,merge,cyd@acme.com,2021-03-04,
        annie@old.example,ann@acme.com,undo,cyd@acme.com,2021-03-05,
        ann@acme.com,zoe@nobody.example,never,cyd@acme.com,2021-03-05,
    """,
}
OWN = (
    AttributeRule(name="INITIALS", description="x", type="VARCHAR", source="contacts",
                  value="upper(user_name)"),
    AttributeRule(name="PHONE_SUM", description="x", type="BIGINT", source="contacts",
                  value="cast(replace(phone_number, '-', '') as bigint)"),
    AttributeRule(name="GREETING", description="x", type="VARCHAR",
                  expression="'Dear ' || INITIALS"),
    AttributeRule(name="LAST_SUBJECT", description="x", type="VARCHAR", source="tickets",
                  aggregate="max", value="subject"),
    AttributeRule(name="WORKSPACE", description="x", type="VARCHAR", source="contacts",
                  value="'at ' || gaggle_name"),
)  # fmt: skip
RULES = Rules(attributes=OWN)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Ann and Cyd were one person for one run; then the merge was taken back."""
    made = World(tmp_path_factory.mktemp("privacy"), rules=RULES).write(**TABLES)
    made.build_everything().write(
        merged_user_2="old_email,new_email,decision,decided_by,decided_at\n"
        "ann@acme.com,cyd@acme.com,undo,cyd@acme.com,2021-03-05"
    )
    return made.build_everything().publish()


@pytest.fixture
def settings(world):
    """The world's settings with what `suppress` and `erase` do to them; ends clean."""
    yield world.settings
    (world.settings.source_dir / OPT_OUTS).unlink(missing_ok=True)
    folder = world.settings.home_dir / "erasure"
    for path in folder.glob("*") if folder.exists() else ():
        path.unlink()


def publish_a_part(world):
    """Without the tables that take longest."""
    pipeline = BarePipeline(world.settings)
    pipeline.run(world.days(), areas=("kpis",))
    left_out = set(contracts.TIME_TABLES) - set(KPI_TABLES) | set(contracts.CANDIDATE_TABLES)
    pipeline.publish([table for table in published_tables() if table not in left_out])


def suppress(settings, *addresses):
    """The settings by which these people opted out."""
    lines = "\n".join(("email", *addresses))
    (settings.source_dir / OPT_OUTS).write_text(f"{lines}\n", encoding="utf-8")
    rules = {"crm": {"suppression": [OPT_OUTS]}}
    return settings.model_copy(
        update={"rules": Rules.model_validate(rules | {"attributes": settings.rules.attributes})}
    )


def erase(settings, email):
    """Write the tombstones of `c360 forget`, before anything is published without them."""
    with open_published(settings) as connection:
        person = find_person(connection, email)
    open_tombstones(settings.home_dir).add(person.marks(), {"receipt": "test"})
    return person


def covered(settings, ask):
    with beside_published(settings) as connection:
        hidden = privacy.cover(connection, settings)
        return hidden, ask(connection)


def views(connection):
    """Every view of the pages with its columns and types."""
    found = {}
    for table, column, type_ in connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns()"
        " where database_name = current_database() and schema_name <> 'hidden' and not internal"
        " order by 1, column_index"
    ).fetchall():
        found.setdefault(table, {})[column] = type_
    return found


def cells_with(connection, needles):
    """Every (table, column, needle) where some cell of any type has the needle in it."""
    found = set()
    for table, columns in views(connection).items():
        texts = [set() for _ in columns]
        for row in connection.execute(f"select distinct * from {table}").fetchall():
            for seen, value in zip(texts, row, strict=True):
                if value is not None:
                    seen.add(str(value).lower())
        for column, seen in zip(columns, texts, strict=True):
            all_of_it = "\n".join(seen)
            found |= {(table, column, each) for each in needles if each.lower() in all_of_it}
    return sorted(found)


def rows(sql):
    return lambda connection: connection.execute(sql).fetchall()


def test_the_data_tells_of_both_where_nobody_is_hidden(settings):
    hidden, found = covered(settings, lambda c: cells_with(c, (*ANN_ONLY, *BOB_ONLY)))
    assert hidden.people == 0
    assert {needle for _, _, needle in found} == {*ANN_ONLY, *BOB_ONLY}
    places = {(table, column) for table, column, _ in found}
    assert {
        ("identity.merge_journal", "merge_path"),
        ("identity.merge_journal", "reason"),
        ("identity.merge_journal", "decided_by"),
        ("marts.contacts", "merged_emails"),
        ("marts.customer_profile_history", "INITIALS"),
        ("marts.customer_profiles", "GREETING"),
        ("marts.search_index", "search_text"),
        ("ops.rejected_rows", "row_json"),
        ("staging.stg_tickets", "subject"),
        ("main.CUSTOMER_PROFILES", "STR2"),
    } <= places


def test_where_nobody_is_hidden_a_view_is_the_table(settings):
    _, found = covered(
        settings,
        rows(
            "select sql from duckdb_views() where schema_name = 'marts' and view_name = 'contacts'"
            " and database_name = current_database()"
        ),
    )
    assert re.fullmatch(
        r"CREATE VIEW marts\.contacts AS SELECT \* FROM published\.marts\.contacts;", found[0][0]
    )


def test_who_opted_out_is_told_by_no_cell(settings):
    # by one of the addresses, in another spelling
    told = suppress(settings, " ANN@gmail.com ")
    hidden, found = covered(told, lambda c: cells_with(c, ANN_ONLY))
    assert found == []
    assert hidden.people == 1


def test_who_opted_out_keeps_rows_and_figures(settings):
    def ask(connection):
        return [
            connection.execute(sql).fetchall()
            for sql in (
                "select user_id, email, user_name, merged_emails, number_of_orders, corporate_email"
                " from marts.contacts where user_id in ('1', '5') order by user_id",
                "select order_id, country, zipcode from marts.fct_orders where user_id = '1'",
                "select count(*), count(EMAIL), count(INITIALS), count(PHONE_SUM), count(GREETING),"
                " count(LAST_SUBJECT), count(WORKSPACE) from marts.customer_profiles"
                " where client_customer_id = '1'",
                "select ticket_id, email, subject from staging.stg_tickets order by ticket_id",
                "select email, deal_name, amount from staging.stg_deals order by amount",
            )
        ]

    _, (people, orders, profiles, tickets, deals) = covered(
        suppress(settings, "ann@gmail.com"), ask
    )
    assert people == [
        ("1", None, None, [], 1, "acme.com"),
        ("5", "cyd@acme.com", "Cyd Carter", [], 1, "acme.com"),
    ]
    assert orders == [("o1", "United States", None)]
    assert profiles[0][0] > 0
    assert profiles[0][1:6] == (0, 0, 0, 0, 0)
    assert profiles[0][6] == profiles[0][0]
    assert tickets == [
        ("t1", None, "(hidden)"),
        ("t10", "cyd@acme.com", "(hidden)"),
        ("t2", "bob@acme.com", "From Bob"),
        ("t3", "cyd@acme.com", "(hidden)"),
        ("t4", "cyd@acme.com", "or <BOBBY@home.net>"),
        ("t5", "cyd@acme.com", "Where is it?"),
        ("t6", None, "(hidden)"),
        ("t7", "cyd@acme.com", "(hidden)"),
        ("t8", "cyd@acme.com", "[bob@bücher.example]!"),
        ("t9", None, "(hidden)"),
    ]
    assert [(email, name) for email, name, _ in deals] == [
        (None, "(hidden)"),
        ("bob@acme.com", "Bob Baker - Business Deal"),
        ("cyd@acme.com", "(hidden)"),
    ]


@pytest.mark.parametrize(
    ("address", "needle", "names"),
    [
        ("dee@acme.de", "Dünn", ["Makers", "(hidden)", "cyd@acme.com's lab"]),
        ("cyd@acme.com", "cyd@", ["Makers", "Readers of Dee  Dünn", "(hidden)"]),
    ],
)
def test_a_gaggle_named_after_who_opted_out_has_no_name(settings, address, needle, names):
    def ask(connection):
        return [
            cells_with(connection, [needle]),
            *(
                [row[0] for row in connection.execute(sql).fetchall()]
                for sql in (
                    "select gaggle_name from marts.gaggle_facts order by gaggle_id",
                    "select gaggle_name from staging.stg_gaggles order by gaggle_id",
                    "select object_id from marts.search_index where kind = 'gaggle'"
                    " and coalesce(search_text, '') = '' order by 1",
                    "select distinct GAGGLE_NAME from marts.customer_profiles"
                    " where client_customer_id in ('1', '6') order by 1",
                    "select distinct WORKSPACE from marts.customer_profiles",
                )
            ),
        ]

    _, (cells, facts, staged, unfound, profiles, own) = covered(settings, ask)
    assert {column for _, column, _ in cells} >= {"gaggle_name"}
    assert (facts, unfound) == (["Makers", "Readers of Dee  Dünn", "cyd@acme.com's lab"], [])
    assert len(own) == 2
    _, (cells, facts, staged, unfound, profiles, own) = covered(suppress(settings, address), ask)
    assert cells == []
    assert facts == staged == names
    assert unfound == [f"g{names.index('(hidden)') + 1}"]
    assert profiles == sorted(names[:2])
    # what is made of names of gaggles may tell of any of them
    assert own == [None]


def test_an_undone_merge_does_not_tell_of_who_opted_out(settings):
    sql = (
        "select count(*), count(MERGED_EMAILS) from marts.customer_profile_history"
        " where client_customer_id = '5'"
    )
    _, before = covered(settings, rows(sql))
    assert before[0][1] > 0, "the profile of that time has no address of the other"
    _, after = covered(suppress(settings, "ann@acme.com"), rows(sql))
    assert after[0] == (before[0][0], 0)


def test_who_was_erased_is_told_by_no_cell_and_has_no_row(settings):
    person = erase(settings, "bobby@home.net")
    assert person.user_ids == {"3", "4"}
    needles = [needle for needle in BOB_ONLY if "cher" not in needle and needle != "Bob Baker"]

    def ask(connection):
        ids = [
            (table, column)
            for table, columns in views(connection).items()
            for column in columns
            if column.lower() in (
                *("user_id", "account_user_id", "contact_user_id", "client_customer_id"),
                *("other_user_id", "first_user_id", "most_active_user_id", "most_orders_user_id"),
                *("left_user_id", "right_user_id"),
            )
            and connection.execute(
                f"select 1 from {table} where \"{column}\" in ('3', '4') limit 1"
            ).fetchall()
        ]  # fmt: skip
        return ids, cells_with(connection, needles)

    hidden, (ids, cells) = covered(settings, ask)
    assert hidden.people == 1
    assert (ids, cells) == ([], [])


def test_rows_of_others_stay_when_somebody_is_erased(settings):
    def ask(connection):
        return {
            name: connection.execute(f"select count(*) from {name}").fetchall()[0][0]
            for name in views(connection)
        }

    _, before = covered(settings, ask)
    erase(settings, "bob@acme.com")
    _, after = covered(settings, ask)
    fewer = {name: before[name] - after[name] for name in before if before[name] != after[name]}
    assert fewer["marts.contacts"] == 1
    assert fewer["staging.stg_users"] == 2
    assert fewer["staging.stg_tickets"] == 1
    assert fewer["marts.fct_orders"] == 2
    assert fewer["staging.stg_deals"] == 1
    assert fewer["identity.merge_journal"] == 2
    assert fewer["staging.stg_addresses"] == 1
    assert "marts.corporate_accounts" not in fewer
    assert "marts.gaggle_facts" not in fewer
    assert "marts.kpi_daily" not in fewer


def test_an_address_in_two_spellings_is_one_person(settings):
    told = suppress(settings, "BOB@Bücher.example")
    hidden, found = covered(told, lambda c: cells_with(c, ["bob@bücher", "bob@xn--"]))
    assert hidden.people == 1
    assert found == []


def test_who_is_known_by_an_address_alone_is_hidden_too(tmp_path, world):
    made = World(tmp_path).write(
        raw_user="id,name,email,created_at\n1,Cyd Carter,cyd@acme.com,2021-01-01",
        raw_event="event_id,user_id,event_name,timestamp\ne1,1,click,2021-02-01",
        raw_ticket="ticket_id,email,created_at,subject,status\n"
        "t1,eve@acme.com,2021-02-01,me again,open\nt2,cyd@acme.com,2021-02-01,hello,open",
    )
    publish_a_part(made)
    told = suppress(made.settings, "eve@acme.com")
    _, found = covered(told, rows("select email, subject from marts.support_queue order by 1"))
    assert found == [("cyd@acme.com", "hello"), (None, "(hidden)")]
    erase(made.settings, "eve@acme.com")
    _, found = covered(made.settings, rows("select email from marts.support_queue"))
    assert found == [("cyd@acme.com",)]


def test_whose_id_is_their_address_has_no_row_at_all(tmp_path):
    made = World(tmp_path).write(
        raw_user="id,name,email,created_at\n"
        "ann@acme.com,Ann Archer,ann@acme.com,2021-01-01\n2,Bo Box,bo@acme.com,2021-01-01",
        raw_event="event_id,user_id,event_name,timestamp\ne1,ann@acme.com,click,2021-02-01",
    )
    publish_a_part(made)
    told = suppress(made.settings, "ann@acme.com")
    _, found = covered(told, lambda c: cells_with(c, ["ann@acme.com", "Archer"]))
    assert found == []


def test_a_missing_file_of_opt_outs_shows_no_page(settings):
    told = suppress(settings, "ann@gmail.com")
    (settings.source_dir / OPT_OUTS).unlink()
    with pytest.raises(ConfigError, match=r"optouts\.csv.*no page is shown"):
        privacy.version(told)
    with pytest.raises(ConfigError, match="no page is shown"):
        covered(told, views)


def test_a_file_of_opt_outs_without_addresses_shows_no_page(settings):
    told = suppress(settings)
    (settings.source_dir / OPT_OUTS).write_text("name\nAnn\n")
    with pytest.raises(ConfigError, match="column `email`"):
        covered(told, views)


def test_a_lost_salt_shows_no_page(settings):
    erase(settings, "bob@acme.com")
    (settings.home_dir / "erasure" / "salt").unlink()
    with pytest.raises(SourceError, match="who was erased"):
        covered(settings, views)


def test_the_version_changes_with_whoever_is_hidden(settings):
    seen = [privacy.version(settings)]
    told = suppress(settings, "ann@gmail.com")
    seen.append(privacy.version(told))
    assert privacy.version(told) == seen[-1]
    suppress(settings, "ann@gmail.com", "bob@acme.com")
    seen.append(privacy.version(told))
    erase(settings, "bob@acme.com")
    seen.append(privacy.version(told))
    assert len(set(seen)) == len(seen)


def test_a_table_that_nobody_thought_of_has_no_view(settings, monkeypatch):
    monkeypatch.setattr(
        privacy, "COVERS", {name: each for name, each in COVERS.items() if "contacts" not in name}
    )
    _, found = covered(settings, views)
    assert "marts.contacts" not in found
    assert "marts.dim_users" in found


def test_a_text_column_that_nobody_thought_of_is_in_no_view(settings, monkeypatch):
    without = {**COVERS, "marts.dim_users": privacy.Cover(users="user_id", personal="email")}
    monkeypatch.setattr(privacy, "COVERS", without)
    for told in (settings, suppress(settings, "ann@gmail.com")):
        _, found = covered(told, views)
        assert "user_name" not in found["marts.dim_users"]
        assert "total_orders" in found["marts.dim_users"]


def test_every_column_of_the_published_copy_is_in_a_view(settings):
    def ask(connection):
        return privacy.published_columns(connection), views(connection)

    _, (copy, shown) = covered(suppress(settings, "ann@gmail.com"), ask)
    assert shown == copy


def test_json_of_rejected_rows_keeps_what_is_nobodys(settings):
    _, found = covered(
        suppress(settings, "ann@gmail.com"),
        rows("select source_table, reason, row_json from ops.rejected_rows order by all"),
    )
    shown = [json.loads(text) for _, _, text in found if text != "(hidden)"]
    assert any(row.get("id") == "3" for row in shown)
    assert not any(row.get("id") in ("2", "9") for row in shown)
    assert len(shown) < len(found)
