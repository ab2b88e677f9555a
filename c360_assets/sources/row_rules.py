"""The rules that a raw row may break, as SQL made from the contract. Nothing here runs a query.

Two forms of each rule: a cheap test that may suspect a clean row but never overlooks a broken one,
and the reason that names the broken rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from c360_assets.contracts import Column, Reference, Table
from c360_assets.sources.sql_text import identifier as _name

# tables of things that happen, with the column that tells when
FACTS = {"raw_event": "timestamp", "raw_order": "created_at"}
# an event's key is unique within its day, an order's over all of them
UNIQUE_OVER_ALL_DAYS = {"raw_order"}
EMAIL_COLUMNS = {"raw_user": "email", "deals": "email", "raw_ticket": "email"}
# times before the first or from the last day on are mistakes
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 1, 1)
PlainEmail = Callable[[str], str]


def suspicions(table: Table, plain_email: PlainEmail, with_references: bool) -> list[str]:
    """SQL: cheap tests, at least one of which holds for any row that breaks a rule."""
    tests = []
    for column in table.columns:
        raw, typed = f"r.{_name(f'{column.name}__raw')}", f"r.{_name(column.name)}"
        if not column.is_nullable:
            tests.append(f"{typed} is null")
            # blank text sorts before every visible character
            tests += [f"{typed} < '!'"] if column.type == "VARCHAR" else []
        elif column.type != "VARCHAR":
            tests.append(f"({typed} is null and {raw} is not null)")
        if column.type in ("TIMESTAMP", "DATE"):
            tests.append(f"{typed} < date '{FIRST_DAY}' or {typed} >= date '{LAST_DAY}'")
        if column.is_non_negative:
            tests.append(f"{typed} < 0")
        if EMAIL_COLUMNS.get(table.name) == column.name:
            tests.append(f"not ({plain_email(typed)})")
    return tests + (unknown_references(table) if with_references else [])


def unknown_references(table: Table) -> list[str]:
    """SQL: per judged reference, whether the row refers to nothing."""
    return [f"r.{_name(r.column)} not in {_referred(r)}" for r in judged_references(table)]


def reason(table: Table, plain_email: PlainEmail) -> str:
    """SQL: the first rule that the row breaks, as `rule: column`, or null."""
    whens = [when for c in table.columns for when in _column_rules(table, c, plain_email)]
    whens += [
        f"when r.{_name(r.column)} not in {_referred(r)} then 'unknown_reference: {r.column}'"
        for r in judged_references(table)
    ]
    return "case\n        " + "\n        ".join(whens) + "\n    end"


def _column_rules(table: Table, column: Column, plain_email: PlainEmail) -> list[str]:
    raw, typed = f"r.{_name(f'{column.name}__raw')}", f"r.{_name(column.name)}"
    rules = []
    if not column.is_nullable:
        blank = f"{raw} is null or trim(cast({raw} as varchar)) = ''"
        rules.append(f"when {blank} then 'missing_value: {column.name}'")
    if column.type != "VARCHAR":
        given = f"{raw} is not null and trim(cast({raw} as varchar)) <> ''"
        kind = "time" if column.type in ("TIMESTAMP", "DATE") else "number"
        rules.append(f"when {typed} is null and {given} then 'unparseable_{kind}: {column.name}'")
    if column.type in ("TIMESTAMP", "DATE"):
        rules.append(
            f"when {typed} < date '{FIRST_DAY}' or {typed} >= date '{LAST_DAY}'"
            f" then 'unparseable_time: {column.name}'"
        )
    if column.is_non_negative:
        rules.append(f"when {typed} < 0 then 'negative_value: {column.name}'")
    if EMAIL_COLUMNS.get(table.name) == column.name:
        rules.append(
            f"when not ({plain_email(typed)}) and {typed} not in"
            " (select raw_email from ops.address_forms)"
            f" then 'invalid_email: {column.name}'"
        )
    return rules


def suspects(table: Table, judged: str) -> str:
    """Rows with a verdict: broken ones, and all but the first of a repeated key.

    Rows are numbered in the order of file and row; the first valid row of a key stands. A later one
    with the same content is a repeat, one with other content is rejected as `duplicate_key`.
    """
    per_day = ", event_date" if table.name in FACTS else ""
    keys = ", ".join(key_columns(table)) + per_day
    content = ", ".join(
        f"{_name(name)} := cast({_name(f'{name}__raw')} as varchar)" for name in table.column_names
    )
    return f"""
        with judged as ({judged}),
        repeated as (
            select {keys} from judged where reason is null group by {keys} having count(*) > 1
        ),
        suspects as (
            select source_file, source_row, event_date, reason, {keys.replace(", event_date", "")},
                to_json(struct_pack({content}))::varchar as row_json
            from judged
            where reason is not null or ({keys}) in (select ({keys}) from repeated)
        ),
        numbered as (
            select *,
                row_number() over same_key as nth,
                first_value(row_json) over same_key as first_json
            from suspects
            where reason is null
            window same_key as (partition by {keys} order by source_file, source_row)
        )
        select source_file, source_row, event_date, reason, row_json, false as is_repeat
        from suspects where reason is not null
        union all
        select source_file, source_row, event_date,
            case when row_json <> first_json then 'duplicate_key: {", ".join(table.key)}' end,
            row_json, row_json = first_json
        from numbered where nth > 1
    """


def key_columns(table: Table) -> list[str]:
    """The key's columns; every column as read where the table has no key."""
    if table.key:
        return [_name(name) for name in table.key]
    return [_name(f"{name}__raw") for name in table.column_names]


def day_of(time: str) -> str:
    """SQL: the day of a time; null where there is none or it is beyond what the rules accept."""
    inside = f"{time} >= date '{FIRST_DAY}' and {time} < date '{LAST_DAY}'"
    return f"case when {inside} then cast({time} as date) end"


def judged_references(table: Table) -> list[Reference]:
    """References whose breach rejects the row: to the user. Others are checked on the tables."""
    return [r for r in table.references if r.to_table == "stg_users"]


def _referred(reference: Reference) -> str:
    return f"(select {_name(reference.to_column)} from staging.{reference.to_table})"
