"""Which contacts and days a run must work out for customer profiles.

A contact is worked out from the first day on where something that its profile was made of has
changed (`dirty`: new facts on days long profiled, other accounts, other scores), else only on the
days after the last profiled one on which something can change: the day of a fact, the day on which
a fact leaves a window, the day of another score.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

HISTORY = "marts.customer_profile_history"
PROFILE_DAYS = "marts.profile_days"
SINCE_EVER, FOR_EVER = "date '0001-01-01'", "date '9999-12-31'"


@dataclass(frozen=True)
class ProfileSql:
    """The registry, compiled.

    `columns` are names and types of the table of intervals: five that say when, then the
    attributes, `accounts_hash` and `row_hash`. `measures` are the columns of `contact_days`.
    `states` are SELECTs by source, and `state_columns` the attributes that they give; those of
    `contacts` hold from the day of the run, the others from their own `valid_from`.
    """

    columns: Sequence[tuple[str, str]]
    measures: Sequence[str]
    values_at: str
    stated: str
    states: Mapping[str, str]
    state_columns: Mapping[str, Sequence[str]]
    offsets: Sequence[int]

    @property
    def histories(self) -> tuple[str, ...]:
        """The states that have a history of their own."""
        return tuple(source for source in self.states if source != "contacts")


@dataclass(frozen=True)
class Span:
    """The days that the intervals cover, both included."""

    first: date
    last: date


def temp_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    select: str,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Make a temp table of a SELECT."""
    connection.execute(f"create or replace temp table {name} as {select}", parameters or {})


def count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """The rows of a table."""
    return int(connection.execute(f"select count(*) from {name}").fetchall()[0][0])


def find_changes(
    connection: duckdb.DuckDBPyConnection,
    sql: ProfileSql,
    now: Span,
    seen: date | None,
    is_anew: bool,
    new_columns: Collection[str],
) -> None:
    """Make `dirty`, `unchanged`, `open_rows`, `state_...` and `work`, which is (contact, day).

    `seen` is the last day that was profiled before, if any; `new_columns` are those that the
    stored rows have no values for yet.
    """
    _find_histories(connection, sql)
    find_inputs(connection, sql, "inputs", seen)
    of_row = _find_contact_changes(connection, sql, new_columns)
    _find_dirty(connection, now, is_anew, is_same_day=seen is not None and seen >= now.last)
    _find_contacts(connection, now, of_row)
    _find_work(connection, sql, now, seen)


def _find_dirty(
    connection: duckdb.DuckDBPyConnection, now: Span, is_anew: bool, is_same_day: bool
) -> None:
    """`dirty` and `unchanged` contacts, and the rows of the unchanged that stand and are open."""
    temp_table(
        connection,
        "dirty",
        f"""
        select p.user_id from inputs as p
        left join ops.profile_inputs as k on k.user_id = p.user_id
        left join contact_changes as c on c.user_id = p.user_id
        where p.created_on <= $last
            and ({is_anew} or k.fingerprint is distinct from p.fingerprint
                or c.user_id is null or c.is_other_person or c.is_renamed and {is_same_day})
        """,
        {"last": now.last},
    )
    temp_table(
        connection,
        "unchanged",
        "select user_id from inputs"
        " where created_on <= $last and user_id not in (select user_id from dirty)",
        {"last": now.last},
    )
    temp_table(
        connection,
        "open_rows",
        f"""
        select h.client_customer_id, h.valid_from, h.as_known_at, h.row_hash from {HISTORY} as h
        inner join unchanged as u on u.user_id = h.client_customer_id
        where h.known_until is null and h.valid_to is null
        """,
    )


def find_inputs(
    connection: duckdb.DuckDBPyConnection, sql: ProfileSql, name: str, until: date | None
) -> None:
    """A row per contact: its accounts, and a fingerprint of what it is made of until that day."""
    prints = [("contact_days", "fact_date", ["fact_date", *sql.measures])]
    prints += [
        (f"state_{source}", "valid_from", ["valid_from", *sql.state_columns[source]])
        for source in sql.histories
    ]
    joins, mixed = "", ""
    for relation, day, names in prints:
        joins += f"""
        left join (
            select user_id, bit_xor(hash({", ".join(names)})) as fingerprint from {relation}
            where {day} <= coalesce($until, {SINCE_EVER}) group by user_id
        ) as of_{relation} on of_{relation}.user_id = c.user_id"""
        mixed += f", coalesce(of_{relation}.fingerprint, 0)"
    temp_table(
        connection,
        name,
        f"""
        select c.user_id, cast(c.created_at as date) as created_on, a.accounts_hash,
            hash(cast(c.created_at as date), a.accounts_hash{mixed}) as fingerprint
        from marts.contacts as c
        inner join (
            select contact_user_id, bit_xor(hash(user_id)) as accounts_hash
            from identity.user_identity group by contact_user_id
        ) as a on a.contact_user_id = c.user_id{joins}
        """,
        {"until": until},
    )


def _find_histories(connection: duckdb.DuckDBPyConnection, sql: ProfileSql) -> None:
    """`state_rfm` and the like: what holds from which day until before which."""
    for source in sql.histories:
        temp_table(
            connection,
            f"state_{source}",
            "select *, coalesce(lead(valid_from) over (partition by user_id order by valid_from),"
            f" {FOR_EVER}) as valid_to from ({sql.states[source]}) as s",
        )


def _find_contacts(connection: duckdb.DuckDBPyConnection, now: Span, of_row: str) -> None:
    """`state_contacts`: what the contact's row said on each day, and says from the last day on.

    Days long profiled keep what they say of a contact with the same accounts: a new name is no
    mistake of yesterday's. After a merge or a split all days say what is known today.
    """
    temp_table(
        connection,
        "state_contacts",
        f"""
        select t.*, {SINCE_EVER} as valid_from, {FOR_EVER} as valid_to
        from contacts_today as t
        left join contact_changes as c on c.user_id = t.user_id
        where c.user_id is null or c.is_other_person
        union all by name
        select t.*, cast($last as date) as valid_from, {FOR_EVER} as valid_to
        from contacts_today as t
        inner join contact_changes as c on c.user_id = t.user_id and not c.is_other_person
        union all by name
        select h.client_customer_id as user_id, {of_row},
            case when row_number() over (
                partition by h.client_customer_id order by h.valid_from
            ) = 1 then {SINCE_EVER} else h.valid_from end as valid_from,
            least(coalesce(h.valid_to, {FOR_EVER}), cast($last as date)) as valid_to
        from {HISTORY} as h
        inner join contacts_today as t on t.user_id = h.client_customer_id
        inner join contact_changes as c
            on c.user_id = h.client_customer_id and not c.is_other_person
        where h.known_until is null and h.valid_from < cast($last as date)
            -- of who is not worked out from the first day on, the newest row is enough
            and (h.valid_to is null or h.client_customer_id in (select user_id from dirty))
        """,
        {"last": now.last},
    )


def _find_contact_changes(
    connection: duckdb.DuckDBPyConnection, sql: ProfileSql, new_columns: Collection[str]
) -> str:
    """`contacts_today`, and how they differ from what stands; gives what a stored row says."""
    names = [*sql.state_columns["contacts"], "accounts_hash"]
    of_row = ", ".join(f"{'t' if name in new_columns else 'h'}.{name}" for name in names)
    temp_table(
        connection,
        "contacts_today",
        "select s.*, i.accounts_hash from"
        f" ({sql.states['contacts']}) as s inner join inputs as i on i.user_id = s.user_id",
    )
    temp_table(
        connection,
        "contact_changes",
        f"""
        select t.user_id, h.accounts_hash is distinct from t.accounts_hash as is_other_person,
            hash({of_row}) <> hash({", ".join(f"t.{name}" for name in names)}) as is_renamed
        from contacts_today as t
        inner join {HISTORY} as h on h.client_customer_id = t.user_id
        where h.known_until is null and h.valid_to is null
        """,
    )
    return of_row


def _find_work(
    connection: duckdb.DuckDBPyConnection, sql: ProfileSql, now: Span, seen: date | None
) -> None:
    """`work`: the contacts and days to work out."""
    days = [
        f"select user_id, fact_date + {offset} as day from contact_days" for offset in sql.offsets
    ]
    days += [f"select user_id, valid_from as day from state_{source}" for source in sql.states]
    days.append("select user_id, created_on as day from inputs")
    every_day = " union all ".join(days)
    temp_table(
        connection,
        "work",
        f"""
        select distinct d.user_id,
            greatest(d.day, cast(i.created_on as date), cast($first as date)) as profile_date
        from ({every_day}) as d
        inner join dirty as y on y.user_id = d.user_id
        inner join inputs as i on i.user_id = d.user_id
        where d.day <= $last
        union all
        select distinct d.user_id, d.day as profile_date
        from ({every_day}) as d
        inner join unchanged as u on u.user_id = d.user_id
        inner join open_rows as o on o.client_customer_id = d.user_id
        where d.day <= $last and d.day > coalesce($seen, {FOR_EVER})
        """,
        {"first": now.first, "last": now.last, "seen": seen},
    )
