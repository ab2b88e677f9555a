"""How right the suggestions have been so far, by what people decided, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

Z_95: Final = 1.959964  # the normal quantile of a two-sided interval of 95 percent


@dataclass(frozen=True)
class Precision:
    """Of the decided pairs that the model would suggest: how many people approved, and rejected."""

    approved: int
    rejected: int

    @property
    def decided(self) -> int:
        """Pairs decided either way."""
        return self.approved + self.rejected

    @property
    def value(self) -> float | None:
        """The share that was approved; None before the first decision."""
        return self.approved / self.decided if self.decided else None

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's score interval of 95 percent; 0 to 1 before the first decision.

        Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA
        22, 209-212. Unlike the normal interval it holds for few decisions and shares near 1.
        """
        n = self.decided
        if not n:
            return 0.0, 1.0
        share, z2 = self.approved / n, Z_95**2
        middle = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def is_below(self, target: float) -> bool:
        """Whether the decisions show that less than this share of suggestions is right."""
        return self.bounds[1] < target
