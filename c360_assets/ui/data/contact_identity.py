"""Who a person is: how they stand, and how each of their addresses came to be theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from c360_assets.ui.copies import Copy
from c360_assets.ui.data.contact import Person

MOST_NAMESAKES = 3
# what the contract's codes mean to people
NO_VALUE = {
    "too_few_repeat_customers": "too few customers have ordered again for a forecast",
    "orders_not_converged": "the forecast of orders did not settle",
    "orders_not_identified": "the orders of all customers tell too little for a forecast",
    "no_amounts": "no order has an amount",
    "too_few_valued_customers": "too few customers with known amounts for a forecast",
    "values_not_converged": "the forecast of amounts did not settle",
    "mean_value_infinite": "the amounts vary too much for a forecast",
    "amounts_unknown": "the amounts of their repeat orders are not known",
    "average_not_positive": "their repeat orders bring no money on average",
    "no_repeat_order": "they have not ordered again yet",
}


@dataclass(frozen=True)
class Standing:
    """How a person stands, as the columns of the same names say; None where nothing is known."""

    created_at: datetime
    number_of_users: int
    number_of_orders: int
    sales_total: Decimal | None
    number_of_events: int
    first_order: datetime | None
    most_recent_order: datetime | None
    first_event: datetime | None
    most_recent_event: datetime | None
    corporate_email: str | None
    gaggle_id: str | None
    gaggle_name: str | None
    current_plan: str | None
    is_paying: bool | None
    rfm_segment: str | None
    recency_score: int | None
    frequency_score: int | None
    monetary_score: int | None
    segment_since: datetime | None
    lifecycle_stage: str | None
    profile_date: date | None
    clv_365d: float | None
    expected_orders_365d: float | None
    probability_alive: float | None
    no_value_reason: str | None
    no_probability_reason: str | None
    open_tickets: int
    queue_rank: int | None

    @property
    def why_no_value(self) -> str:
        """Why there is no lifetime value, in words; empty where there is one."""
        if self.number_of_orders == 0:
            return "they have not ordered yet"
        return _words(self.no_value_reason)

    @property
    def why_no_probability(self) -> str:
        """Why it is not told whether they will order again; empty where it is."""
        if self.number_of_orders == 0:
            return "they have not ordered yet"
        return _words(self.no_probability_reason)


@dataclass(frozen=True)
class Namesake:
    """Somebody who may be the same person, and the suggested pair as the review has it."""

    contact_id: str
    user_name: str | None
    email: str
    pair: str


@dataclass(frozen=True)
class Merged:
    """How a former contact_id ended."""

    former_contact_id: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    source_file: str
    source_row: int


def standing(copy: Copy, person: Person) -> Standing:
    """How they stand, by the published copy."""
    return Standing(**copy.one("contact/standing", user_id=person.user_id))


def merged_from(copy: Copy, person: Person, former: str) -> Merged | None:
    """How a contact_id became this person; None where it never was another's."""
    row = copy.row("contact/was", was=former, contact_id=person.contact_id)
    return None if row is None else Merged(**row)


def namesakes(copy: Copy, person: Person) -> list[Namesake]:
    """Who may be the same person, the likeliest first, at most MOST_NAMESAKES."""
    if person.email is None:
        return []
    rows = copy.rows("contact/namesakes", email=person.email, limit=MOST_NAMESAKES)
    return [Namesake(**row) for row in rows]


def _words(reason: str | None) -> str:
    return "" if reason is None else NO_VALUE.get(reason, reason.replace("_", " "))
