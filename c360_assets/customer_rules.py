"""What the business decides about customers over time: the rules of `c360.toml` for it.

Imports none of the rest, like `domain_rules`.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SupportRules(_Strict):
    """The order of the support queue."""


class LifetimeValueRules(_Strict):
    """When the models of lifetime value are fitted, and when there is too little to fit them."""

    min_repeat_customers: int = Field(50, ge=2)


class CampaignRules(_Strict):
    """How the impact of campaigns is measured."""

    window_days: int = Field(14, ge=1)


class LifecycleRules(_Strict):
    """The stages in the life of a customer, by days since orders."""

    new_for_days: int = Field(30, ge=1)
    churn_after_days: int = Field(45, ge=1)
    back_for_days: int = Field(30, ge=1)
    vip_segments: tuple[str, ...] = ("Champions",)
