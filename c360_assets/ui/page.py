"""What a page function gets: the version of the data that it shows, who looks, and its URL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from nicegui import ui

from c360_assets.errors import C360Error
from c360_assets.settings import Settings
from c360_assets.ui import links
from c360_assets.ui.copies import Copies, Copy

if TYPE_CHECKING:
    from c360_assets.ui.security.gate import Visitor

P = ParamSpec("P")
T = TypeVar("T")


class NotThereError(C360Error):
    """There is no such person, company or gaggle; the text says what to do."""


@dataclass
class Page:
    """One page as one visitor sees it. `query` are the URL's parameters, each once."""

    settings: Settings
    copy: Copy
    visitor: Visitor
    path: str
    query: dict[str, str]
    copies: Copies | None = None

    @property
    def currency(self) -> str:
        """What stands before amounts."""
        return self.settings.rules.ui.currency

    @property
    def now(self) -> datetime:
        """Now, naive UTC."""
        return datetime.now(UTC).replace(tzinfo=None)

    def newest(self) -> Copy:
        """The version that is published by now; this page shows `copy`."""
        return self.copies.current() if self.copies else self.copy

    def is_to_hide_others(self) -> bool:
        """Whether other people are to be hidden by now than when this page's version was opened."""
        return self.copies is not None and self.copies.version()[1] != self.copy.version[1]

    async def ask(
        self, function: Callable[Concatenate[Copy, P], T], *given: P.args, **named: P.kwargs
    ) -> T:
        """The answer of a function of the copy, worked out in a thread."""
        return await self.work(function, self.copy, *given, **named)

    async def work(self, function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """The answer of any function, worked out in a thread."""
        return await asyncio.to_thread(function, *given, **named)

    def url(self, **changes: str | None) -> str:
        """This page's URL with other query parameters; None takes one away."""
        return links.with_query(self.path, {**self.query, **changes})

    def go(self, **changes: str | None) -> None:
        """Load this page with other query parameters."""
        ui.navigate.to(self.url(**changes))

    def replace_query(self, changes: Mapping[str, str | None]) -> None:
        """Write other query parameters into the URL, and stay."""
        whole: dict[str, str | None] = {**self.query, **changes}
        self.query = {name: value for name, value in whole.items() if value not in (None, "")}
        ui.navigate.history.replace(links.with_query(self.path, self.query))
