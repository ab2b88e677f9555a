"""What texts of a URL mean, and what is said where they mean nothing."""

from __future__ import annotations

import re
from datetime import date

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def day_of(text: str | None, name: str, notes: list[str]) -> date | None:
    """The day that a text of the URL names; None, and a sentence in `notes`, where it is none."""
    if not text:
        return None
    try:
        if _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 2021-02-30: told like any other text that is no day
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    notes.append(f"`{shown}` is no day, so `{name}` was left out; write it as 2021-11-30.")
    return None
