"""The registry as SQL: facts by day, the values at a day, and the views that people read.

Functions that build and never run. What a row of each result is stands in its docstring; tables
named `part`, `contact_days` and the like are made by `warehouse.profile_store`, which runs all.
"""

from __future__ import annotations

from collections.abc import Sequence

from c360_assets.attribute_rules import STATES, WINDOW_DAYS, Window
from c360_assets.customers.attribute_sources import source_select, taken
from c360_assets.customers.attributes import Attribute, Measure, Registry

# under the account: rolled up day by day, and given to contacts afterwards
ACCOUNT_SOURCES = ("orders", "order_items", "events")
# under the contact: small, and read whole
CONTACT_SOURCES = ("campaigns", "tickets", "returns")
_WINDOWS: tuple[Window, ...] = tuple(WINDOW_DAYS)
_FOLDS = {"count": "sum", "days": "sum", "sum": "sum", "min": "min", "max": "max"}
HISTORY = "marts.customer_profile_history"
_SCOPE = ("valid_from", "valid_to", "as_known_at", "known_until")


def facts_by_day(registry: Registry, sources: Sequence[str]) -> str:
    """One row per source, account (or contact) and day from $first to before $end."""
    parts = [_facts_of(source, registry.of_source(source)) for source in sources]
    return "\nunion all by name\n".join(parts)


def _facts_of(source: str, measures: Sequence[Measure]) -> str:
    kept = "".join(f",\n    {taken(measure.rule)} as {measure.name}" for measure in measures)
    return (
        f"select user_id, cast(fact_at as date) as fact_date{kept}\n"
        f"from (\n{source_select(source)}\n) as s\n"
        "where fact_at >= $first and fact_at < $end\n"
        "group by user_id, cast(fact_at as date)"
    )


def contact_days(registry: Registry, account_days: str, other_days: str) -> str:
    """One row per contact, day and kind of source: the days of all accounts of the contact."""
    account = [m for source in ACCOUNT_SOURCES for m in registry.of_source(source)]
    other = [m for source in CONTACT_SOURCES for m in registry.of_source(source)]
    folded = "".join(f", {_of_accounts(m)} as {m.name}" for m in account)
    taken = "".join(f", {m.name}" for m in other)
    return (
        f"select i.contact_user_id as user_id, d.fact_date{folded}\n"
        f"from {account_days} as d\n"
        "inner join identity.user_identity as i on i.user_id = d.user_id\n"
        "group by i.contact_user_id, d.fact_date\n"
        "union all by name\n"
        f"select user_id, fact_date{taken} from {other_days}"
    )


def _of_accounts(measure: Measure) -> str:
    # a day on which two accounts of a person were active is one day
    fold = "max" if measure.rule.aggregate == "days" else _FOLDS[str(measure.rule.aggregate)]
    return f"cast({fold}(d.{measure.name}) as {measure.rule.type})"


def change_offsets(registry: Registry) -> tuple[int, ...]:
    """After how many days a fact changes a profile: at once, and when it leaves each window."""
    used = {a.window for a in registry.attributes if a.window is not None}
    return (0, *sorted(WINDOW_DAYS[window] for window in used))


def values_at(registry: Registry) -> str:
    """One row per (contact, day) of `part`, with every aggregate of the registry.

    Facts are first added up by how long ago they were, since windows lie within each other.
    """
    buckets = " ".join(
        f"when w.profile_date - c.fact_date < {WINDOW_DAYS[window]} then {place}"
        for place, window in enumerate(_WINDOWS)
    )
    folded = "".join(
        f",\n        {_FOLDS[str(m.rule.aggregate)]}(c.{m.name}) as {m.name}"
        for m in registry.measures
    )
    aggregates = [a for a in registry.stored if a.kind == "aggregate"]
    values = "".join(f",\n    {_over_window(registry, a)} as {a.name}" for a in aggregates)
    return (
        "with aged as (\n    select w.user_id, w.profile_date,"
        f" case {buckets} else {len(_WINDOWS)} end as age{folded}\n"
        "    from part as w\n"
        "    inner join contact_days as c\n"
        "        on c.user_id = w.user_id and c.fact_date <= w.profile_date\n"
        "    group by w.user_id, w.profile_date, age\n)\n"
        f"select w.user_id, w.profile_date{values}\n"
        "from part as w\n"
        "left join aged as g on g.user_id = w.user_id and g.profile_date = w.profile_date\n"
        "group by w.user_id, w.profile_date"
    )


def _over_window(registry: Registry, attribute: Attribute) -> str:
    fold = _FOLDS[str(attribute.rule.aggregate)]
    value = f"{fold}({_younger(registry.measure(attribute), attribute.window)})"
    if fold != "sum":
        return value
    if attribute.rule.aggregate == "sum":
        # of rows without an amount the sum is unknown; without any row it is nothing
        rows = f"sum({_younger(registry.presence(attribute), attribute.window)})"
        value = f"case when coalesce({rows}, 0) = 0 then 0 else {value} end"
    else:
        value = f"coalesce({value}, 0)"
    return f"cast({value} as {attribute.type})"


def _younger(measure: Measure, window: Window | None) -> str:
    """The measure of facts within the window; as a case, which is twice as fast as a filter."""
    if window is None:
        return f"g.{measure.name}"
    return f"case when g.age <= {_WINDOWS.index(window)} then g.{measure.name} end"


def states_select(registry: Registry, source: str) -> str:
    """One row per contact (and day from which it holds) with the attributes of a state source."""
    since = "" if source == "contacts" else ", valid_from"
    values = "".join(f",\n    {taken(a.rule)} as {a.name}" for a in registry.states(source))
    return f"select user_id{since}{values}\nfrom (\n{source_select(source)}\n) as s"


def stated(registry: Registry) -> str:
    """One row per (contact, day) of `part` with every stored attribute and a hash of them."""
    columns = ", ".join(_owner(a) + a.name for a in registry.stored)
    joins = "\n".join(
        f"left join state_{source} as {source}\n"
        f"    on {source}.user_id = v.user_id and {source}.valid_from <= v.profile_date\n"
        f"    and v.profile_date < {source}.valid_to"
        for source in STATES
    )
    names = ", ".join(a.name for a in registry.stored)
    return (
        f"select *, hash({names}, accounts_hash) as row_hash from (\n"
        f"select v.user_id, v.profile_date, {columns}, contacts.accounts_hash\n"
        f"from valued as v\n{joins}\n) as s"
    )


def _owner(attribute: Attribute) -> str:
    return f"{attribute.rule.source}." if attribute.kind == "state" else "v."


def history_columns(registry: Registry) -> list[tuple[str, str]]:
    """Names and types of the table of intervals."""
    return [
        ("client_customer_id", "VARCHAR"),
        *((name, "DATE" if name.startswith("valid") else "TIMESTAMP") for name in _SCOPE),
        *((a.name, a.type) for a in registry.stored),
        ("accounts_hash", "UBIGINT"),
        ("row_hash", "UBIGINT"),
    ]


def profiles_view(registry: Registry, with_superseded: bool = False) -> str:
    """One row per contact and profiled day, with every attribute by its name.

    With superseded rows it is one per contact, profiled day and time that it was known so.
    """
    columns = "".join(f",\n    {_shown(a)} as {a.name}" for a in registry.attributes)
    known = ", known_until" if with_superseded else ""
    select = (
        "select\n    profile_date,\n    client_customer_id,\n"
        f"    as_known_at{known}{columns}\n"
        # of a day nothing was known before it was profiled
        "from (\n    select d.profile_date, h.* replace (\n"
        "        greatest(h.as_known_at, d.profiled_at) as as_known_at\n"
        f"    )\n    from {HISTORY} as h\n"
        "    inner join marts.profile_days as d on d.profile_date >= h.valid_from\n"
        "        and d.profile_date < coalesce(h.valid_to, date '9999-12-31')"
    )
    only = (
        "\n    where h.known_until is null or h.known_until > d.profiled_at"
        if with_superseded
        else "\n    where h.known_until is null"
    )
    return f"{select}{only}\n) as s"


def _shown(attribute: Attribute) -> str:
    if attribute.kind != "expression":
        return f"s.{attribute.name}"
    # one row on which a user's expression raises would take all rows from every reader
    return f"try({taken(attribute.rule)})" if attribute.is_own else taken(attribute.rule)


def real_names_view(registry: Registry) -> str:
    """Optimove's VW_CUSTOMER_PROFILES_REAL_FIELD_NAMES: profiles under the attributes' names."""
    names = "".join(f",\n    p.{a.name}" for a in registry.attributes)
    return (
        "select\n    p.profile_date as PROFILE_DATE,\n"
        f"    p.client_customer_id as CLIENT_CUSTOMER_ID{names}\nfrom marts.customer_profiles as p"
    )


def generic_view(registry: Registry) -> str:
    """Optimove's CUSTOMER_PROFILES: under numbered columns, FIELDn numeric and STRn text."""
    columns = "".join(
        f",\n    cast(p.{a.name} as {'varchar' if a.is_text else 'double'}) as {a.field}"
        for a in registry.attributes
    )
    return (
        "select\n    p.profile_date as PROFILE_DATE,\n"
        f"    p.client_customer_id as CLIENT_CUSTOMER_ID{columns}\n"
        "from marts.customer_profiles as p"
    )
