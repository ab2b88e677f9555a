"""The history of one attribute of a person: `attribute` in the query names it.

What it was on each day, as it is known today, and what was stated otherwise before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nicegui import ui

from c360_assets.ui.data.contact import Person
from c360_assets.ui.data.contact_profile import Correction, History, history
from c360_assets.ui.page import Page
from c360_assets.ui.pages.contact_profile import LONGEST_VALUE, how_made
from c360_assets.ui.parts import states
from c360_assets.ui.parts.chart import FEW_ROWS, SOFT, axis, chart, plain_table
from c360_assets.ui.parts.figures import heading, panel, source_words
from c360_assets.ui.parts.text import cut, plain, plural, shown

# more different texts than that are no picture
FEW_TEXTS = 12
_TEXTS = {"color": SOFT, "width": 180, "overflow": "truncate"}
_DATES = {
    "color": SOFT,
    "hideOverlap": True,
    "formatter": {"year": "{yyyy}", "month": "{MMM} {yyyy}", "day": "{d} {MMM}"},
}
VIEW = "marts.customer_profiles"
VIEW_AS_KNOWN = "marts.customer_profiles_as_known"


@dataclass(frozen=True)
class Loaded:
    """The history; None where there is no attribute of that name."""

    name: str
    history: History | None


async def load(page: Page, person: Person) -> Loaded | None:
    """Ask for the history of the attribute in the query; None where it names none."""
    name = page.query.get("attribute")
    return None if not name else Loaded(name, await page.ask(history, person, name))


def show(page: Page, loaded: Loaded | None) -> None:
    """The panel, if there is one."""
    if loaded is None:
        return
    found = loaded.history
    title = "History" if found is None else f"History of {found.attribute.name}"
    note = "" if found is None else found.attribute.description
    with panel(title, note=note, wide=True).props('id="history"'):
        with ui.element("div").classes("c-actions"):
            ui.link("Close the history", page.url(attribute=None) + "#profile")
            if found is not None:
                source_words(f"{VIEW}.{found.attribute.name}", how_made(found.attribute))
        if found is None:
            states.trouble(
                f"There is no attribute {loaded.name!r}",
                "Choose one in the profile below; `c360 attributes` lists them all.",
            )
        elif not found.spans:
            states.empty(
                "There is no profile of this person on any day.",
                "Profiles begin with the day of the sign-up; customer_profiles makes them.",
            )
        else:
            _History(page, found).build()


class _History:
    """One attribute over time."""

    def __init__(self, page: Page, found: History) -> None:
        self.page, self.found, self.attribute = page, found, found.attribute

    def build(self) -> None:
        """A chart where it can be drawn, else the list; then what was corrected."""
        rows = [
            (str(span.first_day), str(span.last_day), self._text(span.value))
            for span in self.found.spans
        ]
        columns = ("From", "To", self.attribute.name)
        texts = {self._text(span.value) for span in self.found.spans}
        if self.attribute.is_number or len(texts) <= FEW_TEXTS:
            self._chart(columns, rows, sorted(texts))
        else:
            plain_table(columns, rows[:FEW_ROWS])
            if len(rows) > FEW_ROWS:
                ui.label(f"The newest {FEW_ROWS} of {len(rows):,} spans.").classes("c-note")
            ui.label(f"Source: {VIEW}.{self.attribute.name}").classes("c-note")
        self._corrections()

    def _text(self, value: Any) -> str:
        return cut(shown(value, self.attribute.kind, self.page.currency), LONGEST_VALUE)

    def _chart(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], texts: list[str]
    ) -> None:
        is_number = self.attribute.is_number
        lines = [_line("As known today", self._known())]
        if self.found.corrections:
            lines.append(_line("As stated before", self._stated(), is_dashed=True))
        chart(
            {
                "xAxis": axis(type="time", axisLabel=_DATES),
                "yAxis": axis(type="value", name=self.attribute.unit or "", scale=True)
                if is_number
                else axis(type="category", data=texts, axisLabel=_TEXTS),
                "series": lines,
                "grid": {"top": 40},
                "legend": {"show": len(lines) > 1},
            },
            label=f"{self.attribute.name} of this person, day by day.",
            columns=columns,
            rows=rows,
            source=f"{VIEW}.{self.attribute.name}, spans of days with one value",
            height=280 if is_number else 120 + 26 * len(texts),
        )

    def _point(self, value: Any) -> Any:
        return plain(value) if self.attribute.is_number else self._text(value)

    def _known(self) -> list[list[Any]]:
        """Points of a step line; a hole where days between were not profiled."""
        points: list[list[Any]] = []
        for span in reversed(self.found.spans):
            value = self._point(span.value)
            if points and points[-1][0] != str(span.first_day):
                points.append([points[-1][0], None])
            points += [[str(span.first_day), value]]
            points += [[str(span.last_day + timedelta(days=1)), value]]
        return points

    def _stated(self) -> list[list[Any]]:
        points: list[list[Any]] = []
        for each in reversed(self.found.corrections):
            value, end = self._point(each.value_stated), str(each.last_day + timedelta(days=1))
            points += [[str(each.first_day), value], [end, value], [end, None]]
        return points

    def _corrections(self) -> None:
        heading("What was stated otherwise before", 3)
        shown_rows = [self._correction(each) for each in self.found.corrections]
        if not shown_rows:
            ui.label("Every day still says what was said of it first.").classes("c-note")
            return
        plain_table(("Days", "Stated", "Known today", "Stated at", "Corrected at"), shown_rows)
        if self.found.total > len(shown_rows):
            ui.label(
                f"The newest {len(shown_rows)} of {plural(self.found.total, 'correction')}."
            ).classes("c-note")
        ui.label(f"Source: {VIEW_AS_KNOWN}, as_known_at and known_until (UTC)").classes("c-note")

    def _correction(self, each: Correction) -> tuple[str, ...]:
        days = str(each.first_day)
        if each.last_day != each.first_day:
            days += f" to {each.last_day}"
        return (
            *(days, self._text(each.value_stated), self._text(each.value_known)),
            *(shown(each.as_known_at, "time"), shown(each.known_until, "time")),
        )


def _line(name: str, points: list[list[Any]], *, is_dashed: bool = False) -> dict[str, Any]:
    color = "var(--series-2)" if is_dashed else "var(--series-1)"
    return {
        "name": name,
        "type": "line",
        "step": "end",
        "showSymbol": False,
        "connectNulls": False,
        "data": points,
        "itemStyle": {"color": color},
        "lineStyle": {"color": color, "width": 2, "type": "dashed" if is_dashed else "solid"},
    }
