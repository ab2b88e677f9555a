"""The attribute registry: every attribute of customer profiles, in the order of the columns.

Belongs here: reading the entries, giving each column its name, its measure and its field number.
Not here: the form of one entry (`attribute_rules`), checking its SQL (`attribute_checks`) and
compiling all of them (`attribute_sql`).
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import files

from c360_assets.attribute_rules import STATES, AttributeRule, AttributeType, Window
from c360_assets.customer_rules import LifecycleRules
from c360_assets.customers.attribute_checks import check_entry, check_expression, check_types
from c360_assets.customers.attribute_sources import source_types
from c360_assets.errors import ConfigError

TEXT_TYPES: frozenset[AttributeType] = frozenset({"VARCHAR", "DATE"})
# where the numbers of a user's own attributes begin, in FIELDn and in STRn
FIRST_OWN_NUMBER = 1001


@dataclass(frozen=True)
class Measure:
    """What is kept per account and day for aggregates that differ in their windows alone."""

    name: str
    rule: AttributeRule


@dataclass(frozen=True)
class Attribute:
    """One column of a profile: an entry of the registry over one window, or over all time.

    `is_own` says that the entry is one of c360.toml.
    """

    name: str
    rule: AttributeRule
    window: Window | None
    field: str = ""
    is_own: bool = False

    @property
    def type(self) -> AttributeType:
        """Its DuckDB type."""
        return self.rule.type

    @property
    def kind(self) -> str:
        """Which of `aggregate`, `state` and `expression` it is."""
        if self.rule.expression is not None:
            return "expression"
        return "state" if self.rule.source in STATES else "aggregate"

    @property
    def is_stored(self) -> bool:
        """Whether its values are kept; expressions are worked out when they are asked for."""
        return self.kind != "expression"

    @property
    def is_text(self) -> bool:
        """Whether its generic column is a STRn, and not a FIELDn."""
        return self.type in TEXT_TYPES

    @property
    def description(self) -> str:
        """What it means, with its window in words."""
        if self.window is None:
            return self.rule.description
        return f"{self.rule.description}, {_WINDOW_WORDS[self.window]}"


_WINDOW_WORDS: Mapping[Window, str] = {
    "1D": "on the day",
    "7D": "in the last 7 days",
    "1M": "in the last 30 days",
    "3M": "in the last 90 days",
    "12M": "in the last 365 days",
}


@dataclass(frozen=True)
class Registry:
    """All attributes, in the order of the columns."""

    attributes: tuple[Attribute, ...]

    @cached_property
    def stored(self) -> tuple[Attribute, ...]:
        """Those whose values are kept."""
        return tuple(a for a in self.attributes if a.is_stored)

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """What is kept per day, each once, by what it counts."""
        rules = [a.rule for a in self.attributes if a.kind == "aggregate" and a.window is None]
        # whether there was anything to add up: no orders are 0, orders without amounts are unknown
        presence = [_presence(rule) for rule in rules if rule.aggregate == "sum"]
        known = {_meaning(rule): rule for rule in (*rules, *presence)}
        return tuple(Measure(f"m{n}", rule) for n, rule in enumerate(known.values()))

    @cached_property
    def _measure_of(self) -> Mapping[tuple[object, ...], Measure]:
        return {_meaning(measure.rule): measure for measure in self.measures}

    def measure(self, attribute: Attribute) -> Measure:
        """The measure that an aggregate is made of."""
        return self._measure_of[_meaning(attribute.rule)]

    def presence(self, attribute: Attribute) -> Measure:
        """The measure that counts the rows which a sum adds up."""
        return self._measure_of[_meaning(_presence(attribute.rule))]

    def of_source(self, source: str) -> tuple[Measure, ...]:
        """The measures over one source."""
        return tuple(m for m in self.measures if m.rule.source == source)

    def states(self, source: str) -> tuple[Attribute, ...]:
        """The attributes that are columns of a state, such as `contacts`."""
        return tuple(a for a in self.attributes if a.kind == "state" and a.rule.source == source)


def _presence(rule: AttributeRule) -> AttributeRule:
    return rule.model_copy(update={"aggregate": "count", "value": None, "type": "BIGINT"})


def _meaning(rule: AttributeRule) -> tuple[object, ...]:
    return rule.source, rule.aggregate, rule.value, rule.where, rule.type


@lru_cache(maxsize=1)
def shipped_rules() -> tuple[AttributeRule, ...]:
    """The entries that c360 ships, without those that follow from the rules of the lifecycle."""
    text = files("c360_assets.customers").joinpath("attributes.toml").read_text(encoding="utf-8")
    return tuple(AttributeRule.model_validate(item) for item in tomllib.loads(text)["attributes"])


def stage_rule(lifecycle: LifecycleRules) -> AttributeRule:
    """The stage in a customer's life on a day; the first rule that holds decides."""
    segments = ", ".join("'" + name.replace("'", "''") + "'" for name in lifecycle.vip_segments)
    is_vip = f"when RFM_SEGMENT in ({segments}) then 'VIP'" if segments else ""
    return AttributeRule(
        name="LIFECYCLE_STAGE",
        description="Stage in the customer's life: Prospect (no order yet), Churn (no order for "
        f"more than {lifecycle.churn_after_days} days), New (first order within "
        f"{lifecycle.new_for_days} days), Back from Churn (returned within "
        f"{lifecycle.back_for_days} days), VIP (by segment) or Active",
        type="VARCHAR",
        expression=f"""case
            when FIRST_ORDER_DATE is null then 'Prospect'
            when DAYS_SINCE_LAST_ORDER > {lifecycle.churn_after_days} then 'Churn'
            when DAYS_SINCE_FIRST_ORDER < {lifecycle.new_for_days} then 'New'
            when date_diff('day', LAST_RETURN_DATE, profile_date) < {lifecycle.back_for_days}
                then 'Back from Churn'
            {is_vip}
            else 'Active'
        end""",
    )


def build_registry(
    own: Sequence[AttributeRule], lifecycle: LifecycleRules, own_fields: Mapping[str, str]
) -> Registry:
    """The registry of what c360 ships and of a user's own entries.

    `own_fields` are the field names given to a user's columns before, by the column's name.

    Raises:
        ConfigError: an entry's SQL or name cannot stand; the text names it and what is allowed.
    """
    shipped = (*shipped_rules(), stage_rule(lifecycle))
    columns: list[Attribute] = []
    for place, rule in enumerate((*shipped, *own)):
        check_entry(rule)
        for window in (None, *rule.windows):
            columns.append(_column(rule, window, place >= len(shipped), columns))
    types = {"profile_date": "DATE"} | {column.name: column.type for column in columns}
    for rule in own:
        check_types(rule, types if rule.source is None else source_types(rule.source))
    numbered = _numbered(columns, {**shipped_fields(), **own_fields})
    return Registry(tuple(numbered))


def _column(
    rule: AttributeRule, window: Window | None, is_own: bool, above: Sequence[Attribute]
) -> Attribute:
    name = rule.name if window is None else f"{rule.name}_{window}"
    if any(attribute.name == name for attribute in above):
        raise ConfigError(
            f"attributes: there are two columns {name}; take another name "
            "(`c360 attributes` lists those there are)"
        )
    if rule.expression is not None:
        check_expression(rule, {attribute.name for attribute in above})
    return Attribute(name, rule, window, is_own=is_own)


@lru_cache(maxsize=1)
def shipped_fields() -> Mapping[str, str]:
    """The field name of every column that c360 ships or ever shipped, by the column's name."""
    text = files("c360_assets.customers").joinpath("fields.csv").read_text(encoding="utf-8")
    return {row["name"]: row["field"] for row in csv.DictReader(text.splitlines())}


def _numbered(columns: Sequence[Attribute], known: Mapping[str, str]) -> Iterable[Attribute]:
    """The columns with their fields; who has none gets the next number of its kind."""
    owners = {field: name for name, field in known.items()}
    taken = {column.rule.field for column in columns} | set(owners)
    for column in columns:
        asked = column.rule.field if column.window is None else None
        field = asked or known.get(column.name) or _next_field(column, taken)
        _check_kind(column, field)
        if asked is not None:
            _check_asked(column, asked, known.get(column.name, asked))
        if owners.setdefault(field, column.name) != column.name:
            raise ConfigError(
                f"attributes: {column.name} cannot be {field}, which was given to {owners[field]} "
                f"for good; numbers from {FIRST_OWN_NUMBER} that nobody has had are free"
            )
        taken.add(field)
        yield replace(column, field=field)


def _check_kind(column: Attribute, field: str) -> None:
    kind = "STR" if column.is_text else "FIELD"
    if not re.fullmatch(f"{kind}[1-9][0-9]*", field):
        raise ConfigError(
            f"attributes: {column.name} is a {column.type}, so its field is {kind}n, such as "
            f"{kind}{FIRST_OWN_NUMBER}; got {field!r}. A field keeps its kind for good: give "
            "an attribute whose type changes a new name"
        )


def _check_asked(column: Attribute, asked: str, given: str) -> None:
    """A number that an entry asks for: one of a user's own, and that which it has if it has one."""
    if asked != given:
        raise ConfigError(
            f"attributes: {column.name} is {given} for good, and asks for {asked}; take `field` "
            "out, or give the attribute a new name"
        )
    if int(asked.lstrip("FIELDSTR")) < FIRST_OWN_NUMBER:
        raise ConfigError(
            f"attributes: {column.name} asks for {asked}, which is kept for what c360 ships; "
            f"numbers from {FIRST_OWN_NUMBER} are free for attributes of your own"
        )


def _next_field(column: Attribute, taken: set[str | None]) -> str:
    kind = "STR" if column.is_text else "FIELD"
    number = FIRST_OWN_NUMBER
    while f"{kind}{number}" in taken:
        number += 1
    return f"{kind}{number}"
