"""The customers of a cell, a segment or a movement, one by one: to sort, filter and download.

Belongs here: the listing and its filters. Not here: how they are chosen (`segments_grid`,
`segments_moves`).
"""

from __future__ import annotations

from dataclasses import replace

from nicegui import ui

from c360_assets.ui import links
from c360_assets.ui.copies import Details, Order
from c360_assets.ui.data.segments import History
from c360_assets.ui.data.segments_choice import Choice, chosen_people, parameters_of
from c360_assets.ui.downloads import Download
from c360_assets.ui.page import Page
from c360_assets.ui.pages import segments_parts as parts
from c360_assets.ui.pages.segments_time import time_text
from c360_assets.ui.parts import forms, states, table
from c360_assets.ui.parts.figures import Source, panel
from c360_assets.ui.parts.table import Column, Listing, Loaded

PEOPLE = Listing(
    "people",
    "segments/people",
    (
        Column(
            "user_name",
            "Name",
            source=Source("contacts", "user_name"),
            href=lambda row: links.contact(row["contact_id"]),
            is_wide=True,
        ),
        Column("email", "Address", source=Source("contacts", "email")),
        Column(
            "corporate_email",
            "Company",
            source=Source("contacts", "corporate_email"),
            href=lambda row: row["corporate_email"] and links.account(row["corporate_email"]),
        ),
        Column(
            "rfm_segment",
            "Segment",
            source=Source("rfm_segments_hourly", "rfm_segment"),
            is_wide=True,
        ),
        Column("recency_score", "R", "number", Source("rfm_segments_hourly", "recency_score")),
        Column("frequency_score", "F", "number", Source("rfm_segments_hourly", "frequency_score")),
        Column("monetary_score", "M", "number", Source("rfm_segments_hourly", "monetary_score")),
        Column(
            "recency_days",
            "Days since order",
            "decimal",
            Source("rfm_segments_hourly", "recency", "in days"),
        ),
        Column("frequency", "Orders", "number", Source("rfm_segments_hourly", "frequency")),
        Column("monetary", "Money", "money", Source("rfm_segments_hourly", "monetary")),
        Column("clv_365d", "CLV, a year", "money", Source("customer_lifetime_value", "clv_365d")),
        Column("lifecycle_stage", "Stage", source=Source("customer_profiles", "LIFECYCLE_STAGE")),
        Column(
            "contact_id",
            "Contact",
            source=Source("contacts", "contact_id"),
            href=lambda row: links.contact(row["contact_id"]),
        ),
    ),
    "user_id",
    Order("monetary", True, ("user_id",)),
    noun="customer",
    nouns="customers",
    details=Details(
        "user_id", ("segments/people_names", "segments/people_values", "segments/people_stages")
    ),
)
MONEY = ("monetary_score", "monetary", "clv_365d")
FILTERS = ("text", "orders", "sales")
DOWNLOADS = (Download(PEOPLE, chosen_people),)


def show(page: Page, there: History, choice: Choice) -> None:
    """The panel of customers; they come once the rest of the page is there."""
    listing = PEOPLE if there.has_money else _without_money()
    with panel(_title(choice), note=_note(there, choice), wide=True) as made:
        made.props('id="people"')
        if _is_chosen(choice):
            with ui.element("nav").classes("c-actions").props('aria-label="Chosen people"'):
                ui.link("All customers", parts.people_url(page))
        _filters(page, there, choice)

        async def load() -> Loaded:
            parameters = await page.ask(parameters_of, choice.people)
            return await table.load(page, listing, **parameters)

        def shown(loaded: Loaded) -> None:
            table.table(
                page,
                loaded,
                nothing="No customer fits.",
                hint="Choose another cell, segment or hour, or ask for less in the filters.",
            )

        states.later("Looking up the customers", load, shown)


def _without_money() -> Listing:
    columns = tuple(column for column in PEOPLE.columns if column.name not in MONEY)
    return replace(PEOPLE, columns=columns, order=Order("frequency", True, ("user_id",)))


def _is_chosen(choice: Choice) -> bool:
    people = choice.people
    return any(
        each is not None for each in (people.recency_score, people.segment, people.moved_from)
    )


def _title(choice: Choice) -> str:
    people = choice.people
    if people.moved_from is not None:
        if people.moved_from == people.segment:
            return f"Customers who stayed in {people.segment}"
        return f"Customers who went from {people.moved_from} to {people.segment}"
    scores = f"recency {people.recency_score}, frequency {people.frequency_score}"
    if people.recency_score is not None:
        of_segment = f" and segment {people.segment}" if people.segment else ""
        return f"Customers with {scores}{of_segment}"
    return f"Customers: {people.segment}" if people.segment else "All customers"


def _note(there: History, choice: Choice) -> str:
    people = choice.people
    if people.since is not None:
        return f"From {people.since:%Y-%m-%d %H:%M} to {time_text(there, people.at)}."
    if people.at is None:
        return f"{time_text(there, None)}."
    return (
        f"As of {people.at:%Y-%m-%d %H:%M}; CLV as of the month's first day, stage as of the end "
        "of the day before. Names, addresses and companies are today's."
    )


def _filters(page: Page, there: History, choice: Choice) -> None:
    query = page.query
    with forms.form(page, "Filter the customers", (*FILTERS, "people_page"), fragment="#people"):
        forms.field(
            "Name, address or company", "text", "search", query.get("text", ""), maxlength="200"
        )
        forms.field(
            "Orders, at least",
            "orders",
            "number",
            query.get("orders", ""),
            min="0",
            step="1",
        )
        if there.has_money:
            forms.field(
                "Money, at least", "sales", "number", query.get("sales", ""), min="0", step="any"
            )
        forms.submit("Filter")
        if choice.people.is_filtered:
            nothing = dict.fromkeys((*FILTERS, "people_page"))
            ui.link("No filter", f"{page.url(**nothing)}#people")
