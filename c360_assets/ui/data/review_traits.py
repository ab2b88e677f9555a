"""The two of a suggested pair side by side: trait by trait, with what is the same.

Belongs here: what is compared, and how. Not here: which pair (`review`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from typing import Any, Literal

from c360_assets.errors import C360Error
from c360_assets.ui import links
from c360_assets.ui.copies import Copy
from c360_assets.ui.data.review import Candidate
from c360_assets.ui.parts.text import Kind

Verdict = Literal["same", "differs", "alike", "unknown", ""]
# below this two texts have so little in common that marks would only confuse
_ALIKE = 0.7
_SOON = timedelta(days=1)


@dataclass(frozen=True)
class Trait:
    """One line of the comparison.

    `verdict` is empty for figures, which nobody expects to be equal, and where neither of the two
    says anything; `unknown` where only one does. `source` is the table and column.
    """

    label: str
    old: Any
    new: Any
    kind: Kind
    verdict: Verdict
    source: tuple[str, str]


@dataclass(frozen=True)
class Comparison:
    """Two of a kind: `old_href` and `new_href` lead to their pages; who they are, what they did."""

    old_title: str
    new_title: str
    old_href: str
    new_href: str
    traits: list[Trait]
    figures: list[Trait]


def compared(copy: Copy, candidate: Candidate) -> Comparison | None:
    """The two side by side; None where one of them is not in the data any more, or is hidden."""
    if candidate.kind == "user":
        return _people(copy, candidate)
    return _companies(copy, candidate)


def _people(copy: Copy, candidate: Candidate) -> Comparison | None:
    row = candidate.row
    ids = {row["left"]: row["left_user_id"], row["right"]: row["right_user_id"]}
    rows = {each["user_id"]: each for each in copy.rows("review/people", user_ids=[*ids.values()])}
    old, new = (rows.get(ids.get(key)) for key in (candidate.old, candidate.new))
    if old is None or new is None:
        return None
    return Comparison(
        old["user_name"] or candidate.old,
        new["user_name"] or candidate.new,
        links.contact(old["contact_id"]),
        links.contact(new["contact_id"]),
        _lines(old, new, _OF_PEOPLE, "contacts"),
        _lines(old, new, _DONE_BY_PEOPLE, "contacts"),
    )


def _companies(copy: Copy, candidate: Candidate) -> Comparison | None:
    keys = [candidate.old, candidate.new]
    rows = {each["corporate_email"]: each for each in copy.rows("review/companies", domains=keys)}
    old, new = (rows.get(key) for key in keys)
    if old is None or new is None:
        return None
    return Comparison(
        candidate.old,
        candidate.new,
        links.account(candidate.old),
        links.account(candidate.new),
        _lines(old, new, _OF_COMPANIES, "corporate_accounts"),
        _lines(old, new, _DONE_BY_COMPANIES, "corporate_accounts"),
    )


@dataclass(frozen=True)
class _Line:
    label: str
    name: str
    kind: Kind = "text"
    judge: Callable[[Any, Any], Verdict] | None = None
    source: tuple[str, str] | None = None


def _lines(
    old: dict[str, Any], new: dict[str, Any], lines: Iterable[_Line], table: str
) -> list[Trait]:
    return [
        Trait(
            each.label,
            old[each.name],
            new[each.name],
            each.kind,
            _judged(each, old[each.name], new[each.name]),
            each.source or (table, each.name),
        )
        for each in lines
    ]


def _judged(line: _Line, old: Any, new: Any) -> Verdict:
    # where neither says anything there is nothing to be judged
    return line.judge(old, new) if line.judge and (old or new) else ""


def text_verdict(old: str | None, new: str | None) -> Verdict:
    """Whether two texts are the same but for case and blanks."""
    if not old or not new:
        return "unknown"
    return "same" if _plain(old) == _plain(new) else "differs"


def list_verdict(old: list[str], new: list[str]) -> Verdict:
    """Whether two lists have the same texts; `alike` where they share some."""
    if not old or not new:
        return "unknown"
    ones, others = {_plain(each) for each in old}, {_plain(each) for each in new}
    if ones == others:
        return "same"
    return "alike" if ones & others else "differs"


def phone_verdict(old: list[str], new: list[str]) -> Verdict:
    """The same for phone numbers, of which the digits count."""
    return list_verdict(*([_digits(each) for each in numbers] for numbers in (old, new)))


def time_verdict(old: Any, new: Any) -> Verdict:
    """Whether two things happened at the same moment, within a day (`alike`), or not."""
    if old is None or new is None:
        return "unknown"
    if old == new:
        return "same"
    return "alike" if abs(new - old) <= _SOON else "differs"


def marked(text: str, other: str) -> list[tuple[str, bool]]:
    """The parts of a text, each with whether it is missing in the other one.

    Of texts that have little in common nothing is marked: all of it is another.
    """
    matcher = SequenceMatcher(None, text, other, autojunk=False)
    if text == other or matcher.ratio() < _ALIKE:
        return [(text, False)]
    return [
        (text[start:end], tag != "equal")
        for tag, start, end, _, _ in matcher.get_opcodes()
        if end > start
    ]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isdigit()) or text


def require(found: Comparison | None, candidate: Candidate) -> Comparison:
    """The comparison itself.

    Raises:
        C360Error: one of the two is not in the data any more.
    """
    if found is None:
        raise C360Error(
            f"{candidate.old} or {candidate.new} is not in the data any more; the next run takes "
            "the suggestion back. Skip it"
        )
    return found


_OF_PEOPLE = (
    _Line("Name", "user_name", judge=text_verdict),
    _Line("Address", "email", judge=text_verdict),
    _Line("Company", "corporate_email", judge=text_verdict),
    _Line("Gaggle", "gaggle_name", judge=text_verdict, source=("gaggle_facts", "gaggle_name")),
    _Line("Signed up", "created_at", "time", time_verdict),
    _Line("Phone", "phones", "list", phone_verdict, ("stg_users", "phone")),
    _Line("Postal address", "postal_addresses", "list", list_verdict, ("stg_addresses", "address")),
    _Line("Other accounts", "merged_emails", "list", source=("contacts", "merged_emails")),
)
_DONE_BY_PEOPLE = (
    _Line("Events", "number_of_events", "number"),
    _Line("Orders", "number_of_orders", "number"),
    _Line("Sales", "sales_total", "money"),
    _Line("Segment", "rfm_segment", source=("rfm_segments", "rfm_segment")),
    _Line("First activity", "first_event", "time"),
    _Line("Last activity", "most_recent_event", "time"),
)
_OF_COMPANIES = (
    _Line("Domain", "corporate_email", judge=text_verdict),
    _Line("Other domains", "email_domains", "list", source=("domain_identity", "email_domain")),
    _Line("Gaggles", "gaggle_names", "list", list_verdict, ("gaggle_facts", "gaggle_name")),
    _Line("Plan", "current_plan", judge=text_verdict),
    _Line("Customer since", "customer_since", "date", time_verdict),
)
_DONE_BY_COMPANIES = (
    _Line("People", "number_of_users_corporate", "number"),
    _Line("Gaggles of its own", "number_of_gaggles", "number"),
    _Line("Deals won", "won_deals", "number"),
    _Line("Worth of these", "won_amount", "money"),
    _Line("Deals lost", "lost_deals", "number"),
    _Line("Events", "number_of_events_corporate", "number"),
    _Line("Orders", "number_of_orders_corporate", "number"),
    _Line("First activity", "first_event_corporate", "time"),
    _Line("Last activity", "most_recent_event_corporate", "time"),
)
