"""What the page of a company shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from c360_assets.identity.addresses import normalise_domain
from c360_assets.ui.copies import Copy
from c360_assets.ui.parts.text import plural

DAY_HOURS = 24


@dataclass(frozen=True)
class Account:
    """A company: `row` is that of marts.corporate_accounts with its power users' names.

    `domains` are all that count as it, by today's decisions; each with `merge_path`, null for its
    own. `calls` are who to call next, best first, with `why`, a list of sentences.
    """

    row: dict[str, Any]
    domains: list[dict[str, Any]]
    calls: list[dict[str, Any]]

    def merged(self, text: str) -> str | None:
        """The domain that a text is, if that counts as this company by a decision."""
        others = {each["email_domain"] for each in self.domains if each["merge_path"]}
        domain = normalise_domain(text)
        return domain if domain in others else None


def find_account(copy: Copy, domain: str) -> Account | None:
    """The company of that very domain; None where there is none."""
    row = copy.row("account/account", domain=domain)
    if row is None:
        return None
    calls = copy.rows("account/to_call", domain=domain)
    return Account(
        row,
        sorted(copy.rows("account/domains", domain=domain), key=lambda each: each["email_domain"]),
        [{**each, "why": reasons(each)} for each in calls],
    )


def leads_to(copy: Copy, text: str) -> str | None:
    """The company that a domain counts as, however it is written; None where there is none."""
    domain = normalise_domain(text)
    found = copy.row("account/leads_to", domain=domain) if domain else None
    return str(found["corporate_email"]) if found else None


def reasons(row: dict[str, Any]) -> list[str]:
    """Why this person is worth a call, in sentences, the weightiest first."""
    said = []
    if row["open_tickets"]:
        days = row["waiting_hours"] // DAY_HOURS
        waiting = plural(days, "day") if days else "less than a day"
        said.append(f"{plural(row['open_tickets'], 'open ticket')}, waiting for {waiting}")
    if row["is_slipping"]:
        since = plural(row["days_since_order"], "day")
        said.append(f"ordered often, and nothing for {since} (now {row['rfm_segment']})")
    if row["is_most_orders"]:
        said.append(f"most orders here ({plural(row['number_of_orders'], 'order')})")
    if row["is_most_active"]:
        said.append(f"most active here ({plural(row['number_of_events'], 'event')})")
    if row["is_first"]:
        said.append("was the first here, and may have brought in the others")
    if row["days_since_event"] is not None and row["days_since_event"] <= 7:
        said.append("was here within the last week")
    if row["could_pay"] and (row["is_most_active"] or row["is_most_orders"]):
        said.append("the company has no paid plan yet")
    return said
