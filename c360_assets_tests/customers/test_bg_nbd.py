"""BG/NBD against the paper's figures, integrals over its mixing densities, and simulated people."""

from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from c360_assets.customers.lifetime_value import bg_nbd
from c360_assets.customers.lifetime_value.bg_nbd import BgNbd, Purchases

# Fader, Hardie & Lee (2005), table 2: CDNOW, times in weeks
CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
MODELS = [
    CDNOW,
    BgNbd(1.7, 12.0, 0.4, 3.5),
    BgNbd(0.6, 30.0, 1.0, 2.0),
    BgNbd(5.0, 90.0, 20.0, 300.0),
]
each_model = pytest.mark.parametrize("model", MODELS)
CUSTOMERS = [
    (0, 0, 38.86),
    (1, 0, 10.0),
    (1, 5.5, 20.0),
    (2, 30.43, 38.86),
    (7, 29.43, 38.86),
    (3, 9, 9),
]
each_customer = pytest.mark.parametrize("customer", CUSTOMERS)


def simulated(model: BgNbd, age: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
    """(x, t_x, still a customer at T, orders after T until 2 T) of one customer per age."""
    random = np.random.default_rng(seed)
    people = len(age)
    rate = random.gamma(model.r, 1 / model.alpha, people)
    leaving = random.beta(model.a, model.b, people)
    now, x, last, later = (np.zeros(people) for _ in range(4))
    is_alive, was_alive = np.ones(people, bool), np.ones(people, bool)
    goes_on = np.ones(people, bool)
    while goes_on.any():
        now[goes_on] += random.exponential(1 / rate[goes_on])
        is_before, is_after = goes_on & (now <= age), goes_on & (now > age) & (now <= 2 * age)
        x += is_before
        last = np.where(is_before, now, last)
        later += is_after
        leaves = goes_on & (random.random(people) < leaving)
        was_alive &= ~(leaves & is_before)
        is_alive = goes_on & ~leaves
        goes_on = is_alive & (now <= 2 * age)
    return x, last, was_alive, later


def likelihood_by_integration(model: BgNbd, x: float, last: float, age: float) -> float:
    """The individual likelihood (equation 3) averaged over rates and chances to leave."""

    def over_rates(factor_of_time: float) -> float:
        density = stats.gamma(model.r, scale=1 / model.alpha).pdf
        # at rate = u / (1 - u); the density may be infinite at 0, so that end is left to the power
        power = max(4.0, 2 / model.r)
        return integrate.quad(
            lambda u: density(_at(u, power)) * _at(u, power) ** x
            * np.exp(-_at(u, power) * factor_of_time) * _slope(u, power),
            0, 1, limit=400, epsabs=0, epsrel=1e-11,
        )[0]  # fmt: skip

    def over_chances(first: float, second: float) -> float:
        return special.beta(model.a + first, model.b + second) / special.beta(model.a, model.b)

    stays = over_chances(0, x) * over_rates(age)
    return stays + (over_chances(1, x - 1) * over_rates(last) if x > 0 else 0)


def _at(u: float, power: float) -> float:
    return (u**power) / (1 - u**power)


def _slope(u: float, power: float) -> float:
    return power * u ** (power - 1) / (1 - u**power) ** 2


def expected_by_integration(model: BgNbd, within: float, x: float, age: float) -> float:
    """Orders of one who is alive: (1 - exp(-rate p t)) / p over Gamma(r+x, alpha+T), Beta(a, b+x).

    Over rates by the transform of the gamma distribution, over chances by adaptive quadrature.
    """
    scale, shape = within / (model.alpha + age), model.r + x
    chance = stats.beta(model.a, model.b + x)

    def orders(share: float) -> float:
        p = chance.ppf(share)
        if p * scale < 1e-12:
            return shape * scale
        return (1 - (1 + p * scale) ** -shape) / p

    parts = np.linspace(0, 1, 33)
    return sum(
        integrate.quad(orders, low, high, limit=50, epsabs=1e-13, epsrel=1e-9)[0]
        for low, high in pairwise(parts)
    )


# --- figures of the paper ------------------------------------------------------------------------


def test_the_papers_example_expects_1_226_orders():
    """Equation 10 in the authors' spreadsheet: x = 2, t_x = 30.43, T = 38.86, t = 39 weeks."""
    assert CDNOW.expected_orders([39], 2, 30.43, 38.86)[0, 0] == pytest.approx(1.226, abs=5e-4)


def test_a_likelihood_worked_out_by_hand():
    """With r = alpha = a = b = 1 all gamma functions are factorials.

    x = 1, t_x = 1, T = 3: staying has 1/2 and (1/4)^2, leaving 1/2 and (1/2)^2: 5/32 in all.
    x = 0, T = 3: the chance of no order within 3 is 1/4.
    """
    model = BgNbd(1.0, 1.0, 1.0, 1.0)
    assert np.exp(model.log_likelihood(1, 1, 3)) == pytest.approx(5 / 32, rel=1e-14)
    assert np.exp(model.log_likelihood(0, 0, 3)) == pytest.approx(1 / 4, rel=1e-14)
    # and of those 5/32, 1/32 are still customers
    assert model.probability_alive(1, 1, 3) == pytest.approx(1 / 5, rel=1e-14)


# --- against integrals ---------------------------------------------------------------------------


@each_model
@each_customer
def test_the_likelihood_is_the_integral_over_all_customers(model, customer):
    expected = likelihood_by_integration(model, *customer)
    assert np.exp(model.log_likelihood(*customer)[0]) == pytest.approx(expected, rel=1e-7)


@each_model
@pytest.mark.parametrize("within", [1.0, 30.0, 365.0])
@each_customer
def test_expected_orders_are_the_integral_over_all_customers(model, within, customer):
    x, _, age = customer
    found = model.expected_orders_if_alive([within], x, age)[0, 0]
    assert found == pytest.approx(expected_by_integration(model, within, x, age), rel=1e-8)


@each_customer
@pytest.mark.parametrize("within", [1.0, 39.0])
@pytest.mark.parametrize("model", [MODELS[0], MODELS[1], BgNbd(0.5, 8.0, 2.3, 1.1)])
def test_expected_orders_are_equation_10_where_that_can_be_evaluated(model, within, customer):
    x, last, age = customer
    r, alpha, a, b = astuple(model)
    gauss = special.hyp2f1(r + x, b + x, a + b + x - 1, within / (alpha + age + within))
    above = (a + b + x - 1) / (a - 1)
    above *= 1 - ((alpha + age) / (alpha + age + within)) ** (r + x) * gauss
    below = 1 + (x > 0) * a / (b + x - 1) * ((alpha + age) / (alpha + last)) ** (r + x)
    found = model.expected_orders([within], x, last, age)[0, 0]
    assert found == pytest.approx(above / below, rel=1e-9)


@pytest.mark.parametrize("a", [1 - 1e-9, 1.0, 1 + 1e-9])
def test_nothing_is_lost_where_the_paper_divides_by_zero(a):
    model = BgNbd(0.6, 30.0, a, 2.0)
    found = model.expected_orders_if_alive([90.0], 3, 40)[0, 0]
    assert found == pytest.approx(expected_by_integration(MODELS[2], 90.0, 3, 40), rel=1e-8)


@pytest.mark.parametrize(("x", "age"), [(5_000, 0), (100_000, 2), (400, 400)])
@pytest.mark.parametrize("model", MODELS)
def test_huge_numbers_of_orders_have_an_expectation(model, x, age):
    """Where nearly nobody leaves after an order, the rate times the time is an upper bound."""
    found = model.expected_orders_if_alive([30, 90, 365], x, age)[:, 0]
    unending = (model.r + x) / (model.alpha + age) * np.array([30, 90, 365])
    assert (found <= unending).all()
    assert (found >= 0).all()
    assert (np.diff(found) >= 0).all()
    if x <= age:  # and where somebody orders once a day, one adaptive integral is still at hand
        expected = expected_by_integration(model, 365, x, age)
        assert found[2] == pytest.approx(expected, rel=1e-8)


def test_the_probability_to_be_alive_is_one_without_a_repeat_order_and_falls_with_silence():
    alive = CDNOW.probability_alive([0, 3, 3, 3], [0, 10, 10, 10], [50, 10, 20, 60])
    assert alive[0] == 1
    assert (np.diff(alive[1:]) < 0).all()
    assert ((alive >= 0) & (alive <= 1)).all()


def test_an_endless_silence_of_a_frequent_customer_is_no_error():
    assert CDNOW.probability_alive(10_000, 100, 1e9) == pytest.approx(0, abs=1e-300)


# --- against simulated customers -----------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd() -> dict[str, np.ndarray]:
    age = np.full(400_000, 60.0)
    x, last, is_alive, later = simulated(CDNOW, age, seed=11)
    return {"x": x, "last": last, "age": age, "is_alive": is_alive, "later": later}


def test_as_many_are_alive_as_the_probabilities_say(crowd):
    told = CDNOW.probability_alive(crowd["x"], crowd["last"], crowd["age"])
    for low in np.arange(0, 1, 0.1):
        part = (told >= low) & (told < low + 0.1) & (crowd["x"] > 0)
        if part.sum() > 500:
            error = np.sqrt(0.25 / part.sum())
            assert abs(told[part].mean() - crowd["is_alive"][part].mean()) < 4 * error


def test_as_many_orders_come_as_are_expected(crowd):
    told = CDNOW.expected_orders([60.0], crowd["x"], crowd["last"], crowd["age"])[0]
    for x in range(6):
        part = crowd["x"] == x
        error = crowd["later"][part].std() / np.sqrt(part.sum())
        assert abs(told[part].mean() - crowd["later"][part].mean()) < 4 * error


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_parameters_of_50_000_customers_are_found_within_five_per_cent(seed):
    """The paper's parameters, seen for two to four years: b is told by those who leave."""
    age = np.random.default_rng(seed).uniform(104, 208, 50_000)
    x, last, _, _ = simulated(CDNOW, age, seed)
    top = bg_nbd.fit(Purchases.of(x, last, age))
    assert top.is_peak
    assert top.parameters == pytest.approx(astuple(CDNOW), rel=0.05)


def test_days_instead_of_moments_change_little():
    """The pipeline counts whole days."""
    model = BgNbd(0.243, 4.414 * 7, 0.793, 2.426)
    age = np.floor(np.random.default_rng(4).uniform(728, 1456, 50_000))
    x, last, _, _ = simulated(model, age, 4)
    in_days = bg_nbd.fit(Purchases.of(x, np.floor(last), age)).parameters
    assert in_days == pytest.approx(bg_nbd.fit(Purchases.of(x, last, age)).parameters, rel=0.02)


# --- the fit -------------------------------------------------------------------------------------


def test_the_top_is_where_a_blunt_search_finds_none_higher():
    age = np.random.default_rng(5).uniform(50, 100, 2_000)
    x, last, _, _ = simulated(CDNOW, age, 5)
    top = bg_nbd.fit(Purchases.of(x, last, age))
    assert BgNbd(*top.parameters).log_likelihood(x, last, age).sum() == pytest.approx(
        top.log_likelihood, rel=1e-12
    )
    random = np.random.default_rng(6)
    for size in (0.003, 0.03, 0.3):
        for _ in range(30):
            near = np.asarray(top.parameters) * np.exp(random.normal(0, size, 4))
            assert BgNbd(*near).log_likelihood(x, last, age).sum() < top.log_likelihood


def test_the_unit_of_time_changes_alpha_alone():
    age = np.random.default_rng(7).uniform(50, 100, 5_000)
    x, last, _, _ = simulated(CDNOW, age, 7)
    weeks = bg_nbd.fit(Purchases.of(x, last, age)).parameters
    days = bg_nbd.fit(Purchases.of(x, 7 * last, 7 * age)).parameters
    assert days == pytest.approx((weeks[0], 7 * weeks[1], *weeks[2:]), rel=1e-5)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_customers_changes_nothing(seed):
    age = np.floor(np.random.default_rng(8).uniform(50, 100, 300))
    x, last, _, _ = simulated(CDNOW, age, 8)
    rows = np.stack([x, np.floor(last), age])
    shuffled = np.random.default_rng(seed).permutation(rows, axis=1)
    assert bg_nbd.fit(Purchases.of(*shuffled)) == bg_nbd.fit(Purchases.of(*rows))


@pytest.mark.parametrize(
    "customers",
    [
        [(3, 40, 60)] * 200,  # all the same
        [(0, 0, 60)] * 200,  # nobody came again
        [(0, 0, 0)] * 200,  # everybody came today
        [(3, 40, 60)],
    ],
)
def test_customers_who_do_not_differ_have_no_peak(customers):
    assert not bg_nbd.fit(Purchases.of(*np.array(customers).T)).is_peak


def test_one_customer_beyond_all_bounds_does_not_break_the_fit():
    rows = [(100_000, 350, 360), *[(1, 100, 360)] * 60, *[(0, 0, 360)] * 60, *[(4, 200, 360)] * 30]
    top = bg_nbd.fit(Purchases.of(*np.array(rows).T))
    assert np.isfinite(top.parameters).all()
    assert np.isfinite(top.log_likelihood)


@pytest.mark.parametrize(
    "customer", [(1, 5, 4), (-1, 0, 4), (0, 2, 4), (1, -1, 4), (1, 1, np.inf), (np.nan, 0, 1)]
)
def test_an_impossible_customer_is_named(customer):
    with pytest.raises(ValueError, match=r"no customer has x = .* mend the summary of orders"):
        Purchases.of(*np.array([(0, 0, 1), customer]).T)


def test_equal_customers_are_one_row():
    purchases = Purchases.of([1, 0, 1, 1], [2, 0, 2, 3], [5, 5, 5, 5])
    assert purchases.count.tolist() == [1, 2, 1]
    assert purchases.place.tolist() == [1, 0, 1, 2]
