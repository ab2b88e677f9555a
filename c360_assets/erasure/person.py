"""Who an address belongs to, with everything by which their rows are told; and where they stand.

Read from a database of c360's own tables: the published copy, or the warehouse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from c360_assets.identity.addresses import normalise_email
from c360_assets.mentions import Mentions, mentions_sql
from c360_assets.sources.sql_text import identifier
from c360_assets.sources.tombstones import Kind, plain_address

# columns in which a person's id stands as it is
_ID_COLUMN = re.compile(r"(user|customer|contact)_id", re.IGNORECASE)


@dataclass(frozen=True)
class Person:
    """One person: every address, and every id of accounts, contacts, orders and postal addresses.

    Postal addresses are those that nobody else uses.
    """

    emails: frozenset[str]
    user_ids: frozenset[str]
    contact_ids: frozenset[str]
    order_ids: frozenset[str] = frozenset()
    address_ids: frozenset[str] = frozenset()

    def marks(self) -> Mapping[Kind, Iterable[str]]:
        """What tombstones are made of; addresses in each spelling in which files may have them."""
        return {
            "email": self.addresses(),
            "user": self.user_ids,
            "order": self.order_ids,
            "address": self.address_ids,
        }

    def addresses(self) -> set[str]:
        """Their addresses in every spelling that files may have."""
        return {spelling for email in self.emails for spelling in spellings(email)}

    def and_also(self, other: Person) -> Person:
        """Both as one: what an earlier try knew of a person, and what is known today."""
        return Person(
            self.emails | other.emails,
            self.user_ids | other.user_ids,
            self.contact_ids | other.contact_ids,
            self.order_ids | other.order_ids,
            self.address_ids | other.address_ids,
        )


def spellings(email: str) -> set[str]:
    """An address as it is normalised, and with its domain in letters where it is punycode."""
    name, _, domain = email.rpartition("@")
    found = {plain_address(email), normalise_email(email) or plain_address(email)}
    if "xn--" in domain:
        try:
            found.add(plain_address(f"{name}@{domain.encode('ascii').decode('idna')}"))
        except UnicodeError:
            # a domain that is no punycode after all has one spelling
            return found
    return found


def find_person(connection: duckdb.DuckDBPyConnection, email: str) -> Person | None:
    """The person with an address, today's or one merged away; None where nobody has it.

    Of who has no account, and only wrote a ticket or is on a deal, the address is all there is.
    """
    normal = normalise_email(email) or plain_address(email)
    contacts = _values(
        connection,
        "select contact_user_id from identity.user_identity where email = $email"
        " union select i.contact_user_id from identity.merge_journal as j"
        " inner join identity.user_identity as i on i.email = j.resolved_to"
        " where j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied'"
        " and j.old_key = $email",
        {"email": normal},
    )
    if contacts:
        return _person(connection, sorted(contacts))
    written = _values(
        connection,
        "select email from staging.stg_tickets where email = $email"
        " union select email from staging.stg_deals where email = $email",
        {"email": normal},
    )
    return Person(frozenset(written), frozenset(), frozenset()) if written else None


def _person(connection: duckdb.DuckDBPyConnection, contacts: list[str]) -> Person:
    """Everything by which the rows of these contacts are told."""
    accounts = {"contacts": contacts}
    users = _values(
        connection,
        "select user_id from identity.user_identity"
        " where list_contains($contacts, contact_user_id)",
        accounts,
    )
    emails = _values(
        connection,
        "select email from identity.user_identity where list_contains($contacts, contact_user_id)"
        " union select j.old_key from identity.merge_journal as j"
        " inner join identity.user_identity as i on i.email = j.resolved_to"
        " where j.kind = 'user' and j.outcome = 'applied'"
        " and list_contains($contacts, i.contact_user_id)",
        accounts,
    )
    current = _values(
        connection,
        "select contact_id from marts.contacts where list_contains($contacts, user_id)",
        accounts,
    )
    ended = _values(
        connection,
        "select contact_id from identity.contact_id_history"
        " where list_contains($current, current_contact_id)",
        {"current": sorted(current)},
    )
    return Person(
        frozenset(emails),
        frozenset(users),
        frozenset(current | ended),
        frozenset(_orders(connection, users)),
        frozenset(_addresses(connection, users)),
    )


def _orders(connection: duckdb.DuckDBPyConnection, users: set[str]) -> set[str]:
    return _values(
        connection,
        "select order_id from marts.fct_orders where list_contains($users, user_id)",
        {"users": sorted(users)},
    )


def _addresses(connection: duckdb.DuckDBPyConnection, users: set[str]) -> set[str]:
    """The postal addresses of these users that nobody else has."""
    return _values(
        connection,
        """
        with used as (
            select user_id, address_id from staging.stg_users
            union select user_id, address_id from marts.fct_orders
        )
        select address_id from used where address_id is not null
        group by address_id
        having bool_and(list_contains($users, user_id))
        """,
        {"users": sorted(users)},
    )


def traces(connection: duckdb.DuckDBPyConnection, person: Person) -> dict[str, int]:
    """How many rows of each table of the database name the person: by address anywhere in a text
    or list, by id in the columns of users, customers and contacts."""
    columns = connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns()"
        " where not internal and database_name = current_database()"
        " order by 1, column_index"
    ).fetchall()
    conditions: dict[str, list[str]] = {}
    for table, column, type_ in columns:
        name = f"t.{identifier(column)}"
        text = "varchar" in type_.lower() or "json" in type_.lower()
        if text:
            conditions.setdefault(table, []).append(mentions_sql(f"{name}::varchar"))
        if text and _ID_COLUMN.search(column):
            conditions[table].append(
                f"list_has_any($ids, {name})" if "[]" in type_ else f"list_contains($ids, {name})"
            )
    ids, pattern = (
        sorted(person.user_ids | person.contact_ids),
        Mentions(person.addresses()).pattern,
    )
    found = {}
    for table, each in conditions.items():
        given: dict[str, object] = {"mentions": pattern}
        if any("$ids" in condition for condition in each):
            given["ids"] = ids
        schema, _, name = table.partition(".")
        rows = connection.execute(
            f"select count(*) from {identifier(schema)}.{identifier(name)} as t"
            f" where {' or '.join(each)}",
            given,
        ).fetchall()[0][0]
        if rows:
            found[table] = int(rows)
    return found


def _values(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, object]
) -> set[str]:
    return {str(value) for (value,) in connection.execute(sql, parameters).fetchall() if value}
