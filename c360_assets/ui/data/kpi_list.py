"""The KPIs of the dashboard: what each is made of, and by what it can be split.

Belongs here: names and definitions. Not here: any figure (`kpis`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from c360_assets.ui.parts.text import Kind

# How days become a period: added up; sums divided; people counted once each; the last day's.
How = Literal["sum", "ratio", "people", "end"]

ORDER_SPLITS = ("country", "promo")
ALL_SPLITS = ("country", "promo", "product")


@dataclass(frozen=True)
class Kpi:
    """A KPI: `column` of `kpi_daily` is its daily figure.

    `better` is 1 where more is good, -1 where less is, 0 where it is neither. `splits` are the
    dimensions that it can be split by, and `adds_up` those of them whose parts make the whole.
    `note` goes with the contract's words for the column.
    """

    key: str
    label: str
    kind: Kind
    better: int
    how: How
    group: str
    splits: tuple[str, ...] = ()
    adds_up: tuple[str, ...] = ()
    numerator: str = ""
    denominator: str = ""
    note: str = ""

    @property
    def column(self) -> str:
        """Its column of `kpi_daily`."""
        return self.key

    @property
    def is_rate(self) -> bool:
        """Whether it is a share, whose changes are told in points."""
        return self.kind == "percent"


def _sum(
    key: str, label: str, group: str, splits: tuple[str, ...], kind: Kind = "number",
    better: int = 1, adds_up: tuple[str, ...] | None = None, note: str = "",
) -> Kpi:  # fmt: skip
    parts = splits if adds_up is None else adds_up
    return Kpi(key, label, kind, better, "sum", group, splits, parts, key, note=note)


def _ratio(
    key: str, label: str, group: str, splits: tuple[str, ...], kind: Kind, better: int,
    parts: tuple[str, str], note: str = "",
) -> Kpi:  # fmt: skip
    words = f"both added up over the days, then divided. {note}".strip()
    return Kpi(key, label, kind, better, "ratio", group, splits, (), *parts, note=words)


GROUPS = ("Sales", "People", "Visits", "Delivery")
_OF_ALL_SALES = "of a product, pieces times its price today"
_ARRIVED = "of orders of these days that have arrived; the newest ones may still be on their way"
_ONCE = "each counted once in the period, so days do not add up"

KPIS: tuple[Kpi, ...] = (
    _sum("revenue", "Revenue", "Sales", ALL_SPLITS, "money", note=_OF_ALL_SALES),
    _sum("net_revenue", "Net revenue", "Sales", ORDER_SPLITS, "money"),
    _sum("gross_revenue", "Gross revenue", "Sales", ORDER_SPLITS, "money"),
    _sum("orders", "Orders", "Sales", ALL_SPLITS, adds_up=ORDER_SPLITS),
    _ratio(
        *("average_order_value", "Average order value", "Sales", ORDER_SPLITS, "money", 1),
        ("revenue", "priced_orders"),
    ),
    _sum("units", "Pieces sold", "Sales", ALL_SPLITS),
    _sum("refund_amount", "Refunds", "Sales", ORDER_SPLITS, "money", -1),
    _sum("refunds", "Orders refunded", "Sales", ORDER_SPLITS, better=-1),
    Kpi(
        *("customers", "Customers", "number", 1, "people", "People", ORDER_SPLITS),
        note=f"counted in marts.fct_orders, {_ONCE}",
    ),
    _sum("new_customers", "New customers", "People", ALL_SPLITS, adds_up=ORDER_SPLITS),
    Kpi(
        *("returning_rate", "Returning rate", "percent", 1, "people", "People", ORDER_SPLITS),
        note="(customers - new customers) / customers of the period, each counted once",
    ),
    Kpi(
        *("repeat_rate", "Repeat rate", "percent", 1, "end", "People"),
        numerator="repeat_customers_to_date",
        denominator="customers_to_date",
        note="at the end of the period: of all who ever ordered, the share with two orders or more",
    ),
    Kpi(
        *("active_users", "Active users", "number", 1, "people", "People"),
        note=f"of marts.kpi_active_days, {_ONCE}",
    ),
    Kpi(
        *("active_gaggles", "Active gaggles", "number", 1, "people", "People"),
        note=f"of marts.kpi_active_days, {_ONCE}",
    ),
    _sum("sessions", "Sessions", "Visits", ("product",), adds_up=()),
    _ratio(
        *("conversion_rate", "Conversion", "Visits", ("product",), "percent", 1),
        ("converted_sessions", "sessions"),
    ),
    _ratio(
        *("bounce_rate", "Bounce rate", "Visits", (), "percent", -1),
        ("bounced_sessions", "sessions"),
    ),
    _sum("events", "Events", "Visits", ("event_name", "product"), adds_up=("event_name",)),
    _ratio(
        *("delivery_hours", "Hours to deliver", "Delivery", ORDER_SPLITS, "decimal", -1),
        ("delivery_hours_sum", "delivered_orders"),
        _ARRIVED,
    ),
    _ratio(
        *("on_time_rate", "On time", "Delivery", ORDER_SPLITS, "percent", 1),
        ("on_time_orders", "expected_deliveries"),
        _ARRIVED,
    ),
)
BY_KEY = {kpi.key: kpi for kpi in KPIS}

# what a day can be split by: its name in `kpi_daily`, and for people
DIMENSIONS = {
    "country": "Country",
    "promo": "Promotion",
    "product": "Product",
    "event_name": "Event name",
}


def value_of(kpi: Kpi, sums: Mapping[str, Any] | None) -> Any:
    """A KPI worked out from the sums of its days; None where it does not apply or is unknown."""
    if sums is None:
        return None
    if kpi.how == "people":
        return _of_people(kpi, sums)
    over = sums.get(kpi.numerator)
    if kpi.how == "sum" or over is None:
        return over
    under = sums.get(kpi.denominator)
    return float(over) / float(under) if under else None


def _of_people(kpi: Kpi, counted: Mapping[str, Any]) -> Any:
    customers = counted.get("customers")
    if kpi.key != "returning_rate":
        return counted.get(kpi.key)
    if not customers:
        return None
    return (customers - counted["new_customers"]) / customers
