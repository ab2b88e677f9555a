"""Chains of merges as arithmetic on integer nodes: cycles, clusters, ends and paths.

Belongs here: graph questions about "old points at new", answered by whole arrays in about log2 of
the longest chain steps. Not here: what the nodes are, nor which merges may stand.

Nodes are 0 to size - 1. A forest is the array `following`: the node that each node points at,
itself where its chain ends.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[Any]  # of str

MAX_SHOWN_HOPS: Final = 10  # a longer path is cut in the middle
_HEAD_HOPS: Final = 3  # what is shown of a longer path before the cut


def forest(old: Ints, new: Ints, size: int) -> Ints:
    """`following` for the links old -> new; each node may stand in `old` with one `new` only."""
    following = np.arange(size, dtype=np.int64)
    following[old] = new
    return following


def cycle_lengths(old: Ints, new: Ints, size: int) -> Ints:
    """Per node, the number of nodes on its cycle; 0 where it is on none.

    A cycle is a strongly connected component of more than one node.
    """
    lengths = _sizes(_components(old, new, size, "strong"))
    return np.where(lengths > 1, lengths, 0)


def clusters(old: Ints, new: Ints, size: int) -> Ints:
    """Per node, the number of the cluster of nodes that the links connect, in any direction."""
    return _components(old, new, size, "weak")


def cluster_sizes(old: Ints, new: Ints, size: int) -> Ints:
    """Per node, the number of nodes that the links connect with it, itself included."""
    return _sizes(clusters(old, new, size))


def ends(following: Ints) -> tuple[Ints, Ints]:
    """Per node, the end of its chain and the number of hops to it (pointer jumping; no cycles)."""
    end = following.copy()
    hops = (end != np.arange(len(end))).astype(np.int64)
    while not np.array_equal(beyond := end[end], end):
        hops += hops[end]
        end = beyond
    return end, hops


def reaches(following: Ints, marked: Bools) -> Bools:
    """Per node, whether it or any node further along its chain is marked (no cycles)."""
    found = marked.copy()
    jump = following
    while True:
        found |= found[jump]
        beyond = jump[jump]
        if np.array_equal(beyond, jump):
            return found
        jump = beyond


def path_texts(names: Texts, following: Ints, start: Ints, end: Ints, hops: Ints) -> Texts:
    """Per start, the text `a > b > c` of the path of so many hops.

    Of a path of more than MAX_SHOWN_HOPS the middle is left out: `a > … (90 more) … > z`, so that
    the work is at most MAX_SHOWN_HOPS times the number of starts.
    """
    texts = np.empty(len(start), dtype=object)
    shown = np.minimum(hops, MAX_SHOWN_HOPS + 1)
    for count in np.unique(shown):
        at = np.flatnonzero(shown == count)
        is_cut = count > MAX_SHOWN_HOPS
        node, pieces = start[at], [names[start[at]]]
        for _ in range(_HEAD_HOPS if is_cut else int(count)):
            node = following[node]
            pieces.append(names[node])
        if is_cut:
            left_out = (hops[at] - _HEAD_HOPS - 1).tolist()
            cuts = np.array([f"… ({number} more) …" for number in left_out], dtype=object)
            pieces += [cuts, names[end[at]]]
        texts[at] = list(map(" > ".join, zip(*pieces, strict=True)))
    return texts


def _components(old: Ints, new: Ints, size: int, connection: str) -> Ints:
    links = csr_array((np.ones(len(old), dtype=np.int8), (old, new)), shape=(size, size))
    _, label = connected_components(links, directed=True, connection=connection)
    labels: Ints = label.astype(np.int64)
    return labels


def _sizes(label: Ints) -> Ints:
    sizes: Ints = np.bincount(label, minlength=1)[label].astype(np.int64)
    return sizes
