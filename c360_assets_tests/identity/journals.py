"""Merge files as short lines, folded, and what came out of them as plain tuples."""

import pandas as pd
from hypothesis import HealthCheck, settings

from c360_assets.identity.fold import FoldRules
from c360_assets.identity.journal import fold_journal

DETERMINISTIC = settings(
    derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), max_examples=40
)
RULES = FoldRules(personal_domains=frozenset({"gmail.com"}), max_cluster_size=10)
OPTIONAL = ("decision", "decided_by", "decided_at", "reason")
COLUMNS = (
    *("kind", "source_file", "source_row", "old_key", "new_key", *OPTIONAL),
    *("outcome", "outcome_reason", "explanation", "resolved_to", "merge_path"),
    *("was_applied", "ended_by_file", "ended_by_row"),
)


def rows_of(*lines, file="f1.csv"):
    """Lines such as `a@x b@x decided_at=2021-12-01 reason=why file=f2.csv` as a frame of rows."""
    records, count = [], {}
    for line in lines:
        old, new, *rest = line.split(" ")
        record = {"source_file": file, "old": old, "new": new, **dict.fromkeys(OPTIONAL)}
        fields = dict(word.split("=", 1) for word in rest)
        record["source_file"] = fields.pop("file", file)
        name = record["source_file"]
        record["source_row"] = count[name] = count.get(name, 0) + 1
        records.append(record | fields)
    frame = pd.DataFrame(
        records, columns=["source_file", "source_row", "old", "new", *OPTIONAL]
    ).astype({"source_row": "int64"})
    return frame.replace({"-": None})


def fold(users=(), domains=(), *, known=None, rules=RULES):
    """Fold lines; every address that they name is a user unless `known` says otherwise."""
    user_rows, domain_rows = rows_of(*users), rows_of(*domains)
    if known is None:
        known = {text.lower() for text in [*user_rows["old"], *user_rows["new"]] if text}
    return fold_journal(
        user_rows,
        domain_rows,
        known_emails=pd.Series(sorted(known), dtype="str"),
        rules=rules,
    )


def cells(journal, *columns):
    chosen = journal[list(columns)].astype(object)
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in chosen.to_numpy()]


def outcomes(journal):
    return cells(journal, "outcome", "outcome_reason")


REFUSED = "refused"
APPLIED = ("applied", None)


def frame_of(rows):
    """Records with source_file, old, new and optional columns as a frame of rows."""
    frame = pd.DataFrame(
        rows, columns=["source_file", "old", "new", "decision", "decided_at", "reason"], dtype="str"
    )
    frame["source_row"] = frame.groupby("source_file").cumcount() + 1
    return frame
