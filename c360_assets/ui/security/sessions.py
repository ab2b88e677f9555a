"""Who is logged in: sessions in memory, by the hash of the token in their cookie.

Belongs here: beginning, finding and ending them. Not here: passwords (`users`), cookies and pages
(`login`). A restart logs everybody out.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

from c360_assets.ui.security.users import User, Users

MOST_SESSIONS = 10_000
MOST_SESSIONS_OF_ONE = 20


@dataclass
class Session:
    """One login. Times are seconds of the clock; `csrf` is what its forms must bring along."""

    name: str
    user_key: str
    csrf: str
    began_at: float
    seen_at: float


class Sessions:
    """All logins; one ends after `idle_seconds` without a click and `longest_seconds` at most.

    It also ends when its user is removed or written anew.
    """

    def __init__(
        self,
        users: Users,
        idle_seconds: float,
        longest_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._users = users
        self._idle, self._longest = idle_seconds, longest_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def begin(self, user: User) -> str:
        """A new session of a user; returns its token, of 256 bits, which is kept nowhere."""
        token, now = secrets.token_urlsafe(32), self._clock()
        session = Session(user.name, user.key, secrets.token_urlsafe(32), now, now)
        with self._lock:
            self._drop_superfluous(user.name)
            self._sessions[_hash(token)] = session
        return token

    def find(self, token: str, *, is_activity: bool) -> Session | None:
        """The live session of a token; None where it is over or never was.

        Raises:
            ConfigError: the users file cannot be read.
        """
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_hash(token))
            if session is None:
                return None
            if self._is_over(session, now):
                del self._sessions[_hash(token)]
                return None
            if is_activity:
                session.seen_at = now
            return session

    def end(self, token: str) -> None:
        """Log out; a token that is over already is none of anybody's business."""
        with self._lock:
            self._sessions.pop(_hash(token), None)

    def __len__(self) -> int:
        return len(self._sessions)

    def _is_over(self, session: Session, now: float) -> bool:
        if now - session.seen_at >= self._idle or now - session.began_at >= self._longest:
            return True
        user = self._users.get(session.name)
        return user is None or user.key != session.user_key

    def _drop_superfluous(self, name: str) -> None:
        """Make room: what is over goes, then the oldest of the user, then the oldest of all."""
        now = self._clock()
        for key in [key for key, each in self._sessions.items() if self._is_over(each, now)]:
            del self._sessions[key]
        # a dict keeps the order in which sessions began
        own = [key for key, each in self._sessions.items() if each.name == name]
        everybody = list(self._sessions)
        for key in {*own[: -MOST_SESSIONS_OF_ONE + 1], *everybody[: -MOST_SESSIONS + 1]}:
            del self._sessions[key]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
