"""`c360 explain`: who stands behind an address, and which decisions made it so.

Everything but the place of the raw rows comes from the published copy; that place is looked up in
the source's files.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from c360_assets import contracts
from c360_assets.cli_support.output import Output
from c360_assets.contracts.bookkeeping import EMPTY_CATALOG
from c360_assets.errors import C360Error
from c360_assets.settings import Settings
from c360_assets.warehouse.published import open_published
from c360_assets.warehouse.session import SESSION, fetch_dicts

MAX_RAW_USER_BYTES = 64 * 1024 * 1024
NEAR_ADDRESSES = 5
NEAR_ENOUGH = 0.85  # Jaro-Winkler similarity

CONTACT = """
    select c.*, s.rfm_segment, s.recency_score, s.frequency_score, s.monetary_score, s.as_of
    from marts.contacts as c
    left join marts.rfm_segments as s on s.user_id = c.user_id
    where c.user_id = $contact
"""
ACCOUNTS = """
    select
        i.user_id, i.email, u.user_name, u.created_at, u.gaggle_id, i.rule, i.merge_path,
        coalesce(t.number_of_events, 0) as number_of_events,
        coalesce(t.number_of_orders, 0) as number_of_orders
    from identity.user_identity as i
    inner join staging.stg_users as u on u.user_id = i.user_id
    left join staging.user_event_totals as t on t.user_id = i.user_id
    where i.contact_user_id = $contact
    order by i.user_id = i.contact_user_id desc, u.created_at, i.user_id
"""
DECISIONS = """
    select
        kind, source_file, source_row, old_key, new_key, decision, decided_by, decided_at, reason,
        outcome, outcome_reason, explanation, merge_path
    from identity.merge_journal
    where (kind = 'user' and list_has_any([old_key, new_key, resolved_to], $emails))
        or (kind = 'domain' and list_has_any([old_key, new_key, resolved_to], $domains))
    order by kind desc, source_file, source_row
"""
REJECTED = """
    select source_file, source_row, reason, row_json from ops.rejected_rows
    where source_table = 'raw_user' and lower(trim(row_json ->> '$.email')) = lower(trim($asked))
    order by source_file, source_row
"""
NEAR = """
    select email from (
        select email from identity.user_identity
        union select old_key from identity.merge_journal where kind = 'user'
        union select new_key from identity.merge_journal where kind = 'user'
    ) as known
    where email is not null and jaro_winkler_similarity(email, $asked) >= $near_enough
    order by jaro_winkler_similarity(email, $asked) desc, email
    limit $most
"""


@dataclass
class Explanation:
    """What is known of an address. `contact` is None where it belongs to nobody."""

    asked: str
    email: str | None
    contact: dict[str, Any] | None
    accounts: list[dict[str, Any]]
    gaggle: dict[str, Any] | None
    company: dict[str, Any] | None
    decisions: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    near: list[str]
    notes: list[str]

    @property
    def exit_code(self) -> int:
        """0 where the address belongs to somebody, else 1."""
        return 0 if self.contact else 1


def explain(settings: Settings, asked: str) -> Explanation:
    """Look an address up, in any spelling, whether it is today's or was merged away.

    Raises:
        NothingPublishedError: nothing was published yet.
    """
    from c360_assets.identity.addresses import normalise_email

    email = normalise_email(asked)
    with open_published(settings) as connection:
        contact_id = _contact_of(connection, email)
        if contact_id is None:
            return _unknown(connection, asked, email)
        found = _known(connection, asked, email, contact_id)
    _add_source_rows(settings, found)
    return found


def _contact_of(connection: duckdb.DuckDBPyConnection, email: str | None) -> str | None:
    """The contact of an account's address, or of one that only a merge file knows."""
    rows = connection.execute(
        """
        select contact_user_id from identity.user_identity where email = $email
        union all
        select i.contact_user_id from identity.merge_journal as j
        inner join identity.user_identity as i on i.email = j.resolved_to
        where j.kind = 'user' and j.decision = 'merge' and j.outcome = 'applied'
            and j.old_key = $email
        limit 1
        """,
        {"email": email},
    ).fetchall()
    return str(rows[0][0]) if rows else None


def _known(
    connection: duckdb.DuckDBPyConnection, asked: str, email: str | None, contact_id: str
) -> Explanation:
    contact = _one(connection, CONTACT, {"contact": contact_id})
    accounts = fetch_dicts(connection, ACCOUNTS, {"contact": contact_id})
    emails = sorted({email, *(account["email"] for account in accounts)} - {None})
    domains = sorted({str(each).partition("@")[2] for each in emails})
    gaggle = contact and _one(
        connection,
        "select * from marts.gaggle_facts where gaggle_id = $id",
        {"id": contact["gaggle_id"]},
    )
    company = contact and _one(
        connection,
        "select * from marts.corporate_accounts where corporate_email = $id",
        {"id": contact["corporate_email"]},
    )
    decisions = fetch_dicts(connection, DECISIONS, {"emails": emails, "domains": domains})
    return Explanation(asked, email, contact, accounts, gaggle, company, decisions, [], [], [])


def _unknown(connection: duckdb.DuckDBPyConnection, asked: str, email: str | None) -> Explanation:
    keys = {"emails": [email], "domains": []}
    decisions = fetch_dicts(connection, DECISIONS, keys) if email else []
    rejected = fetch_dicts(connection, REJECTED, {"asked": asked})
    near = connection.execute(
        NEAR,
        {
            "asked": email or asked.strip().lower(),
            "near_enough": NEAR_ENOUGH,
            "most": NEAR_ADDRESSES,
        },
    ).fetchall()
    names = [row[0] for row in near if row[0] != email]
    return Explanation(asked, email, None, [], None, None, decisions, rejected, names, [])


def _one(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any]
) -> dict[str, Any] | None:
    rows = fetch_dicts(connection, sql, parameters)
    return rows[0] if rows else None


def _add_source_rows(settings: Settings, found: Explanation) -> None:
    """Name file and row of each account in the source; a note where that cannot be told."""
    from c360_assets.identity.addresses import normalise_email
    from c360_assets.sources.folder import SourceFolder
    from c360_assets.sources.landing import land
    from c360_assets.sources.tombstones import read_tombstones

    table = contracts.table("raw_user")
    ids = [account["user_id"] for account in found.accounts]
    try:
        folder = SourceFolder(settings.source_dir)
        if sum(file.size for file in folder.files("raw_user")) > MAX_RAW_USER_BYTES:
            found.notes.append("raw_user is large; the rows of the accounts were not looked up")
            return
        with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
            connection.execute(f"{SESSION}; {EMPTY_CATALOG}")
            erased = read_tombstones(settings.home_dir, normalise_email)
            land(connection, folder, table, Path(scratch), erased=erased)
            rows = connection.execute(
                f"select id, min(source_file || ', row ' || source_row) from"
                f" {table.qualified_name} where list_contains(?, id) group by id",
                [ids],
            ).fetchall()
    except (C360Error, duckdb.Error, OSError) as error:
        found.notes.append(f"the rows of the accounts were not looked up: {error}")
        return
    places = dict(rows)
    for account in found.accounts:
        account["source"] = places.get(account["user_id"])


def document(found: Explanation) -> dict[str, Any]:
    """The explanation for machines."""
    return {
        "asked": found.asked,
        "email": found.email,
        "contact": found.contact,
        "accounts": found.accounts,
        "gaggle": found.gaggle,
        "company": found.company,
        "decisions": found.decisions,
        "rejected": found.rejected,
        "near": found.near,
        "notes": found.notes,
    }


def show(out: Output, found: Explanation) -> None:
    """The explanation for people."""
    out.json(document(found))
    contact = found.contact
    if contact is None:
        _show_unknown(out, found)
        return
    if found.email != contact["email"]:
        out.say(f"{found.email} is today {contact['email']}.")
    out.facts(
        f"{contact['user_name'] or 'No name'} <{contact['email']}>",
        {
            "contact": f"{contact['contact_id']} (account {contact['user_id']})",
            "company": _company(found),
            "gaggle": _gaggle(found),
            "segment": _segment(contact),
            "created": contact["created_at"],
            "events": _span(contact, "number_of_events", "first_event", "most_recent_event"),
            "orders": _span(contact, "number_of_orders", "first_order", "most_recent_order"),
            "sales": contact["sales_total"],
        },
    )
    out.table(
        "Accounts",
        ("account", "address", "created", "gaggle", "why", "events", "orders", "source"),
        [
            (
                *(a["user_id"], a["email"], a["created_at"].date(), a["gaggle_id"], a["rule"]),
                *(a["number_of_events"], a["number_of_orders"], a.get("source")),
            )
            for a in found.accounts
        ],
    )
    _show_decisions(out, found)
    for note in found.notes:
        out.note(note)


def _show_unknown(out: Output, found: Explanation) -> None:
    if found.email is None:
        out.note(f"{found.asked!r} is no e-mail address; write it as name@domain")
    else:
        out.note(f"nobody has the address {found.email}")
    for row in found.rejected:
        out.note(
            f"{row['source_file']}, row {row['source_row']} has it, and was rejected: "
            f"{row['reason']}"
        )
    _show_decisions(out, found)
    if found.near:
        out.note(f"near addresses: {', '.join(found.near)}")


def _show_decisions(out: Output, found: Explanation) -> None:
    out.table(
        "Merge decisions",
        ("file and row", "decision", "outcome", "by", "when", "what it means"),
        [
            (
                f"{d['source_file']}, row {d['source_row']}",
                d["decision"],
                d["outcome"],
                d["decided_by"],
                d["decided_at"],
                d["explanation"] + (f" Reason given: {d['reason']}." if d["reason"] else ""),
            )
            for d in found.decisions
        ],
    )


def _company(found: Explanation) -> str | None:
    company = found.company
    if company is None:
        return None
    gaggles = company["number_of_gaggles"]
    paying = "paying" if company["is_paying"] else "not paying"
    return (
        f"{company['corporate_email']} ({_people(company['number_of_users_corporate'])}, "
        f"{gaggles:,} gaggle{'' if gaggles == 1 else 's'}, {paying})"
    )


def _gaggle(found: Explanation) -> str | None:
    gaggle = found.gaggle
    if gaggle is None:
        return None
    name = gaggle["gaggle_name"] or "no name"
    return f"{name} (id {gaggle['gaggle_id']}, {_people(gaggle['number_of_users'])})"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _segment(contact: dict[str, Any]) -> str | None:
    if contact["rfm_segment"] is None:
        return None
    scores = [contact[f"{name}_score"] for name in ("recency", "frequency", "monetary")]
    return f"{contact['rfm_segment']} (RFM {''.join(str(s or '-') for s in scores)})"


def _span(contact: dict[str, Any], number: str, first: str, last: str) -> str:
    count = f"{contact[number]:,}"
    if contact[first] is None:
        return count
    return f"{count}, from {contact[first]:%Y-%m-%d %H:%M:%S} to {contact[last]:%Y-%m-%d %H:%M:%S}"
