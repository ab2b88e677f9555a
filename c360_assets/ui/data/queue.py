"""The support queue: which tickets are shown, one ticket, why it stands where it does, what to do.

Not here: how the queue is ordered (`sql/marts/support_queue.sql`); this only tells it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from c360_assets.customer_rules import SupportRules
from c360_assets.ui.copies import Copy
from c360_assets.ui.data import kpi_range
from c360_assets.ui.parts.text import money, plural

UNKNOWN_SENDER = "(unknown sender)"
PROSPECTS = "prospects"
MOST_DAYS = 100_000
LONGEST_TEXT = 300
# of two roundings; more than that has another cause
POINTS_APART = 0.02

# what helps a customer of each segment of the RFM grid; a grid of one's own may name others
_BY_SEGMENT = {
    "Cannot Lose Them": "Call them today: they ordered often, and their last order is older than "
    "most customers'. A good answer may bring them back.",
    "At Risk": "Answer in person, and give them a reason to come back: their last order is older "
    "than most customers'.",
    "Champions": "Answer at once: they order most often, and lately. When it is solved, ask them "
    "to recommend you.",
    "Loyal Customers": "Answer today, and thank them for their orders.",
    "Need Attention": "Answer today, and offer something that fits their last order.",
    "Potential Loyalists": "Answer well, and tell them what goes with what they ordered.",
    "About to Sleep": "Answer soon, and remind them of what they liked: few orders, and none "
    "lately.",
    "Promising": "Help them on: their first orders are recent, and a second look decides.",
    "New Customers": "Help them on: they ordered for the first time not long ago.",
    "Hibernating": "Answer in turn: few orders, and older than most.",
    PROSPECTS: "Answer the question, and help with the first order: they never placed one.",
}


@dataclass(frozen=True)
class Filters:
    """Which tickets are shown. `days` is how long they wait at least."""

    is_paying: bool = False
    segment: str | None = None
    company: str | None = None
    text: str | None = None
    days: int = 0
    notes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        """As a URL says; `notes` are sentences on what makes no sense there."""
        days, notes = 0, []
        if given := query.get("days", "").strip():
            if given.isascii() and given.isdigit() and int(given[:9]) <= MOST_DAYS:
                days = int(given[:9])
            else:
                shown = given if len(given) <= 40 else f"{given[:40]}…"
                notes.append(
                    f"`{shown}` is no number of days from 0 to {MOST_DAYS:,}, and was left out."
                )
        return cls(
            query.get("paying") == "1",
            query.get("segment") or None,
            (query.get("company") or "").strip().lower() or None,
            (query.get("text") or "").strip()[:LONGEST_TEXT] or None,
            days,
            tuple(notes),
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """The same in SQL."""
        return {
            "paying": self.is_paying,
            "segment": self.segment,
            "company": self.company,
            "text": self.text,
            "hours": self.days * 24,
        }

    @property
    def is_any(self) -> bool:
        """Whether they leave any ticket out."""
        return self != Filters()


@dataclass(frozen=True)
class Part:
    """What adds to a ticket's points."""

    words: str
    points: float


@dataclass(frozen=True)
class Ticket:
    """A ticket: `facts` are the columns of `queue/ticket`.

    `parts` add up to its points, where it is open; `is_outdated` says that they no longer do, since
    the rules are others than when the data was published. `others` are other tickets of the sender.
    """

    facts: Mapping[str, Any]
    others: list[dict[str, Any]]
    parts: tuple[Part, ...]
    is_outdated: bool
    advice: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether it is in the queue."""
        return self.facts["queue_rank"] is not None


def ticket(copy: Copy, ticket_id: str, rules: SupportRules, currency: str) -> Ticket | None:
    """A ticket, open or not; None where there is none of that id."""
    facts = copy.row("queue/ticket", ticket_id=ticket_id)
    if facts is None:
        return None
    owner = facts["user_id"]
    others = copy.rows(
        "queue/others",
        ticket_id=ticket_id,
        user_id=owner,
        email=facts["email"] if owner is None else None,
    )
    parts: tuple[Part, ...] = ()
    is_outdated = False
    if facts["queue_rank"] is not None:
        span = kpi_range.span(copy)
        clock = facts["created_at"] if span is None else span.clock
        parts = points(facts, rules, clock)
        total = sum(part.points for part in parts)
        is_outdated = abs(total - float(facts["priority"])) > POINTS_APART
    return Ticket(facts, others, parts, is_outdated, advice(facts, rules, currency))


def points(facts: Mapping[str, Any], rules: SupportRules, clock: datetime) -> tuple[Part, ...]:
    """What a ticket's points are made of, by today's rules."""
    weights = dict(rules.segment_weights)
    segment = facts["rfm_segment"]
    if segment is None:
        found = [Part("unknown sender", rules.unknown_sender_weight)]
    else:
        words = "never ordered" if segment == PROSPECTS else f"segment {segment}"
        found = [Part(words, weights.get(segment, rules.other_segment_weight))]
    percentile = facts["monetary_percentile"]
    if percentile is not None:
        found.append(
            Part(
                f"spent more than {percentile:.0%} of all customers, of {rules.value_weight:g} "
                "points for the one who spent most",
                percentile * rules.value_weight,
            )
        )
    days = max((clock - facts["created_at"]).total_seconds(), 0.0) / 86_400
    counted = min(days, rules.waiting_days_at_most)
    limit = f", of which {rules.waiting_days_at_most:g} count" if counted < days else ""
    found.append(Part(f"{days:,.1f} days waiting{limit}", counted * rules.waiting_weight_per_day))
    if facts["is_paying"]:
        found.append(Part("a company that pays", rules.paying_company_weight))
    return tuple(found)


def advice(facts: Mapping[str, Any], rules: SupportRules, currency: str) -> tuple[str, ...]:
    """What to do best, in sentences: by segment, company, value to come, and waiting time."""
    if facts["queue_rank"] is None:
        return (f"Nobody waits for an answer: the ticket is {facts['status']}.",)
    found = []
    if facts["user_id"] is None:
        found.append(
            "Ask who they are: nobody has this address. If they are known under another one, a "
            "merge makes the two one person."
        )
    else:
        found.append(_BY_SEGMENT.get(facts["rfm_segment"], "Answer in turn."))
    if facts["is_paying"]:
        plan = f", {facts['current_plan']} plan" if facts["current_plan"] else ""
        found.append(
            f"Tell who looks after {facts['company']}: it pays (deals worth "
            f"{money(facts['won_amount'] or 0, currency)} won{plan})."
        )
    if (facts["clv_365d"] or 0) > 0:
        found.append(
            f"Orders worth {money(facts['clv_365d'], currency)} are expected from them within a "
            "year; a refund or voucher should be small against that."
        )
    days = int(facts["waiting_hours"] // 24)
    if days > 0 and days >= rules.waiting_days_at_most:
        found.append(f"Begin with an apology: they have waited {plural(days, 'day')}.")
    return tuple(found)


def waiting(hours: float | None) -> str | None:
    """How long, in words: `3 days 4 hours`; hours alone below two days, days alone from a week."""
    if hours is None:
        return None
    whole = int(hours)
    if whole < 48:
        return plural(whole, "hour")
    rest = whole % 24 if whole < 7 * 24 else 0
    return plural(whole // 24, "day") + (f" {plural(rest, 'hour')}" if rest else "")
