"""What became of the rows of a run, in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass
class Tally:
    """What became of the rows of a run: `planned = acknowledged + rejected + unknown`."""

    planned: int = 0
    acknowledged: int = 0
    rejected: int = 0
    unknown: int = 0
    conflicts: int = 0

    def add(self, other: Tally) -> None:
        """Add the figures of another part of the run."""
        self.planned += other.planned
        self.acknowledged += other.acknowledged
        self.rejected += other.rejected
        self.unknown += other.unknown
        self.conflicts += other.conflicts

    @classmethod
    def of(cls, parts: Iterable[Tally]) -> Tally:
        """The figures of all parts together."""
        total = cls()
        for part in parts:
            total.add(part)
        return total
