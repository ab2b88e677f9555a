"""The entries of a person's timeline in words: one function per kind, from the row of its question.

Belongs here: wording, and where an entry leads. Not here: which entries there are
(`contact_timeline`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from c360_assets.ui import links
from c360_assets.ui.data.contact import Person
from c360_assets.ui.parts.text import money, plural, shown

Row = Mapping[str, Any]
_OUTCOMES = {
    "applied": "in force",
    "undone": "no longer in force",
    "pending": "waiting for its target",
    "refused": "refused",
}


@dataclass(frozen=True)
class Told:
    """An entry in words: a sentence, more about it, and a link with its text."""

    sentence: str
    note: str = ""
    link: tuple[str, str] | None = None


@dataclass(frozen=True)
class Teller:
    """Whose entries are told, and what stands before amounts."""

    person: Person
    currency: str

    def account(self, row: Row) -> str:
        """Which of several accounts did it."""
        return f"account {row['account_id']}" if len(self.person.accounts) > 1 else ""


def _event(teller: Teller, row: Row) -> Told:
    count, first, last = row["number_of_events"], row["first_event"], row["happened_at"]
    often = "once" if count == 1 else f"{count:,} times"
    if f"{first:%H:%M}" != f"{last:%H:%M}":
        often += f" from {first:%H:%M} to {last:%H:%M}"
    return Told(f"{row['event_name']}, {often}", teller.account(row))


def _session(teller: Teller, row: Row) -> Told:
    events = plural(row["event_count"], "event")
    if row["event_count"] == 1:
        text = "Came and left again after one event"
    else:
        text = f"Visited for {_minutes(row['session_duration'])}: {events}"
    seen = [
        plural(row[name], noun)
        for name, noun in (("pages_per_session", "page"), ("products_per_session", "product"))
        if row[name]
    ]
    bought = "checked out" if row["has_conversion"] else ""
    note = _joined(f"saw {' and '.join(seen)}" if seen else "", bought, teller.account(row))
    return Told(text, note)


def _order(teller: Teller, row: Row) -> Told:
    pieces = row["total_products_ordered"]
    text = _joined(
        f"Order number {row['order_number']:,}",
        f"{money(row['sales_total'], teller.currency)}" if row["sales_total"] is not None else "",
        plural(pieces, "piece") if pieces else "",
        row["status"] or "",
        between=", ",
    )
    refund = row["refund_amount"]
    note = _joined(
        _delivery(row),
        _promotion(teller, row),
        f"refunded {money(refund, teller.currency)}" if refund else "",
        teller.account(row),
    )
    return Told(text, note)


def _delivery(row: Row) -> str:
    if row["delivered_at"] is not None:
        late = {True: ", on time", False: ", late"}.get(row["is_on_time"], "")
        return f"arrived {shown(row['delivered_at'], 'time')}{late}"
    if row["estimated_delivery_at"] is not None:
        return f"expected {shown(row['estimated_delivery_at'], 'time')}"
    return ""


def _promotion(teller: Teller, row: Row) -> str:
    if row["promo_id"] is None:
        return ""
    saved = row["promo_discount"]
    return f"promotion {row['promo_id']}" + (
        f" saved {money(saved, teller.currency)}" if saved else ""
    )


def _ticket(teller: Teller, row: Row) -> Told:
    subject = f" “{row['subject']}”" if row["subject"] else ""
    text = f"Ticket {row['entry_id']}{subject}, {row['status'] or 'status unknown'}"
    rank = row["queue_rank"]
    link = (f"number {rank:,} of the support queue", links.QUEUE) if rank else None
    return Told(text, f"from {row['email']}", link)


def _deal(teller: Teller, row: Row) -> Told:
    text = f"Deal “{row['deal_name']}” for {money(row['amount'], teller.currency)}: {row['stage']}"
    company = row["corporate_email"]
    link = (company, links.account(company)) if company else None
    return Told(text, f"with {row['email']}", link)


def _campaign(teller: Teller, row: Row) -> Told:
    plan = f"campaign {row['plan_id']}"
    action = row["campaign_action_name"]
    channel = f" by {row['channel_name']}" if row["channel_name"] else ""
    if row["plan_detail_id"] is None:
        return Told(row["exclusion_reason_desc"] or f"Left out of {plan}")
    if row["is_control"]:
        text = f"In the control group of {plan}: nothing was sent"
    elif action:
        text = f"“{action}” was sent{channel} ({plan})"
    else:
        text = f"Reached by action {row['plan_detail_id']} of {plan}{channel}"
    note = _joined(
        f"for {row['target_group_name']}" if row["target_group_name"] else "",
        f"template {row['template_name']}" if row["template_name"] else "",
        f"promotion {row['promotion_id']}" if row["promotion_id"] else "",
    )
    return Told(text, note)


def _segment(teller: Teller, row: Row) -> Told:
    before, now = row["segment_before"], row["rfm_segment"]
    text = f"Segment changed from {before} to {now}" if before else f"First segment: {now}"
    money_score = row["monetary_score"]
    scores = f"recency {row['recency_score']}, frequency {row['frequency_score']}"
    note = f"scores of 5: {scores}" + (f", money {money_score}" if money_score else "")
    who = links.with_query(links.SEGMENTS, {"at": f"{row['happened_at']:%Y-%m-%dT%H}"})
    return Told(text, note, ("all segments then", who))


def _stage(teller: Teller, row: Row) -> Told:
    before, now = row["stage_before"], row["stage"] or "unknown"
    if before is None:
        return Told(f"Lifecycle stage: {now}", "the first day that was profiled")
    return Told(f"Lifecycle stage changed from {before} to {now}")


def _decision(teller: Teller, row: Row) -> Told:
    old, new = row["old_key"] or "?", row["new_key"] or "?"
    asked = {
        "merge": f"Decision to merge {old} into {new}",
        "never": f"Decision never to merge {old} and {new}",
        "undo": f"Decision to undo the merge of {old} into {new}",
    }.get(row["decision"], f"Decision {row['decision']!r} on {old} and {new}")
    outcome = _OUTCOMES.get(row["outcome"], row["outcome"])
    note = _joined(
        f"by {row['decided_by']}" if row["decided_by"] else "nobody wrote who decided",
        f"“{row['reason']}”" if row["reason"] else "",
        (row["explanation"] or "").rstrip("."),
        row["id_changes"] or "",
        f"{row['source_file']}, row {row['source_row']}",
    )
    other = row["other_contact_id"]
    if other:
        link = (f"the other person, {other}", links.contact(other))
    else:
        link = (f"all decisions on {old}", links.decisions(old))
    return Told(f"{asked}: {outcome}", note, link)


def _signup(teller: Teller, row: Row) -> Told:
    gaggle = row["gaggle_id"]
    link = (row["gaggle_name"] or f"gaggle {gaggle}", links.gaggle(gaggle)) if gaggle else None
    return Told(
        f"Account {row['account_id']} signed up", f"as {row['email']}" if row["email"] else "", link
    )


def _joined(*parts: str, between: str = " · ") -> str:
    return between.join(part for part in parts if part)


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return plural(round(minutes), "minute")
    return f"{minutes / 60:.1f} hours"


SENTENCES: Mapping[str, Callable[[Teller, Row], Told]] = {
    "orders": _order,
    "sessions": _session,
    "events": _event,
    "tickets": _ticket,
    "deals": _deal,
    "campaigns": _campaign,
    "segments": _segment,
    "stages": _stage,
    "decisions": _decision,
    "signups": _signup,
}
