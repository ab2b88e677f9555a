"""The statistics of two groups: against scipy.stats, published figures, and worlds of no effect."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from c360_assets.customer_rules import CampaignRules
from c360_assets.customers.uplift import (
    WHOLE_CAMPAIGN,
    Sample,
    difference_of_means,
    difference_of_shares,
    impact_of_campaigns,
    wilson,
)

RULES = CampaignRules(min_group_size=3)
values = st.lists(st.integers(0, 50), min_size=2, max_size=30)


def sample(numbers) -> Sample:
    """The sums over these values, added up exactly."""
    exact = [Fraction(number) for number in numbers]
    return Sample(len(exact), sum(exact, Fraction(0)), sum((n * n for n in exact), Fraction(0)))


def group(
    detail: str, orders: list[int], *, control: bool = False, cents: int = 1000, **more
) -> dict:
    """A row of marts.campaign_groups: so many orders of each customer, each order worth `cents`."""
    money = [Decimal(n * cents) / 100 for n in orders]
    return {
        "plan_id": "p",
        "plan_detail_id": detail,
        "campaign_action_id": "1" if control else f"a{detail}",
        "campaign_action_name": "DN" if control else f"Action {detail}",
        "is_control": control,
        "first_execution_date": date(2021, 3, 1),
        "last_execution_date": date(2021, 3, 1),
        "customers": len(orders),
        "customers_pending": 0,
        "buyers": sum(n > 0 for n in orders),
        "orders": sum(orders),
        "orders_squared": sum(n * n for n in orders),
        "revenue": sum(money, Decimal(0)),
        "revenue_squared": sum((m * m for m in money), Decimal(0)),
        **more,
    }


def by_treatment(*groups: dict, rules: CampaignRules = RULES) -> dict[str, dict]:
    return {row["treatment"]: row for row in impact_of_campaigns(groups, rules)}


# --- two means -----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Precision loss")  # scipy's, where one group does not vary
@given(values, values, st.sampled_from([0.8, 0.95, 0.99]))
def test_two_means_differ_as_scipy_says(treated, control, confidence):
    found = difference_of_means(sample(treated), sample(control), confidence)
    if len(set(treated)) == len(set(control)) == 1:
        assert found is None
        return
    expected = stats.ttest_ind(treated, control, equal_var=False)
    interval = expected.confidence_interval(confidence)
    assert found.estimate == pytest.approx(np.mean(treated) - np.mean(control), abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(interval), rel=1e-6, abs=1e-6)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)


@given(values, values)
def test_to_swap_the_groups_turns_the_difference_round(treated, control):
    one = difference_of_means(sample(treated), sample(control), 0.95)
    other = difference_of_means(sample(control), sample(treated), 0.95)
    if one is None or other is None:
        assert one == other
        return
    assert (one.estimate, one.low, one.high) == (-other.estimate, -other.high, -other.low)
    assert one.p_value == other.p_value


def test_a_difference_worked_out_by_hand():
    """Means 3 and 1, variances 1 and 1 of three each: error sqrt(2/3), four degrees of freedom."""
    found = difference_of_means(sample([2, 3, 4]), sample([0, 1, 2]), 0.95)
    reach = 2.776445 * (2 / 3) ** 0.5  # Student's t at 0.975 with 4 degrees of freedom
    assert (found.estimate, found.low, found.high) == pytest.approx((2, 2 - reach, 2 + reach))


def test_the_variance_of_large_amounts_does_not_cancel():
    cents = Decimal("1000000000.01")
    assert sample([cents, cents + Decimal("0.01")]).variance == Fraction(1, 20000)


# --- two shares ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("treated", "control", "low", "high"),
    [  # table II of Newcombe (1998), method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_two_shares_differ_as_newcombe_printed(treated, control, low, high):
    found = difference_of_shares(treated, control, 0.95)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5.1e-5)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_shares_are_tested_as_by_chi_square_and_stay_within_bounds(size, other_size, data):
    hits, others = data.draw(st.integers(0, size)), data.draw(st.integers(0, other_size))
    found = difference_of_shares((hits, size), (others, other_size), 0.95)
    assert -1 <= found.low <= found.estimate <= found.high <= 1
    if hits + others in (0, size + other_size):
        assert found.p_value == 1
        return
    table = [[hits, size - hits], [others, other_size - others]]
    assert found.p_value == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


@given(st.integers(1, 200), st.data())
def test_the_interval_of_one_share_is_that_of_scipy(size, data):
    hits = data.draw(st.integers(0, size))
    expected = stats.binomtest(hits, size).proportion_ci(0.95, method="wilson")
    assert wilson(hits, size, 0.95) == pytest.approx((expected.low, expected.high), abs=1e-12)


# --- where there is no effect --------------------------------------------------------------------


def drawn(numbers: np.ndarray) -> Sample:
    squares = int((numbers.astype(np.int64) ** 2).sum())
    return Sample(len(numbers), Fraction(int(numbers.sum())), Fraction(squares))


def share_that_excludes_zero(size: int, control_size: int, rounds: int = 2000) -> dict[str, float]:
    """Of worlds in which nothing was changed: customers differ, their amounts are skewed."""
    draw = np.random.default_rng(11)
    missed = {"orders": 0, "rate": 0, "revenue": 0}
    for _ in range(rounds):
        counts = [draw.poisson(draw.gamma(1.0, 0.8, n)) for n in (size, control_size)]
        money = [draw.gamma(2.0, 1000, len(n)).astype(int) * n for n in counts]
        hits = [(int((n > 0).sum()), len(n)) for n in counts]
        found = {
            "orders": difference_of_means(*map(drawn, counts), 0.95),
            "rate": difference_of_shares(*hits, 0.95),
            "revenue": difference_of_means(*map(drawn, money), 0.95),
        }
        for name, difference in found.items():
            missed[name] += not difference.low <= 0 <= difference.high
    return {name: count / rounds for name, count in missed.items()}


def test_without_an_effect_one_interval_in_twenty_excludes_zero():
    """Four standard errors of 2,000 draws are 0.02."""
    shares = share_that_excludes_zero(600, 400)
    assert shares == pytest.approx({"orders": 0.05, "rate": 0.05, "revenue": 0.05}, abs=0.02)


def test_a_small_control_group_errs_more_often_where_amounts_are_skewed():
    shares = share_that_excludes_zero(300, 60)
    assert shares["rate"] == pytest.approx(0.05, abs=0.02)
    assert shares["orders"] == pytest.approx(0.05, abs=0.025)
    assert 0.05 < shares["revenue"] < 0.11, "as the guide says"


# --- campaigns -----------------------------------------------------------------------------------


def test_each_treatment_and_all_together_are_held_against_the_control_group():
    found = by_treatment(
        group("1", [0, 0, 1, 0], control=True),
        group("2", [1, 2, 0, 1]),
        group("3", [0, 0, 3]),
    )
    assert set(found) == {"2", "3", WHOLE_CAMPAIGN}
    assert found["2"]["orders_uplift"] == pytest.approx(0.75)
    assert found["2"]["orders_relative_uplift"] == pytest.approx(3)
    whole = found[WHOLE_CAMPAIGN]
    expected = stats.ttest_ind([1, 2, 0, 1, 0, 0, 3], [0, 0, 1, 0], equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert (whole["orders_uplift_low"], whole["orders_uplift_high"]) == pytest.approx(interval)
    assert whole["orders_p_value"] == pytest.approx(expected.pvalue)
    # every order is worth 10.00
    assert whole["revenue_uplift"] == pytest.approx(10 * whole["orders_uplift"])
    assert whole["revenue_p_value"] == pytest.approx(expected.pvalue)
    assert whole["revenue_treated"] == Decimal("70.00")
    assert (whole["customers_treated"], whole["customers_control"]) == (7, 4)
    assert (found["2"]["campaign_action_name"], whole.get("campaign_action_name")) == (
        "Action 2",
        None,
    )


def test_several_control_groups_of_a_campaign_are_one():
    parts = [group("1", [0, 1], control=True), group("9", [2, 3], control=True)]
    found = by_treatment(*parts, group("2", [1, 2, 3]))
    assert found["2"]["customers_control"] == 4
    assert found["2"]["orders_per_customer_control"] == 1.5


def test_the_order_of_the_rows_changes_nothing():
    rows = [group("1", [0, 1, 2], control=True), group("2", [1, 2, 3]), group("3", [0, 0, 1])]
    assert impact_of_campaigns(rows, RULES) == impact_of_campaigns(rows[::-1], RULES)


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ([group("2", [1, 2, 3])], "no_control_group"),
        ([group("1", [0, 1], control=True), group("2", [1, 2, 3])], "too_few_customers"),
        ([group("1", [0, 1, 2], control=True), group("2", [1, 2])], "too_few_customers"),
        (
            [group("1", [], control=True, customers_pending=5), group("2", [1, 2, 3])],
            "window_not_over",
        ),
        ([group("1", [0] * 5, control=True), group("2", [0] * 5)], "no_variation"),
    ],
)
def test_where_nothing_can_be_said_figures_are_null_and_the_reason_is_given(groups, reason):
    row = by_treatment(*groups)["2"]
    assert (row["orders_reason"], row["revenue_reason"]) == (reason, reason)
    for name in ("orders_uplift", "orders_uplift_low", "orders_p_value", "revenue_uplift"):
        assert row.get(name) is None
    assert row["orders_treated"] == groups[-1]["orders"], "what was counted is told all the same"


def test_without_amounts_orders_are_measured_and_money_is_not():
    none = {"revenue": None, "revenue_squared": None}
    found = by_treatment(group("1", [0, 1, 2], control=True), group("2", [1, 2, 4], **none))["2"]
    assert found["orders_reason"] is None
    assert found["revenue_reason"] == "no_amounts"
    assert found["revenue_treated"] is None
    assert found.get("revenue_uplift") is None
    assert found["revenue_control"] == Decimal("30.00")


def test_customers_whose_window_is_not_over_are_told_apart():
    waiting = group("2", [1, 2, 4], customers_pending=2)
    found = by_treatment(group("1", [0, 1, 2], control=True), waiting)["2"]
    assert (found["is_complete"], found["customers_pending"]) == (False, 2)
    assert found["orders_uplift"] is not None


def test_a_campaign_that_sent_nothing_has_no_row():
    assert impact_of_campaigns([group("1", [0, 1, 2], control=True)], RULES) == []
