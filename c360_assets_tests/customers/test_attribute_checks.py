"""What the SQL and the form of an attribute may say, and how each wrong entry is refused."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from c360_assets.attribute_rules import RESERVED, RESERVED_WORDS, STATES, AttributeRule
from c360_assets.customer_rules import LifecycleRules
from c360_assets.customers.attribute_checks import SOURCE_COLUMNS, check_entry, check_expression
from c360_assets.customers.attribute_sources import source_select
from c360_assets.customers.attributes import build_registry
from c360_assets.errors import ConfigError
from c360_assets.settings import Settings

SUM = {"name": "OWN", "description": "d", "type": "BIGINT", "source": "orders", "aggregate": "sum"}
COUNT = SUM | {"aggregate": "count"}
STATE = {"name": "OWN", "description": "d", "type": "VARCHAR", "source": "contacts"}
EXPRESSION = {"name": "OWN", "description": "d", "type": "BIGINT"}


def refused(**entry: object) -> str:
    """The text with which an entry is refused, by its form or by its SQL."""
    with pytest.raises((ValidationError, ConfigError)) as caught:
        build_registry([AttributeRule.model_validate(entry)], LifecycleRules(), {})
    return str(caught.value)


def accepted(**entry: object) -> None:
    build_registry([AttributeRule.model_validate(entry)], LifecycleRules(), {})


# --- the form ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (COUNT | {"value": "order_cost"}, "count takes no `value`"),
        (COUNT | {"aggregate": "days", "value": "order_cost"}, "days takes no `value`"),
        (SUM, "sum of what? give a `value`"),
        (SUM | {"aggregate": "min"}, "min of what? give a `value`"),
        (COUNT | {"aggregate": None}, "name the `aggregate`: count, days, sum, min or max"),
        (COUNT | {"aggregate": "median"}, "'count', 'days', 'sum', 'min' or 'max'"),
        (COUNT | {"windows": ["2D"]}, "'1D', '7D', '1M', '3M' or '12M'"),
        (COUNT | {"windows": ["7D", "7D"]}, "name each window once, got ['7D', '7D']"),
        (COUNT | {"source": "sales"}, "'tickets' or 'returns'"),
        (COUNT | {"type": "VARCHAR"}, "count gives BIGINT, not VARCHAR"),
        (SUM | {"value": "order_cost", "type": "DOUBLE"}, "sum gives BIGINT or DECIMAL(38,2)"),
        (COUNT | {"type": "INTEGER"}, "'BIGINT', 'DECIMAL(38,2)', 'DOUBLE'"),
        (COUNT | {"colour": "red"}, "colour"),
        (COUNT | {"description": ""}, "description"),
        (STATE | {"value": "email", "windows": ["7D"]}, "a value of contacts has no windows"),
        (STATE | {"value": "email", "aggregate": "max"}, "a value of contacts has no aggregate"),
        (STATE | {"value": "email", "where": "true"}, "a value of contacts has no where"),
        (STATE, 'source = "contacts" needs a `value`'),
        (EXPRESSION, "give a `source`, or an `expression` over other attributes"),
        (EXPRESSION | {"expression": "1", "source": "orders"}, "an expression has no source"),
        (EXPRESSION | {"expression": "1", "windows": ["1D"]}, "an expression has no windows"),
        (COUNT | {"name": "own_orders"}, "capital letters, digits and _"),
        (COUNT | {"name": "1OWN"}, "begins with a letter"),
        (COUNT | {"name": 'OWN"; drop table x'}, "capital letters, digits and _"),
        (COUNT | {"name": "ÄPFEL"}, "capital letters, digits and _"),
        (COUNT | {"name": "A" * 61}, "at most 60"),
        (COUNT | {"name": "OWN\n"}, "capital letters, digits and _"),
    ],
)
def test_an_entry_of_the_wrong_form_is_told_what_is_allowed(entry, told):
    assert told in refused(**entry)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_that_profiles_need_themselves_is_refused(name):
    assert f"{name} is a column that every profile has" in refused(**COUNT | {"name": name})


def test_no_column_that_the_store_adds_can_be_an_attribute():
    needed = {"USER_ID", "ROW_HASH", "ACCOUNTS_HASH", "ACTION", "BATCH_AT", "AS_KNOWN_AT"}
    assert needed <= RESERVED


def test_the_words_that_cannot_be_columns_are_those_of_the_engine():
    rows = duckdb.execute(
        "select upper(keyword_name) from duckdb_keywords() where keyword_category <> 'unreserved'"
    ).fetchall()
    assert {word for (word,) in rows} <= RESERVED_WORDS


@pytest.mark.parametrize("name", ["ORDER", "SELECT", "END", "LEFT", "VALUES"])
def test_a_word_of_sql_is_refused_as_a_name(name):
    assert f"{name} is a word of SQL" in refused(**COUNT | {"name": name})


def test_an_entry_of_the_configuration_is_named_in_its_error(tmp_path, monkeypatch):
    config = tmp_path / "own.toml"
    config.write_text(
        '[[attributes]]\nname = "GOOD"\ndescription = "d"\ntype = "BIGINT"\n'
        'source = "orders"\naggregate = "count"\n'
        '[[attributes]]\nname = "WRONG"\ndescription = "d"\ntype = "BIGINT"\n'
        'source = "orders"\naggregate = "sum"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("C360_CONFIG", str(config))
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    assert "sum of what?" in str(caught.value)
    assert "WRONG" in str(caught.value)
    assert "GOOD" not in str(caught.value)


# --- names of columns ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "windows", "twice"),
    [
        ("ECOM_NUMBER_OF_ORDERS", [], "ECOM_NUMBER_OF_ORDERS"),
        ("ECOM_NUMBER_OF_ORDERS_1D", [], "ECOM_NUMBER_OF_ORDERS_1D"),
        ("LIFECYCLE_STAGE", [], "LIFECYCLE_STAGE"),
        ("ECOM_AVERAGE_ORDER_VALUE", ["7D"], "ECOM_AVERAGE_ORDER_VALUE"),
    ],
)
def test_two_columns_of_one_name_are_refused(name, windows, twice):
    told = refused(**COUNT | {"name": name, "windows": windows})
    assert f"two columns {twice};" in told


def test_a_window_of_one_own_attribute_may_not_be_the_name_of_another():
    rules = [
        AttributeRule.model_validate(COUNT | {"name": "OWN", "windows": ["7D"]}),
        AttributeRule.model_validate(COUNT | {"name": "OWN_7D"}),
    ]
    with pytest.raises(ConfigError, match="two columns OWN_7D"):
        build_registry(rules, LifecycleRules(), {})


# --- the SQL -------------------------------------------------------------------------------------

QUERIES = [
    "(select 1)",
    "exists (select 1)",
    "1 in (select 1)",
    "1 = any (select 1)",
    "(from range(3))",
    "(table secrets)",
    "array(select 1)",
]
STATEMENTS = [
    "1; drop table x",
    "1); drop table x; --",
    "1;",
    "",
    " ",
    "-- nothing",
    "1) from x --",
    "1 from x",
    "1), (2",
    "1) + (2",
    "1, 2",
    "1 as x",
    "1 /* open",
    "1) as bigint) as x, (2",
    "'open",
    "$$open",
    "1 where true",
    "1) over (",
    "1 union select 2",
    "drop table x",
]
CHANGING = [
    *("now()", "today()", "current_date", "current_timestamp", "current_time", "localtime"),
    *("localtimestamp", "random()", "uuid()", "gen_random_uuid()", "uuidv4()", "uuidv7()"),
    *("get_current_timestamp()", "get_current_time()", "transaction_timestamp()"),
    *("txid_current()", "ago(interval 1 day)", "current_query()", "nextval('s')", "currval('s')"),
    *("getvariable('x')", "current_setting('threads')", "getenv('HOME')", "sleep_ms(1)"),
    *("setseed(0.5)", "error('x')", "write_log('x')", "current_database()", "current_schema()"),
    *("current_connection_id()", "in_search_path('a', 'b')", "version()", "current_user"),
    *("NOW()", '"now"()', "main.now()", "system.main.now()", "age(timestamp '2021-01-01')"),
    *("current_transaction_id()", "stats(1)", "pg_catalog.now()", "current_localtimestamp()"),
    *("epoch(now())", "coalesce(1, random())", "case when random() > 0 then 1 end"),
]
OUTSIDE = [
    *("read_csv('x.csv')", "read_text('/etc/passwd')", "read_parquet('x')", "glob('*')"),
    *("query('select 1')", "query_table('x')", "duckdb_settings()", "read_blob('x')"),
]
MANY = [
    *("unnest([1, 2])", "generate_subscripts([1], 1)", "sum(1)", "count(*)", "max(1)", "list(1)"),
    *("entropy(1)", "any_value(1)", "histogram(1)", "arg_max(1, 2)", "string_agg('a')"),
    *("row_number() over ()", "sum(1) over ()", "count(*) filter (where true)", "lag(1) over ()"),
    *("columns(*)", "*", "columns('a.*')", "mode(1)", "approx_quantile(1, 0.5)", "fsum(1)"),
    *("geometric_mean(1)", "count_star()", "bitstring_agg(1)", "kurtosis(1)"),
]
ODD = [
    *("$first", "$1", "?", ":first", "#1", "default", "list_transform([1], lambda y: y)"),
    *("[y for y in [1]]", "list_filter([1], y -> y > 0)", "no_such_function(1)", "list_sum([1])"),
    *("list_aggregate([1], 'sum')", "apply([1], lambda y: 1)", "list_reduce([1], lambda a, b: a)"),
]
ZONED = [
    *("timezone('UTC', timestamp '2021-01-01')", "timestamp '2021-01-01' at time zone 'UTC'"),
    *("cast(date '2021-01-01' as timestamptz)", "timestamptz '2021-01-01'", "to_timestamp(1)"),
    *("try_cast('x' as timestamp with time zone)", "date '2021-01-01'::timestamptz::varchar"),
    *("make_timestamptz(1)", "cast('1' as time with time zone)", "cast('[]' as timestamptz[])"),
    *("cast(null as struct(a timestamptz))", "strptime('1', '%z')", "try_strptime('1', '%H %Z')"),
    *("strptime('1', ['%H', '%z'])", "uuid_extract_timestamp(uuid())"),
]
NOT_ALLOWED = [*ZONED, *QUERIES, *STATEMENTS, *CHANGING, *OUTSIDE, *MANY, *ODD]
# deterministic, over one list: nothing speaks against them
ALLOWED_AFTER_ALL = ["list_sum([1])", "list_aggregate([1], 'sum')"]
EACH = [text for text in NOT_ALLOWED if text not in ALLOWED_AFTER_ALL]


@pytest.mark.parametrize("text", EACH)
def test_what_is_no_plain_expression_is_refused_wherever_it_stands(text):
    entries = [SUM | {"value": text}, COUNT | {"where": text}, STATE | {"value": text}]
    if text not in STATEMENTS:
        # deep inside as on top
        entries.append(COUNT | {"where": f"order_cost > 1 and ({text}) is not null"})
    for entry in entries:
        with pytest.raises(ConfigError, match=r"^attribute OWN: its (value|where) "):
            check_entry(AttributeRule.model_validate(entry))
    with pytest.raises(ConfigError, match=r"^attribute OWN: its expression "):
        check_expression(AttributeRule.model_validate(EXPRESSION | {"expression": text}), ["A"])


@pytest.mark.parametrize(
    "text",
    [
        *("order_cost", "order_cost - coalesce(refund_amount, 0)", "ORDER_COST", '"order_cost"'),
        *("cast(ordered_at as date)", "case status when 'x' then 1 else 0 end", "order_cost * 2"),
        *("order_cost -- what it cost", "/* gross */ order_cost", "greatest(order_cost, 1)"),
        *("nullif(order_cost, 0)", "date_diff('day', ordered_at, delivered_at)", "round(1.5)"),
        *("extract(hour from ordered_at)", "dayofweek(ordered_at)", "length(status)", "1"),
        *("try_cast(status as integer)", "order_cost between 1 and 2", "status in ('a', 'b')"),
        *("status like 'a%'", "regexp_matches(status, '^a')", "split_part(status, '-', 1)"),
        *("status = '; drop table x --'", "age(delivered_at, ordered_at) > interval 1 day"),
        *("ordered_at + interval 1 day < delivered_at", "lower(status) = 'now()'", "not true"),
        *("date '2021-01-01'", "(order_cost)", "if(order_cost > 1, 1, 0)", "status is null"),
        *("strftime(ordered_at, '%H')", "date_trunc('day', ordered_at)", "ifnull(order_cost, 0)"),
        *("status is not distinct from 'x'", "abs(-order_cost)", "status || 'x'", "order_cost % 2"),
        *("strptime(status, '%Y-%m-%d')", "strftime(ordered_at, '%Z')", "epoch_ms(1)"),
        *("cast(ordered_at as timestamp)", "make_timestamp(1)", "cast('1' as time) is null"),
        *("struct_pack(a := 1).a", "md5(status)", "hash(status)", "order_cost ** 2"),
        *ALLOWED_AFTER_ALL,
    ],
)
def test_a_plain_expression_is_taken(text):
    check_entry(AttributeRule.model_validate(SUM | {"value": text}))


@pytest.mark.parametrize("column", ["o.order_cost", "orders.order_cost", "email", "user_id", "m0"])
def test_an_unknown_column_is_told_those_that_there_are(column):
    told = refused(**SUM | {"value": f"1 + {column}"})
    assert f"its value names {column}" in told
    assert "the source `orders` has" in told
    assert "order_cost" in told


def test_an_expression_knows_what_stands_above_it_alone():
    own = EXPRESSION | {"expression": "ECOM_NUMBER_OF_ORDERS + OWN"}
    assert "its expression names OWN, and the attributes above it" in refused(**own)
    later = AttributeRule.model_validate(EXPRESSION | {"expression": "LATER + 1"})
    rules = [later, AttributeRule.model_validate(COUNT | {"name": "LATER"})]
    with pytest.raises(ConfigError, match="its expression names LATER"):
        build_registry(rules, LifecycleRules(), {})
    build_registry(rules[::-1], LifecycleRules(), {})
    accepted(**EXPRESSION | {"expression": "date_diff('day', FIRST_ORDER_DATE, profile_date)"})


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("EMAIL + 1", "No function matches"),
        ("upper(EMAIL, 1)", "No function matches"),
        ("cast('never' as bigint) + 1", "Could not convert string"),
    ],
)
def test_an_expression_whose_types_do_not_fit_is_refused_by_its_name(expression, told):
    text = refused(**EXPRESSION | {"expression": expression})
    assert f"attribute OWN: its expression {expression!r} gives no BIGINT: " in text
    assert told in text
    assert "LINE" not in text


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (SUM | {"value": "status"}, "sum of its value 'status' gives no BIGINT: "),
        (SUM | {"value": "upper(order_cost, 1)"}, "gives no BIGINT: "),
        (SUM | {"value": "ordered_at * 2", "aggregate": "max"}, "max of its value 'ordered_at * "),
        (COUNT | {"where": "status + 1 > 2"}, "count where 'status + 1 > 2' gives no BIGINT: "),
        (COUNT | {"aggregate": "days", "where": "upper(order_cost, 1)"}, "days where 'upper("),
        (STATE | {"value": "created_at * 2"}, "its value 'created_at * 2' gives no VARCHAR: "),
        (STATE | {"value": "upper(clv_90d, 1)", "source": "lifetime_value"}, "gives no"),
    ],
)
def test_an_entry_whose_types_do_not_fit_is_refused_by_its_name_with_the_types(entry, told):
    text = refused(**entry)
    assert text.startswith("attribute OWN: ")
    assert told in text
    assert "LINE" not in text
    assert "try_cast" in text
    column = next(c for c in SOURCE_COLUMNS[entry["source"]] if c in text.split("gives no")[0])
    assert f"{column} is a " in text


@pytest.mark.parametrize("source", sorted(SOURCE_COLUMNS))
def test_every_column_of_a_source_can_be_taken_or_counted(source):
    for column in SOURCE_COLUMNS[source]:
        entry = STATE | {"source": source, "value": column, "type": "VARCHAR"}
        if source not in STATES:
            entry |= {"aggregate": "max", "where": f"{column} is not null"}
        accepted(**entry)


def test_expressions_cannot_reach_the_times_of_the_store():
    for column in ("valid_from", "as_known_at", "row_hash", "client_customer_id"):
        with pytest.raises(ConfigError, match=f"names {column}"):
            check_expression(
                AttributeRule.model_validate(EXPRESSION | {"expression": column}), ["A"]
            )


@given(st.text(alphabet="a1x ();,'\"-/*$?#:[]{}.\n\\=", max_size=14))
def test_whatever_is_taken_stays_one_value_where_it_is_put(text):
    """No text closes its bracket, opens a comment over it, or adds a column or a statement."""
    try:
        check_expression(
            AttributeRule.model_validate(EXPRESSION | {"expression": text}), ["A", "X"]
        )
    except ConfigError:
        return
    sql = f"select 7 as before, ({text}\n) as own, 8 as after from (select 1 as a, 2 as x)"
    statements = duckdb.extract_statements(sql)
    assert len(statements) == 1
    try:
        found = duckdb.execute(statements[0])
    except duckdb.Error:
        return  # types that do not fit are the engine's to tell
    assert [item[0] for item in found.description] == ["before", "own", "after"]
    rows = found.fetchall()
    assert len(rows) == 1
    assert (rows[0][0], rows[0][2]) == (7, 8)


@pytest.mark.parametrize("source", sorted(SOURCE_COLUMNS))
def test_the_columns_of_a_source_are_those_that_its_query_selects(source):
    text = source_select(source).rsplit("\nselect\n", 1)[-1].split("\nfrom ")[0]
    selected = set()
    for line in text.replace("select\n", "").splitlines():
        line = line.split("--")[0].strip().rstrip(",")
        if line and not line.endswith("is not null") and line != "":
            selected.add(line.split(" as ")[-1].split(".")[-1])
    selected -= {"user_id", "fact_at", "valid_from"}
    assert set(SOURCE_COLUMNS[source]) - {"user_id"} <= selected
