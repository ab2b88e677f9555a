"""A decision by a person: what it is about, and the one new merge file that records it.

Belongs here: pairs, and appending to the folder of merge files. Not here: what a decision comes to
(`identity.journal`) or would change (`what_if`).
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import pandas as pd

from c360_assets.errors import MergeFileError, RequestError
from c360_assets.identity.addresses import normalise_domain, normalise_email
from c360_assets.identity.merge_files import Kind, merge_rows
from c360_assets.identity.statements import DECISIONS

_NAMES: dict[Kind, tuple[str, str]] = {
    "user": ("merged_user", "email"),
    "domain": ("merged_company_domain", "domain"),
}
_NOT_IN_NAME = re.compile(r"[\W_]+")
_LAST = "~"  # sorts after letters and digits


@dataclass(frozen=True)
class Pair:
    """Two addresses or two company domains, in normal form; a merge leads from old to new."""

    kind: Kind
    old: str
    new: str

    def __str__(self) -> str:
        """As sentences name it."""
        return f"{self.old} and {self.new}"


@dataclass(frozen=True)
class Decision:
    """One row of a merge file to be: `decided_at` is naive UTC."""

    pair: Pair
    decision: str
    decided_by: str
    decided_at: datetime
    reason: str = ""


def pair_of(old: str, new: str) -> Pair:
    """The pair that two texts name: both e-mail addresses, or both domains.

    Raises:
        RequestError: they are no two valid ones of a kind, or the same one twice.
    """
    emails = normalise_email(old), normalise_email(new)
    if all(emails):
        pair = Pair("user", str(emails[0]), str(emails[1]))
    else:
        domains = normalise_domain(old), normalise_domain(new)
        if not all(domains):
            raise RequestError(
                f"{old!r} and {new!r} are no pair; name two e-mail addresses, as in "
                "ann@old.com ann@new.com, or two company domains, as in old.com new.com"
            )
        pair = Pair("domain", str(domains[0]), str(domains[1]))
    if pair.old == pair.new:
        raise RequestError(f"{old!r} and {new!r} are one and the same; name two")
    return pair


def rows_of(decisions: Sequence[Decision], name: str, kind: Kind) -> pd.DataFrame:
    """Decisions of one kind as rows of a merge file of that name, as `read_merge_files` has them.

    Columns: those of `merge_files.merge_rows`.
    """
    chosen = [each for each in decisions if each.pair.kind == kind]
    rows = [
        (
            *(name, number, each.pair.old, each.pair.new, each.decision, each.decided_by),
            *(_time(each.decided_at), each.reason or None, None),
        )
        for number, each in enumerate(chosen, start=1)
    ]
    return merge_rows(rows)


def append_decision(folder: Path, decision: Decision) -> Path:
    """Write the decision as one new merge file, whole or not at all; returns its path.

    The name tells time and person, such as `merged_user_20261122T173700Z_ann.csv`, so that files
    sort as they were decided. No file that is there is ever touched. Line breaks in a reason become
    blanks.

    Raises:
        MergeFileError: the folder cannot be written to.
        RequestError: the decision is none, or its text is no UTF-8.
    """
    if decision.decision not in DECISIONS:
        raise RequestError(f"a decision is one of {', '.join(DECISIONS)}, not {decision.decision}")
    content = _csv(decision)
    name = file_name(decision, folder)
    try:
        handle, scratch = tempfile.mkstemp(dir=folder, prefix=".decision-", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(scratch, 0o644)
            os.link(scratch, folder / name)  # unlike a rename it never replaces a file
            return folder / name
        finally:
            os.unlink(scratch)
    except OSError as error:
        raise MergeFileError(
            f"the decision could not be written to {folder} ({error.strerror}); "
            "create the folder, mend its rights or make room on its disk, or point C360_MERGES at "
            "another"
        ) from error


def file_name(decision: Decision, folder: Path) -> str:
    """A free name in the folder for the file of a decision: time, then person.

    Where undated rows are about, the name of the file tells which decision is later. So the name
    sorts after those of all other files, if need be by a `~` before the time.
    """
    kind = _NAMES[decision.pair.kind][0]
    author = _NOT_IN_NAME.sub("-", decision.decided_by.lower()).strip("-")[:40]
    parts = [f"{decision.decided_at:%Y%m%dT%H%M%SZ}", author]
    there = {path.name for path in folder.glob(f"{kind}*.csv")} if folder.is_dir() else set()
    latest = max((name for name in there if f"{kind}_{parts[0]}" not in name), default="")
    mark = "" if f"{kind}_{parts[0]}" > latest else _LAST
    stem = f"{kind}_{mark}" + "_".join(part for part in parts if part)
    names = (f"{stem}{f'_{number}' if number > 1 else ''}.csv" for number in count(1))
    return next(name for name in names if name not in there)


def _csv(decision: Decision) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    reason, author = (" ".join(each.split()) for each in (decision.reason, decision.decided_by))
    noun = _NAMES[decision.pair.kind][1]
    names = [f"old_{noun}", f"new_{noun}", "decision", "decided_by", "decided_at", "reason"]
    writer.writerow(names)
    pair = decision.pair
    writer.writerow(
        [
            *(pair.old, pair.new, decision.decision, author),
            *(_time(decision.decided_at), reason),
        ]
    )
    try:
        return text.getvalue().encode()
    except UnicodeEncodeError as error:
        raise RequestError("name and reason must be valid UTF-8 text; write them anew") from error


def _time(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='microseconds')}Z"
