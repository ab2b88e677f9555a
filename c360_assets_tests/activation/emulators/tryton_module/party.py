"""What the module adds to parties."""

from collections.abc import Sequence
from typing import Any

from trytond.exceptions import UserError
from trytond.model import ModelSQL, fields
from trytond.modules.party.exceptions import EraseError
from trytond.pool import Pool, PoolMeta

ERASE = "erase "


class Refusal(ModelSQL):
    """A party with an identifier of this code is not written, for this reason.

    With `erase ` before the code it is not erased.
    """

    __name__ = "c360_test.refusal"
    code = fields.Char("Code", required=True)
    reason = fields.Char("Reason", required=True)

    @classmethod
    def of(cls, parties: Sequence[Any], before: str = "") -> str | None:
        """The reason why one of these parties may not be touched."""
        codes = [before + identifier.code for party in parties for identifier in party.identifiers]
        found = cls.search([("code", "in", codes)], limit=1)
        return found[0].reason if found else None


class Party(metaclass=PoolMeta):
    """Fields of the types that the module `party` has none of."""

    __name__ = "party.party"
    number_of_orders = fields.Integer("Number of orders")
    value_365d = fields.Numeric("Value", digits=(16, 2))
    last_order_on = fields.Date("Last order")
    last_seen_at = fields.Timestamp("Last seen")
    is_vip = fields.Boolean("VIP")

    @classmethod
    def validate_fields(cls, parties: Sequence[Any], field_names: set[str] | None) -> None:
        """Refuse what `Refusal` says."""
        super().validate_fields(parties, field_names)
        if reason := Pool().get(Refusal.__name__).of(parties):
            raise UserError(reason)


class Erase(metaclass=PoolMeta):
    """Modules refuse to erase who has open documents."""

    __name__ = "party.erase"

    def check_erase(self, party: Any) -> None:
        """Refuse what `Refusal` says."""
        super().check_erase(party)
        if reason := Pool().get(Refusal.__name__).of([party], ERASE):
            raise EraseError(reason)
