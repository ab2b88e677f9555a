"""`python -m benchmarks.journal --rows 1000000`: folding a journal of merges, beside networkx.

Half of the rows are one chain, as long as that; the others are clusters of eight addresses, each
with two chains, and a hundredth of them hold a ban and an undo. Each run is a process of its own,
so that its peak memory is. networkx does the least that a fold must do: it finds the clusters and
the end of every chain, and knows neither refusals nor bans nor texts.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

CLUSTER = 8


def journal_of(rows: int, seed: int = 7) -> pd.DataFrame:
    """Merge-file rows: a chain of half of them, and clusters; in random order."""
    rng = np.random.default_rng(seed)
    half = rows // 2
    chain = rng.permutation(half + 1)
    place = np.arange(rows - half)
    at = place % CLUSTER
    start = half + 1 + place // CLUSTER * (CLUSTER + 1)
    old = np.concatenate([chain[:-1], start + at])
    # even places lead to the cluster's last address, odd ones to the next
    new = np.concatenate([chain[1:], np.where(at % 2 == 0, start + CLUSTER, start + at + 1)])
    decision = np.full(rows, "merge", dtype=object)
    odd = np.flatnonzero(place // CLUSTER % 100 == 99) + half
    decision[odd[(odd - half) % CLUSTER == 3]] = "never"
    undo = odd[(odd - half) % CLUSTER == 5]
    decision[undo], old[undo], new[undo] = "undo", old[undo - 1], new[undo - 1]
    frame = pd.DataFrame(
        {
            "source_file": "merged_user.csv",
            "old": _addresses(old),
            "new": _addresses(new),
            "decision": decision,
            "reason": np.where(np.arange(rows) < half, "one mailbox", None),
        }
    ).sample(frac=1, random_state=seed, ignore_index=True)
    return frame.assign(source_row=np.arange(1, rows + 1))


def _addresses(numbers: np.ndarray) -> list[str]:
    return [f"person{number}@company{number % 5000}.com" for number in numbers.tolist()]


def fold(frame: pd.DataFrame) -> Callable[[], object]:
    """The fold of the pipeline."""
    from c360_assets.identity.fold import FoldRules
    from c360_assets.identity.journal import fold_journal

    known = pd.concat([frame["old"], frame["new"]]).drop_duplicates()
    rules = FoldRules(frozenset(), 10, frozenset({"info"}))
    return lambda: fold_journal(frame, frame.iloc[:0], known_emails=known, rules=rules)


def networkx_fold(frame: pd.DataFrame) -> Callable[[], object]:
    """Clusters and ends of chains by networkx."""
    import networkx as nx

    pairs = list(zip(frame["old"], frame["new"], strict=True))

    def run() -> object:
        graph = nx.DiGraph(pairs)
        clusters = sum(1 for _ in nx.weakly_connected_components(graph))
        end: dict[str, str] = {}
        for node in reversed(list(nx.topological_sort(graph))):
            following = next(iter(graph[node]), None)
            end[node] = end[following] if following else node
        return clusters, end

    return run


ENGINES = {"fold": fold, "networkx": networkx_fold}


def measure(engine: str, rows: int) -> dict[str, float]:
    """Seconds and peak MiB of one run in this process, data included in the peak."""
    body = ENGINES[engine](journal_of(rows))
    start = time.perf_counter()
    body()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": round(seconds, 2), "peak_mib": round(peak)}


def main() -> None:
    """Take both in turns and print medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=sorted(ENGINES), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        print(json.dumps(measure(asked.only, asked.rows)))
        return
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in ENGINES}
    for _ in range(asked.repeat):
        for name in ENGINES:
            command = [sys.executable, "-m", "benchmarks.journal", "--only", name]
            done = subprocess.run(
                [*command, "--rows", str(asked.rows)], check=True, capture_output=True, text=True
            )
            taken[name].append(json.loads(done.stdout.splitlines()[-1]))
    medians = {}
    for name, runs in taken.items():
        medians[name] = sorted(run["seconds"] for run in runs)[len(runs) // 2]
        peak = max(run["peak_mib"] for run in runs)
        print(f"{name:10} {medians[name]:6.2f} s  {peak:6.0f} MiB  ({asked.rows:,} rows)")
    print(f"fold / networkx = {medians['fold'] / medians['networkx']:.2f}")


if __name__ == "__main__":
    main()
