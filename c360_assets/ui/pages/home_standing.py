"""The panels of the start page that the published copy and the ledger fill."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from c360_assets.assets.crm_job import FILE
from c360_assets.errors import C360Error
from c360_assets.ui import links
from c360_assets.ui.data.standing import Decisions, Freshness, Rejected, Standing
from c360_assets.ui.data.sync import Brief, title_of
from c360_assets.ui.page import Page
from c360_assets.ui.parts import states
from c360_assets.ui.parts.chart import plain_table
from c360_assets.ui.parts.figures import Source, Told, chip, figure, figures, panel
from c360_assets.ui.parts.stack import cell, row, stack
from c360_assets.ui.parts.text import ago, plural, shown


def what_is_there(page: Page, found: Standing) -> None:
    """How many people, companies and gaggles; customers, and money."""
    counts, revenue = found.counts, found.revenue
    with panel("What is there", wide=True), figures():
        figure("People", counts["contacts"], "number", source=Source("contacts", "contact_id"))
        figure(
            *("Companies", counts["companies"], "number"),
            source=Source("corporate_accounts", "corporate_email"),
        )
        figure("Gaggles", counts["gaggles"], "number", source=Source("gaggle_facts", "gaggle_id"))
        figure(
            *("Customers", counts["customers"], "number"),
            source=Source("contacts", "number_of_orders", "people with at least one"),
            href=links.SEGMENTS,
            hint=_share(counts["customers"], counts["contacts"]),
        )
        last_day = f" up to {revenue.last_day}" if revenue.last_day else ""
        figure(
            *("Revenue, 30 days", revenue.amount, "money"),
            source=Source("kpi_daily", "revenue", f"sum of the 30 days{last_day}"),
            currency=page.currency,
            href=links.KPIS,
            hint=_change(revenue.change),
        )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%} of the people" if whole else ""


def _change(change: float | None) -> str:
    return "" if change is None else f"{change:+.1%} against the 30 days before"


def to_do(counts: dict[str, int], found: Decisions) -> None:
    """What waits for people: reviews, tickets, decisions."""
    with panel("To do"), figures():
        figure(
            *("Duplicate people?", counts["suggested_people"], "number"),
            source=Source("merge_candidates", "kind", "pairs of people"),
            href=links.REVIEW,
            hint="pairs to review",
        )
        figure(
            *("Duplicate companies?", counts["suggested_companies"], "number"),
            source=Source("merge_candidates", "kind", "pairs of companies"),
            href=links.REVIEW,
            hint="pairs to review",
        )
        longest = counts["longest_waiting_hours"]
        figure(
            *("Open tickets", counts["open_tickets"], "number"),
            source=Source("support_queue", "ticket_id"),
            href=links.QUEUE,
            hint=f"the longest waits {_hours(longest)}" if longest is not None else "",
        )
        figure(
            *("Merge decisions", found.unsettled.total, "number"),
            source=Source("merge_journal", "outcome", "pending and refused"),
            hint="pending or refused",
        )


def _hours(hours: int) -> str:
    return plural(hours // 24, "day") if hours >= 48 else plural(hours, "hour")


def freshness(page: Page, found: Freshness) -> None:
    """How old the data is."""
    with panel("How old the data is"):
        with ui.element("div").classes("c-chips"):
            if found.newest is None:
                chip("There is no event and no order", "warn")
            elif found.clock_is_newest:
                chip("Not judged: figures count back from the newest activity (C360_AS_OF)")
            elif found.is_late:
                chip(f"Older than the {found.max_age_hours:g} hours allowed", "bad")
            else:
                chip("As fresh as it should be", "good")
        with figures():
            manifest = Told("manifest.json", "Written with each published version.")
            figure(
                *("Published", ago(found.published_at, page.now)),
                source=manifest,
                hint=shown(found.published_at, "time"),
            )
            figure(
                *("Newest activity", found.newest and ago(found.newest, page.now)),
                source=Source("contacts", "most_recent_event", "or most_recent_order, the newest"),
                hint="" if found.newest is None else shown(found.newest, "time"),
            )
            figure(
                *("Clock", found.clock or found.newest, "date"),
                source=Source("rfm_segments", "as_of"),
                hint="figures count back from here",
            )
            behind = found.behind
            hours = None if behind is None else behind.total_seconds() / 3600
            figure(
                *("Behind the clock", None if hours is None else f"{hours:,.1f} hours"),
                source=Told("freshness.max_age_hours", "From the newest event or order to it."),
                hint=f"at most {found.max_age_hours:g} are allowed",
            )


def syncs(page: Page, found: Sequence[Brief] | C360Error) -> None:
    """The last sync to each destination, and what it left to look at."""
    with panel("CRM sync", note="By the ledger, and by the manifests of deliveries"):
        if isinstance(found, C360Error):
            return states.trouble("The CRM sync cannot be looked at", str(found))
        headings = ("Destination", "Last", "How", "Refused", "Conflicts")
        with stack(headings, "The last sync to each destination", headings[3:]):
            for each in found:
                with row():
                    with cell("Destination"):
                        ui.link(title_of(each.name), links.sync(each.name))
                    cell("Last", ago(each.at, page.now) if each.at else "never")
                    with cell("How"):
                        _how(each)
                    is_file = each.name == FILE
                    cell("Refused", "-" if is_file else f"{each.rejected:,}", is_number=True)
                    cell("Conflicts", "-" if is_file else f"{each.conflicts:,}", is_number=True)


def _how(each: Brief) -> None:
    if each.is_under_way:
        chip("under way", "warn")
    elif each.problem:
        chip("broke off", "bad")
    elif each.is_cut_off:
        chip("cut off", "bad")
    elif each.at is None:
        chip("not yet")
    else:
        chip("done", "good")


def rejected(found: Rejected) -> None:
    """Raw rows that break the contract, by reason; never the rows themselves."""
    with panel("Rejected raw rows", note="Source: ops.rejected_rows.reason"):
        if not found.number_of_rows:
            states.empty(
                "Every raw row keeps the contract.",
                "Rows that break it are counted here by reason; none ever vanishes.",
            )
            return
        plain_table(
            ("Table", "Reason", "Rows"),
            [
                (each["source_table"], each["reason"], f"{each['number_of_rows']:,}")
                for each in found.reasons
            ],
        )
        said = plural(found.number_of_rows, "row")
        if found.number_of_reasons > len(found.reasons):
            said += f"; the {len(found.reasons)} most frequent of {found.number_of_reasons} reasons"
        ui.label(f"{said}. `c360 check-source` shows some of them.").classes("c-note")


def decisions(found: Decisions) -> None:
    """Merge decisions that wait for their people, or were refused."""
    note = "Source: identity.merge_journal.outcome"
    with panel("Merge decisions that wait or were refused", note=note):
        if not found.unsettled.total:
            given = sum(found.outcomes.values())
            said = f"all {given:,} decisions" if given else "there are no decisions yet"
            states.empty(
                f"Nothing waits: {said}{' are in force or were undone' if given else ''}.",
                "A decision waits where its people are not there yet.",
            )
            return
        with stack(("File and row", "Outcome", "Why"), "Merge decisions to look at"):
            for each in found.unsettled.rows:
                with row():
                    cell("File and row", f"{each['source_file']}, row {each['source_row']}")
                    with cell("Outcome"):
                        chip(each["outcome"], "bad" if each["outcome"] == "refused" else "warn")
                    cell("Why", shown(each["explanation"]))
        if found.unsettled.total > len(found.unsettled.rows):
            shown_rows, total = len(found.unsettled.rows), found.unsettled.total
            ui.label(f"The first {shown_rows} of {total:,}; `c360 status --json` has all.").classes(
                "c-note"
            )
