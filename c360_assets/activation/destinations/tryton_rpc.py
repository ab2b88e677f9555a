"""Tryton's JSON-RPC: the session of one user in one database, its errors, its spelling of values.

A call is `POST /<database>/rpc/` with an id, a method and its parameters, the last of which is the
context. The user logs in at the first call, and once more where the session has ended. What Tryton
refuses comes with status 200 and an `error`; the transaction of that call was rolled back then.
Source: trytond 8.2, `protocols/jsonrpc.py`, `protocols/dispatcher.py`, `exceptions.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import httpx

from c360_assets.activation.destinations.values import text_of
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.model import Value
from c360_assets.errors import CrmError, OutcomeUnknownError, RowsRefusedError

_NO_LIMIT = None
_CLASS = "__class__"


class NeedsConfirmationError(RowsRefusedError):
    """Tryton asks a person to confirm; `warning` is the name by which one can."""

    def __init__(self, told: str, warning: str) -> None:
        super().__init__(told)
        self.warning = warning


@dataclass
class TrytonRpc:
    """The calls of one user; the session is opened at the first of them."""

    client: ApiClient
    database: str
    user: str
    password: str = field(repr=False)
    _session: str = field(default="", repr=False)
    _number: int = 0

    def search_read(
        self, model: str, domain: Sequence[Any], fields: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Records of a domain, active ones unless it says otherwise, by id.

        `fields` may name those of records that it points to (`identifiers.code`): they stand in
        the answer under `identifiers.`. Raises CrmError where the user may not read.
        """
        asked = (domain, 0, _NO_LIMIT, [["id", "ASC"]], [*fields])
        try:
            found: list[dict[str, Any]] = self.call(f"model.{model}.search_read", *asked)
        except RowsRefusedError as error:
            raise self.not_allowed(f"{model} cannot be read", error) from None
        return found

    def not_allowed(self, what: str, error: RowsRefusedError) -> CrmError:
        """What is no row's fault: told with what the user lacks."""
        return CrmError(
            f"tryton: {what}: {error}. The user {self.user!r} needs the group Party Administration "
            f"in the database {self.database!r}"
        )

    def write(self, method: str, *params: Any) -> Any:
        """Make a call that must not arrive twice."""
        return self.call(method, *params, may_repeat=False)

    def call(
        self,
        method: str,
        *params: Any,
        context: Mapping[str, Any] | None = None,
        may_repeat: bool = True,
    ) -> Any:
        """What a method returns.

        Raises:
            RowsRefusedError: Tryton refused; nothing of this call was done.
            NeedsConfirmationError: the same, until a person confirms a warning.
            OutcomeUnknownError: it may have been done or not.
            CrmError: Tryton cannot be used: the address, the database, the user.
        """
        if not self._session:
            self._log_in()
        asked = [*params, dict(context or {})]
        response = self._send(method, asked, may_repeat)
        if response.status_code == 401:
            # the session has ended, and nothing was done
            self._log_in()
            response = self._send(method, asked, may_repeat)
        if not response.is_success:
            raise self._unusable(method, response)
        return self._result(method, response)

    def _send(self, method: str, params: Sequence[Any], may_repeat: bool) -> httpx.Response:
        return self.client.call(
            "POST",
            f"/{self.database}/rpc/",
            # Tryton reads exactly these three
            body={"id": self._next(), "method": method, "params": params},
            headers={"Authorization": f"Session {self._session}"} if self._session else None,
            may_repeat=may_repeat,
        )

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _log_in(self) -> None:
        self._session = ""
        asked = [self.user, {"password": self.password}]
        response = self._send("common.db.login", asked, may_repeat=True)
        if not response.is_success:
            raise self._unusable("common.db.login", response)
        user_id, token, *_ = self._result("common.db.login", response)
        session = base64.b64encode(f"{self.user}:{user_id}:{token}".encode()).decode()
        self.client.further_secrets[:] = [token, session]
        self._session = session

    def _unusable(self, method: str, response: httpx.Response) -> CrmError:
        told = f"tryton: {method} in the database {self.database!r}: {self.client.said(response)}"
        if response.status_code in (401, 403):
            return CrmError(
                f"{told}; Tryton does not take the user {self.user!r} with the password in the "
                "environment, or lets it not do this: see the guide for the groups it needs"
            )
        return CrmError(f"{told}; see base_url and database under [crm.tryton] in c360.toml")

    def _result(self, method: str, response: httpx.Response) -> Any:
        try:
            answer = response.json()
            if answer.get("id") == self._number and "result" in answer:
                return answer["result"]
            error = answer.get("error")
        except (ValueError, AttributeError):
            error = None
        if not isinstance(error, list) or not error:
            raise OutcomeUnknownError(
                f"tryton: {method}: {response.status_code} without a result or an error of its own"
            )
        raise self._refused(method, error)

    def _refused(self, method: str, error: Sequence[Any]) -> CrmError:
        """An error's kind and arguments; what is no exception of Tryton's own is a text."""
        kind, details = str(error[0]), error[1] if len(error) > 1 else ""
        parts = details if isinstance(details, list) else [details]
        if kind == "UserError":
            return RowsRefusedError(self._clean(parts[:2]))
        if kind == "UserWarning":
            told = f"a person has to confirm this in Tryton: {self._clean(parts[1:3])}"
            return NeedsConfirmationError(told, str(parts[0]))
        if kind == "ConcurrencyException":
            return RowsRefusedError(f"somebody changed it at the same time: {self._clean(parts)}")
        if kind == "LoginException":
            return CrmError(
                f"tryton: {method}: the user {self.user!r} needs more than a password to log in; "
                "give it a login by password alone"
            )
        return RowsRefusedError(f"{method} failed in Tryton: {self._clean([kind])}")

    def _clean(self, parts: Sequence[Any]) -> str:
        """Texts of an error in a line, without what must not show."""
        text = " ".join(" ".join(str(part).split()) for part in parts if part)
        for secret in (self.password, *self.client.further_secrets):
            text = text.replace(secret, "***")
        return text


# --- values --------------------------------------------------------------------------------------


def spelled(kind: str, value: Value) -> Any:
    """A value as Tryton's JSON-RPC spells it for a field of this kind (`numeric`, `date`, …)."""
    if value is None or value == "":
        return None
    if kind == "numeric":
        return {_CLASS: "Decimal", "decimal": text_of(value)}
    if kind in ("integer", "float"):
        number = float(value)
        return int(number) if kind == "integer" and number.is_integer() else number
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if kind == "date":
        day = date.fromisoformat(str(value)[:10])
        return {_CLASS: "date", "year": day.year, "month": day.month, "day": day.day}
    if kind in ("datetime", "timestamp"):
        at = datetime.fromisoformat(str(value))
        if at.tzinfo is not None:
            # Tryton keeps UTC without saying so
            at = at.astimezone(UTC)
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {_CLASS: "datetime", **{name: getattr(at, name) for name in names}}
    return text_of(value)


def read_back(kind: str, value: Any) -> str | None:
    """A value of an answer as text; None where it is empty."""
    if value is None or value == "":
        return None
    if kind == "boolean":
        # SQLite has 0 and 1
        return "true" if value else "false"
    if not isinstance(value, Mapping):
        return text_of(value)
    named = {name: part for name, part in value.items() if name != _CLASS}
    if value[_CLASS] == "Decimal":
        return str(named["decimal"])
    if value[_CLASS] == "date":
        return date(**named).isoformat()
    if value[_CLASS] == "datetime":
        return datetime(**named).isoformat()
    raise CrmError(f"tryton answers with a value of the class {value[_CLASS]!r}, which is no field")
