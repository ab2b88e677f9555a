"""The finished rulings as rows of `identity.merge_journal`, each with its sentence.

Belongs here: the columns and the texts. Not here: which ruling a row gets (`journal`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any, Final

import numpy as np
import pandas as pd

from c360_assets.identity import chains
from c360_assets.identity.chains import Ints, Texts
from c360_assets.identity.fold import Fold, shown
from c360_assets.identity.rulings import RULINGS, Ruling, sentences

_NOUNS: Final = {
    "user": {"noun": "email", "thing": "address", "example": "name@domain", "parties": "people"},
    "domain": {
        "noun": "domain",
        "thing": "domain",
        "example": "company.com",
        "parties": "companies",
    },
}
LED_SOMEWHERE: Final = (Ruling.APPLIED, Ruling.REPEAT, Ruling.OLD_UNKNOWN)
_BLOCK_ROWS: Final = 65_536
_SHOWN_MERGES: Final = 3


def journal_rows(fold: Fold) -> pd.DataFrame:
    """The output rows of one kind, from the finished rulings."""
    rows = fold.rows
    nouns = _NOUNS[fold.kind]
    outcome = {ruling: meaning.outcome for ruling, meaning in RULINGS.items()}
    code = {ruling: (m.code or "").format(**nouns) or None for ruling, m in RULINGS.items()}
    ruling = pd.Series(fold.ruling)
    ended, is_ended = np.maximum(fold.ended_by, 0), fold.ended_by >= 0
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
            "was_applied": fold.was_applied,
            "ended_by_file": rows["source_file"].take(ended).set_axis(rows.index).where(is_ended),
            "ended_by_row": rows["source_row"]
            .take(ended)
            .set_axis(rows.index)
            .astype("Int64")
            .where(is_ended),
        }
    )


def _by_blocks(write: Callable[[Fold, Ints], Any], fold: Fold) -> Any:
    """A text of every row, written some rows at a time, so that few are held twice."""
    rows = np.arange(len(fold.rows), dtype=np.int64)
    blocks = [rows[at : at + _BLOCK_ROWS] for at in range(0, len(rows), _BLOCK_ROWS)]
    texts = [pd.Series(write(fold, block), dtype="str") for block in blocks]
    return pd.concat([pd.Series([], dtype="str"), *texts], ignore_index=True)


def _resolved(fold: Fold, block: Ints) -> Any:
    is_applied = np.isin(fold.ruling[block], LED_SOMEWHERE)
    return fold.names.take(fold.path_end[block]).where(is_applied)


def _merge_paths(fold: Fold, block: Ints) -> Texts:
    texts = np.full(len(block), None, dtype=object)
    is_applied = np.isin(fold.ruling[block], LED_SOMEWHERE)
    texts[is_applied] = _paths(fold, block[is_applied])
    return texts


def _explanations(fold: Fold, block: Ints) -> Texts:
    texts = np.empty(len(block), dtype=object)
    for ruling in np.unique(fold.ruling[block]):
        at = np.flatnonzero(fold.ruling[block] == ruling)
        template = RULINGS[Ruling(ruling)].sentence
        texts[at] = sentences(template, _Fields(fold, block[at]))
    return texts


class _Fields(dict[str, Iterable[str]]):
    """The fields of `rulings.Meaning` for some rows, each made when a sentence asks for it."""

    def __init__(self, fold: Fold, row: Ints) -> None:
        super().__init__({name: repeat(text) for name, text in _NOUNS[fold.kind].items()})
        self._fold, self._row = fold, row

    def __missing__(self, name: str) -> Iterable[str]:
        fold, row = self._fold, self._row
        if name.startswith("other_"):
            return _Fields(fold, fold.other[row])[name.removeprefix("other_")]
        if name == "path":
            return _paths(fold, row)
        if name == "suspended":
            return [_suspended(fold, each) for each in row.tolist()]
        if name == "limit":
            return repeat(str(fold.rules.max_cluster_size))
        if name == "count":
            return map(str, fold.count[row].tolist())
        node = {"old": fold.old, "new": fold.new, "end": fold.path_end}.get(name)
        if node is not None:
            return fold.texts[node[row]]
        if name == "where":
            number = fold.rows["source_row"].to_numpy()[row].tolist()
            return map("{}, row {}".format, self["source_file"], number)
        column = {"decided_at": "decided_at_text"}.get(name, name)
        return shown(fold.rows[column].take(row))


def _paths(fold: Fold, row: Ints) -> Texts:
    return chains.path_texts(
        fold.texts, fold.following, fold.old[row], fold.path_end[row], fold.hops[row]
    )


def _suspended(fold: Fold, ban: int) -> str:
    """Which merges a `never` took back, as the end of a sentence; "" where it took none."""
    merges = sorted(m for m in fold.suspended.get(ban, []) if fold.was_applied[m])
    named = [
        f'"{fold.texts[fold.old[m]]}" into "{fold.texts[fold.new[m]]}"'
        f" ({fold.rows['source_file'].iat[m]}, row {fold.rows['source_row'].iat[m]})"
        for m in merges[:_SHOWN_MERGES]
    ]
    more = f" and {len(merges) - _SHOWN_MERGES} more" if len(merges) > _SHOWN_MERGES else ""
    return f"; it suspends {', '.join(named)}{more}" if merges else ""
