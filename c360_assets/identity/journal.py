"""The journal of identity decisions: which rows of the merge files stand, and where they lead.

Belongs here: the rules of section 3 of the data contract, in stages that each settle the rows
they are about. Not here: reading files (`merge_files`), graph arithmetic (`chains`) and wording
(`rulings`).

The stages, for users and for domains by themselves. A settled row has no part in later stages.

1. By itself: wrong number of fields, unknown decision, invalid decided_at, invalid address,
   self_merge, and for merges personal_domain (on either side).
2. One pair: its latest decision wins, and the merges or the ban that a later `never`, `undo` or
   `merge` ended are undone (`pairs`). What is undone is as if it had never been said: a decision
   that an undone one had replaced stands again.
3. One old, several news: the latest rows decide, and rows with another new are superseded. If
   every merge of that old has a decided_at, the latest are those with the newest one. Otherwise
   they are those in the file whose name sorts last and, if all of these have a decided_at, the
   newest of them. Latest rows with different news are refused (conflicting_target), and so is
   every row that says the same as one of them. Superseded rows stay so even if their successor is
   refused in a later stage: whoever decided it had changed their mind.
4. Cycles: every row whose old lies on one is refused; a merge that leads into it stands.
5. Users only: a merge of a shared mailbox (`role_addresses`) without a reason is refused.
6. Bans: of the merges that together join what a `never` keeps apart, the one decided last gives
   way (`bans`): suspended where the `never` is later, refused as banned where it is earlier.
7. Clusters of more than `max_cluster_size` addresses (pending ones count; the same limit holds
   for domains): a merge without a reason in any of its rows is refused, the others stand.
8. Users only: a merge whose new is no known user, nor is anything that the new is merged into,
   is pending. So a chain ends at its last known address and may pass through unknown ones.
9. What is left is applied. The first row (file name, row) of a pair stands for it, the others
   are repeats. An old that is no known user is applied too: others may reach it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from c360_assets.identity import chains
from c360_assets.identity.bans import apply_bans
from c360_assets.identity.chains import Bools, Ints
from c360_assets.identity.fold import Fold, FoldRules, mask, new_fold
from c360_assets.identity.journal_rows import LED_SOMEWHERE, journal_rows
from c360_assets.identity.pairs import settle_pairs
from c360_assets.identity.rulings import Ruling
from c360_assets.identity.statements import DECISIONS, MERGE, Kind, statements


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
        reason, outcome, outcome_reason, explanation, resolved_to, merge_path, was_applied (bool),
        ended_by_file and ended_by_row (the row that ended an undone one). Text is of dtype
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
    fold = new_fold(kind, statements(kind, rows), known, rules)
    _settle(fold)
    _tell_what_stood(fold, known)
    return journal_rows(fold)


def _settle(fold: Fold) -> None:
    _screen(fold)
    settle_pairs(fold)
    _settle_conflicts(fold)
    _refuse_cycles(fold)
    _refuse_shared_mailboxes(fold)
    apply_bans(fold)
    _refuse_large_clusters(fold)
    _hold_unknown_targets(fold)
    _apply(fold)


def _tell_what_stood(fold: Fold, known: Any) -> None:
    """Find which merges are, or once were, in force.

    A merge that ended was in force if it would be without the rows that ended merges: one that was
    refused or waited before somebody took it back never was.
    """
    fold.was_applied |= np.isin(fold.ruling, LED_SOMEWHERE)
    is_merge = mask(fold.rows["decision"] == MERGE)
    ended = np.flatnonzero((fold.ended_by >= 0) & is_merge)
    if not len(ended):
        return
    cluster = chains.clusters(fold.old, fold.new, len(fold.names))[fold.old]
    is_near = np.isin(cluster, cluster[ended])
    is_near[fold.ended_by[ended]] = False
    row = np.flatnonzero(is_near)
    rows = fold.rows.iloc[row].reset_index(drop=True)
    without = new_fold(fold.kind, rows, known, fold.rules)
    _settle(without)
    fold.was_applied[row] |= np.isin(without.ruling, LED_SOMEWHERE)


def _screen(fold: Fold) -> None:
    """Settle what a row's own content decides; the first thing found counts."""
    rows = fold.rows
    fold.settle(mask(rows["problem"].notna()), Ruling.MALFORMED)
    fold.settle(mask(~rows["decision"].isin(DECISIONS)), Ruling.UNKNOWN_DECISION)
    is_timed = rows["decided_at_text"].notna()
    fold.settle(mask(is_timed & rows["decided_at"].isna()), Ruling.INVALID_DECIDED_AT)
    fold.settle(mask(~rows["old_valid"]), Ruling.INVALID_OLD)
    fold.settle(mask(~rows["new_valid"]), Ruling.INVALID_NEW)
    fold.settle(fold.old == fold.new, Ruling.SELF_MERGE)
    if fold.kind == "domain":
        is_personal = fold.names.isin(fold.rules.personal_domains).to_numpy()
        is_merge = mask(rows["decision"] == MERGE)
        fold.settle(is_merge & is_personal[fold.old], Ruling.PERSONAL_OLD)
        fold.settle(is_merge & is_personal[fold.new], Ruling.PERSONAL_NEW)


def _settle_conflicts(fold: Fold) -> None:
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
    superseded = row[~is_target]
    fold.ruling[superseded] = Ruling.SUPERSEDED
    fold.ended_by[superseded] = fold.other[superseded]
    fold.ruling[row[is_target & (low != high)]] = Ruling.CONFLICT


def _contested(fold: Fold) -> pd.DataFrame:
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
            "file": fold.file[row],
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


def _refuse_cycles(fold: Fold) -> None:
    row = fold.open_rows()
    old, new, size = fold.old[row], fold.new[row], len(fold.names)
    fold.following = chains.forest(old, new, size)  # one new per old: stage 2 saw to it
    lengths = chains.cycle_lengths(old, new, size)[old]
    cycle = row[lengths > 0]
    fold.ruling[cycle] = Ruling.CYCLE
    fold.count[cycle] = fold.hops[cycle] = lengths[lengths > 0]
    fold.path_end[cycle] = fold.old[cycle]


def _refuse_shared_mailboxes(fold: Fold) -> None:
    if fold.kind == "domain" or not fold.rules.role_addresses:
        return
    roles = "|".join(re.escape(role) for role in sorted(fold.rules.role_addresses))
    is_role = mask(fold.names.str.match(f"(?:{roles})@"))
    is_shared = is_role[fold.old] | is_role[fold.new]
    fold.settle(is_shared & ~_is_reasoned(fold)[fold.old], Ruling.SHARED_MAILBOX)


def _is_reasoned(fold: Fold) -> Bools:
    """Per node, whether an open merge of it has a reason in any of its rows."""
    row = fold.open_rows()
    is_reasoned = np.zeros(len(fold.names), dtype=bool)
    is_reasoned[fold.old[row][mask(fold.rows["reason"].iloc[row].notna())]] = True
    return is_reasoned


def _refuse_large_clusters(fold: Fold) -> None:
    row = fold.open_rows()
    old = fold.old[row]
    size = chains.cluster_sizes(old, fold.new[row], len(fold.names))[old]
    is_refused = (size > fold.rules.max_cluster_size) & ~_is_reasoned(fold)[old]
    fold.ruling[row[is_refused]] = Ruling.TOO_LARGE
    fold.count[row] = size


def _hold_unknown_targets(fold: Fold) -> None:
    following = _open_forest(fold)
    is_reached = chains.reaches(following, fold.is_known)
    fold.settle(~is_reached[fold.new], Ruling.UNKNOWN_TARGET)


def _apply(fold: Fold) -> None:
    """Settle every row that is left, and find where its chain ends."""
    row = fold.open_rows()
    old = fold.old[row]
    end, hops = chains.ends(_open_forest(fold))
    fold.path_end[row], fold.hops[row] = end[old], hops[old]
    first = np.zeros(len(fold.names), dtype=np.int64)
    first[old[::-1]] = row[::-1]  # the last write, that of the first row, stays
    fold.other[row] = first[old]
    is_first = first[old] == row
    fold.ruling[row] = np.where(is_first, Ruling.APPLIED, Ruling.REPEAT)
    fold.ruling[row[is_first & ~fold.is_known[old]]] = Ruling.OLD_UNKNOWN


def _open_forest(fold: Fold) -> Ints:
    row = fold.open_rows()
    return chains.forest(fold.old[row], fold.new[row], len(fold.names))
