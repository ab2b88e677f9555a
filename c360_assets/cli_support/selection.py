"""What `c360 run` is asked for: assets by Dagster's selection syntax, days by their dates.

Belongs here: reading the request and saying what is wrong with it. Not here: running it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from c360_assets.errors import RequestError

SYNTAX = (
    "an asset's name, `+name` with everything upstream, `name+` with everything downstream, "
    "`1+name` one layer, `group:marts`, `kind:python`, `key:*user*`, joined by `,` or `or`, `and`, "
    "`not` and brackets"
)
_WORDS = {"and", "or", "not", "sinks", "roots"}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<attribute>[A-Za-z_]+:(?:"[^"]*"|[^\s,()+"]+)?(?:=(?:"[^"]*"|[^\s,()+"]+))?)
        | (?P<depth>\d*\+\d*)
        | (?P<mark>[(),])
        | "(?P<quoted>[^"]*)"
        | (?P<name>[^\s,()+":]+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Request:
    """A selection in Dagster's own words, and the asset names or patterns that it mentions."""

    text: str
    names: tuple[str, ...]


def parse_selection(text: str) -> Request:
    """Translate what people write (`contacts+`, `a,b`) into Dagster's syntax (`key:"contacts"+`).

    Raises:
        RequestError: it cannot be read at all.
    """
    parts: list[str] = []
    names: list[str] = []
    position = 0
    tidy = text.strip()
    while position < len(tidy):
        match = _TOKEN.match(tidy, position)
        if match is None:
            rest = tidy[position:].strip()
            raise RequestError(f"--select {text!r} cannot be read from {rest!r} on; write {SYNTAX}")
        parts.append(_translated(match, names))
        position = match.end()
    return Request("".join(parts).strip() or "*", tuple(names))


def _translated(match: re.Match[str], names: list[str]) -> str:
    if match["depth"]:
        return match["depth"]
    if match["mark"]:
        return {",": " or "}.get(match["mark"], match["mark"])
    if match["attribute"]:
        attribute, _, value = match["attribute"].partition(":")
        if attribute == "key":
            names.append(value.strip('"'))
        return match["attribute"]
    name = match["quoted"] or match["name"]
    if name in _WORDS:
        return f" {name} " if name in ("and", "or") else f"{name} " if name == "not" else name
    if name == "*":
        return "*"
    names.append(name)
    return f'key:"{name}"'


def require_known(names: Iterable[str], known: Sequence[str]) -> None:
    """Raise RequestError, with near names, where a name or pattern matches no asset."""
    for name in names:
        pattern = re.escape(name).replace(r"\*", ".*")
        if not any(re.fullmatch(pattern, asset) for asset in known):
            raise RequestError(f"there is no asset {name!r}; {near_or_all(name, known)}")


def near_or_all(name: str, known: Sequence[str]) -> str:
    """`did you mean …` with the nearest names, or all of them where none is near."""
    near = nearest(name, known)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are {', '.join(sorted(known))}"


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """Up to four names that look alike or contain it, the best first."""
    word = name.strip("*").lower()
    close = difflib.get_close_matches(word, known, n=4, cutoff=0.6)
    inside = [asset for asset in sorted(known) if word and word in asset]
    return list(dict.fromkeys([*close, *inside]))[:4]


def parse_days(text: str, available: Sequence[str]) -> tuple[str, str]:
    """The first and last day of `DAY` or `FIRST..LAST`, checked against the partitions.

    Raises:
        RequestError: no date, the wrong way round, or outside the partitions.
    """
    first_text, separator, last_text = text.partition("..")
    first = _day(first_text)
    last = _day(last_text) if separator else first
    if first > last:
        raise RequestError(f"--partition {text}: {first} is after {last}; write FIRST..LAST")
    if not available:
        raise RequestError(f"--partition {text}: the source has no complete day yet")
    for day in (first, last):
        if day.isoformat() not in available:
            raise RequestError(
                f"--partition {text}: {day} is outside the days of the source, which go from "
                f"{available[0]} to {available[-1]}; choose one of those, or set events.first_day "
                "in c360.toml if the history begins earlier"
            )
    return first.isoformat(), last.isoformat()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise RequestError(
            f"--partition: {text!r} is no day; write one as 2021-12-01, several as "
            "2021-11-01..2021-11-30"
        ) from None
