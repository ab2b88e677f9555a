"""Whether a text mentions one of some e-mail addresses, and the text without them.

One definition for Python, SQLite (as functions of Python) and DuckDB: `pattern` means the same to
`re` and to RE2. An address counts where it stands alone: `joann@acme.com` and `ann@acme.com.au`
do not mention `ann@acme.com`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final

ERASED: Final = "erased"
# a sign of an address may not stand before; in JSON a line break is a backslash and a letter
_BEFORE: Final = r"(?P<before>^|[^a-z0-9._%+-]|\\[bfnrt]|\\u[0-9a-f]{4})"
# a full stop may stand behind, but nothing that goes on the domain
_AFTER: Final = r"(?P<after>[._-]*(?:$|[^a-z0-9._-]))"
_NOTHING: Final = r"[^\s\S]"


class Mentions:
    """Some addresses, and where a text mentions them, in capitals or not."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self.addresses = frozenset(each.lower() for each in addresses if each)

    @property
    def pattern(self) -> str:
        """A regular expression that finds a mention, for RE2 and for `re`."""
        either = "|".join(map(re.escape, sorted(self.addresses))) or _NOTHING
        return f"(?i){_BEFORE}(?:{either}){_AFTER}"

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def are_in(self, text: str | None) -> bool:
        """Whether the text mentions one of the addresses."""
        return text is not None and "@" in text and self._compiled.search(text) is not None

    def without(self, text: str | None) -> str | None:
        """The text with `erased` for each address."""
        if text is None or "@" not in text:
            return text
        # what parts two addresses is the end of the one and the beginning of the other
        while (less := self._compiled.sub(rf"\g<before>{ERASED}\g<after>", text)) != text:
            text = less
        return text


def mentions_sql(expression: str) -> str:
    """SQL (DuckDB): whether a text mentions one; `$mentions` is `Mentions.pattern`."""
    return f"(contains({expression}, '@') and regexp_matches({expression}, $mentions))"
