"""A receiver of webhooks for the contract suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from c360_assets_tests.activation.emulators.faults import Call, Fault
from c360_assets_tests.activation.emulators.webhook import WebhookReceiver


def writes_contacts(call: Call) -> bool:
    """Whether a call says how contacts are to stand."""
    return isinstance(call.body, dict) and call.body.get("type") == "contacts.upsert"


class WebhookVendor:
    """The receiver, seen from behind. Nobody edits there what we know nothing of."""

    name, token_env = "webhook", "WEBHOOK_SECRET"
    rules: Mapping[str, Any] = {}

    def __init__(self, receiver: WebhookReceiver) -> None:
        self.receiver = receiver
        self.url, self.token = receiver.url, receiver.secret

    def contacts(self) -> dict[str, dict[str, str]]:
        """By contact id."""
        return {
            key: {name: str(held[name] or "") for name in ("email", "name")}
            | {"orders": str(held["orders"])}
            for key, held in self.receiver.records.get("contacts", {}).items()
        }

    def companies(self) -> set[str]:
        """By domain."""
        return set(self.receiver.records.get("companies", {}))

    def linked(self) -> set[tuple[str, str]]:
        """Links of contacts to companies."""
        return set(self.receiver.links.get("contact_company", ()))

    def edit(self, contact_id: str, **values: str) -> None:
        """Not for a webhook: what is done behind it is not told."""
        raise NotImplementedError("a webhook tells nothing of edits")

    def remove(self, contact_id: str) -> None:
        """Not for a webhook, either."""
        raise NotImplementedError("a webhook tells nothing of deletions")

    def refuse(self, contact_id: str, reason: str) -> None:
        """By its key."""
        self.receiver.refused[contact_id] = reason

    def fault(self, fault: Fault, nth: int | None = 1) -> None:
        """Of deliveries of contacts."""
        self.receiver.wire.fault(fault, when=writes_contacts, nth=nth)

    def mend(self) -> None:
        """All of them."""
        self.receiver.refused.clear()
        self.receiver.wire.mend()

    def settle(self) -> None:
        """All calls."""
        self.receiver.wire.settle()

    def written(self) -> Counter[str]:
        """Rows of deliveries of contacts."""
        return Counter(
            row["key"]
            for call in self.receiver.wire.calls
            if writes_contacts(call)
            for _ in range(call.deliveries)
            for row in call.body["data"]["rows"]
        )

    def broken(self) -> list[str]:
        """Bodies and answers that are not as the schema says."""
        return self.receiver.violations


@contextmanager
def webhook_vendor(specs: Path) -> Iterator[WebhookVendor]:
    """A receiver that knows nothing yet; it needs no published description but our own."""
    with WebhookReceiver() as receiver:
        yield WebhookVendor(receiver)
