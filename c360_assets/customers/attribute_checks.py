"""What the SQL of an attribute may say: one expression over columns that exist, and nothing else.

The text of the configuration becomes SQL here alone, so it is parsed first, by the engine that will
run it: no subquery, no second statement, no function that gives another answer tomorrow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import duckdb

from c360_assets.attribute_rules import AttributeRule
from c360_assets.customers.attribute_sources import taken
from c360_assets.errors import ConfigError

# what the columns of each source are is said by its file in `sources/`, and in the docs of both
SOURCE_COLUMNS: dict[str, tuple[str, ...]] = {
    "contacts": (
        *("user_id", "contact_id", "email", "corporate_email", "user_name", "gaggle_id"),
        *("gaggle_name", "created_at", "number_of_users", "merged_emails", "phone_number"),
        *("address", "country", "state", "zipcode", "current_plan", "is_paying", "won_amount"),
    ),
    "rfm": ("rfm_segment", "recency_score", "frequency_score", "monetary_score"),
    "lifetime_value": (
        *("scored_on", "repeat_orders", "average_order_value", "probability_alive"),
        *("expected_orders_30d", "expected_orders_90d", "expected_orders_365d"),
        *("expected_order_value", "clv_30d", "clv_90d", "clv_365d"),
    ),
    "orders": (
        *("order_id", "ordered_at", "order_cost", "promo_discount", "shipping_cost"),
        *("refund_amount", "sales_total", "order_total", "status", "promo_id", "address_id"),
        *("delivered_at", "estimated_delivery_at", "shipping_service"),
    ),
    "order_items": (
        *("order_id", "ordered_at", "product_id", "product_name", "quantity", "price", "status"),
    ),
    "events": (
        *("event_id", "event_name", "timestamp", "session_id", "page_url", "order_id"),
        "product_id",
    ),
    "campaigns": (
        *("execution_date", "plan_id", "plan_detail_id", "campaign_action_id"),
        *("campaign_action_name", "target_group_name", "channel_name", "template_name"),
        *("promotion_id", "campaign_type", "is_sent", "is_control", "is_excluded"),
        "exclusion_reason",
    ),
    "tickets": ("ticket_id", "created_at", "subject", "status"),
    "returns": ("returned_on", "days_away"),
}
# what an expression over one row is made of, as the engine's parser names it
_PLAIN = frozenset({
    *("COLUMN_REF", "CONSTANT", "FUNCTION", "OPERATOR", "COMPARISON", "CONJUNCTION", "BETWEEN"),
    *("CASE", "CAST", "COLLATE", "TYPE"),
})  # fmt: skip
# which the engine counts among those that always give the same; of `age` it is so for two times
_CHANGING = frozenset({"version", "current_localtime", "current_localtimestamp"})
# these stand without brackets, so that they look like columns
_TODAY = frozenset({
    *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
})  # fmt: skip
_NAMES = {"SUBQUERY": "a query", "STAR": "a *", "POSITIONAL_REFERENCE": "the number of a column"}


def check_entry(rule: AttributeRule) -> None:
    """Raise ConfigError unless `value` and `where` are expressions over the source's columns."""
    if rule.source is None:
        return
    columns = SOURCE_COLUMNS[rule.source]
    for part in ("value", "where"):
        text = getattr(rule, part)
        if text is not None:
            _check(rule.name, part, text, columns, f"the source `{rule.source}`")


def check_expression(rule: AttributeRule, above: Iterable[str]) -> None:
    """Raise ConfigError unless the expression names `profile_date` and attributes above alone."""
    _check(
        rule.name,
        "expression",
        rule.expression or "",
        ("profile_date", *above),
        "the attributes above it (and profile_date)",
    )


def check_types(rule: AttributeRule, columns: Mapping[str, str]) -> None:
    """Raise ConfigError unless the entry gives its type where all columns are null.

    `columns` are types by name. What goes wrong with some values alone is not found out here.
    """
    nothing = ", ".join(f"cast(null as {type_}) as {name}" for name, type_ in columns.items())
    try:
        _engine().cursor().execute(f"select {taken(rule)} from (select {nothing}) as s").fetchall()
    except duckdb.Error as error:
        found = str(error).splitlines()[0].rstrip(".")
        raise ConfigError(
            f"attribute {rule.name}: {_entry(rule)} gives no {rule.type}: "
            f"{found}{_types_named(rule, columns)}; try_cast(… as …) makes "
            "another type of a value, and null of one that it cannot take"
        ) from error


def _entry(rule: AttributeRule) -> str:
    """What an entry is made of, as c360.toml says it."""
    if rule.expression is not None:
        return f"its expression {rule.expression!r}"
    value = "" if rule.value is None else f"its value {rule.value!r}"
    made = " of ".join(part for part in (rule.aggregate, value) if part)
    return made if rule.where is None else f"{made} where {rule.where!r}"


def _types_named(rule: AttributeRule, columns: Mapping[str, str]) -> str:
    """The types of the columns that an entry names."""
    parts = {part: getattr(rule, part) for part in ("value", "where", "expression")}
    named = {
        str(node["column_names"][0]).lower()
        for part, text in parts.items()
        if text is not None
        for node in _nodes(_parsed(rule.name, part, text))
        if node["class"] == "COLUMN_REF"
    }
    told = [f"{name} is a {type_}" for name, type_ in columns.items() if name.lower() in named]
    return f". Here {', '.join(told)}" if told else ""


def _check(name: str, part: str, text: str, columns: Iterable[str], of: str) -> None:
    nodes = list(_nodes(_parsed(name, part, text)))
    if odd := sorted({node["class"] for node in nodes} - _PLAIN):
        what = _NAMES.get(odd[0], f"a {odd[0].lower()}")
        raise ConfigError(
            f"attribute {name}: its {part} {text!r} holds {what}; "
            "it may hold no query, aggregate, window, lambda, or parameter"
        )
    if calls := sorted({_call(node) for node in nodes if not _is_steady(node)}):
        raise ConfigError(
            f"attribute {name}: its {part} calls {', '.join(calls)}; it may call what makes one "
            "value of one row, and the same each time: no aggregate, nothing that reads from "
            "outside, no time of today (profile_date is the day)"
        )
    if any(_has_zone(node) for node in nodes):
        raise ConfigError(
            f"attribute {name}: its {part} {text!r} makes a time with a time zone, whose day and "
            "text depend on who reads it; all times here are UTC: stay with timestamp and date"
        )
    known = {column.lower() for column in columns}
    found = {tuple(node["column_names"]) for node in nodes if node["class"] == "COLUMN_REF"}
    unknown = sorted(".".join(c) for c in found if len(c) > 1 or c[0].lower() not in known)
    if unknown:
        raise ConfigError(
            f"attribute {name}: its {part} names {', '.join(unknown)}, and {of} has "
            f"{', '.join(sorted(known)[:60])}{' …' if len(known) > 60 else ''}"
        )


def _parsed(name: str, part: str, text: str) -> object:
    """The expression as the engine parses it."""
    chosen: list[dict[str, Any]] = []
    # in brackets, as it will stand: nothing may follow it; and alone: nothing may close them early
    for tree in _trees(f"select ({text}\n)", f"select {text}\n"):
        if tree["error"]:
            raise ConfigError(
                f"attribute {name}: its {part} {text!r} is no SQL expression: "
                f"{tree['error_message']}"
            )
        found = [statement["node"] for statement in tree["statements"]]
        chosen = found[0].get("select_list", []) if len(found) == 1 else []
        if len(chosen) != 1 or chosen[0]["alias"]:
            raise ConfigError(f"attribute {name}: its {part} {text!r} must be one SQL expression")
    return chosen[0]


def _nodes(tree: object) -> Iterator[Mapping[str, Any]]:
    """Every node of an expression, the expression itself included."""
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for below in tree.values():
            yield from _nodes(below)
    elif isinstance(tree, list):
        for below in tree:
            yield from _nodes(below)


def _call(node: Mapping[str, Any]) -> str:
    return str(node.get("function_name", "")).lower()


def _is_steady(node: Mapping[str, Any]) -> bool:
    """Whether a node is no call, or one that makes one value of one row, the same each time."""
    if node["class"] != "FUNCTION":
        return True
    if _call(node) == "age":
        return len(node["arguments"]) == 2  # of one time it is the age today
    return _call(node) not in _CHANGING and _is_steady_function(_call(node))


@lru_cache(maxsize=256)
def _is_steady_function(name: str) -> bool:
    """Whether the engine knows the function so; of a macro, whether what it is made of is so."""
    rows = (
        _engine()
        .cursor()
        .execute(
            "select distinct function_type, stability, macro_definition from duckdb_functions()"
            " where lower(function_name) = ?",
            [name],
        )
    )
    known = rows.fetchall()
    return bool(known) and all(
        (kind, stability) == ("scalar", "CONSISTENT")
        or (kind == "macro" and _is_steady_macro(name, definition))
        for kind, stability, definition in known
    )


def _is_steady_macro(name: str, definition: str) -> bool:
    nodes = list(_nodes(_trees(f"select ({definition}\n)")[0]["statements"]))
    return all(
        node["class"] in _PLAIN
        # a function of its own name has a row of its own
        and (_call(node) == name or _is_steady(node))
        and not _TODAY & {*node.get("column_names", ())}
        for node in nodes
    )


def _has_zone(node: Mapping[str, Any]) -> bool:
    """Whether a node is a type with a time zone, or a call that makes such a time."""
    if node["class"] == "TYPE":
        return str(node["type_name"]).lower() in _zoned_types()
    if node["class"] == "FUNCTION" and _call(node) in ("strptime", "try_strptime"):
        texts = [str(below.get("literal")) for below in _nodes(node["arguments"])]
        return any(sign in text for text in texts for sign in ("%z", "%Z"))
    return node["class"] == "FUNCTION" and _call(node) in _zoned_functions()


@lru_cache(maxsize=1)
def _zoned_types() -> frozenset[str]:
    rows = (
        _engine()
        .cursor()
        .execute(
            "select lower(type_name) from duckdb_types() where logical_type like '%WITH TIME ZONE%'"
        )
    )
    return frozenset(row[0] for row in rows.fetchall())


@lru_cache(maxsize=1)
def _zoned_functions() -> frozenset[str]:
    """Those that make a time with a zone of something that has none."""
    rows = (
        _engine()
        .cursor()
        .execute(
            "select lower(function_name) from duckdb_functions() where function_type = 'scalar'"
            " and return_type like '%WITH TIME ZONE%'"
            " and array_to_string(parameter_types, ' ') not like '%WITH TIME ZONE%'"
        )
    )
    return frozenset(row[0] for row in rows.fetchall())


@lru_cache(maxsize=1024)
def _trees(*statements: str) -> list[Mapping[str, Any]]:
    """What the engine's parser makes of each text, as `json_serialize_sql` documents it."""
    asked = ", ".join("json_serialize_sql(?::varchar)" for _ in statements)
    rows = _engine().cursor().execute(f"select {asked}", list(statements)).fetchall()
    return [json.loads(text) for text in rows[0]]


@lru_cache(maxsize=1)
def _engine() -> duckdb.DuckDBPyConnection:
    """An empty engine in memory; of what it is given it runs only what has been checked."""
    return duckdb.connect()
