"""Tryton for the contract suite: the real server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from c360_assets_tests.activation.emulators.faults import Call, Fault
from c360_assets_tests.activation.emulators.tryton import TrytonAccount, tryton_account

KEY, DOMAIN = "c360_contact_id", "c360_domain"
CREATE, WRITE = "model.party.party.create", "model.party.party.write"
# what the server says where it refuses; anything else is an error that it did not expect
REFUSALS = ("UserError", "UserWarning", "ConcurrencyException", "LoginException")
HELD = """
select i.party, i.code from party_identifier i join party_party p on p.id = i.party
where i.type is null and i.code like ? || ':%' and (i.active and p.active or ?)
"""


class TrytonVendor:
    """One database of the server."""

    name, token_env = "tryton", "TRYTON_PASSWORD"

    def __init__(self, account: TrytonAccount) -> None:
        self.account = account
        self.url, self.token = account.url, account.password
        self.rules: Mapping[str, Any] = {"database": account.database, "user": account.user}

    def contacts(self) -> dict[str, dict[str, str]]:
        """By contact id."""
        orders = self._by_party("c360_orders")
        names = dict(self.account.rows("select id, name from party_party"))
        emails = dict(
            self.account.rows(
                "select party, value from party_contact_mechanism"
                " where active and type = 'email' order by id desc"
            )
        )
        return {
            key: {
                "email": emails.get(party, ""),
                "name": names[party] or "",
                "orders": orders.get(party, ""),
            }
            for party, key in self._by_party(KEY).items()
        }

    def companies(self) -> set[str]:
        """By domain."""
        return set(self._by_party(DOMAIN).values())

    def linked(self) -> set[tuple[str, str]]:
        """Relations of our type."""
        contacts, companies = self._by_party(KEY), self._by_party(DOMAIN)
        return {
            (contacts[start], companies[end])
            for start, end in self.account.rows(
                'select r.from_, r."to" from party_relation r join party_relation_type t'
                " on t.id = r.type where t.name = 'c360: works at'"
            )
        }

    def edit(self, contact_id: str, **values: str) -> None:
        """As a salesperson, in Tryton's own client."""
        party = self.id_of(contact_id)
        if "name" in values:
            self.account.call(WRITE, [party], {"name": values["name"]})
        if "orders" in values:
            asked = [["party", "=", party], ["code", "like", "c360_orders:%"]]
            ids = self.account.call("model.party.identifier.search", asked, 0, None, None)
            code = {"code": f"c360_orders:{values['orders']}"}
            self.account.call("model.party.identifier.write", ids, code)

    def remove(self, contact_id: str) -> None:
        """As a salesperson: taken out of use."""
        self.account.call(WRITE, [self.id_of(contact_id)], {"active": False})

    def refuse(self, contact_id: str, reason: str) -> None:
        """By the server itself: a module's own check raises a UserError."""
        code = f"{KEY}:{contact_id}"
        self.account.run("insert into c360_test_refusal (code, reason) values (?, ?)", code, reason)

    def fault(self, fault: Fault, nth: int | None = 1) -> None:
        """Of calls that create or write contacts."""
        self.account.wire.fault(fault, nth=nth, when=lambda call: bool(self._keys(call)))

    def mend(self) -> None:
        """All of them."""
        self.account.wire.mend()
        self.account.run("delete from c360_test_refusal")

    def settle(self) -> None:
        """All calls."""
        self.account.wire.settle()

    def written(self) -> Counter[str]:
        """Rows of calls that create or write contacts."""
        return Counter(
            key
            for call in self.account.wire.calls
            for _ in range(call.deliveries)
            for key in self._keys(call)
        )

    def broken(self) -> list[str]:
        """Calls upon which the server met an error that it did not expect."""
        answers = [(call.body, call.answer) for call in self.account.wire.calls]
        return [
            f"{body.get('method')}: {answer['error'][0]}"
            for body, answer in answers
            if isinstance(answer, dict) and "error" in answer and answer["error"][0] not in REFUSALS
        ]

    def id_of(self, contact_id: str) -> int:
        """The party of a contact."""
        (found,) = [party for party, key in self._by_party(KEY).items() if key == contact_id]
        return found

    def _by_party(self, name: str, every: bool = False) -> dict[int, str]:
        """The texts of identifiers by party; of active ones, unless `every`."""
        held = self.account.rows(HELD, name, every)
        return {party: code.removeprefix(f"{name}:") for party, code in held}

    def _keys(self, call: Call) -> list[str]:
        """The contacts that a call creates or writes."""
        if not isinstance(call.body, dict) or call.body.get("method") not in (CREATE, WRITE):
            return []
        params = call.body["params"][:-1]
        if call.body["method"] == CREATE:
            codes = [
                row["code"]
                for party in params[0]
                for step in party.get("identifiers", ())
                for row in step[1]
            ]
            return [c.removeprefix(f"{KEY}:") for c in codes if c.startswith(f"{KEY}:")]
        held = self._by_party(KEY, every=True)
        return [held[id_] for ids in params[::2] for id_ in ids if id_ in held]


@contextmanager
def tryton_vendor(specs: Path) -> Iterator[TrytonVendor]:
    """An empty database; `specs` has nothing of Tryton."""
    with tryton_account() as account:
        yield TrytonVendor(account)
