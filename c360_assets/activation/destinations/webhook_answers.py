"""What a receiver's answer says of the rows of a delivery.

A 2xx takes all rows, but for those that it lists as rejected. Where it may have listed some and
cannot be understood, the rows are unknown and delivered again, with the same id. Source: "Delivery
success and failure" of Standard Webhooks; the list of rejected rows is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from c360_assets.activation.sync.model import Verdict
from c360_assets.errors import CrmError, OutcomeUnknownError, RowsRefusedError

# what a receiver says of a delivery whose rows are not to its liking, or too many
OF_ROWS = frozenset({400, 409, 413, 422})
PARTLY = 207
REMEDIES: Mapping[int, str] = {
    401: "it does not know the signature: give it the secret that is in the environment",
    403: "it does not let us in: give it the secret that is in the environment, and let us in",
    404: "there is no receiver at base_url: mend the address in c360.toml",
    405: "base_url takes no POST: mend the address in c360.toml",
    410: "it wants nothing from us any more: take webhook out of C360_CRM, or mend base_url",
}


def verdicts_of(response: httpx.Response, keys: Sequence[str], said: str) -> list[Verdict]:
    """One verdict per row; `said` is the answer in a line, without secrets.

    Raises:
        RowsRefusedError: all rows are refused, since some may be wrong.
        OutcomeUnknownError: it was taken, and the answer cannot be understood.
        CrmError: nothing was taken, and no other rows would be.
    """
    status = response.status_code
    if status in OF_ROWS:
        raise RowsRefusedError(said)
    if not response.is_success:
        remedy = REMEDIES.get(status, "see what the receiver says, or mend base_url in c360.toml")
        if response.is_redirect:
            remedy = "it has moved: write its new address as base_url in c360.toml"
        raise CrmError(f"webhook: {said}; {remedy}")
    reasons = _rejected(response, said)
    if strange := sorted(set(reasons) - set(keys)):
        raise OutcomeUnknownError(
            f"webhook: {said}; it rejects {strange[0]!r}, which was not delivered: answer with "
            "the keys of the delivery's own rows"
        )
    return [
        Verdict("rejected", reason=reasons[key]) if key in reasons else Verdict("acknowledged", key)
        for key in keys
    ]


def _rejected(response: httpx.Response, said: str) -> dict[str, str]:
    """The reasons of rejected rows, by key."""
    is_json = "json" in response.headers.get("Content-Type", "").lower()
    is_partly = response.status_code == PARTLY
    try:
        answer = response.json() if response.content.strip() else None
    except ValueError:
        # "ok" is an answer; JSON that is cut off might have rejected something
        if is_json or is_partly:
            raise _not_understood(said) from None
        return {}
    if not isinstance(answer, dict) or "rejected" not in answer:
        if is_partly:
            raise _not_understood(said)
        return {}
    listed: Any = answer["rejected"]
    if not isinstance(listed, list):
        raise _not_understood(said)
    reasons = {}
    for each in listed:
        if not isinstance(each, dict) or not isinstance(each.get("key"), str):
            raise _not_understood(said)
        reasons[each["key"]] = str(each.get("reason") or "no reason given")
    return reasons


def _not_understood(said: str) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"webhook: {said}; nobody can tell whether it rejects rows: answer with an empty body, or "
        'with {"rejected": [{"key": …, "reason": …}]}'
    )
