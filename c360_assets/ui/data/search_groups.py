"""A search for everything at once: the closest people, companies and gaggles, and which is meant.

Belongs here: what a page of results is made of. Not here: how anything is found (`search`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from c360_assets.ui.data.search import KINDS, Asks, Found, Kind, Results, search

CLOSEST = 20


def closest_of_each(ask: Asks, text: str, few: Mapping[Kind, int]) -> dict[Kind, Results]:
    """The closest `few` of each kind, with how many there are.

    Mostly one search has them all; a kind that the closest are not of is asked for by itself.
    """
    mixed = search(ask, text, limit=CLOSEST)
    found = {}
    for kind in KINDS:
        total, wanted = mixed.totals[kind], few[kind]
        hits = tuple(each for each in mixed.found if each.kind == kind)[:wanted]
        if len(hits) < min(total, wanted):
            hits = search(ask, text, (kind,), wanted).found
        found[kind] = Results(hits, {kind: total})
    return found


def is_exactly(text: str, found: Found) -> bool:
    """Whether the text is the id, name or address of that one, in capitals or not."""
    return text.lower() in {
        each.lower() for each in (found.object_id, found.title, found.address) if each
    }


def the_one_meant(text: str, found: Iterable[Results]) -> Found | None:
    """Whose id or address the text is, also one of before a merge; None if nobody's, or several's.

    The domain of a company counts as no id: it may well mean the people there.
    """
    hits = [each for results in found for each in results.found if _is_meant(text.lower(), each)]
    return hits[0] if len(hits) == 1 else None


def _is_meant(wanted: str, found: Found) -> bool:
    note = (found.note or "").lower()
    if note in (f"was {wanted}, merged", f"account {wanted}"):
        return True
    if "@" in wanted:
        return wanted == (found.address or "").lower() or note == f"also {wanted}"
    return found.kind != "company" and wanted == found.object_id.lower()
