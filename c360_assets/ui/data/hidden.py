"""Whom texts mention that no published table holds, such as those of the ledger or merge files.

The views of the copy hide what they hold themselves; whatever comes from elsewhere is asked here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from c360_assets.identity.addresses import normalise_email
from c360_assets.settings import Settings
from c360_assets.sources.tombstones import Tombstones, read_tombstones
from c360_assets.ui.copies import Copy
from c360_assets.ui.privacy_texts import ADDRESSES, ENDS, JSON_BREAK, QUOTES

_ADDRESSES = tuple(map(re.compile, ADDRESSES))
_JSON_BREAK = re.compile(JSON_BREAK)
# a slip of the keyboard in a merge file, which tells whom it means
_DOUBLED = re.compile("@+")


@dataclass(frozen=True)
class Told:
    """Which of the texts asked for tell of nobody hidden, and which by a full name alone.

    Of a text that was not asked for it is not known, so that it counts as one that tells.
    """

    harmless: frozenset[str] = field(repr=False)
    naming: frozenset[str] = field(repr=False)

    def are_in(self, text: str | None, own_name: str | None = None) -> bool:
        """Whether a text tells of somebody hidden; a text that is `own_name` does by no name."""
        if not text or text in self.harmless:
            return False
        return not (text in self.naming and own_name and _words(text) == _words(own_name))


def hidden_in(
    copy: Copy,
    settings: Settings,
    texts: Iterable[str | None],
    sentences: Iterable[str | None] = (),
) -> Told:
    """What these texts tell of hidden people, as the views over the copy would have it.

    `sentences` are looked through for full names, too. Addresses of somebody who is shown are
    none.
    """
    said = {text for text in sentences if text}
    asked = said | {text for text in texts if text}
    addressing = _with_addresses(copy, settings, asked)
    found = copy.rows("sync/hidden_names", texts=sorted(said)) if said else []
    naming = frozenset(row["text"] for row in found) - addressing
    return Told(frozenset(asked - addressing - naming), naming)


def _with_addresses(copy: Copy, settings: Settings, texts: Iterable[str]) -> frozenset[str]:
    """The texts that mention an address of somebody hidden, in whatever spelling."""
    mentioned = {text: found for text in texts if (found := _addresses_in(text))}
    forms = {
        address: {address, normalise_email(address) or address}
        for address in set().union(*mentioned.values())
    }
    asked = sorted(set().union(*forms.values()))
    rows = copy.rows("sync/hidden_addresses", addresses=asked) if asked else []
    hidden = {row["id"] for row in rows}
    tombstones: Tombstones = read_tombstones(settings.home_dir, normalise_email)
    theirs = {
        address
        for address, each in forms.items()
        if each & hidden or tombstones.erased_form(address)
    }
    return frozenset(text for text, found in mentioned.items() if found & theirs)


def _addresses_in(text: str) -> set[str]:
    """Whatever in a text may be an address, in small letters; also from within a URL."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("%40", "@")
    plain = _DOUBLED.sub("@", _JSON_BREAK.sub(" ", plain))
    if "@" not in plain:
        return set()
    return {
        found.rstrip(ENDS).lstrip(QUOTES)
        for pattern in _ADDRESSES
        for found in pattern.findall(plain)
    }


def _words(text: str) -> list[str]:
    return text.casefold().split()
