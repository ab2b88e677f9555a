"""What the contract suite needs to know of a vendor: its account, seen from behind.

Records are told by our keys (contact ids, domains), values by the words `email`, `name` and
`orders`: how a vendor spells them is its adapter's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from c360_assets_tests.activation.emulators.faults import Fault


class Vendor(Protocol):
    """One account of a vendor, empty at first."""

    name: str
    url: str
    token: str
    token_env: str
    # what c360.toml says of it under [crm.<name>], beside the address
    rules: Mapping[str, Any]

    def contacts(self) -> dict[str, dict[str, str]]:
        """By contact id: `email`, `name` and `orders` as texts, "" where there is nothing."""
        ...

    def companies(self) -> set[str]:
        """The domains of the companies that it holds."""
        ...

    def linked(self) -> set[tuple[str, str]]:
        """Links from contacts to companies: (contact id, domain)."""
        ...

    def edit(self, contact_id: str, **values: str) -> None:
        """A salesperson writes `name` or `orders`."""
        ...

    def remove(self, contact_id: str) -> None:
        """A salesperson deletes the record."""
        ...

    def refuse(self, contact_id: str, reason: str) -> None:
        """Refuse every write of this contact from now on, until `mend`."""
        ...

    def fault(self, fault: Fault, nth: int | None = 1) -> None:
        """Let the n-th call from now on that writes contacts fail (None: every one)."""
        ...

    def mend(self) -> None:
        """No more faults and refusals."""
        ...

    def settle(self) -> None:
        """Wait until no call is under way."""
        ...

    def written(self) -> Counter[str]:
        """How often a row of each contact has reached the vendor so far, by contact id."""
        ...

    def broken(self) -> list[str]:
        """Where a call of ours, or the vendor's own answer, broke the published description."""
        ...
