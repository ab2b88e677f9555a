"""The hours and days through which one steps: positions on a slider, the one before and after.

Belongs here: positions. Not here: reading a time from a URL (`segments_choice`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from c360_assets.ui.data.segments import History
from c360_assets.ui.data.segments_choice import DAY, HOUR, Unit


@dataclass(frozen=True)
class Steps:
    """`count` times from `first` on, `width` apart; the position after them is the clock."""

    first: datetime
    count: int
    width: timedelta

    @property
    def last_position(self) -> int:
        """That of the clock."""
        return self.count

    def at(self, position: int) -> datetime | None:
        """The time at a position from 0 on; None: the clock."""
        return None if position >= self.count else self.first + max(position, 0) * self.width

    def position(self, at: datetime | None) -> int:
        """The last position at or before a time."""
        if at is None:
            return self.count
        return min(max((at - self.first) // self.width, 0), self.count - 1)

    def before(self, at: datetime | None) -> datetime | None:
        """The step before a time; None where it is the first."""
        if at is None:
            return self.at(self.count - 1)
        position = -((self.first - at) // self.width) - 1
        return self.at(position) if position >= 0 else None

    def after(self, at: datetime | None) -> datetime | None:
        """The step after a time; None: the clock."""
        if at is None or at < self.first:
            return None if at is None else self.first
        return self.at(self.position(at) + 1)


def steps(there: History, unit: Unit) -> Steps | None:
    """Every hour of the history, or every midnight; None where there are none."""
    if there.first_hour is None or there.last_hour is None:
        return None
    if unit == "hour":
        return Steps(there.first_hour, (there.last_hour - there.first_hour) // HOUR + 1, HOUR)
    first = datetime.combine(there.first_hour.date(), time())
    first = first if first == there.first_hour else first + DAY
    if first > there.last_hour:
        return None
    return Steps(first, (there.last_hour - first) // DAY + 1, DAY)
