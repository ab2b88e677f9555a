"""The rows of one kind of merge file and what has been found out about them so far.

Belongs here: the state that the stages of the journal share. Not here: the rules themselves
(`journal`, `pairs`, `bans`), nor the journal's text (`journal_rows`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from c360_assets.identity.addresses import MAX_EMAIL_LENGTH, normalise_domains
from c360_assets.identity.chains import Bools, Ints, Texts
from c360_assets.identity.decision_order import decision_order
from c360_assets.identity.domains import classify
from c360_assets.identity.rulings import Ruling
from c360_assets.identity.statements import Kind
from c360_assets.settings import Rules


@dataclass(frozen=True)
class FoldRules:
    """The business rules that the journal is folded under.

    `personal_domains` are those of no company, in normal form. `max_cluster_size` is the number of
    addresses (or domains) that may become one without a reason. `role_addresses` are the local
    parts of shared mailboxes, lower case, which merge with nobody without a reason.
    """

    personal_domains: frozenset[str]
    max_cluster_size: int
    role_addresses: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rules: Rules, domain_rows: pd.DataFrame) -> FoldRules:
        """Those of `c360.toml`, as far as they bear on the domains that merge files name.

        `domain_rows` are `MergeFiles.domain_rows`; its columns old and new are looked at.
        """
        named = pd.concat([domain_rows["old"], domain_rows["new"]]).drop_duplicates()
        found = classify(normalise_domains(named), rules.domains)
        return cls(
            frozenset(found["email_domain"][~found["is_company"]]),
            rules.identity.max_cluster_size,
            frozenset(rules.identity.role_addresses),
        )


@dataclass
class Fold:
    """The rows of one kind and what the stages have found out about them so far."""

    kind: Kind
    rows: pd.DataFrame  # statements
    names: Any  # node -> address, a str Series
    texts: Texts  # the same for sentences, where raw text is cut short
    file: Ints  # row -> rank of its file's name
    old: Ints  # row -> node
    new: Ints
    is_known: Bools  # node -> whether a user has this address; all true for domains
    rules: FoldRules
    ruling: Ints  # row -> Ruling
    other: Ints  # row -> the row that its ruling rests on
    ended_by: Ints  # row -> the later row that ended it; -1 where none did
    was_applied: Bools  # row -> whether it is, or once was, in force as a merge
    suspended: dict[int, list[int]]  # row of a `never` -> the merges that it suspended
    count: Ints  # row -> size of its cycle or cluster
    path_end: Ints  # row -> node that its path ends at
    hops: Ints  # row -> length of its path
    following: Ints  # node -> node: the path's links

    def settle(self, rows: Bools, ruling: Ruling) -> None:
        """Give a ruling to those of the rows that have none yet."""
        self.ruling[rows & (self.ruling == Ruling.OPEN)] = ruling

    def end(self, rows: list[int], ruling: Ruling, by: int) -> None:
        """Give a ruling to rows that the later row `by` ended."""
        self.ruling[rows] = ruling
        self.other[rows] = self.ended_by[rows] = by

    def open_rows(self) -> Ints:
        """The index of every row without a ruling."""
        return np.flatnonzero(self.ruling == Ruling.OPEN)

    def decision_order(self, row: Ints, group: Ints) -> Ints:
        """The places of `row` from first to last decided, within each group."""
        at = self.rows["decided_at"].to_numpy()[row]
        return decision_order(group, at, self.file[row], row)


def new_fold(kind: Kind, rows: pd.DataFrame, known: Any, rules: FoldRules) -> Fold:
    """The statements of one kind, addresses numbered as nodes, with every ruling still open."""
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
    return Fold(
        kind=kind,
        rows=rows,
        names=names,
        texts=shown(names),
        file=pd.factorize(rows["source_file"], sort=True)[0].astype(np.int64),
        old=node[:size],
        new=node[size:],
        is_known=is_known,
        rules=rules,
        ruling=np.full(size, Ruling.OPEN, dtype=np.int64),
        other=np.zeros(size, dtype=np.int64),
        ended_by=np.full(size, -1, dtype=np.int64),
        was_applied=np.zeros(size, dtype=bool),
        suspended={},
        count=np.zeros(size, dtype=np.int64),
        path_end=np.zeros(size, dtype=np.int64),
        hops=np.zeros(size, dtype=np.int64),
        following=np.arange(nodes, dtype=np.int64),
    )


def shown(texts: Any) -> Texts:
    """Texts short enough for a sentence: no valid address is cut. "" where there is none."""
    short: Texts = texts.fillna("").str.slice(0, MAX_EMAIL_LENGTH).to_numpy(dtype=object)
    return short


def mask(series: Any) -> Bools:
    """A Series of truth values as an array."""
    values: Bools = series.to_numpy(dtype=bool)
    return values
