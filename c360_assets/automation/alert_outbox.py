"""What is on its way: each alert waits for each channel until that channel has taken it.

Channels do not wait for each other, and per channel the order stays. A channel that does not work
keeps its alerts and is asked again on the next tick (after `PATIENT_FAILURES` in a row less
often). An alert that is refused `MAX_REFUSALS` times, or waits for `MAX_AGE_SECONDS`, or is the
oldest of more than `MAX_WAITING`, is lost for that channel, and the log says so with its text.

Delivery is at least once: a process that is killed between a delivery and the saving of the cursor
delivers again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping

from pydantic import BaseModel, Field

from c360_assets.automation.alert_channels import Channel
from c360_assets.automation.alert_model import Alert
from c360_assets.errors import AlertError, AlertRefusedError

MAX_WAITING = 200
MAX_AGE_SECONDS = 24 * 3600.0
MAX_REFUSALS = 3
PATIENT_FAILURES = 5
LONGEST_PAUSE_SECONDS = 300.0
# Dagster kills a tick after 60 s and with it the cursor, and then all would be sent again.
DELIVERY_SECONDS = 30.0
SHORTEST_TRY_SECONDS = 1.0


class Waiting(BaseModel):
    """An alert and the channels that do not have it yet, each with its count of refusals."""

    alert: Alert
    since: float
    channels: dict[str, int]


class Health(BaseModel):
    """The failures of a channel in a row, and from when on (Unix seconds) it is asked again."""

    failures: int = 0
    retry_at: float = 0.0
    reason: str = ""


class Outbox(BaseModel):
    """The waiting alerts in order, and how the channels do. `now` is in Unix seconds."""

    waiting: list[Waiting] = Field(default_factory=list)
    health: dict[str, Health] = Field(default_factory=dict)

    def add(self, alerts: Iterable[Alert], channels: Collection[str], now: float) -> None:
        """Put alerts in line for every channel."""
        if channels:
            self.waiting += [
                Waiting(alert=alert, since=now, channels=dict.fromkeys(channels, 0))
                for alert in alerts
            ]

    def deliver(
        self,
        channels: Mapping[str, Channel],
        now: float,
        log: logging.Logger,
        seconds: float = DELIVERY_SECONDS,
    ) -> int:
        """Send what waits, `seconds` long at most; return how many deliveries succeeded."""
        self._drop_unknown(channels, log)
        deadline = time.monotonic() + seconds
        sent = 0
        for position, (name, channel) in enumerate(channels.items()):
            share = (deadline - time.monotonic()) / (len(channels) - position)
            sent += self._serve(name, channel, now, time.monotonic() + share, log)
        self._drop_lost(now, log)
        self.waiting = [entry for entry in self.waiting if entry.channels]
        return sent

    def summary(self) -> str:
        """Which channels do not have everything, and why; empty when nothing waits."""
        counts: dict[str, int] = {}
        for entry in self.waiting:
            for name in entry.channels:
                counts[name] = counts.get(name, 0) + 1
        return "; ".join(
            f"{count} waiting for {name}: {self.health.get(name, Health()).reason or 'next tick'}"
            for name, count in counts.items()
        )

    def _serve(
        self, name: str, channel: Channel, now: float, deadline: float, log: logging.Logger
    ) -> int:
        if self.health.get(name, Health()).retry_at > now:
            return 0
        sent = 0
        for entry in self.waiting:
            if name not in entry.channels:
                continue
            left = deadline - time.monotonic()
            if left < SHORTEST_TRY_SECONDS:
                break
            try:
                channel.send(entry.alert, left)
            except AlertRefusedError as error:
                entry.channels[name] += 1
                log.error("alert %r: %s", entry.alert.title, error)
                continue
            except AlertError as error:
                self._fails(name, str(error), now, log)
                break
            except Exception as error:  # other channels still get theirs; nothing secret is shown
                self._fails(name, f"{name}: {type(error).__name__}, a bug of c360", now, log)
                break
            del entry.channels[name]
            self.health.pop(name, None)
            sent += 1
        return sent

    def _fails(self, name: str, reason: str, now: float, log: logging.Logger) -> None:
        health = self.health.setdefault(name, Health())
        health.failures += 1
        health.reason = reason
        beyond = health.failures - PATIENT_FAILURES
        pause = min(LONGEST_PAUSE_SECONDS, 30.0 * 2.0 ** min(beyond, 10)) if beyond > 0 else 0.0
        health.retry_at = now + pause
        later = f"in {pause:.0f} seconds" if pause else "on the next tick"
        log.error("alerts are held back: %s. Tried again %s.", reason, later)

    def _drop_unknown(self, channels: Mapping[str, Channel], log: logging.Logger) -> None:
        for entry in self.waiting:
            for name in entry.channels.keys() - channels.keys():
                del entry.channels[name]
                log.warning(
                    "alert %r is dropped for %s, which c360.toml no longer names",
                    entry.alert.title,
                    name,
                )
        for name in self.health.keys() - channels.keys():
            del self.health[name]

    def _drop_lost(self, now: float, log: logging.Logger) -> None:
        still = [entry for entry in self.waiting if entry.channels]
        surplus = len(still) - MAX_WAITING
        for position, entry in enumerate(still):
            for name, refusals in list(entry.channels.items()):
                if position < surplus:
                    reason = f"more than {MAX_WAITING} alerts were waiting"
                elif now - entry.since > MAX_AGE_SECONDS:
                    reason = f"it waited for more than {MAX_AGE_SECONDS / 3600:.0f} hours"
                elif refusals >= MAX_REFUSALS:
                    reason = f"it was refused {refusals} times"
                else:
                    continue
                del entry.channels[name]
                log.error("alert LOST for %s: %s\n%s", name, reason, entry.alert.text())
