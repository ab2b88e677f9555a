"""Numbers, money, times as people read them. A missing value is a dash."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["text", "number", "decimal", "money", "percent", "time", "date", "list", "flag"]
NOTHING = "-"
_NUMBERS = {"number": "{:,.0f}", "decimal": "{:,.2f}", "percent": "{:,.1%}"}
_TIMES = {"time": "%Y-%m-%d %H:%M", "date": "%Y-%m-%d"}


def shown(value: Any, kind: Kind = "text", currency: str = "") -> str:
    """A value for people; times are UTC."""
    if value is None or value in ("", []):
        return NOTHING
    if kind == "money":
        return money(value, currency)
    if kind in _NUMBERS:
        return _NUMBERS[kind].format(value)
    if kind in _TIMES and isinstance(value, date):
        return f"{value:{_TIMES[kind]}}"
    if kind == "flag":
        return "yes" if value else "no"
    if kind == "list":
        return ", ".join(str(each) for each in value)
    return str(value)


def money(value: float | Decimal, currency: str) -> str:
    """An amount with two decimals, or none from ten thousand on."""
    amount = abs(float(value))
    sign = "-" if float(value) < 0 else ""
    digits = f"{amount:,.0f}" if amount >= 10_000 else f"{amount:,.2f}"
    return f"{sign}{currency}{digits}"


def change(now: float | None, before: float | None) -> float | None:
    """The relative change; None where there is nothing to compare with."""
    if now is None or not before:
        return None
    return float(now) / float(before) - 1


def ago(then: datetime, now: datetime) -> str:
    """How long ago, in one unit: `3 minutes ago`."""
    seconds = max((now - then).total_seconds(), 0.0)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count:,} {unit}{'s' if count != 1 else ''} ago"
    return "less than a minute ago"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 order`, `2 orders`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def cut(text: str, characters: int) -> str:
    """The text; of one that is longer the beginning, and how long it is."""
    if len(text) <= characters:
        return text
    return f"{text[:characters].rstrip()}… ({len(text):,} characters)"


def plain(value: Any) -> Any:
    """A value that a browser's table or chart takes: decimals as numbers, times as text."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
