"""What a campaign changed: its customers against those of its control group, with intervals.

Belongs here: the statistics of two independent groups. Not here: who is in a group and what they
bought (`sql/marts/campaign_groups.sql`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from c360_assets.customer_rules import CampaignRules

WHOLE_CAMPAIGN = "all"


@dataclass(frozen=True)
class Sample:
    """Values of `size` customers: their sum and the sum of their squares, both exact."""

    size: int
    total: Fraction
    squares: Fraction

    @property
    def mean(self) -> Fraction:
        """The mean; `size` must not be 0."""
        return self.total / self.size

    @property
    def variance(self) -> Fraction:
        """The unbiased variance; `size` must be at least 2. Exact, so that nothing cancels."""
        return (self.squares - self.total**2 / self.size) / (self.size - 1)


@dataclass(frozen=True)
class Difference:
    """Treated minus control, the ends of its confidence interval, and the two-sided p-value."""

    estimate: float
    low: float
    high: float
    p_value: float


def difference_of_means(treated: Sample, control: Sample, confidence: float) -> Difference | None:
    """Welch's interval and test for two means; None where neither group varies at all.

    Unequal variances and group sizes are the rule here: control groups are small. Source: B. L.
    Welch, The generalization of `Student's' problem when several different population variances
    are involved, Biometrika 34 (1947); degrees of freedom after Welch and Satterthwaite.
    """
    per_treated = treated.variance / treated.size
    per_control = control.variance / control.size
    squared_error = per_treated + per_control
    if squared_error == 0:
        return None
    freedom = float(
        squared_error**2
        / (per_treated**2 / (treated.size - 1) + per_control**2 / (control.size - 1))
    )
    estimate = float(treated.mean - control.mean)
    error = math.sqrt(squared_error)
    reach = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    p_value = 2 * float(stdtr(freedom, -abs(estimate / error)))
    return Difference(estimate, estimate - reach, estimate + reach, p_value)


def difference_of_shares(
    treated: tuple[int, int], control: tuple[int, int], confidence: float
) -> Difference:
    """The difference of two shares, each given as (hits, size).

    Interval: the hybrid of two Wilson scores, method 10 in R. G. Newcombe, Interval estimation for
    the difference between independent proportions, Statistics in Medicine 17 (1998). It stays
    within -1 and 1 and holds its level for rare orders, where the plain one does not. p-value: the
    score test (z with the pooled share, no continuity correction); 1 where all or none hit.
    """
    (hits, size), (control_hits, control_size) = treated, control
    share, control_share = hits / size, control_hits / control_size
    estimate = share - control_share
    low, high = wilson(hits, size, confidence)
    control_low, control_high = wilson(control_hits, control_size, confidence)
    down = math.hypot(share - low, control_high - control_share)
    up = math.hypot(high - share, control_share - control_low)
    pooled = (hits + control_hits) / (size + control_size)
    error = math.sqrt(pooled * (1 - pooled) * (1 / size + 1 / control_size))
    p_value = 2 * float(ndtr(-abs(estimate) / error)) if error else 1.0
    # the last digit of a rounded root may reach beyond what shares can differ by
    return Difference(estimate, max(-1.0, estimate - down), min(1.0, estimate + up), p_value)


def wilson(hits: int, size: int, confidence: float) -> tuple[float, float]:
    """The score interval of one share.

    Source: E. B. Wilson, Probable inference, Journal of the American Statistical Association 22
    (1927).
    """
    z = float(ndtri((1 + confidence) / 2))
    share = hits / size
    middle = share + z * z / (2 * size)
    reach = z * math.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    whole = 1 + z * z / size
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


@dataclass(frozen=True)
class Group:
    """Customers given one action, or several of one campaign, and what they bought."""

    customers: int
    pending: int
    buyers: int
    orders: Sample
    revenue: Sample | None
    first_execution: date
    last_execution: date

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Group:
        """A row of `marts.campaign_groups`."""
        size = int(row["customers"])
        revenue = row["revenue"]
        return cls(
            customers=size,
            pending=int(row["customers_pending"]),
            buyers=int(row["buyers"]),
            orders=Sample(size, Fraction(row["orders"]), Fraction(row["orders_squared"])),
            revenue=None
            if revenue is None
            else Sample(size, Fraction(revenue), Fraction(row["revenue_squared"])),
            first_execution=row["first_execution_date"],
            last_execution=row["last_execution_date"],
        )


def together(groups: Sequence[Group]) -> Group:
    """Several groups (at least one), no customer being in two of them, as one."""
    revenues = [group.revenue for group in groups]
    known = [revenue for revenue in revenues if revenue is not None]
    return Group(
        customers=sum(group.customers for group in groups),
        pending=sum(group.pending for group in groups),
        buyers=sum(group.buyers for group in groups),
        orders=_summed([group.orders for group in groups]),
        revenue=_summed(known) if len(known) == len(revenues) else None,
        first_execution=min(group.first_execution for group in groups),
        last_execution=max(group.last_execution for group in groups),
    )


def _summed(samples: Sequence[Sample]) -> Sample:
    return Sample(
        sum(sample.size for sample in samples),
        sum((sample.total for sample in samples), Fraction(0)),
        sum((sample.squares for sample in samples), Fraction(0)),
    )


def impact_of_campaigns(
    groups: Iterable[Mapping[str, Any]], rules: CampaignRules
) -> list[dict[str, Any]]:
    """The rows of `marts.campaign_impact` from those of `marts.campaign_groups`, in any order.

    Each treatment of a campaign, and all of them together, against the control group. A campaign
    in which nothing was sent to anybody has no row.
    """
    ordered = sorted(groups, key=lambda row: (row["plan_id"], row["plan_detail_id"]))
    found = []
    for plan_id, rows in groupby(ordered, key=lambda row: row["plan_id"]):
        found += _campaign(plan_id, list(rows), rules)
    return found


def _campaign(
    plan_id: str, rows: Sequence[Mapping[str, Any]], rules: CampaignRules
) -> list[dict[str, Any]]:
    controls = [Group.of(row) for row in rows if row["is_control"]]
    control = together(controls) if controls else None
    treatments = [row for row in rows if not row["is_control"]]
    compared = [
        {
            "treatment": row["plan_detail_id"],
            "campaign_action_id": row["campaign_action_id"],
            "campaign_action_name": row["campaign_action_name"],
            **_comparison(Group.of(row), control, rules),
        }
        for row in treatments
    ]
    if treatments:
        whole = together([Group.of(row) for row in treatments])
        compared.append({"treatment": WHOLE_CAMPAIGN, **_comparison(whole, control, rules)})
    return [{"plan_id": plan_id, **row} for row in compared]


def _comparison(treated: Group, control: Group | None, rules: CampaignRules) -> dict[str, Any]:
    both = [treated, control] if control else [treated]
    pending = sum(group.pending for group in both)
    revenue = control.revenue if control else None
    row: dict[str, Any] = {
        "first_execution_date": min(group.first_execution for group in both),
        "last_execution_date": max(group.last_execution for group in both),
        "window_days": rules.window_days,
        "is_complete": pending == 0,
        "customers_pending": pending,
        "customers_treated": treated.customers,
        "customers_control": control.customers if control else 0,
        "orders_treated": int(treated.orders.total),
        "orders_control": int(control.orders.total) if control else 0,
        "revenue_treated": _money(treated.revenue),
        "revenue_control": _money(revenue),
        "confidence_level": rules.confidence_level,
        **_averages("treated", treated),
        **(_averages("control", control) if control else {}),
    }
    reason = _reason(treated, control, rules)
    row["orders_reason"] = row["revenue_reason"] = reason
    if control and reason is None:
        row |= _measured(treated, control, rules.confidence_level)
    return row


def _averages(side: str, group: Group) -> dict[str, float | None]:
    """Shares and means of one side; None without customers."""
    some = group.customers > 0
    revenue = group.revenue
    return {
        f"order_rate_{side}": group.buyers / group.customers if some else None,
        f"orders_per_customer_{side}": float(group.orders.mean) if some else None,
        f"revenue_per_customer_{side}": float(revenue.mean) if some and revenue else None,
    }


def _reason(treated: Group, control: Group | None, rules: CampaignRules) -> str | None:
    """Why nothing can be said about the treatment; None where something can."""
    if control is None:
        return "no_control_group"
    if min(treated.customers, control.customers) >= rules.min_group_size:
        return None
    with_pending = [group.customers + group.pending for group in (treated, control)]
    if min(with_pending) >= rules.min_group_size:
        return "window_not_over"
    return "too_few_customers"


def _measured(treated: Group, control: Group, confidence: float) -> dict[str, Any]:
    """The differences in order rate, orders and revenue, and why any of them is missing."""
    rate = difference_of_shares(
        (treated.buyers, treated.customers), (control.buyers, control.customers), confidence
    )
    orders = difference_of_means(treated.orders, control.orders, confidence)
    row = {
        **_columns("order_rate_uplift", "order_rate_p_value", rate),
        **_columns("orders_uplift", "orders_p_value", orders),
        "orders_relative_uplift": _relative(treated.orders, control.orders),
        "orders_reason": None if orders else "no_variation",
    }
    if treated.revenue is None or control.revenue is None:
        return {**row, "revenue_reason": "no_amounts"}
    revenue = difference_of_means(treated.revenue, control.revenue, confidence)
    return {
        **row,
        **_columns("revenue_uplift", "revenue_p_value", revenue),
        "revenue_relative_uplift": _relative(treated.revenue, control.revenue),
        "revenue_reason": None if revenue else "no_variation",
    }


def _columns(name: str, p_value: str, found: Difference | None) -> dict[str, float | None]:
    if found is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None, p_value: None}
    return {
        name: found.estimate,
        f"{name}_low": found.low,
        f"{name}_high": found.high,
        p_value: found.p_value,
    }


def _relative(treated: Sample, control: Sample) -> float | None:
    return float(treated.mean / control.mean - 1) if control.total > 0 else None


def _money(sample: Sample | None) -> Decimal | None:
    """Cents are kept: the total is a sum of them."""
    if sample is None:
        return None
    return (Decimal(sample.total.numerator) / Decimal(sample.total.denominator)).quantize(
        Decimal("0.01")
    )
