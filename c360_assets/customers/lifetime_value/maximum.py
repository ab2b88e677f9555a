"""Climbing a log-likelihood to its top, and telling whether the top was reached.

Belongs here: what any model of positive parameters needs. Not here: any model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize

from c360_assets.customers.lifetime_value.groups import Array

# value and gradient, by the logarithms of the parameters, per customer
Objective = Callable[[Array], tuple[float, Array]]

# Log-likelihood that may be left to gain, over all customers. A standard error costs half a unit.
TOLERANCE: Final = 1e-3
# Curvature of the log-likelihood of all customers, by the logarithms of the parameters, below which
# there is no peak but a ridge: the data leave a parameter open by a factor of e to the tenth.
FLAT: Final = 1e-2
# The logarithms of parameters stay so near their start; nothing real is ten million times off.
FARTHEST: Final = float(np.log(1e7))
_STEP: Final = 1e-4
_POLISHES: Final = 8


@dataclass(frozen=True)
class Maximum:
    """The highest point found: parameters, and what holds there of all customers together.

    `left_to_gain` is of the log-likelihood, `curvature` that of its flattest direction.
    """

    parameters: tuple[float, ...]
    log_likelihood: float
    left_to_gain: float
    curvature: float

    @property
    def is_top(self) -> bool:
        """Whether there is nothing left to climb, be it a peak or a ridge that levels out."""
        return self.left_to_gain <= TOLERANCE

    @property
    def is_peak(self) -> bool:
        """Whether it is a top, and the data say which parameters are its."""
        return self.is_top and self.curvature >= FLAT


def maximise(
    objective: Objective,
    starts: Sequence[Sequence[float]],
    customers: float,
    rough: Objective | None = None,
) -> Maximum:
    """Climb from every start and return the highest top; without a top the highest point.

    `objective` gives the mean log-likelihood of the customers and its gradient by the logarithms of
    the parameters; `starts` are parameters, all positive. `rough` is the same of a few of many
    customers: where it has a peak, the climb starts there, and not at all the starts.
    """
    if rough is not None:
        top = maximise(rough, starts, customers)
        starts = [top.parameters] if top.is_peak else starts
    points = [_climbed(objective, np.log(np.asarray(start)), customers) for start in starts]
    tops = [point for point in points if point.is_top]
    return max(tops or points, key=lambda point: point.log_likelihood)


def _climbed(objective: Objective, start: Array, customers: float) -> Maximum:
    """One climb: a truncated Newton method for the way, full steps for the last digits."""

    def downhill(logs: Array) -> tuple[float, Array]:
        value, gradient = objective(logs)
        return -value, -gradient

    found = minimize(
        downhill,
        start,
        jac=True,
        method="TNC",  # unlike L-BFGS-B it asks no BLAS, whose threads wait for a busy machine
        bounds=[(at - FARTHEST, at + FARTHEST) for at in start],
        options={"maxfun": 1000, "ftol": 1e-13, "gtol": 1e-9},
    )
    logs: Array = np.asarray(found.x, dtype=np.float64)
    value, gradient = objective(logs)
    for _ in range(_POLISHES):
        step, left, _ = _newton(objective, logs, gradient)
        if left * customers <= TOLERANCE**2:
            break
        near = np.clip(logs + step, start - FARTHEST, start + FARTHEST)
        near_value, near_gradient = objective(near)
        if not np.abs(near_gradient).sum() < np.abs(gradient).sum() or near_value < value - 1e-9:
            break
        logs, value, gradient = near, near_value, near_gradient
    _, left, curvature = _newton(objective, logs, gradient)
    parameters = tuple(float(parameter) for parameter in np.exp(logs))
    return Maximum(parameters, value * customers, left * customers, curvature * customers)


def _newton(objective: Objective, logs: Array, gradient: Array) -> tuple[Array, float, float]:
    """Newton's step uphill, about how much it gains per customer, and the least curvature.

    Along a ridge that levels out towards infinity curvature vanishes with the slope: a step of
    more than a factor of e is not believed, neither as a step nor as a gain.
    """
    size = len(logs)
    hessian = np.empty((size, size))
    for row in range(size):
        shift = np.zeros(size)
        shift[row] = _STEP
        hessian[row] = (objective(logs + shift)[1] - objective(logs - shift)[1]) / (2 * _STEP)
    if not (np.isfinite(hessian).all() and np.isfinite(gradient).all()):
        return np.zeros(size), float("inf"), 0.0
    curvature, axes = np.linalg.eigh(-(hessian + hessian.T) / 2)
    slope = axes.T @ gradient
    lengths = np.minimum(np.abs(slope) / np.maximum(curvature, 1e-300), 1.0)
    step = axes @ (np.sign(slope) * lengths)
    return step, float(np.abs(slope) @ lengths), float(curvature.min())
