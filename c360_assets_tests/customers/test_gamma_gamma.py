"""Gamma-Gamma against the published figures, an integral over customers, and simulated orders."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from c360_assets.customers.lifetime_value import gamma_gamma
from c360_assets.customers.lifetime_value.gamma_gamma import GammaGamma, Values

# Fader & Hardie (2013): the 946 repeat customers of CDNOW, in dollars
CDNOW = GammaGamma(p=6.25, q=3.74, v=15.44)
MODELS = [CDNOW, GammaGamma(1.0, 40.0, 3600.0), GammaGamma(0.7, 2.2, 30.0)]
each_model = pytest.mark.parametrize("model", MODELS)


def simulated(
    model: GammaGamma, orders: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(orders, their average, the customer's own mean), order by order."""
    random = np.random.default_rng(seed)
    inverse_scale = random.gamma(model.q, 1 / model.v, len(orders))
    owner = np.repeat(np.arange(len(orders)), orders)
    values = random.gamma(model.p, 1 / inverse_scale[owner])
    average = np.bincount(owner, weights=values) / orders
    return orders, average, model.p / inverse_scale


def few_orders(people: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).geometric(0.3, people)


def test_the_published_expectations():
    """By `conditional_expected_average_profit` of the Python package lifetimes on the same data."""
    found = CDNOW.expected_value([2, 1, 0, 7], [22.35, 11.77, np.nan, 73.74])
    assert found == pytest.approx([24.65, 18.91, 35.17, 71.46], rel=2e-3)


def test_a_likelihood_worked_out_by_hand():
    """With p = q = v = 1 one order of value z has the density 1 / (1 + z)^2."""
    model = GammaGamma(1.0, 1.0, 1.0)
    assert np.exp(model.log_likelihood(1, 3.0)) == pytest.approx(1 / 16, rel=1e-14)
    # the average 3 of two orders: their sum 6 has 1 * 2 * 6 / 7^3, and half the scale doubles it
    assert np.exp(model.log_likelihood(2, 3.0)) == pytest.approx(2 * 12 / 343, rel=1e-14)


@each_model
@pytest.mark.parametrize(("orders", "average"), [(1, 30.0), (3, 12.5), (8, 90.0), (40, 55.5)])
def test_the_likelihood_is_the_integral_over_all_customers(model, orders, average):
    scales = stats.gamma(model.q, scale=1 / model.v)

    def density(share: float) -> float:
        inverse = scales.ppf(share)
        return stats.gamma(model.p * orders, scale=1 / (inverse * orders)).pdf(average)

    expected = integrate.quad(density, 0, 1, limit=400, epsabs=0, epsrel=1e-10)[0]
    found = np.exp(model.log_likelihood(orders, average))
    assert found == pytest.approx(expected, rel=1e-7)


def test_what_orders_are_worth_lies_between_the_customers_mean_and_everybodys():
    everybody = CDNOW.p * CDNOW.v / (CDNOW.q - 1)
    found = CDNOW.expected_value([1, 5, 50, 100_000], [100.0] * 4)
    assert everybody < found[0] < found[1] < found[2] < found[3] <= 100.0
    assert found[3] == pytest.approx(100.0, rel=1e-4)


def test_customers_spend_on_average_what_is_expected_of_them():
    orders, average, own_mean = simulated(CDNOW, few_orders(200_000, 21), 21)
    told = CDNOW.expected_value(orders, average)
    for x in range(1, 9):
        part = orders == x
        error = (own_mean[part] - told[part]).std() / np.sqrt(part.sum())
        assert abs(own_mean[part].mean() - told[part].mean()) < 4 * error


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_parameters_of_50_000_customers_are_found_within_five_per_cent(seed):
    """Half of them with one order, half with about fifty.

    p and v are told apart only by how much less the averages of many orders differ than single
    orders do; with these numbers their standard errors are 1.2 and 1.7 per cent.
    """
    model = GammaGamma(2.0, 3.74, 48.0)
    random = np.random.default_rng(seed)
    orders = np.where(random.random(50_000) < 0.5, 1, 1 + random.poisson(50, 50_000))
    top = gamma_gamma.fit(Values.of(*simulated(model, orders, seed)[:2]))
    assert top.is_peak
    assert top.parameters == pytest.approx(astuple(model), rel=0.05)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_published_parameters_are_found_as_closely_as_few_orders_tell(seed):
    """At p = 6.25 and three orders each, p and v have standard errors of 2.7 and 3.5 per cent.

    Whatever their errors, they make up for each other: the mean value is found within one.
    """
    p, q, v = gamma_gamma.fit(
        Values.of(*simulated(CDNOW, few_orders(50_000, seed), seed)[:2])
    ).parameters
    assert q == pytest.approx(CDNOW.q, rel=0.05)
    assert p == pytest.approx(CDNOW.p, rel=3 * 0.027)
    assert v == pytest.approx(CDNOW.v, rel=3 * 0.035)
    assert p * v / (q - 1) == pytest.approx(CDNOW.p * CDNOW.v / (CDNOW.q - 1), rel=0.01)


def test_the_top_is_where_a_blunt_search_finds_none_higher():
    orders, average, _ = simulated(CDNOW, few_orders(2_000, 5), 5)
    top = gamma_gamma.fit(Values.of(orders, average))
    assert GammaGamma(*top.parameters).log_likelihood(orders, average).sum() == pytest.approx(
        top.log_likelihood, rel=1e-12
    )
    random = np.random.default_rng(6)
    for size in (0.003, 0.03, 0.3):
        for _ in range(30):
            near = np.asarray(top.parameters) * np.exp(random.normal(0, size, 3))
            assert GammaGamma(*near).log_likelihood(orders, average).sum() < top.log_likelihood


def test_the_currency_changes_v_alone():
    orders, average, _ = simulated(CDNOW, few_orders(5_000, 7), 7)
    dollars = gamma_gamma.fit(Values.of(orders, average)).parameters
    cents = gamma_gamma.fit(Values.of(orders, 100 * average)).parameters
    assert cents == pytest.approx((*dollars[:2], 100 * dollars[2]), rel=1e-5)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_customers_changes_nothing(seed):
    orders, average, _ = simulated(CDNOW, few_orders(300, 8), 8)
    rows = np.stack([orders, np.round(average)])
    shuffled = np.random.default_rng(seed).permutation(rows, axis=1)
    assert gamma_gamma.fit(Values.of(*shuffled)) == gamma_gamma.fit(Values.of(*rows))


@pytest.mark.parametrize("people", [1, 200])
def test_one_price_for_everybody_has_no_top(people):
    """The likelihood grows without bound: the more alike orders are said to be, the likelier."""
    assert not gamma_gamma.fit(Values.of([3] * people, [10] * people)).is_top


def test_customers_of_one_taste_lead_to_everybodys_mean():
    """The higher q, the less customers differ; and how high it gets matters little."""
    random = np.random.default_rng(9)
    orders = random.integers(1, 9, 3_000)
    average = random.gamma(4.0 * orders, 5.0) / orders
    # customers who differ less than chance would have it
    average = 20 + (average - 20) * 0.8
    top = gamma_gamma.fit(Values.of(orders, average))
    assert top.is_top
    assert top.parameters[1] > 100
    told = GammaGamma(*top.parameters).expected_value(orders, average)
    assert told == pytest.approx(np.full(3_000, np.average(average, weights=orders)), rel=0.03)


@pytest.mark.parametrize(
    ("orders", "average"), [(0, 5), (1, 0), (1, -2.5), (1, np.nan), (2, np.inf)]
)
def test_a_customer_whom_the_model_cannot_have_is_named(orders, average):
    with pytest.raises(ValueError, match="cannot be modelled: both must be positive"):
        Values.of([1, orders], [10, average])


def test_an_infinite_mean_is_refused():
    model = GammaGamma(1.0, 0.9, 10.0)
    assert not model.has_mean
    with pytest.raises(ValueError, match=r"with q = 0.9 the mean value is infinite"):
        model.expected_value(1, 10.0)
