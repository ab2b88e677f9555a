"""The journal of identity decisions: which rows of the merge files stand, and where they lead.

Belongs here: the rules of section 3 of the data contract, in stages that each settle the rows
they are about. Not here: reading files (`merge_files`), graph arithmetic (`chains`) and wording
(`rulings`).

The stages, for users and for domains by themselves. A settled row has no part in later stages.

1. By itself: wrong number of fields, unknown decision, invalid decided_at, invalid address, then
   for merges self_merge and personal_domain (on either side). `never` and `undo` wait.
2. One old, several news: the latest rows decide, and rows with another new are superseded. If
   every merge of that old has a decided_at, the latest are those with the newest one. Otherwise
   they are those in the file whose name sorts last and, if all of these have a decided_at, the
   newest of them. Latest rows with different news are refused (conflicting_target), and so is
   every row that says the same as one of them. Superseded rows stay so even if their successor is
   refused in a later stage: whoever decided it had changed their mind.
3. Cycles: every row whose old lies on one is refused; a merge that leads into it stands.
4. Clusters of more than `max_cluster_size` addresses (pending ones count; the same limit holds
   for domains): a merge without a reason in any of its rows is refused, the others stand.
5. Users only: a merge whose new is no known user, nor is anything that the new is merged into,
   is pending. So a chain ends at its last known address and may pass through unknown ones.
6. What is left is applied. The first row (file name, row) of a pair stands for it, the others
   are repeats. An old that is no known user is applied too: others may reach it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

import numpy as np
import pandas as pd

from c360_assets.identity import chains
from c360_assets.identity.addresses import MAX_EMAIL_LENGTH
from c360_assets.identity.chains import Bools, Ints, Texts
from c360_assets.identity.rulings import RULINGS, Ruling, sentences
from c360_assets.identity.statements import DECISIONS, MERGE, Kind, statements

_NOUNS: Final = {
    "user": {"noun": "email", "thing": "address", "example": "name@domain"},
    "domain": {"noun": "domain", "thing": "domain", "example": "company.com"},
}
_APPLIED: Final = [ruling for ruling, meaning in RULINGS.items() if meaning.outcome == "applied"]
_BLOCK_ROWS: Final = 65_536


@dataclass(frozen=True)
class FoldRules:
    """The business rules that the journal is folded under.

    `personal_domains` are in normal form. `max_cluster_size` is the number of addresses (or
    domains) that may become one without a reason.
    """

    personal_domains: frozenset[str]
    max_cluster_size: int


@dataclass
class _Fold:
    """The rows of one kind and what the stages have found out about them so far."""

    kind: Kind
    rows: pd.DataFrame  # statements
    names: Any  # node -> address, a str Series
    texts: Texts  # the same for sentences, where raw text is cut short
    old: Ints  # row -> node
    new: Ints
    is_known: Bools  # node -> whether a user has this address; all true for domains
    rules: FoldRules
    ruling: Ints  # row -> Ruling
    other: Ints  # row -> the row that its ruling rests on
    count: Ints  # row -> size of its cycle or cluster
    end: Ints  # row -> node that its path ends at
    hops: Ints  # row -> length of its path
    following: Ints  # node -> node: the path's links

    def settle(self, rows: Bools, ruling: Ruling) -> None:
        """Give a ruling to those of the rows that have none yet."""
        self.ruling[rows & (self.ruling == Ruling.OPEN)] = ruling

    def open_rows(self) -> Ints:
        """The index of every row without a ruling."""
        return np.flatnonzero(self.ruling == Ruling.OPEN)


def fold_journal(
    user_rows: pd.DataFrame,
    domain_rows: pd.DataFrame,
    *,
    known_emails: Any,
    rules: FoldRules,
) -> pd.DataFrame:
    """Every decision with its outcome; the rules are in this module's docstring.

    Args:
        user_rows: `MergeFiles.user_rows`; (source_file, source_row) is its key.
        domain_rows: `MergeFiles.domain_rows`, with the same key.
        known_emails: Series of the staged users' normalised addresses.
        rules: personal domains and the limit on clusters.

    Returns:
        One row per input row, users first, then by file name and row, whatever order they came
        in: kind, source_file, source_row, old_key, new_key, decision, decided_by, decided_at,
        reason, outcome, outcome_reason, explanation, resolved_to, merge_path. Text is of dtype
        `str` with null for missing, source_row int64, decided_at datetime64[us] in naive UTC.
        `resolved_to` and `merge_path` are null but for applied rows. A path of more than
        `chains.MAX_SHOWN_HOPS` is shown shortened.
    """
    folded = [
        _folded("user", user_rows, known_emails, rules),
        _folded("domain", domain_rows, None, rules),
    ]
    return pd.concat(folded, ignore_index=True)


def _folded(kind: Kind, rows: pd.DataFrame, known: Any, rules: FoldRules) -> pd.DataFrame:
    fold = _new_fold(kind, statements(kind, rows), known, rules)
    _screen(fold)
    _settle_conflicts(fold)
    _refuse_cycles(fold)
    _refuse_large_clusters(fold)
    _hold_unknown_targets(fold)
    _apply(fold)
    return _journal(fold)


def _new_fold(kind: Kind, rows: pd.DataFrame, known: Any, rules: FoldRules) -> _Fold:
    size = len(rows)
    texts = [rows["old_key"], rows["new_key"]]
    if known is not None:  # numbered along: Series.isin takes ten seconds for a million texts
        texts.append(known.dropna().astype("str"))
    number, distinct = pd.factorize(pd.concat(texts, ignore_index=True).fillna(""))
    number = number.astype(np.int64)
    node = number[: 2 * size]
    nodes = int(node.max(initial=-1)) + 1  # numbers rise as texts appear; later ones are no node
    is_known = np.full(nodes, known is None)
    is_known[number[2 * size :][number[2 * size :] < nodes]] = True
    names = pd.Series(distinct[:nodes], dtype="str")
    return _Fold(
        kind=kind,
        rows=rows,
        names=names,
        texts=_shown(names),
        old=node[:size],
        new=node[size:],
        is_known=is_known,
        rules=rules,
        ruling=np.full(size, Ruling.OPEN, dtype=np.int64),
        other=np.zeros(size, dtype=np.int64),
        count=np.zeros(size, dtype=np.int64),
        end=np.zeros(size, dtype=np.int64),
        hops=np.zeros(size, dtype=np.int64),
        following=np.arange(nodes, dtype=np.int64),
    )


def _screen(fold: _Fold) -> None:
    """Settle what a row's own content decides; the first thing found counts."""
    rows = fold.rows
    fold.settle(_mask(rows["problem"].notna()), Ruling.MALFORMED)
    fold.settle(_mask(~rows["decision"].isin(DECISIONS)), Ruling.UNKNOWN_DECISION)
    is_timed = rows["decided_at_text"].notna()
    fold.settle(_mask(is_timed & rows["decided_at"].isna()), Ruling.INVALID_DECIDED_AT)
    fold.settle(_mask(~rows["old_valid"]), Ruling.INVALID_OLD)
    fold.settle(_mask(~rows["new_valid"]), Ruling.INVALID_NEW)
    fold.settle(_mask(rows["decision"] != MERGE), Ruling.NOT_SUPPORTED)
    fold.settle(fold.old == fold.new, Ruling.SELF_MERGE)
    if fold.kind == "domain":
        is_personal = fold.names.isin(fold.rules.personal_domains).to_numpy()
        fold.settle(is_personal[fold.old], Ruling.PERSONAL_OLD)
        fold.settle(is_personal[fold.new], Ruling.PERSONAL_NEW)


def _settle_conflicts(fold: _Fold) -> None:
    """Leave at most one new per old: the latest; refuse the latest where there are several."""
    contested = _contested(fold)
    if contested.empty:
        return
    latest = contested[_is_latest(contested)].sort_values(["old", "new", "row"])
    targets = latest.drop_duplicates(["old", "new"])
    by_old = targets.groupby("old")
    ends = pd.DataFrame({"low": by_old["row"].first(), "high": by_old["row"].last()})
    is_target = pd.MultiIndex.from_frame(contested[["old", "new"]]).isin(
        pd.MultiIndex.from_frame(targets[["old", "new"]])
    )
    row = contested["row"].to_numpy()
    low = ends["low"].loc[contested["old"]].to_numpy()
    high = ends["high"].loc[contested["old"]].to_numpy()
    fold.other[row] = np.where(fold.new[low] == fold.new[row], high, low)
    fold.ruling[row[~is_target]] = Ruling.SUPERSEDED
    fold.ruling[row[is_target & (low != high)]] = Ruling.CONFLICT


def _contested(fold: _Fold) -> pd.DataFrame:
    """The open rows whose old has several news: row, old, new, file (in name order) and at."""
    row = fold.open_rows()
    old, new = fold.old[row], fold.new[row]
    low = np.full(len(fold.names), len(fold.names), dtype=np.int64)
    high = np.full(len(fold.names), -1, dtype=np.int64)
    np.minimum.at(low, old, new)
    np.maximum.at(high, old, new)
    row = row[low[old] != high[old]]
    rows = fold.rows.iloc[row]
    return pd.DataFrame(
        {
            "row": row,
            "old": fold.old[row],
            "new": fold.new[row],
            "file": pd.factorize(rows["source_file"], sort=True)[0],
            "at": rows["decided_at"].to_numpy(),
        }
    )


def _is_latest(contested: pd.DataFrame) -> Any:
    """Per contested row, whether it is among the latest about its old (stage 2)."""
    is_dated = contested["at"].notna()
    all_dated = is_dated.groupby(contested["old"]).transform("all")
    newest = contested["at"] == contested.groupby("old")["at"].transform("max")
    last_file = contested["file"] == contested.groupby("old")["file"].transform("max")
    in_file = [contested["old"], contested["file"]]
    file_dated = is_dated.groupby(in_file).transform("all")
    newest_in_file = contested["at"] == contested.groupby(in_file)["at"].transform("max")
    by_file = last_file & (~file_dated | newest_in_file)
    return newest.where(all_dated, by_file)


def _refuse_cycles(fold: _Fold) -> None:
    row = fold.open_rows()
    old, new, size = fold.old[row], fold.new[row], len(fold.names)
    fold.following = chains.forest(old, new, size)  # one new per old: stage 2 saw to it
    lengths = chains.cycle_lengths(old, new, size)[old]
    cycle = row[lengths > 0]
    fold.ruling[cycle] = Ruling.CYCLE
    fold.count[cycle] = fold.hops[cycle] = lengths[lengths > 0]
    fold.end[cycle] = fold.old[cycle]


def _refuse_large_clusters(fold: _Fold) -> None:
    row = fold.open_rows()
    old = fold.old[row]
    size = chains.cluster_sizes(old, fold.new[row], len(fold.names))[old]
    is_reasoned = np.zeros(len(fold.names), dtype=bool)
    is_reasoned[old[_mask(fold.rows["reason"].iloc[row].notna())]] = True
    is_refused = (size > fold.rules.max_cluster_size) & ~is_reasoned[old]
    fold.ruling[row[is_refused]] = Ruling.TOO_LARGE
    fold.count[row] = size


def _hold_unknown_targets(fold: _Fold) -> None:
    following = _open_forest(fold)
    is_reached = chains.reaches(following, fold.is_known)
    fold.settle(~is_reached[fold.new], Ruling.UNKNOWN_TARGET)


def _apply(fold: _Fold) -> None:
    """Settle every row that is left, and find where its chain ends."""
    row = fold.open_rows()
    old = fold.old[row]
    end, hops = chains.ends(_open_forest(fold))
    fold.end[row], fold.hops[row] = end[old], hops[old]
    first = np.zeros(len(fold.names), dtype=np.int64)
    first[old[::-1]] = row[::-1]  # the last write, that of the first row, stays
    fold.other[row] = first[old]
    is_first = first[old] == row
    fold.ruling[row] = np.where(is_first, Ruling.APPLIED, Ruling.REPEAT)
    fold.ruling[row[is_first & ~fold.is_known[old]]] = Ruling.OLD_UNKNOWN


def _open_forest(fold: _Fold) -> Ints:
    row = fold.open_rows()
    return chains.forest(fold.old[row], fold.new[row], len(fold.names))


def _journal(fold: _Fold) -> pd.DataFrame:
    """The output rows of one kind, from the finished rulings."""
    rows = fold.rows
    nouns = _NOUNS[fold.kind]
    outcome = {ruling: meaning.outcome for ruling, meaning in RULINGS.items()}
    code = {ruling: (m.code or "").format(**nouns) or None for ruling, m in RULINGS.items()}
    ruling = pd.Series(fold.ruling)
    return pd.DataFrame(
        {
            "kind": pd.Series([fold.kind] * len(rows), dtype="str"),
            "source_file": rows["source_file"],
            "source_row": rows["source_row"],
            "old_key": rows["old_key"],
            "new_key": rows["new_key"],
            "decision": rows["decision"],
            "decided_by": rows["decided_by"],
            "decided_at": rows["decided_at"],
            "reason": rows["reason"],
            "outcome": ruling.map(outcome).astype("str"),
            "outcome_reason": ruling.map(code).astype("str"),
            "explanation": _by_blocks(_explanations, fold),
            "resolved_to": _by_blocks(_resolved, fold),
            "merge_path": _by_blocks(_merge_paths, fold),
        }
    )


def _by_blocks(write: Callable[[_Fold, Ints], Any], fold: _Fold) -> Any:
    """A text of every row, written some rows at a time, so that few are held twice."""
    rows = np.arange(len(fold.rows), dtype=np.int64)
    blocks = [rows[at : at + _BLOCK_ROWS] for at in range(0, len(rows), _BLOCK_ROWS)]
    texts = [pd.Series(write(fold, block), dtype="str") for block in blocks]
    return pd.concat([pd.Series([], dtype="str"), *texts], ignore_index=True)


def _resolved(fold: _Fold, block: Ints) -> Any:
    is_applied = np.isin(fold.ruling[block], _APPLIED)
    return fold.names.take(fold.end[block]).where(is_applied)


def _merge_paths(fold: _Fold, block: Ints) -> Texts:
    texts = np.full(len(block), None, dtype=object)
    is_applied = np.isin(fold.ruling[block], _APPLIED)
    texts[is_applied] = _paths(fold, block[is_applied])
    return texts


def _explanations(fold: _Fold, block: Ints) -> Texts:
    texts = np.empty(len(block), dtype=object)
    for ruling in np.unique(fold.ruling[block]):
        at = np.flatnonzero(fold.ruling[block] == ruling)
        template = RULINGS[Ruling(ruling)].sentence
        texts[at] = sentences(template, _Fields(fold, block[at]))
    return texts


class _Fields(dict[str, Iterable[str]]):
    """The fields of `rulings.Meaning` for some rows, each made when a sentence asks for it."""

    def __init__(self, fold: _Fold, row: Ints) -> None:
        super().__init__({name: repeat(text) for name, text in _NOUNS[fold.kind].items()})
        self._fold, self._row = fold, row

    def __missing__(self, name: str) -> Iterable[str]:
        fold, row = self._fold, self._row
        if name.startswith("other_"):
            return _Fields(fold, fold.other[row])[name.removeprefix("other_")]
        if name == "path":
            return _paths(fold, row)
        if name == "limit":
            return repeat(str(fold.rules.max_cluster_size))
        if name == "count":
            return map(str, fold.count[row].tolist())
        node = {"old": fold.old, "new": fold.new, "end": fold.end}.get(name)
        if node is not None:
            return fold.texts[node[row]]
        if name == "where":
            number = fold.rows["source_row"].to_numpy()[row].tolist()
            return map("{}, row {}".format, self["source_file"], number)
        column = {"decided_at": "decided_at_text"}.get(name, name)
        return _shown(fold.rows[column].take(row))


def _paths(fold: _Fold, row: Ints) -> Texts:
    return chains.path_texts(
        fold.texts, fold.following, fold.old[row], fold.end[row], fold.hops[row]
    )


def _shown(texts: Any) -> Texts:
    """Texts short enough for a sentence: no valid address is cut. "" where there is none."""
    short: Texts = texts.fillna("").str.slice(0, MAX_EMAIL_LENGTH).to_numpy(dtype=object)
    return short


def _mask(series: Any) -> Bools:
    mask: Bools = series.to_numpy(dtype=bool)
    return mask
