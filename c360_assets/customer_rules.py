"""What the business decides about customers over time: the rules of `c360.toml` for it.

Imports none of the rest, like `domain_rules`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Points = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class SessionRules(_Strict):
    """Which events of a session put something into a cart, and which are a checkout.

    Events that are orders are checkouts, too.
    """

    cart_events: tuple[str, ...] = ("add_to_cart",)
    conversion_events: tuple[str, ...] = ("checkout",)


# the most valuable and most likely to be lost first
SEGMENT_WEIGHTS = (
    ("Cannot Lose Them", 100.0),
    ("At Risk", 80.0),
    ("Champions", 70.0),
    ("Loyal Customers", 65.0),
    ("Need Attention", 60.0),
    ("Potential Loyalists", 45.0),
    ("About to Sleep", 40.0),
    ("Promising", 30.0),
    ("New Customers", 30.0),
    ("Hibernating", 20.0),
    ("prospects", 10.0),
)


class SupportRules(_Strict):
    """The order of the support queue: points, added up per ticket.

    `segment_weights` is a table of RFM segment (or `prospects`) and points; `value_weight` goes to
    the customer who spent most, and in proportion to the percentile of money to the others.
    """

    open_statuses: tuple[str, ...] = Field(("open", "pending"), min_length=1)
    # pairs, since a dict has no hash
    segment_weights: tuple[tuple[str, Points], ...] = SEGMENT_WEIGHTS
    other_segment_weight: Points = 30.0
    unknown_sender_weight: Points = 5.0
    value_weight: Points = 30.0
    waiting_weight_per_day: Points = 2.0
    waiting_days_at_most: Points = 14.0
    paying_company_weight: Points = 25.0

    @field_validator("open_statuses")
    @classmethod
    def _statuses_as_staged(cls, statuses: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [status for status in statuses if not status.strip()]:
            raise ValueError(f"support.open_statuses are words such as `open`; got {wrong}")
        return tuple(dict.fromkeys(status.strip().lower() for status in statuses))

    @field_validator("segment_weights", mode="before")
    @classmethod
    def _weights_as_pairs(cls, weights: object) -> object:
        if not isinstance(weights, dict):
            return weights
        for name, points in weights.items():
            is_number = isinstance(points, int | float) and not isinstance(points, bool)
            if not is_number or not 0 <= points < float("inf"):
                raise ValueError(f"the weight of {name} is {points!r}; write a number of 0 or more")
        return tuple(weights.items())

    @field_validator("segment_weights")
    @classmethod
    def _each_segment_once(
        cls, weights: tuple[tuple[str, float], ...]
    ) -> tuple[tuple[str, float], ...]:
        names = [name for name, _ in weights]
        if len(set(names)) < len(names):
            raise ValueError(f"support.segment_weights names a segment twice: {', '.join(names)}")
        return weights


class LifetimeValueRules(_Strict):
    """When the models of lifetime value are fitted, and what money to come is worth today.

    With fewer than `min_repeat_customers` there are no figures. Beyond `max_value_correlation`
    between the number of orders and their average value, a check warns that the models' assumption
    is off. `annual_discount_rate` 0.1 makes money in a year worth 1 / 1.1 of money today.
    """

    min_repeat_customers: int = Field(50, ge=2)
    max_value_correlation: float = Field(0.3, gt=0, le=1)
    annual_discount_rate: float = Field(0.0, ge=0, le=10)


class CampaignRules(_Strict):
    """How campaigns are read, and how their impact is measured.

    Orders count for `window_days` days, the day of execution being the first. `min_group_size` is
    the least number of customers on either side of a comparison.
    """

    window_days: int = Field(14, ge=1, le=366)
    min_group_size: int = Field(30, ge=2)
    confidence_level: float = Field(0.95, ge=0.5, lt=1)
    control_action_id: str = Field("1", min_length=1)
    control_action_name: str = Field("DN", min_length=1)
    priority_reason_ids: tuple[str, ...] = ("1",)


class LifecycleRules(_Strict):
    """The stages in the life of a customer, by days since orders."""

    new_for_days: int = Field(30, ge=1)
    churn_after_days: int = Field(45, ge=1)
    back_for_days: int = Field(30, ge=1)
    vip_segments: tuple[str, ...] = ("Champions",)
