"""Merging and erasing parties: the wizards of Tryton's module `party`.

`party.replace` deactivates a party, says by which it is replaced, and moves its addresses,
mechanisms and identifiers there, inactive; documents follow where a module says so. `party.erase`
wants an inactive party and empties it and those that it replaces. In 8.2 it leaves the normalized
copies of mechanisms and identifiers (`value_compact`, `code_compact`), which are emptied here.
Source: trytond_party 8.2, `party.py` (`Replace`, `Erase`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from c360_assets.activation.destinations.tryton_records import (
    ACTIVE_OR_NOT,
    CATEGORY,
    IDENTIFIER,
    MECHANISM,
    PARTY,
    ROOT,
)
from c360_assets.activation.destinations.tryton_rpc import NeedsConfirmationError, TrytonRpc
from c360_assets.errors import RowsRefusedError

# that two people have different names is known to who says that they are one
CONFIRMED_BY_US = "party.replace name "
# what `party.erase` itself writes there
ERASED = "****"


@dataclass(frozen=True)
class TrytonWizards:
    """Wizards of one user."""

    rpc: TrytonRpc

    def replace(self, kept: int, gone: int) -> None:
        """Replace a party by another one.

        Raises:
            RowsRefusedError: Tryton refuses, or wants a person to confirm more than the names.
            OutcomeUnknownError: it may be done or not.
        """
        asked = {"source": gone, "destination": kept}
        try:
            self._run("party.replace", "replace", gone, asked)
        except NeedsConfirmationError as error:
            if not error.warning.startswith(CONFIRMED_BY_US):
                raise
            self.rpc.call("model.res.user.warning.skip", error.warning)
            self._run("party.replace", "replace", gone, asked)

    def erase(self, party: int) -> None:
        """Erase a party and what it has replaced for good; one that cannot be stays in use.

        Raises:
            RowsRefusedError: Tryton refuses (open invoices, say); the party is as it was.
        """
        was_active = self.is_active(party)
        self._write_party(party, {"active": False})
        try:
            self._run("party.erase", "erase", party, {"party": party})
        except RowsRefusedError:
            if was_active:
                self._write_party(party, {"active": True})
            raise
        if ours := self._categories_of(party):
            self._write_party(party, {"categories": [["remove", ours]]})
        self._empty_copies([party, *self._replaced_by(party)])

    def is_active(self, party: int) -> bool:
        """Whether a party is in use."""
        found = self.rpc.search_read(PARTY, [["id", "=", party]], ["id"])
        return bool(found)

    def _run(self, wizard: str, state: str, party: int, asked: Mapping[str, Any]) -> None:
        # the log of the party tells who ran which wizard on it
        context = {"active_model": PARTY, "active_id": party, "active_ids": [party]}
        session, _, _ = self.rpc.call(f"wizard.{wizard}.create", context=context)
        try:
            self.rpc.call(
                *(f"wizard.{wizard}.execute", session, {"ask": asked}, state),
                context=context,
                may_repeat=False,
            )
        finally:
            # Tryton clears away those that are left; what the wizard did stands either way
            with suppress(RowsRefusedError):
                self.rpc.call(f"wizard.{wizard}.delete", session, context=context)

    def _write_party(self, party: int, values: Mapping[str, Any]) -> None:
        self.rpc.call(f"model.{PARTY}.write", [party], dict(values))

    def _categories_of(self, party: int) -> list[int]:
        """The categories of ours that a party has."""
        held = self.rpc.search_read(PARTY, [["id", "=", party], ACTIVE_OR_NOT], ["categories"])
        asked = [id_ for each in held for id_ in each["categories"]]
        if not asked:
            return []
        domain = [["id", "in", asked], ["parent.parent.name", "=", ROOT]]
        return [each["id"] for each in self.rpc.search_read(CATEGORY, domain, ["id"])]

    def _replaced_by(self, party: int) -> list[int]:
        """Parties that ended in this one, or in one that did."""
        every: list[int] = []
        asked = [party]
        while asked:
            domain = [["replaced_by", "in", asked], ACTIVE_OR_NOT]
            asked = [each["id"] for each in self.rpc.search_read(PARTY, domain, ["id"])]
            every += asked
        return every

    def _empty_copies(self, parties: Sequence[int]) -> None:
        """Write what `party.erase` wrote once more, upon which Tryton makes the copies anew.

        It lets nobody write what is out of use, nor take it into use and write it in one call.
        """
        for model, name in ((IDENTIFIER, "code"), (MECHANISM, "value")):
            left = [["party", "in", parties], ACTIVE_OR_NOT, [f"{name}_compact", "!=", ERASED]]
            held = [each["id"] for each in self.rpc.search_read(model, left, ["id"])]
            for values in ({"active": True}, {name: ERASED}, {"active": False}):
                if held:
                    self.rpc.call(f"model.{model}.write", held, values)
