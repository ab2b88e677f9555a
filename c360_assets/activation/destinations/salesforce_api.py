"""Calls to a Salesforce org: the session and its renewal, the calls of the day, errors, queries.

Belongs here: what all calls share. Not here: which calls there are. An org has so many calls within
24 hours for all that talk to it; each answer tells how many are used, and the last ones are left to
the others. Source: REST API Developer Guide (developer.salesforce.com).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from c360_assets.activation.destinations.salesforce_answers import codes_of
from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.limits import CallLimit
from c360_assets.errors import CrmError, OutcomeUnknownError, RowsRefusedError

TOKEN_ENV = "SALESFORCE_TOKEN"  # noqa: S105 - the name of a variable
CLIENT_ID_ENV = "SALESFORCE_CLIENT_ID"
CLIENT_SECRET_ENV = "SALESFORCE_CLIENT_SECRET"  # noqa: S105 - the name of a variable
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - an address
# the share of the org's calls that is left to others
LEFT_TO_OTHERS = 0.05
USED_UP = "REQUEST_LIMIT_EXCEEDED"
_USAGE = re.compile(r"(?:^|[;\s])api-usage=(\d+)/(\d+)")


@dataclass
class Allowance:
    """The calls of the last 24 hours that all who talk to the org have made, as it told last."""

    used: int = 0
    allowed: int = 0

    def learn(self, headers: httpx.Headers, _: CallLimit) -> None:
        """Take them from `Sforce-Limit-Info: api-usage=18/5000`."""
        if found := _USAGE.search(headers.get("Sforce-Limit-Info", "")):
            self.used, self.allowed = int(found[1]), int(found[2])

    def check(self) -> None:
        """Raises CrmError if what is left is left to others."""
        kept = max(int(self.allowed * LEFT_TO_OTHERS), 1)
        if self.allowed and self.used >= self.allowed - kept:
            raise CrmError(
                f"salesforce: {self.used} of the org's {self.allowed} calls of the last 24 hours "
                f"are used, and the last {kept} are left to others. What was acknowledged stands; "
                "run again later, or have the limit raised"
            )


@dataclass
class Access:
    """The session: a token, or the keys of an app for which the org gives one."""

    client: ApiClient
    token: str | None = field(repr=False)
    keys: tuple[str, str] | None = field(default=None, repr=False)

    def current(self) -> str:
        """The token to call with; asks for one where there is none yet."""
        if self.token is None:
            self.renew()
        return str(self.token)

    def renew(self) -> bool:
        """Ask for a new token by client credentials; False where we have no keys for that.

        Raises:
            CrmError: the org gives none.
        """
        if self.keys is None:
            return False
        form = {
            "grant_type": "client_credentials",
            "client_id": self.keys[0],
            "client_secret": self.keys[1],
        }
        response = self.client.call(
            "POST",
            TOKEN_PATH,
            content=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        token = _read(response).get("access_token") if response.is_success else None
        if not isinstance(token, str):
            raise CrmError(
                f"salesforce: POST {TOKEN_PATH}: {self.client.said(response)}; check "
                f"{CLIENT_ID_ENV} and {CLIENT_SECRET_ENV}, and that the app allows the client "
                "credentials flow and names a user to run as"
            )
        self.token = token
        self.client.further_secrets.append(token)
        return True


@dataclass(frozen=True)
class SalesforceApi:
    """One org at one version of its interface (`v64.0`)."""

    client: ApiClient
    access: Access
    allowance: Allowance
    version: str

    def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Make a call to a path below the version; a session that has ended is renewed once."""
        response = self._send(method, path, **how)
        if response.status_code == 401 and self.access.renew():
            response = self._send(method, path, **how)
        return response

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        self.allowance.check()
        headers = {"Authorization": f"Bearer {self.access.current()}", **how.pop("headers", {})}
        top = f"/services/data/{self.version}"
        whole = path if path.startswith("/services/") else f"{top}{path}"
        return self.client.call(method, whole, headers=headers, **how)

    def json(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        refuses_rows: bool = False,
    ) -> Any:
        """The answer of a call that was taken; with `refuses_rows` a 4xx may be a row's fault."""
        response = self.send(method, path, body=body, query=query)
        self.require(response, refuses_rows=refuses_rows)
        return _read(response)

    def create(self, path: str, body: Any, already: Collection[str] = ()) -> str | None:
        """Make a record of the org's set-up: its id; None if a code says that it is there."""
        response = self.send("POST", path, body=body, may_repeat=True)
        if response.status_code == 400 and codes_of(_read(response)) & set(already):
            return None
        self.require(response)
        answer = _read(response)
        if not answer.get("success"):
            raise CrmError(f"salesforce: POST {path}: {self.client.said(response)}")
        return str(answer["id"])

    def rows(self, soql: str, *, with_deleted: bool = False) -> Iterator[Mapping[str, Any]]:
        """The records that a query finds, page by page."""
        path = "/queryAll" if with_deleted else "/query"
        answer = self.json("GET", f"{path}?q={quote(soql, safe='')}")
        while True:
            yield from answer["records"]
            if answer["done"]:
                return
            path = answer["nextRecordsUrl"]
            if not path.startswith("/services/data/"):
                raise CrmError(
                    f"salesforce: the next page is said to be at {path!r}, which is no path of the "
                    "org's interface; the token is not sent there"
                )
            answer = self.json("GET", path)

    def require(self, response: httpx.Response, *, refuses_rows: bool = False) -> None:
        """Go on where a call was taken.

        Raises:
            RowsRefusedError: it was refused, and a row may be to blame.
            CrmError: it was refused.
        """
        if response.is_success:
            return
        request = response.request
        where = f"salesforce: {request.method} {request.url.path}"
        told = f"{where}: {self.client.said(response)}"
        if response.status_code == 401:
            raise CrmError(
                f"{told}; the session has ended or is none of this org. Renew the token, or set "
                f"{CLIENT_ID_ENV} and {CLIENT_SECRET_ENV}, with which c360 gets one by itself"
            )
        if response.status_code == 403 and USED_UP in codes_of(_read(response)):
            raise CrmError(
                f"{told}; the org's calls of the last 24 hours are used up. What was acknowledged "
                "stands; run again later, or have the limit raised"
            )
        if response.status_code == 403:
            raise CrmError(
                f"{told}; give the user of the token the permission API Enabled, and read and edit "
                "rights on the objects of the mapping"
            )
        if refuses_rows and response.status_code != 404:
            raise RowsRefusedError(self.client.said(response))
        raise CrmError(told)


def _read(response: httpx.Response) -> Any:
    """An answer's JSON; {} where it has no body.

    Raises:
        OutcomeUnknownError: it has one that is no JSON.
    """
    if not response.content:
        return {}
    try:
        return response.json()
    except ValueError:
        if not response.is_success:
            return {}
        request = response.request
        raise OutcomeUnknownError(
            f"salesforce: {request.method} {request.url.path}: {response.status_code} without "
            "readable JSON"
        ) from None
