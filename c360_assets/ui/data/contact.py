"""Who a person is to all parts of their page: ids, accounts and addresses, whatever led there.

Belongs here: finding the person. Not here: what the parts of the page show (`contact_*`).
"""

from __future__ import annotations

from dataclasses import dataclass

from c360_assets.errors import C360Error
from c360_assets.identity.addresses import normalise_email
from c360_assets.ui.copies import Copy


class UnknownPersonError(C360Error):
    """Nobody has that contact_id today."""


@dataclass(frozen=True)
class Person:
    """A person as today's identity has them.

    `user_id` is the account that stands for them, `accounts` are the ids of all, `emails` all
    addresses they ever had, `domains` those of these addresses. Where they opted out (`is_hidden`)
    name, addresses and domains are not known.
    """

    contact_id: str
    user_id: str
    accounts: tuple[str, ...]
    email: str | None
    emails: tuple[str, ...]
    domains: tuple[str, ...]
    corporate_email: str | None
    gaggle_id: str | None
    name: str | None
    is_hidden: bool


def find_person(copy: Copy, contact_id: str) -> Person:
    """The person with that id.

    Raises:
        UnknownPersonError: nobody has it today; `leads_to` tells whether it leads to somebody.
    """
    row = copy.row("contact/person", contact_id=contact_id)
    if row is None:
        raise UnknownPersonError(
            f"nobody has the contact id {contact_id!r} in the published data; look for a name, an "
            "address or an id with the search at the top"
        )
    emails = tuple(row["emails"])
    return Person(
        contact_id=row["contact_id"],
        user_id=row["user_id"],
        accounts=tuple(row["accounts"]),
        email=row["email"],
        emails=emails,
        domains=tuple(sorted({email.rpartition("@")[2] for email in emails})),
        corporate_email=row["corporate_email"],
        gaggle_id=row["gaggle_id"],
        name=row["user_name"],
        is_hidden=row["is_hidden"],
    )


@dataclass(frozen=True)
class Lead:
    """Where a text leads: to this contact_id, since it is an id or address of theirs.

    `is_former` says that it is a contact_id that ended in a merge.
    """

    contact_id: str
    is_former: bool


def leads_to(copy: Copy, text: str) -> Lead | None:
    """Whose former contact_id, account or address a text is; None where nobody's."""
    email = normalise_email(text)
    row = copy.row("contact/leads_to", text=text, email=email)
    return None if row is None else Lead(row["contact_id"], row["by"] == "former")
