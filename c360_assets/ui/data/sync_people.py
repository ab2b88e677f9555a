"""Whom the CRM sync may be shown to be about: rows of the ledger beside those who are hidden.

The ledger is no published table: what it holds of people who opted out or were erased is theirs
still. Of them its rows tell the id and nothing else; so do rows of whom the copy does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from c360_assets.activation.sync.erase import CONTACTS
from c360_assets.crm_rules import DestinationRules
from c360_assets.settings import Settings
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.hidden import Told, hidden_in
from c360_assets.ui.privacy import HIDDEN

MERGES = " merges"  # at the end of the name under which refused merges of an object are kept


@dataclass(frozen=True)
class Subject:
    """The record that a row is about. `page_id` is the id of its page; None where it has none.

    Of hidden ones there is no title.
    """

    object: str
    key: str
    title: str | None = None
    page_id: str | None = None
    is_hidden: bool = False


@dataclass(frozen=True)
class Shown:
    """What may be shown of some rows: their subjects, and texts that name nobody hidden."""

    subjects: Mapping[tuple[str, str], Subject]
    hidden: Told = field(repr=False)

    def of(self, object_: str, key: str) -> Subject:
        """The subject of that object and key; hidden where nobody knows it."""
        return self.subjects.get((object_, key)) or Subject(object_, key, is_hidden=True)

    def text(self, text: str | None, subjects: Iterable[Subject]) -> str | None:
        """A text about these, or HIDDEN where one of them, or whom it names, is hidden.

        The name of the one whom it is about is theirs, even if somebody hidden has it, too.
        """
        if text is None:
            return None
        about = list(subjects)
        own_name = about[0].title if len(about) == 1 else None
        is_hidden = any(each.is_hidden for each in about) or self.hidden.are_in(text, own_name)
        return HIDDEN if is_hidden else text


def ends(object_: str, keys: tuple[str, ...], rules: DestinationRules) -> list[tuple[str, str]]:
    """The records that a refused row is about, as (object, key): one, or the two of a link."""
    link = (rules.links or {}).get(object_)
    if link is not None and len(keys) == 2:
        return [(link.from_object, keys[0]), (link.to_object, keys[1])]
    return [(object_.removesuffix(MERGES), key) for key in keys]


def who_is_shown(
    copy: Copy,
    settings: Settings,
    records: Collection[tuple[str, str]],
    texts: Iterable[str | None],
) -> Shown:
    """What may be shown of these records, (object, key), and of texts about them."""
    keys = {
        name: sorted({key for object_, key in records if object_ == name})
        for name in {object_ for object_, _ in records}
    }
    found: dict[tuple[str, str], Subject] = {}
    for row in copy.rows("sync/people", ids=keys.get(CONTACTS, [])):
        title = row["user_name"] or row["email"]
        found[CONTACTS, row["id"]] = Subject(CONTACTS, row["id"], title, row["contact_id"])
    domains = keys.get("companies", [])
    there = {row["id"] for row in copy.rows("sync/companies", ids=domains)}
    for domain in domains:
        page_id = domain if domain in there else None
        found["companies", domain] = Subject("companies", domain, domain, page_id)
    names = {
        row["id"]: row["gaggle_name"]
        for row in copy.rows("sync/gaggles", ids=keys.get("gaggles", []))
    }
    for id_ in keys.get("gaggles", []):
        page_id = id_ if id_ in names else None
        found["gaggles", id_] = Subject("gaggles", id_, names.get(id_), page_id)
    return Shown(found, hidden_in(copy, settings, (), texts))
