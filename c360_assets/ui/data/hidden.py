"""Whom texts mention that no published table holds, such as those of the ledger or merge files.

The views of the copy hide what they hold themselves; whatever comes from elsewhere is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from c360_assets.identity.addresses import normalise_email
from c360_assets.mentions import Mentions
from c360_assets.settings import Settings
from c360_assets.sources.tombstones import Tombstones, read_tombstones
from c360_assets.ui.copies import Copy

_ADDRESS = re.compile(r"[^\s\"'<>(),;:|/=]+@[^\s\"'<>(),;:|/]+")


@dataclass(frozen=True)
class Told:
    """What some texts tell of hidden people: their addresses, and texts with a full name."""

    addresses: Mentions = field(repr=False)
    naming: frozenset[str] = field(repr=False)

    def are_in(self, text: str | None) -> bool:
        """Whether one of the texts asked for tells of somebody hidden."""
        return text is not None and (text in self.naming or self.addresses.are_in(text))


def hidden_in(
    copy: Copy,
    settings: Settings,
    texts: Iterable[str | None],
    sentences: Iterable[str | None] = (),
) -> Told:
    """What these texts tell of hidden people, as the views over the copy would have it.

    `sentences` are looked through for full names, too. Names and addresses of somebody who is
    shown are none: others may have the same name.
    """
    said = sorted({text for text in sentences if text})
    found = copy.rows("sync/hidden_names", texts=said) if said else []
    addresses = _addresses_in(copy, settings, [*said, *(text for text in texts if text)])
    return Told(addresses, frozenset(row["text"] for row in found))


def _addresses_in(copy: Copy, settings: Settings, texts: Iterable[str]) -> Mentions:
    # a full stop after an address ends the sentence
    said = {each.rstrip("._-") for text in texts for each in _ADDRESS.findall(text)}
    spelled = {address: {address.lower(), normalise_email(address) or ""} for address in said}
    asked = sorted(set().union(*spelled.values()))
    hidden = {row["id"] for row in copy.rows("sync/hidden_addresses", addresses=asked)}
    tombstones: Tombstones = read_tombstones(settings.home_dir, normalise_email)
    return Mentions(
        address
        for address, forms in spelled.items()
        if forms & hidden or tombstones.erased_form(address)
    )
