"""Customers who are alike as one row: what both models' likelihoods sum over.

Belongs here: grouping of arrays. Not here: what the columns mean.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Places = NDArray[np.intp]

# so many rows show where the top of a likelihood lies
ROUGH_ROWS: Final = 3_000


def arrays(*given: ArrayLike) -> list[Array]:
    """Each as an array of floats with one dimension."""
    return [np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in given]


def dot(values: Array, weights: Array) -> float:
    """The weighted sum; by one thread, so that every machine gives the same last digit."""
    return float(np.einsum("i,i->", values, weights))


def distinct(columns: Array) -> tuple[Array, Places]:
    """The distinct customers, ascending, and the place of each; `columns` has one row a column."""
    order = np.lexsort(columns[::-1])
    ordered = columns[:, order]
    is_new = np.ones(columns.shape[1], dtype=bool)
    is_new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    place = np.empty(columns.shape[1], dtype=np.intp)
    place[order] = np.cumsum(is_new) - 1
    return ordered[:, is_new], place


def sums(place: Places, values: Array) -> Array:
    """The sum of the values at each place."""
    return np.bincount(place, weights=values).astype(np.float64, copy=False)
