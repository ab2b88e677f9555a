"""Who looks at a page, and what they may do: asked anew each time, for pages stay open long.

Belongs here: the visitor that pages see. Not here: how it is found out who that is (`gate`).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

from c360_assets.ui.security.users import Role

STATE = "c360_visitor"


@dataclass(frozen=True)
class Visitor:
    """Who sent a request: `role` is what they had then; `may` asks for what they have now.

    `csrf` is what plain forms must bring along. `can_leave` says that there is a login to end.
    `ask` gives the role of now, None once the login is over; its argument tells whether the
    question is a sign that somebody is at the screen.
    """

    name: str
    role: Role
    csrf: str = field(repr=False)
    can_leave: bool
    ask: Callable[[bool], Role | None] = field(repr=False, compare=False)

    def may(self, role: Role | str) -> bool:
        """Whether they may now do what this role is needed for."""
        now = self.ask(False)
        return now is not None and now.allows(Role(role))

    def is_one_with(self, other: Visitor) -> bool:
        """Whether both came by the same login, or where nobody logs in, by the same name."""
        return hmac.compare_digest(self.csrf, other.csrf)

    def is_there(self, *, is_activity: bool = False) -> bool:
        """Whether the login still holds."""
        return self.ask(is_activity) is not None


def visitor_of(request: HTTPConnection) -> Visitor:
    """Who sent a request, or opened a websocket; the gate has put it there.

    Raises:
        LookupError: the request did not come through the gate, which is a mistake in the server.
    """
    state: dict[str, Any] = request.scope.get("state", {})
    visitor = state.get(STATE)
    if not isinstance(visitor, Visitor):
        raise LookupError("nobody has been let in: the pages are served without the gate")
    return visitor
