"""Making one account of two, for which Front's interface has no call: what is in one moves.

Belongs here: the steps of it. Each may be made twice, and the account to go is deleted last, so
that a merge that ended halfway is made again from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from c360_assets.activation.destinations.front_answers import ask
from c360_assets.activation.destinations.front_records import ACCOUNTS, custom_of
from c360_assets.activation.sync.batching import batches
from c360_assets.activation.sync.http import ApiClient

CONTACTS_PER_CALL = 50
CONTACTS_PER_PAGE = 100


def merge_accounts(client: ApiClient, kept: str, gone: str) -> None:
    """Move contacts, domains and fields of `gone` to `kept`, and delete it.

    What `kept` says of itself stands. Raises RowsRefusedError where one of them is not there.
    """
    left, ended = (ask(client, "GET", ACCOUNTS.place(id_)) for id_ in (kept, gone))
    for contacts in batches(list(_contacts(client, gone)), CONTACTS_PER_CALL):
        ask(client, "POST", f"{ACCOUNTS.place(kept)}/contacts", {"contact_ids": contacts})
    own = custom_of(ended).get(ACCOUNTS.own["domains"])
    # its own domain is known from the field, too, should the last step before have been the next
    domains = _distinct([*left["domains"], *ended["domains"], *([str(own)] if own else [])])
    ask(client, "PATCH", ACCOUNTS.place(gone), {"domains": []})
    body: dict[str, Any] = {
        "domains": domains,
        "custom_fields": custom_of(ended) | custom_of(left),
    }
    if text := left["description"] or ended["description"]:
        body["description"] = text
    ask(client, "PATCH", ACCOUNTS.place(kept), body)
    ask(client, "DELETE", ACCOUNTS.place(gone))


def _contacts(client: ApiClient, account: str) -> Iterator[str]:
    """The ids of an account's contacts, page by page. Source: Front's page on pagination."""
    place, token = f"{ACCOUNTS.place(account)}/contacts?limit={CONTACTS_PER_PAGE}", ""
    while True:
        page = ask(client, "GET", place + token)
        for contact in page["_results"]:
            yield contact["id"]
        following = (page.get("_pagination") or {}).get("next")
        if not following:
            return
        # the link names another host, to which the token must not go
        (found,) = parse_qs(urlsplit(following).query)["page_token"]
        token = f"&page_token={quote(found, safe='')}"


def _distinct(domains: Iterable[str]) -> list[str]:
    """Each once, whatever its case, in order."""
    return list({domain.lower(): domain for domain in domains})
