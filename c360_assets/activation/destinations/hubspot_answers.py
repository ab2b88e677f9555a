"""What HubSpot's answers say: of the rows of a batch, of records, of the account's limit.

Every row of a batch carries its own `objectWriteTraceId`, by which its result or error is found; a
row of which an answer says nothing is unknown, whatever the status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx

from c360_assets.activation.sync.http import ApiClient
from c360_assets.activation.sync.limits import CallLimit
from c360_assets.activation.sync.model import Remote, Verdict
from c360_assets.errors import CrmError, OutcomeUnknownError, RowsRefusedError

UNREACHABLE = frozenset({401, 403})
CONFLICT = 409
# the addresses of contacts that were merged into one, parted by semicolons
FURTHER_ADDRESSES = "hs_additional_emails"


def json_of(
    client: ApiClient,
    method: str,
    path: str,
    body: Any = None,
    *,
    refuses_rows: bool = False,
    may_repeat: bool = True,
    may_be_there: bool = False,
) -> Any:
    """The answer of a call that was taken; with `refuses_rows` a 4xx may be a row's fault.

    With `may_be_there` a conflict is no error: a call to make something is repeated where its
    answer is lost, and then finds what it made.
    """
    response = client.call(method, path, body=body, may_repeat=may_repeat)
    if response.status_code == 204:
        return {"results": []}
    if response.is_success:
        try:
            return response.json()
        except ValueError:
            raise OutcomeUnknownError(
                f"hubspot: {method} {path}: {response.status_code} without readable JSON"
            ) from None
    if may_be_there and response.status_code == CONFLICT:
        return response.json()
    told = client.said(response)
    if response.status_code in UNREACHABLE:
        raise CrmError(
            f"hubspot: {method} {path}: {told}; give the private app whose token is in the "
            "environment the scopes of crm.objects and crm.schemas, or renew the token"
        )
    if refuses_rows:
        raise RowsRefusedError(told)
    raise CrmError(f"hubspot: {method} {path}: {told}")


def verdicts_of(answer: Mapping[str, Any], ids: Sequence[str], size: int) -> list[Verdict]:
    """One verdict per row, found by its trace id; by its id where an error names no trace."""
    verdicts = [Verdict("unknown", reason="the answer says nothing of this row")] * size
    places = {id_.lower(): place for place, id_ in enumerate(ids)}
    for result in answer.get("results", ()):
        trace = result.get("objectWriteTraceId")
        if trace is not None and trace.isdigit() and int(trace) < size:
            place = int(trace)
        elif (found := places.get(str(result["id"]).lower())) is not None:
            place = found
        else:
            continue
        verdicts[place] = Verdict("acknowledged", str(result["id"]))
    for error in answer.get("errors") or ():
        for place in _places_of(error, places, size):
            verdicts[place] = Verdict("rejected", reason=str(error.get("message", error)))
    return verdicts


def _places_of(error: Mapping[str, Any], places: Mapping[str, int], size: int) -> Iterable[int]:
    context = error.get("context") or {}
    for trace in context.get("objectWriteTraceId", ()):
        if str(trace).isdigit() and int(trace) < size:
            yield int(trace)
    for name in ("id", "ids"):
        for id_ in context.get(name, ()):
            if (place := places.get(str(id_).lower())) is not None:
                yield place


def further(remote: Remote) -> list[str]:
    """The addresses of contacts that were merged into one."""
    text = remote.values.get(FURTHER_ADDRESSES) or ""
    return [part.strip() for part in text.split(";") if part.strip()]


def remote_of(record: Mapping[str, Any]) -> Remote:
    """A record of an answer."""
    return Remote(str(record["id"]), dict(record["properties"]))


def learn_limits(headers: httpx.Headers, limit: CallLimit) -> None:
    """Take the account's limit from HubSpot's headers."""
    calls = headers.get("X-HubSpot-RateLimit-Max", "")
    milliseconds = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
    if calls.isdigit() and milliseconds.isdigit():
        limit.learn(int(calls), int(milliseconds) / 1000)
