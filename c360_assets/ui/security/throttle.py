"""How long who failed to log in has to wait: longer each time, per name and per address.

Belongs here: counting and waiting, in memory of a bounded size. Not here: any password.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# failures that cost nothing: people mistype
FREE_FAILURES = {"name": 3, "peer": 10}
LONGEST_WAIT_SECONDS = {"name": 60.0, "peer": 900.0}
# after so long without a failure all is forgotten
FORGOTTEN_AFTER_SECONDS = 3600.0
MOST_KEYS = 10_000


@dataclass
class _Failures:
    count: int
    last: float


class Throttle:
    """Failed logins by key: `("name", ...)` or `("peer", ...)`; `clock` gives seconds.

    A name waits a minute at most, so that nobody can lock somebody else out for long; an address
    waits up to a quarter of an hour.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def begin(self, keys: Iterable[tuple[str, str]]) -> float:
        """Seconds to wait before the next try, 0 if it may be made now.

        A try that may be made counts as failed until `forgive`, so that many at once gain nothing.
        """
        with self._lock:
            now, known = self._clock(), list(keys)
            wait = max((self._wait(key, now) for key in known), default=0.0)
            if wait > 0:
                return wait
            for key in known:
                self._count(key, now)
            return 0.0

    def forgive(self, keys: Iterable[tuple[str, str]]) -> None:
        """The try was right: nothing is held against the name, nor this try against the address."""
        with self._lock:
            for key in keys:
                found = self._failures.get(key)
                if found is not None and (key[0] == "name" or found.count <= 1):
                    del self._failures[key]
                elif found is not None:
                    found.count -= 1

    def __len__(self) -> int:
        return len(self._failures)

    def _wait(self, key: tuple[str, str], now: float) -> float:
        found = self._failures.get(key)
        if found is None or now - found.last > FORGOTTEN_AFTER_SECONDS:
            return 0.0
        over = found.count - FREE_FAILURES[key[0]]
        if over < 0:
            return 0.0
        # 1, 2, 4, ... seconds; the exponent is held down, since nobody waits 2 ** 1000
        length = min(2.0 ** min(over, 20), LONGEST_WAIT_SECONDS[key[0]])
        return max(0.0, found.last + length - now)

    def _count(self, key: tuple[str, str], now: float) -> None:
        found = self._failures.pop(key, None)
        is_old = found is None or now - found.last > FORGOTTEN_AFTER_SECONDS
        count = 1 if is_old or found is None else found.count + 1
        self._failures[key] = _Failures(count, now)
        while len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)
