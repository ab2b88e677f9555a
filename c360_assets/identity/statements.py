"""Rows of merge files as statements: addresses normalised, times parsed, in one order.

Belongs here: what a single row says, read by itself. Not here: whether it may stand (`journal`).
"""

from __future__ import annotations

from typing import Any, Final, Literal

import pandas as pd

from c360_assets.identity.addresses import normalise_domains, normalise_emails

Kind = Literal["user", "domain"]

MERGE: Final = "merge"
NEVER: Final = "never"
UNDO: Final = "undo"
DECISIONS: Final = (MERGE, NEVER, UNDO)

_TEXT_COLUMNS: Final = (
    "source_file", "old", "new", "decision", "decided_by", "decided_at", "reason", "problem",
)  # fmt: skip
# ISO 8601 as people and programs write it. pandas alone would also take "now", "2021" and more.
_TIME: Final = (
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
    r" ?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?"
)


def statements(kind: Kind, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of `merge_files.MergeFiles` as statements, sorted by source_file and source_row.

    The optional columns of the rows may be absent. Columns: source_file, source_row, problem,
    old_key and new_key (normalised, or the raw text where that is no address), old_valid and
    new_valid, decision (lower case; empty is `merge`), decided_by, decided_at (datetime64[us],
    naive UTC), decided_at_text, reason. Decision, author and reason are trimmed.
    """
    raw = _sorted(rows)
    normalise = normalise_emails if kind == "user" else normalise_domains
    old, new = normalise(raw["old"]), normalise(raw["new"])
    decision = _trimmed(raw["decision"]).str.lower()
    return pd.DataFrame(
        {
            "source_file": raw["source_file"],
            "source_row": raw["source_row"],
            "problem": raw["problem"],
            "old_key": old.fillna(raw["old"]),
            "new_key": new.fillna(raw["new"]),
            "old_valid": old.notna(),
            "new_valid": new.notna(),
            "decision": decision.fillna(MERGE),
            "decided_by": _trimmed(raw["decided_by"]),
            "decided_at": parsed_times(raw["decided_at"]),
            "decided_at_text": _trimmed(raw["decided_at"]),
            "reason": _trimmed(raw["reason"]),
        }
    )


def parsed_times(texts: Any) -> Any:
    """ISO 8601 dates and times as naive UTC (datetime64[us]); NaT where the text is none.

    A time without an offset is UTC; a date is its midnight; digits below the microsecond go.
    """
    times = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    tidy = texts.str.strip().str.upper()
    tidy = tidy[tidy.str.fullmatch(_TIME).fillna(False).astype(bool)]
    if tidy.empty:
        return times
    iso = tidy.str.replace(",", ".").str.replace("UTC", "Z").str.replace(" Z", "Z")
    # nanoseconds in one text would narrow the range of years for all
    iso = iso.str.replace(r"([.]\d{6})\d+", r"\1", regex=True)
    parsed = pd.to_datetime(iso, format="ISO8601", utc=True, errors="coerce")
    naive = parsed.dt.tz_localize(None).astype("datetime64[us]")
    # an offset may lead out of the years that Python and DuckDB share
    times[tidy.index] = naive.where(naive.dt.year.between(1, 9999))
    return times


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    """All columns, text as `str`, in the order of file name and row."""
    columns = {name: rows[name].astype("str") if name in rows else None for name in _TEXT_COLUMNS}
    frame = pd.DataFrame(columns, index=rows.index).astype("str")
    frame["source_row"] = rows["source_row"].astype("int64") if len(rows) else 0
    frame["source_row"] = frame["source_row"].astype("int64")
    return frame.sort_values(["source_file", "source_row"], kind="stable", ignore_index=True)


def _trimmed(texts: Any) -> Any:
    stripped = texts.str.strip()
    return stripped.mask(stripped == "")
