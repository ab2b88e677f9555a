"""`/contacts/{contact_id:path}`: Customer 360, put together from its parts.

A former contact_id, an account or an address in place of the id leads to the person's page; each
part asks its own questions (`load`) and builds its own panels (`show`).
"""

from __future__ import annotations

import asyncio

from starlette.responses import RedirectResponse, Response

from c360_assets.ui import links
from c360_assets.ui.data.contact import UnknownPersonError, find_person, leads_to
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import NotThereError, Page
from c360_assets.ui.pages import (
    contact_crm,
    contact_history,
    contact_identity,
    contact_marketing,
    contact_profile,
    contact_timeline,
)
from c360_assets.ui.parts.figures import contents
from c360_assets.ui.site import Route

_PARTS = {
    "Who they are": "identity",
    "Marketing": "marketing",
    "Campaigns": "campaigns",
    "Addresses": "addresses",
    "Timeline": "timeline",
    "Profile": "profile",
    "CRM": "crm",
}


async def build(page: Page, contact_id: str) -> Response | None:
    """The page of a person, or the way to it.

    Raises:
        NotThereError: nobody has, or had, that id, account or address.
    """
    try:
        person = await page.ask(find_person, contact_id)
    except UnknownPersonError as error:
        return await _elsewhere(page, contact_id, error)
    identity, marketing, timeline, profile, history = await asyncio.gather(
        contact_identity.load(page, person),
        contact_marketing.load(page, person),
        contact_timeline.load(page, person),
        contact_profile.load(page, person),
        contact_history.load(page, person),
    )
    contact_identity.show_head(identity)
    contents(_PARTS)
    contact_identity.show(page, identity)
    contact_marketing.show(page, marketing)
    contact_identity.show_accounts(page, identity)
    contact_timeline.show(page, timeline)
    contact_history.show(page, history)
    contact_profile.show(page, profile)
    contact_crm.show(page, person)
    return None


async def _elsewhere(page: Page, text: str, error: UnknownPersonError) -> Response:
    lead = await page.ask(leads_to, text)
    if lead is None:
        raise NotThereError(str(error)) from error
    was = {"was": text} if lead.is_former else {}
    return RedirectResponse(links.with_query(links.contact(lead.contact_id), {**page.query, **was}))


ROUTES = (Route("/contacts/{contact_id:path}", "Customer 360", build),)
DOWNLOADS: tuple[Download, ...] = (*contact_identity.DOWNLOADS, *contact_marketing.DOWNLOADS)
