"""How `c360` speaks: tables for people on stdout, JSON for machines, everything else on stderr.

Belongs here: the shapes of output. Not here: what is said.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

PIPE_WIDTH = 200  # characters
STYLES = {
    "passed": "green",
    "success": "green",
    "applied": "green",
    "ok": "green",
    "warning": "yellow",
    "pending": "yellow",
    "skipped": "yellow",
    "error": "red",
    "refused": "red",
    "failure": "red",
    "failed": "red",
}


class Output:
    """Where a command writes: `people` is stdout, `notes` is stderr; JSON silences the first."""

    def __init__(self, is_json: bool) -> None:
        self.is_json = is_json
        # a pipe or a file has no width of its own
        width = None if sys.stdout.isatty() else PIPE_WIDTH
        self.people = Console(quiet=is_json, highlight=False, soft_wrap=True, width=width)
        self.notes = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """A line for people; nothing in JSON."""
        self.people.print(text)

    def note(self, text: str) -> None:
        """A line on stderr, for people and machines alike."""
        self.notes.print(escape(text))

    def table(
        self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], limit: int = 0
    ) -> None:
        """A table for people, numbers to the right; without empty columns, and none if empty."""
        lines = [] if self.is_json else [tuple(row) for row in rows]
        if not lines:
            return
        shown = lines[:limit] if limit else lines
        used = [n for n in range(len(columns)) if any(line[n] is not None for line in shown)]
        table = Table(title=escape(title), title_justify="left", title_style="bold")
        for n in used:
            is_number = all(isinstance(line[n], int | Decimal | None) for line in shown)
            justify: Literal["left", "right"] = "right" if is_number else "left"
            table.add_column(columns[n], justify=justify, overflow="fold")
        for line in shown:
            table.add_row(*(_cell(line[n]) for n in used))
        self.people.print(table)
        if len(lines) > len(shown):
            self.people.print(f"  and {len(lines) - len(shown):,} more")

    def facts(self, title: str, facts: Mapping[str, Any]) -> None:
        """Names and values for people, those that have a value."""
        rows = [(name, value) for name, value in facts.items() if value not in (None, "", [])]
        if self.is_json or not rows:
            return
        table = Table(
            title=escape(title), title_justify="left", title_style="bold", show_header=False
        )
        for name, value in rows:
            table.add_row(escape(name), _cell(value))
        self.people.print(table)

    def json(self, document: Mapping[str, Any]) -> None:
        """The document for machines; nothing for people."""
        if self.is_json:
            print(json.dumps(document, indent=2, default=plain, ensure_ascii=False))


def plain(value: object) -> object:
    """A value as JSON has it: times in UTC with `Z`, amounts as numbers, paths as text."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return f"{moment.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def ago(moment: datetime, now: datetime) -> str:
    """How long ago a naive UTC time is, in the largest fitting unit."""
    return f"{duration(now - moment)} ago"


def duration(length: timedelta) -> str:
    """A length of time in its largest fitting unit."""
    seconds = max(0.0, length.total_seconds())
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} seconds" if seconds < 10 else f"{seconds:.0f} seconds"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return escape(", ".join(str(item) for item in value))
    text = escape(str(value))
    style = STYLES.get(str(value).lower())
    return f"[{style}]{text}[/]" if style else text
