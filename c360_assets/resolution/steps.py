"""The steps of identity resolution that are Python's, on the tables of one connection.

Belongs here: reading their inputs and writing their tables. Not here: their rules (`identity`), nor
when they run (`assets`).
"""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd

from c360_assets import contracts
from c360_assets.identity.addresses import normalise_emails
from c360_assets.identity.contact_ids import Account, contact_ids
from c360_assets.identity.domains import classify
from c360_assets.identity.fold import FoldRules
from c360_assets.identity.journal import fold_journal
from c360_assets.settings import Rules
from c360_assets.warehouse.queries import query
from c360_assets.warehouse.tables import replace_rows, replace_table

JOURNAL = contracts.table("merge_journal")
HISTORY = contracts.table("contact_id_history")
CONTACT_IDS = contracts.table("contact_ids")
DOMAINS = contracts.table("domain_identity")

_MERGES = """
    select j.old_key, j.new_key, j.source_file, j.source_row, j.decided_at,
        j.ended_by_file, j.ended_by_row, e.decided_at as ended_at
    from identity.merge_journal as j
    left join identity.merge_journal as e
        on e.kind = 'user' and e.source_file = j.ended_by_file and e.source_row = j.ended_by_row
    where j.kind = 'user' and j.was_applied
    order by j.source_file, j.source_row
"""
_ACCOUNTS = """
    select u.email, u.user_id, u.created_at from staging.stg_users as u
    where u.email in (
        select unnest([j.old_key, j.new_key]) from identity.merge_journal as j
        where j.kind = 'user' and j.was_applied
    )
"""
# a refused decision may name what is no domain at all
_SEEN = """
    select email_domain from staging.stg_users
    union
    select email_domain from staging.stg_deals
    union
    select old_key from identity.merge_journal where kind = 'domain' and outcome <> 'refused'
    union
    select new_key from identity.merge_journal where kind = 'domain' and outcome <> 'refused'
"""

# each round parts subdomains that a ban needs parted; there are only so many
_PART_BANNED = """
    update ops.domain_rules set registrable_domain = email_domain
    where registrable_domain <> email_domain and email_domain in (
        select unnest([j.old_key, j.new_key, x.resolved_to, y.resolved_to])
        from identity.merge_journal as j
        inner join identity.domain_identity as a on a.email_domain = j.old_key
        inner join identity.domain_identity as b on b.email_domain = j.new_key
        left join identity.merge_journal as x
            on x.kind = 'domain' and x.resolved_to is not null and x.old_key = j.old_key
        left join identity.merge_journal as y
            on y.kind = 'domain' and y.resolved_to is not null and y.old_key = j.new_key
        where j.kind = 'domain' and j.decision = 'never' and j.outcome = 'applied'
            and a.corporate_email = b.corporate_email
    )
"""


def fold_decisions(
    connection: duckdb.DuckDBPyConnection,
    rules: Rules,
    user_rows: pd.DataFrame,
    domain_rows: pd.DataFrame,
) -> None:
    """Fold the rows of merge files (`MergeFiles`) into `identity.merge_journal`."""
    journal = fold_journal(
        user_rows,
        domain_rows,
        known_emails=_known_emails(connection, user_rows),
        rules=FoldRules.of(rules, domain_rows),
    )
    replace_rows(connection, JOURNAL, journal)


def follow_contact_ids(connection: duckdb.DuckDBPyConnection) -> int:
    """Replay the merges of the journal: who bears which contact id; returns how many bear one."""
    merges = connection.execute(_MERGES).df()
    accounts = connection.execute(_ACCOUNTS).fetchall()
    found = contact_ids(merges, (Account(*row) for row in accounts))
    replace_rows(connection, HISTORY, found.history)
    replace_rows(connection, CONTACT_IDS, found.ids)
    return len(found.ids)


def resolve_domains(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """Replace the rules of all domains seen, then the table of who is which company.

    A subdomain counts as its registrable domain, unless that would join what a standing `never`
    keeps apart: then it stands by itself.
    """
    seen = connection.execute(_SEEN).df()["email_domain"]
    connection.register("domain_rows", classify(seen, rules.domains))
    connection.execute("delete from ops.domain_rules")
    connection.execute("insert into ops.domain_rules by name select * from domain_rows")
    connection.unregister("domain_rows")
    replace_table(connection, DOMAINS, query(DOMAINS.qualified_name))
    while connection.execute(_PART_BANNED).fetchall()[0][0]:
        replace_table(connection, DOMAINS, query(DOMAINS.qualified_name))


def _known_emails(connection: duckdb.DuckDBPyConnection, users: pd.DataFrame) -> Any:
    """Those of the decisions' addresses that some account has: few, however many accounts."""
    named = pd.concat([normalise_emails(users["old"]), normalise_emails(users["new"])])
    connection.register("named_addresses", named.dropna().drop_duplicates().to_frame("email"))
    known = connection.execute(
        "select distinct email from staging.stg_users"
        " where email in (select email from named_addresses)"
    ).df()
    connection.unregister("named_addresses")
    return known["email"]
