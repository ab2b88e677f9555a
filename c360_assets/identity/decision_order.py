"""The order in which decisions were taken, as far as merge files tell.

Belongs here: that order alone. It is asked within a group of rows (a pair, a cluster), so that a
row about others never changes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from c360_assets.identity.chains import Bools, Ints


def decision_order(group: Ints, decided_at: Any, file: Ints, row: Ints) -> Ints:
    """The places of the rows sorted by group and, within it, from first to last decided.

    Where every row of a group has a time, that decides; elsewhere the file's name does, and within
    a file the time if all its rows in the group have one. What is still equal follows the rows'
    own order, so that the order is total.

    Args:
        group: what the order is asked about, per row.
        decided_at: datetime64, NaT where the row has none.
        file: rank of the file's name.
        row: rank of the row among all, by file and place in it.
    """
    at = decided_at.astype("datetime64[us]").astype(np.int64)
    undated = at == np.iinfo(np.int64).min
    in_file = pd.factorize(group * (file.max(initial=0) + 1) + file)[0]
    by_date = np.where(_any_per(group, undated), 0, at)
    by_date_in_file = np.where(_any_per(in_file, undated), 0, at)
    order: Ints = np.lexsort((row, by_date_in_file, file, by_date, group))
    return order


def _any_per(group: Ints, is_so: Bools) -> Bools:
    """Per row, whether it is so for any row of its group."""
    number, _ = pd.factorize(group)
    found = np.zeros(number.max(initial=-1) + 1, dtype=bool)
    np.logical_or.at(found, number, is_so)
    per_row: Bools = found[number]
    return per_row
