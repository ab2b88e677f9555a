"""What the decisions on one and the same pair come to: `never` and `undo` among its merges.

Belongs here: rows whose pair has a `never` or an `undo`, taken in the order of decision. Not here:
what merges and bans of several pairs do to one another (`journal`, `bans`).

A pair is unordered; its latest decision wins. A `merge` lifts the ban before it. A `never` ends
every merge before it, in both directions. An `undo` takes back the merges before it in its own
direction, else the ban, else the merges in the other direction; what these had lifted or ended
stands again, as if they had never been said.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from c360_assets.identity.chains import Ints
from c360_assets.identity.fold import Fold
from c360_assets.identity.rulings import Ruling
from c360_assets.identity.statements import MERGE, NEVER, UNDO


@dataclass
class _Pair:
    """What stands about a pair after the decisions so far, as rows; merges or a ban, never both."""

    merges: dict[int, list[int]] = field(default_factory=dict)  # old node -> standing merges
    bans: list[int] = field(default_factory=list)  # the ban that stands, then its repeats
    replaced: list[list[int]] = field(default_factory=list)  # rows that these ended, latest last


def settle_pairs(fold: Fold) -> None:
    """Settle every `never` and `undo`, and the merges that one of them ended."""
    row = fold.open_rows()
    low = np.minimum(fold.old[row], fold.new[row])
    high = np.maximum(fold.old[row], fold.new[row])
    pair = low * len(fold.names) + high
    decision = fold.rows["decision"].to_numpy(dtype=object)[row]
    is_touched = np.isin(pair, pair[decision != MERGE])
    row, pair, decision = row[is_touched], pair[is_touched], decision[is_touched]
    states: dict[int, _Pair] = {}
    for place in fold.decision_order(row, pd.factorize(pair)[0]).tolist():
        state = states.setdefault(int(pair[place]), _Pair())
        _DECIDE[decision[place]](fold, state, int(row[place]))


def standing_bans(fold: Fold) -> Ints:
    """The rows of the bans that stand, each pair's once."""
    return np.flatnonzero(fold.ruling == Ruling.BAN)


def _merge(fold: Fold, state: _Pair, row: int) -> None:
    if state.bans:
        fold.end(state.bans, Ruling.BAN_LIFTED, row)
        state.replaced.append(state.bans)
        state.bans = []
    state.merges.setdefault(int(fold.old[row]), []).append(row)


def _never(fold: Fold, state: _Pair, row: int) -> None:
    if state.bans:
        fold.ruling[row], fold.other[row] = Ruling.BAN_REPEAT, state.bans[0]
        state.bans.append(row)
        return
    merges = [merge for rows in state.merges.values() for merge in rows]
    if merges:
        fold.end(merges, Ruling.SUSPENDED, row)
        fold.suspended[row] = merges
        state.replaced.append(merges)
    state.merges.clear()
    state.bans = [row]
    fold.ruling[row] = Ruling.BAN


def _undo(fold: Fold, state: _Pair, row: int) -> None:
    old, new = int(fold.old[row]), int(fold.new[row])
    ended = state.merges.pop(old, None) or state.bans or state.merges.pop(new, None)
    if not ended:
        fold.ruling[row] = Ruling.NOTHING_TO_UNDO
        return
    if ended is state.bans:
        state.bans = []
    fold.suspended.pop(ended[0], None)
    fold.end(ended, Ruling.UNDONE, row)
    fold.ruling[row], fold.other[row] = Ruling.UNDO, ended[0]
    if not state.merges and state.replaced:
        _restore(fold, state, state.replaced.pop())


def _restore(fold: Fold, state: _Pair, rows: list[int]) -> None:
    """Let the rows stand again that the decision taken back had ended."""
    fold.ended_by[rows] = -1
    if fold.rows["decision"].iat[rows[0]] == NEVER:
        fold.ruling[rows] = Ruling.BAN_REPEAT
        fold.other[rows] = rows[0]
        fold.ruling[rows[0]] = Ruling.BAN
        state.bans = rows
        return
    fold.ruling[rows] = Ruling.OPEN
    for merge in rows:
        state.merges.setdefault(int(fold.old[merge]), []).append(merge)


_DECIDE = {MERGE: _merge, NEVER: _never, UNDO: _undo}
