"""Bans against the merges of other pairs: no path may lead from one banned side to the other.

Belongs here: which merge gives way where several of them join what a `never` keeps apart. Not
here: decisions on the banned pair itself (`pairs`).

In a cluster that holds both sides of a ban, the merges are taken up one at a time in the order of
decision, each joining two parts. A merge that would join two parts with a ban between them gives
way: so a ban is inherited by all that either side has been merged with, earlier merges win over
later ones, and the result is the same in whatever order files and rows came. Of several bans in
its way, a merge names the one decided first. (Kruskal's algorithm with disjoint sets; the parts
that a part must not meet are handed on when it is joined.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

import numpy as np

from c360_assets.identity import chains
from c360_assets.identity.chains import Ints
from c360_assets.identity.fold import Fold
from c360_assets.identity.pairs import standing_bans
from c360_assets.identity.rulings import Ruling


class Parts:
    """Disjoint sets with bans between them."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}
        self._banned: defaultdict[int, dict[int, int]] = defaultdict(dict)

    def part(self, node: int) -> int:
        """The representative of the node's part."""
        above = self._above
        top = node
        while (higher := above.get(top, top)) != top:
            top = higher
        while (higher := above.get(node, node)) != top:
            above[node], node = top, higher
        return top

    def keep_apart(self, left: int, right: int, ban: int) -> None:
        """Forbid the parts of the two ever to be joined; of several bans the lowest counts."""
        left, right = self.part(left), self.part(right)
        self._banned[left].setdefault(right, ban)
        self._banned[right].setdefault(left, ban)

    def ban_between(self, left: int, right: int) -> int | None:
        """The lowest ban that keeps the parts of the two apart, if any."""
        return self._banned[self.part(left)].get(self.part(right))

    def join(self, left: int, right: int) -> None:
        """Make one part of two; what either must not meet, both must not."""
        kept, gone = self.part(left), self.part(right)
        if kept == gone:
            return
        if len(self._banned[kept]) < len(self._banned[gone]):
            kept, gone = gone, kept
        self._above[gone] = kept
        for other, ban in self._banned.pop(gone).items():
            del self._banned[other][gone]
            first = min(ban, self._banned[kept].get(other, ban))
            self._banned[kept][other] = self._banned[other][kept] = first


def apply_bans(fold: Fold) -> None:
    """Settle the open merges that would join what a standing ban keeps apart."""
    bans, row = standing_bans(fold), fold.open_rows()
    if not len(bans) or not len(row):
        return
    cluster = chains.clusters(fold.old[row], fold.new[row], len(fold.names))
    is_crossed = cluster[fold.old[bans]] == cluster[fold.new[bans]]
    row = row[np.isin(cluster[fold.old[row]], cluster[fold.old[bans[is_crossed]]])]
    parts = Parts()
    in_order = _in_order(fold, bans[is_crossed], cluster)
    for number, ban in enumerate(in_order):
        parts.keep_apart(int(fold.old[ban]), int(fold.new[ban]), number)
    given_way: dict[Hashable, int] = {}
    for merge in _in_order(fold, row, cluster):
        old, new = int(fold.old[merge]), int(fold.new[merge])
        found = given_way.get((old, new), parts.ban_between(old, new))
        if found is None:
            parts.join(old, new)
            continue
        given_way[old, new] = found  # its repeats share its fate
        _give_way(fold, merge, in_order[found])


def _in_order(fold: Fold, row: Ints, cluster: Ints) -> list[int]:
    ordered: list[int] = row[fold.decision_order(row, cluster[fold.old[row]])].tolist()
    return ordered


def _give_way(fold: Fold, merge: int, ban: int) -> None:
    both = np.array([merge, ban], dtype=np.int64)
    is_ban_later = fold.decision_order(both, np.zeros(2, dtype=np.int64))[-1] == 1
    if is_ban_later:
        fold.end([merge], Ruling.SUSPENDED, ban)
        fold.suspended.setdefault(ban, []).append(merge)
    else:
        fold.ruling[merge], fold.other[merge] = Ruling.BANNED, ban
