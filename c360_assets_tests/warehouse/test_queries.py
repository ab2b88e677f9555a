"""Every SQL file: one readable SELECT, portable, with the contract's columns and true lineage."""

import re

import pytest
import sqlglot
from sqlglot import ErrorLevel, exp

from c360_assets import contracts
from c360_assets.assets.shell import column_lineage, deps_of
from c360_assets.contracts import Table
from c360_assets.errors import ContractError
from c360_assets.settings import Settings
from c360_assets.warehouse.queries import Query, all_queries, query, remembered_lineage

QUERIES = all_queries()
BY_QUALIFIED_NAME = {table.qualified_name: table for table in contracts.ALL_TABLES}
OF_THE_CONTRACT = sorted(set(QUERIES) & set(BY_QUALIFIED_NAME))
MAX_LINES = 150
# The rollup's SELECTs make a part of their table, and their first line says which.
GRAIN_OF_A_PART = {
    "staging.event_name_days": (
        "One row per day, event name and product, or none: how many events, for the days of the"
        " swap."
    ),
    "staging.user_event_name_days": (
        "One row per account, day and event name, for the days of the swap."
    ),
    "staging.user_event_totals": "One row per account of the swapped days: its days added up.",
}
# Functions that a file cannot do without, though Spark has none of that name and must be given it.
TO_BE_GIVEN = {"marts.search_index": {"strip_accents"}}
each_query = pytest.mark.parametrize("name", sorted(QUERIES))
each_table = pytest.mark.parametrize("name", OF_THE_CONTRACT)


def tables_with_sql() -> list[Table]:
    return [
        table
        for table in contracts.ALL_TABLES
        if table.layer in ("staging", "identity", "marts", "main") and "python" not in table.kinds
    ]


def comment_free(name: str) -> str:
    return re.sub(r"--[^\n]*", "", QUERIES[name].text).lower()


def test_every_table_that_is_no_pythons_work_has_one_sql_file():
    assert {table.qualified_name for table in tables_with_sql()} <= set(QUERIES)


def test_every_sql_file_of_a_layer_makes_a_table_of_the_contract():
    strays = {name for name in QUERIES if not name.startswith("crm.")}
    assert strays == set(OF_THE_CONTRACT)


@each_query
def test_a_file_holds_exactly_one_select(name):
    statements = [s for s in sqlglot.parse(QUERIES[name].text, dialect="duckdb") if s]
    assert len(statements) == 1
    assert isinstance(statements[0], exp.Query)


@each_query
def test_a_file_opens_with_its_grain_and_stays_short(name):
    lines = QUERIES[name].text.splitlines()
    assert re.match(r"-- [Oo]ne row per \w+", lines[0]), lines[0]
    assert len(lines) <= MAX_LINES
    assert max(map(len, lines)) <= 100


@each_table
def test_the_opening_line_says_the_grain_of_the_contract(name):
    grain = GRAIN_OF_A_PART.get(name, BY_QUALIFIED_NAME[name].grain)
    assert QUERIES[name].grain.startswith(grain.removesuffix("."))


@each_table
def test_every_column_of_the_contract_is_selected_and_no_other(name):
    names = [projection.alias_or_name for projection in QUERIES[name].tree.selects]
    assert sorted(names) == sorted(BY_QUALIFIED_NAME[name].column_names)


@each_query
def test_nothing_is_used_that_does_not_translate(name):
    text = comment_free(name)
    for construct in (r"\basof\b", r"\bcolumns\s*\(", r"\bqualify\b", r"\bpivot\b", r"\busing\b"):
        assert not re.search(construct, text), construct
    for construct in (r"(group|order) by all\b", r"\bexclude\s*\(", r"\bsample\b", r"\blimit\b"):
        assert not re.search(construct, text), construct


@each_query
def test_every_function_is_one_that_the_translator_knows(name):
    unknown = {function.name for function in QUERIES[name].tree.find_all(exp.Anonymous)}
    assert unknown == TO_BE_GIVEN.get(name, set()), "these go to Spark as they are"


@each_query
def test_no_order_is_lost_on_the_way_to_spark(name):
    """Spark's aggregates take no ORDER BY, and the translator drops it without a word."""
    tree = QUERIES[name].tree
    aggregates = [
        order
        for order in tree.find_all(exp.Order)
        if isinstance(order.parent, exp.AggFunc) or isinstance(order.this, exp.Column)
    ]
    assert aggregates == []


@each_query
def test_a_ranking_that_picks_one_row_ends_in_a_total_order(name):
    for window in QUERIES[name].tree.find_all(exp.Window):
        if isinstance(window.this, exp.RowNumber):
            last = window.args["order"].expressions[-1].this
            known = {"user_id", "gaggle_id", "object_id", "corporate_email", "email_domain"}
            assert last.name in {*known, "account_id", "order_id", "plan_id", "ticket_id"}


@each_query
def test_the_translation_to_spark_parses_there(name):
    translated = QUERIES[name].tree.sql(dialect="spark", unsupported_level=ErrorLevel.RAISE)
    parsed = sqlglot.parse_one(translated, dialect="spark")
    assert isinstance(parsed, exp.Query)
    expected = [projection.alias_or_name for projection in QUERIES[name].tree.selects]
    assert [projection.alias_or_name for projection in parsed.selects] == expected
    assert sqlglot.parse_one(QUERIES[name].to_dialect("spark"), dialect="spark") == parsed


@each_query
def test_no_value_is_pasted_where_a_rule_table_belongs(name):
    text = comment_free(name)
    assert "gmail" not in text
    assert "order_placed" not in text
    assert "champions" not in text


# --- what a query reads --------------------------------------------------------------------------

READS = {
    "stg_users": {"raw_user"},
    "stg_events": {"raw_event", "stg_users"},
    "stg_orders": {"raw_order", "stg_events", "stg_promos", "stg_users"},
    "stg_order_items": {"raw_order_item", "stg_orders"},
    "stg_campaign_targets": {"raw_campaign_target", "stg_users"},
    "stg_deals": {"deals"},
    "user_event_days": {"stg_events", "stg_orders", "stg_users"},
    "user_identity": {"contact_id_history", "merge_journal", "stg_users"},
    "domain_identity": {"merge_journal", "stg_deals", "stg_users"},
    "contacts": {
        *("contact_id_history", "domain_identity", "stg_users", "user_event_days"),
        "user_identity",
    },
    "gaggle_domain_facts": {"contacts"},
    "gaggle_facts": {"contacts", "gaggle_domain_facts", "stg_gaggles", "stg_users"},
    "user_gaggle_facts": {
        *("contacts", "gaggle_facts", "stg_users", "user_event_days", "user_identity"),
    },
    "upgrade_candidates": {"contacts", "domain_identity", "gaggle_facts"},
    "rfm_segments": {"contacts", "stg_orders", "user_event_days", "user_identity"},
    "rfm_migrations": {"rfm_segment_history"},
    "fct_sessions": {"contacts", "user_identity"},
    "sessions": {"stg_events"},
    "user_event_name_days": {"stg_events"},
    "search_index": {
        *("contacts", "corporate_accounts", "domain_identity", "gaggle_facts", "merge_journal"),
        "stg_users",
    },
    "fct_orders": {
        *("contacts", "fct_sessions", "stg_addresses", "stg_order_items", "stg_orders"),
        "user_identity",
    },
    "dim_users": {
        *("contacts", "fct_orders", "stg_addresses", "stg_products"),
        *("stg_users", "user_identity"),
    },
    "kpi_order_days": {"fct_orders"},
    "kpi_product_days": {"fct_orders", "fct_sessions", "stg_products"},
    "kpi_active_days": {"stg_users", "user_event_days", "user_identity"},
    "kpi_total_days": {"fct_orders", "fct_sessions", "user_event_days"},
    "kpi_daily": {"fct_sessions"},
    "support_queue": {
        *("contacts", "corporate_accounts", "domain_identity", "rfm_segments", "stg_tickets"),
        *("user_event_days", "user_identity"),
    },
    "campaign_targets": {
        *("contacts", "customer_profiles", "stg_campaign_targets", "stg_campaigns"),
        "user_identity",
    },
    "campaign_groups": {"campaign_targets", "stg_campaigns", "user_event_days", "user_identity"},
}


@pytest.mark.parametrize("name", sorted(READS))
def test_the_assets_before_a_table_are_those_that_its_sql_reads(name):
    assert set(deps_of(contracts.table(name))) == READS[name]


@each_table
def test_no_table_is_read_that_the_assets_before_it_do_not_write(name):
    """Independent of sqlglot: whatever looks like `schema.table` in the text."""
    table = BY_QUALIFIED_NAME[name]
    words = set(re.findall(r"\b((?:raw|staging|identity|marts)\.\w+)", comment_free(name)))
    written_before = {contracts.table(asset) for asset in deps_of(table)}
    beside = {t for t in contracts.ALL_TABLES if t.asset in {w.name for w in written_before}}
    known = {t.qualified_name for t in (*written_before, *beside)}
    own = {table.qualified_name, "staging.replaced_event_days", "staging.new_event_days"}
    same_asset = {t.qualified_name for t in contracts.ALL_TABLES if t.asset == table.asset}
    assert words <= known | own | same_asset


# --- lineage -------------------------------------------------------------------------------------

LINEAGE = {
    ("staging.stg_users", "email"): {
        ("raw.raw_user", "email"),
        ("ops.address_forms", "email"),
    },
    ("staging.stg_users", "user_name"): {("raw.raw_user", "name")},
    ("staging.stg_orders", "sales_total"): {
        ("raw.raw_order", "order_cost"),
        ("raw.raw_order", "shipping_cost"),
        ("staging.stg_promos", "discount"),
    },
    ("staging.stg_orders", "ordered_at"): {
        ("raw.raw_order", "created_at"),
        ("staging.stg_events", "timestamp"),
    },
    ("marts.contacts", "user_name"): {("staging.stg_users", "user_name")},
    ("marts.contacts", "number_of_orders"): {("staging.user_event_totals", "number_of_orders")},
    ("marts.contacts", "corporate_email"): {("identity.domain_identity", "corporate_email")},
    ("marts.gaggle_facts", "number_of_events"): {("marts.contacts", "number_of_events")},
    ("marts.campaign_targets", "taken_from_plan_id"): {
        ("staging.stg_campaign_targets", "plan_id"),
    },
    ("marts.gaggle_facts", "gaggle_name"): {("staging.stg_gaggles", "gaggle_name")},
    ("marts.gaggle_facts", "corporate_email"): {("marts.gaggle_domain_facts", "corporate_email")},
    ("marts.corporate_accounts", "most_active_user_id"): {
        ("marts.contacts", "user_id"),
        ("marts.contacts", "number_of_events"),
        ("marts.contacts", "created_at"),
    },
    ("marts.corporate_accounts", "customer_since"): {
        ("staging.stg_deals", "close_date"),
        ("staging.stg_deals", "stage"),
    },
    ("marts.rfm_segments", "rfm_segment"): {("ops.rfm_grid", "rfm_segment")},
    ("marts.rfm_segments_hourly", "rfm_segment"): {("marts.rfm_rules", "rfm_segment")},
    ("marts.rfm_segments", "monetary"): {
        ("marts.contacts", "sales_total"),
        ("staging.stg_orders", "sales_total"),
    },
}


@pytest.mark.parametrize(("name", "column"), sorted(LINEAGE))
def test_a_column_is_traced_to_what_it_is_computed_from(name, column):
    assert set(QUERIES[name].lineage[column]) == LINEAGE[name, column]


@each_table
def test_lineage_names_columns_of_the_contract(name):
    for origins in QUERIES[name].lineage.values():
        for table, column in origins:
            if table in BY_QUALIFIED_NAME and not table.startswith("ops."):
                BY_QUALIFIED_NAME[table].column(column)


def test_dagster_shows_the_lineage_by_asset_and_raw_tables_have_none(tmp_path):
    settings = Settings(home=tmp_path)
    lineage = column_lineage(contracts.table("contacts"), settings)
    assert lineage is not None
    orders = lineage.deps_by_column["number_of_orders"]
    assert [(d.asset_key.to_user_string(), d.column_name) for d in orders] == [
        ("user_event_days", "number_of_orders")
    ]
    assert column_lineage(contracts.table("raw_user"), settings) is None


def test_remembered_lineage_is_that_of_the_sql_as_it_is_now(tmp_path):
    cache = tmp_path / "lineage.json"
    old = Query("people", "marts", "-- x\nselect c.user_id as id from marts.contacts as c")
    new = Query("people", "marts", "-- x\nselect c.email as id from marts.contacts as c")
    for query_, column in ((old, "user_id"), (old, "user_id"), (new, "email"), (old, "user_id")):
        assert remembered_lineage(query_, cache) == {"id": (("marts.contacts", column),)}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"marts.people": 7}', '{"a": null}'])
def test_a_damaged_memory_of_lineage_is_made_anew(tmp_path, content):
    cache = tmp_path / "lineage.json"
    cache.write_text(content)
    asked = Query("people", "marts", "select c.email as id from marts.contacts as c")
    assert remembered_lineage(asked, cache) == {"id": (("marts.contacts", "email"),)}


# --- asking for what there is not ----------------------------------------------------------------


def test_a_query_that_does_not_exist_is_told_with_those_that_do():
    with pytest.raises(ContractError, match=r"no SQL file for 'marts.nothing'.*marts.contacts"):
        query("marts.nothing")


@pytest.mark.parametrize("text", ["select 1; select 2", "delete from t", ""])
def test_a_file_that_is_no_single_select_is_refused(text):
    with pytest.raises(ContractError, match=r"sql/marts/x.sql must hold exactly one SELECT"):
        _ = Query("x", "marts", text).tree
