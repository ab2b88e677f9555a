"""The parts of `/review` that tell of a pair: side by side, evidence, what a merge would change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import ui

from c360_assets.errors import C360Error
from c360_assets.identity.merge_files import Kind
from c360_assets.identity.statements import MERGE
from c360_assets.resolution.decisions import Decision
from c360_assets.resolution.plan import Plan, plan, rows_of_decision
from c360_assets.ui import links
from c360_assets.ui.data import review as data
from c360_assets.ui.data.review import Candidate, Leaning
from c360_assets.ui.data.review_traits import Comparison, Trait, marked
from c360_assets.ui.page import Page
from c360_assets.ui.parts import states
from c360_assets.ui.parts.chart import plain_table
from c360_assets.ui.parts.figures import (
    Source,
    chip,
    figure,
    figures,
    heading,
    panel,
    source_button,
)
from c360_assets.ui.parts.text import plural, shown

# beyond so many contacts the plan is worked out when somebody asks for it
PLANNED_AT_ONCE = 100_000
_VERDICTS = {
    "same": ("=", "same"),
    "differs": ("≠", "differs"),
    "alike": ("≈", "partly"),
    "unknown": ("?", "unknown"),
}
_OF_PEOPLE = ("Address", "Accounts", "Events", "Orders", "Segment")
_OF_COMPANIES = ("Company", "People", "Gaggles", "Deals won", "Worth")
_TONES = {"strongly for": "good", "for": "good", "strongly against": "bad", "against": "bad"}
# plans read everything: one at a time is what a machine bears
_ONE_PLAN = asyncio.Semaphore(1)


# --- side by side --------------------------------------------------------------------------------


def side_by_side(page: Page, candidate: Candidate, found: Comparison) -> None:
    """Both, line by line; the one to be given up first."""
    noun = "people" if candidate.kind == "user" else "companies"
    with panel(f"Are these two {noun} one?", wide=True):
        with ui.element("table").classes("c-review-pair"):
            with ui.element("thead"), ui.element("tr"):
                with ui.element("td"):
                    ui.label("").classes("c-inline")
                _head(candidate, found, is_old=True)
                _head(candidate, found, is_old=False)
            _body(page, "Who they are", found.traits)
            _body(page, "What they did", found.figures)
        with ui.element("div").classes("c-actions"):
            ui.link("Swap: keep the other one", page.url(pair=candidate.swapped))
            if candidate.merged != candidate.pair:
                ui.label(
                    f"{candidate.old} was merged into {candidate.merged.old} meanwhile; a merge "
                    f"leads from there into {candidate.new}."
                ).classes("c-note")


def _head(candidate: Candidate, found: Comparison, *, is_old: bool) -> None:
    words = "Given up: leads to the other one" if is_old else "Kept: stands for both"
    title = found.old_title if is_old else found.new_title
    href = found.old_href if is_old else found.new_href
    with ui.element("th").props("scope=col"):
        ui.label("Given up" if is_old else "Kept").classes(
            f"c-review-role c-review-{'old' if is_old else 'new'}"
        ).props["title"] = words
        ui.link(title, href).classes("c-review-title")


def _body(page: Page, title: str, lines: list[Trait]) -> None:
    with ui.element("tbody"):
        with (
            ui.element("tr").classes("c-review-group"),
            ui.element("th").props("colspan=3 scope=rowgroup"),
        ):
            ui.label(title).classes("c-inline")
        for each in lines:
            _line(page, each)


def _line(page: Page, line: Trait) -> None:
    sign, words = _VERDICTS.get(line.verdict, ("", ""))
    if line.verdict == "alike" and line.kind in ("time", "date"):
        words = "within a day"
    with ui.element("tr").classes(f"c-review-line c-is-{line.verdict or 'figure'}"):
        with ui.element("th").props("scope=row"), ui.element("div").classes("c-review-label"):
            ui.label(line.label).classes("c-inline")
            source_button(Source(*line.source))
            if sign:
                with ui.element("span").classes("c-review-verdict"):
                    ui.label(sign).classes("c-inline").props("aria-hidden=true")
                    ui.label(words).classes("c-inline")
        for value, other in ((line.old, line.new), (line.new, line.old)):
            with ui.element("td"):
                _value(page, line, value, other)


def _value(page: Page, line: Trait, value: Any, other: Any) -> None:
    if line.kind == "list" and value:
        for each in value:
            ui.label(str(each))
        return
    text = shown(value, line.kind, page.currency)
    if line.verdict != "differs" or line.kind != "text" or not value:
        ui.label(text).classes("c-inline")
        return
    for part, is_other in marked(text, str(other)):
        with ui.element("mark" if is_other else "span"):
            ui.label(part).classes("c-inline c-review-part")


# --- evidence ------------------------------------------------------------------------------------


def evidence(page: Page, candidate: Candidate, *, is_blind: bool) -> None:
    """What speaks for and against, and the scores unless they are hidden."""
    row = candidate.row
    with panel("What speaks for it, and against"):
        with ui.element("ul").classes("c-review-evidence"):
            for each in data.leanings(row):
                with ui.element("li"):
                    _leaning(each)
        if is_blind:
            ui.label("Scores and rank are hidden, so that they do not sway you.").classes("c-note")
            return
        with figures():
            figure(
                *("How likely", row["match_probability"], "percent"),
                source=Source("merge_candidates", "match_probability"),
            )
            figure(
                *("Weight of the evidence", row["match_weight"], "decimal"),
                source=Source("merge_candidates", "match_weight"),
            )
            figure(
                *("Rank in the list", row["value_rank"], "number"),
                source=Source("merge_candidates", "value_rank"),
            )


def _leaning(each: Leaning) -> None:
    if each.leaning:
        chip(each.leaning, _TONES.get(each.leaning, ""))
    with ui.element("span"):
        ui.label(f"{each.about}:").classes("c-inline c-note")
        ui.label(f" {each.words}").classes("c-inline")


# --- what would change ---------------------------------------------------------------------------


def blast_radius(page: Page, candidate: Candidate, objected: Callable[[str], None]) -> None:
    """The suggestion's own sentence, then the whole plan; `objected` hears what speaks against."""
    with panel("If you approve"):
        ui.label(candidate.row["blast_radius"])
        decision = Decision(candidate.merged, MERGE, page.visitor.name, datetime.max, "plan")
        contacts = page.copy.manifest.rows.get("marts.contacts", 0)
        if contacts > PLANNED_AT_ONCE and page.query.get("plan") != "1":
            with ui.element("div").classes("c-actions"):
                ui.link("Work out everything that changes", page.url(plan="1"))
                ui.label("Takes a minute or more.").classes("c-note")
            return

        def show(found: Planned) -> None:
            if found.objection:
                objected(found.objection)
            show_plan(page, found, candidate.kind)

        planned_later(page, decision, show)


@dataclass(frozen=True)
class Planned:
    """What a decision would change, the addresses of it that may be shown, and what objects."""

    plan: Plan
    visible: set[str]
    objection: str | None


def planned_later(page: Page, decision: Decision, show: Callable[[Planned], None]) -> None:
    """What a decision would change, once it is worked out."""
    client = ui.context.client

    async def load() -> Planned:
        async with _ONE_PLAN:
            if not client.has_socket_connection:
                raise C360Error("nobody looks any more; open the page again")
            now = Decision(
                *(decision.pair, decision.decision, decision.decided_by, page.now),
                decision.reason,
            )
            found = await page.work(_planned, page, now)
        people = (*found.people_before, *found.people_after)
        objection = found.objection and await page.ask(data.without_hidden, found.objection)
        return Planned(found, await page.ask(data.shown_addresses, people), objection)

    states.later("Working out everything that would change …", load, show)


def _planned(page: Page, decision: Decision) -> Plan:
    return plan(page.settings, rows_of_decision(page.settings, decision))


def show_plan(page: Page, planned: Planned, kind: Kind) -> None:
    """A plan: its size, the people or companies before and after, and the decisions it changes."""
    found, visible = planned.plan, planned.visible
    if planned.objection:
        states.trouble("This would not stand", planned.objection)
    with ui.element("dl").classes("c-review-facts"):
        for name, words in _facts(page, found, kind):
            with ui.element("div"):
                with ui.element("dt"):
                    ui.label(name).classes("c-inline")
                with ui.element("dd"):
                    ui.label(words).classes("c-inline")
    if kind == "user":
        people = found.people_before, found.people_after
        _now_and_then(_OF_PEOPLE, *([_person(one, visible) for one in side] for side in people))
    else:
        companies = found.companies_before, found.companies_after
        _now_and_then(_OF_COMPANIES, *([_company(page, one) for one in side] for side in companies))
    _changed_decisions(found)
    ui.label(
        "Source: the pipeline's own SQL, with this decision, beside the published copy."
    ).classes("c-note")


def _facts(page: Page, found: Plan, kind: Kind) -> list[tuple[str, str]]:
    """The size of a plan; a merge of companies makes nobody another person."""
    radius = found.blast_radius
    people = [
        ("People", f"{radius['people_before']:,} now, {radius['people_after']:,} then"),
        ("Accounts", f"{radius['accounts']:,}"),
        ("Gaggles", f"{radius['gaggles']:,}"),
        ("Companies", f"{radius['companies']:,}"),
    ]
    companies = [
        (
            "Companies",
            f"{len(found.companies_before):,} now, {len(found.companies_after):,} then",
        ),
        ("Gaggles", f"{radius['gaggles']:,}"),
    ]
    segments = [
        ("Segment moves", "; ".join(radius["rfm_moves"]) or "none"),
        ("Segment moves of others", f"{radius['rfm_moves_of_others']:,}"),
    ]
    return [
        *(people if kind == "user" else companies),
        ("Deals won of these", shown(radius["won_amount"], "money", page.currency)),
        *(segments if kind == "user" else ()),
        ("CRM records", _crm(found)),
    ]


def _now_and_then(columns: tuple[str, ...], now: list[list[str]], then: list[list[str]]) -> None:
    for title, rows in (("Now", now), ("Then", then)):
        if rows:
            heading(title, 3)
            plain_table(columns, rows)


def _company(page: Page, company: dict[str, Any]) -> list[str]:
    return [
        shown(company["corporate_email"]),
        *(
            shown(company[name], "number")
            for name in ("number_of_users_corporate", "number_of_gaggles", "won_deals")
        ),
        shown(company["won_amount"], "money", page.currency),
    ]


def _person(person: dict[str, Any], visible: set[str]) -> list[str]:
    address = person["email"] if person["email"] in visible else None
    return [
        shown(address),
        *(shown(person[f"number_of_{name}"], "number") for name in ("users", "events", "orders")),
        shown(person["rfm_segment"]),
    ]


def _crm(found: Plan) -> str:
    words = []
    for name, counts in found.crm.items():
        parts = [f"{count:,} {word}" for word, count in counts.items() if count]
        if parts:
            words.append(f"{name}: {', '.join(parts)}")
    return "; ".join(words) or "none"


def _changed_decisions(found: Plan) -> None:
    changed = [each for each in found.decisions if not each["is_new"]]
    if not changed:
        return
    heading(f"It changes {plural(len(changed), 'other decision')}", 3)
    plain_table(
        ("File and row", "Decision", "Until now", "Then"),
        [
            (
                f"{each['source_file']}, row {each['source_row']}",
                *(each["decision"], shown(each["outcome_before"]), each["outcome"]),
            )
            for each in changed
        ],
    )


def contact_link(row: dict[str, Any], side: str) -> str | None:
    """The page of the person or company that a decision names on one side (`old` or `new`)."""
    if row["kind"] == "domain":
        return links.account(row[f"{side}_key"]) if row[f"{side}_key"] else None
    contact = row.get(f"{side}_contact")
    return links.contact(contact) if contact else None
