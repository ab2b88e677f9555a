"""Gaggles and users of one block: who joins when, for which company, under which address.

One block is the whole demo at scale 1. What does NOT belong here: the pairs planted for tests of
identity (`planting`) and what people do (`activity`, `orders`).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from c360_assets.sources.demo import clock, names

COMPANY_GAGGLES = {1: 417, 2: 118, 3: 37, 4: 9}
"""How many companies have one, two, three, four gaggles."""

COMPANIES = sum(COMPANY_GAGGLES.values())
OLD_DOMAINS = 3
"""Domains given up for a newer one: a chain of two, and a single one."""

PERSONAL_GAGGLES = 23
LARGEST_GAGGLE = 13
PERSONAL = -1
"""Stands for a company's number where the address is of a public provider."""

_PERSONAL_SHARE = 0.262  # founders of a company's gaggle count less, which brings it to a quarter
_MIXED_GAGGLES = 12
_CAPITAL_DOMAINS = 9
_CAPITAL_LOCALS = 15

Ints = NDArray[np.int64]


@dataclass
class Population:
    """One block's people, ordered by `created`; numbers count from 0 within the block.

    `created` and `gaggle_created` are seconds; `domain_number` is the company's number, from
    `COMPANIES` on an old domain of one, or `PERSONAL`. `person` and `household` say who is
    whom: accounts of one person share a phone and an address, a household an address.
    """

    block: int
    seed: int
    gaggle_created: Ints
    gaggle_company: Ints
    gaggle_name: list[str]
    gaggle: Ints
    created: Ints
    domain_number: Ints
    domain: list[str]
    name: list[tuple[str, str]]
    person: Ints
    household: Ints
    email: list[str] = field(default_factory=list)
    planted: set[int] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)

    def company(self, number: int) -> names.Company:
        """Return the company number `number` of this block."""
        return names.company(self.block * (COMPANIES + OLD_DOMAINS) + number, self.seed)

    def claim(self, user: int, local: str) -> bool:
        """Give `user` the address `local` at their domain, unless somebody has it already."""
        if self.block and self.domain_number[user] == PERSONAL:
            # every block draws the same names, and all share the public providers
            stem, plus, tag = local.partition("+")
            local = f"{stem}{self.block}{plus}{tag}"
        address = f"{local.lower()}@{self.domain[user]}"
        if address in self.taken:
            return False
        self.taken.add(address)
        self.email[user] = address
        return True


def populate(rng: np.random.Generator, block: int, seed: int) -> Population:
    """Draw gaggles and users of a block, still without addresses (see `address_everyone`)."""
    sizes, companies = _gaggles(rng)
    gaggle_created = _gaggle_times(rng)
    gaggle, created, domain_number = _slots(rng, sizes, companies, gaggle_created)
    _mix_companies(rng, gaggle, domain_number, companies)
    _age_domains(gaggle, domain_number, companies)
    count = len(created)
    population = Population(
        block, seed, gaggle_created, companies, [], gaggle, created, domain_number, [],
        names.people(rng, count), np.arange(count), np.arange(count), [""] * count,
    )  # fmt: skip
    population.domain = _domains(rng, population)
    population.gaggle_name = _gaggle_names(rng, population)
    return population


def address_everyone(rng: np.random.Generator, population: Population) -> None:
    """Give an address to everybody who has none yet, and capitals to a few."""
    styles = rng.choice(4, len(population.name), p=(0.78, 0.12, 0.06, 0.04))
    for user, style in enumerate(styles.tolist()):
        if population.email[user]:
            continue
        first, last = population.name[user]
        tries = (f"{first}{last}", f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}")
        for local in (tries[style], *tries, f"{last}.{first}", f"{first}.x.{last}"):
            if population.claim(user, local):
                break
        else:
            raise ValueError(f"no free address for {first} {last}; use another seed")
    _capitalise(rng, population)


def _gaggles(rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw the size and the company of every gaggle."""
    counts = [np.full(number, gaggles) for gaggles, number in COMPANY_GAGGLES.items()]
    companies = np.concatenate([
        np.repeat(rng.permutation(COMPANIES), np.concatenate(counts)),
        np.full(PERSONAL_GAGGLES, PERSONAL),
    ])  # fmt: skip
    companies = rng.permutation(companies)
    largest = np.where(companies == PERSONAL, 6, LARGEST_GAGGLE)
    sizes = rng.integers(1, largest + 1)
    while (missing := clock.USERS - int(sizes.sum())) != 0:
        step = 1 if missing > 0 else -1
        movable = np.flatnonzero((sizes + step >= 1) & (sizes + step <= largest))
        sizes[rng.permutation(movable)[: abs(missing)]] += step
    return sizes, companies


def _gaggle_times(rng: np.random.Generator) -> Ints:
    last = 85 * clock.DAY_SECONDS
    times = np.sort(rng.integers(6 * 3_600, last, clock.GAGGLES))
    times[0] = rng.integers(2 * 3_600, 5 * 3_600)  # the first day must have its first user early
    return times.astype(np.int64)


def _slots(
    rng: np.random.Generator, sizes: Ints, companies: Ints, gaggle_created: Ints
) -> tuple[Ints, Ints, Ints]:
    """Return gaggle, time of joining and domain number of every user, ordered by time."""
    gaggle = np.repeat(np.arange(clock.GAGGLES), sizes)
    founder = np.zeros(len(gaggle), dtype=bool)
    founder[np.cumsum(sizes) - sizes] = True
    last = (clock.HISTORY_DAYS - 1) * clock.DAY_SECONDS - 60
    opened = gaggle_created[gaggle]
    # most colleagues join late: the original grows from 70 users a week to 1,046
    joined = opened + ((last - opened) * rng.random(len(gaggle)) ** 0.65).astype(np.int64)
    created = np.where(founder, opened, np.maximum(joined, opened + 60))
    personal = rng.random(len(gaggle)) < np.where(founder, 0.18, _PERSONAL_SHARE)
    colleagues = np.bincount(gaggle, weights=~personal, minlength=clock.GAGGLES)
    personal &= ~(founder & (colleagues[gaggle] == 0))  # somebody must stand for the company
    domain_number = np.where(personal, PERSONAL, companies[gaggle])
    order = np.lexsort((gaggle, created))
    return gaggle[order], created[order], domain_number[order]


def _mix_companies(
    rng: np.random.Generator, gaggle: Ints, domain_number: Ints, companies: Ints
) -> None:
    """Let a colleague of another company into some gaggles; the main one stays the larger."""
    staff = np.bincount(gaggle[domain_number != PERSONAL], minlength=clock.GAGGLES)
    for number in rng.permutation(np.flatnonzero(staff >= 4))[:_MIXED_GAGGLES].tolist():
        guests = np.flatnonzero((gaggle == number) & (domain_number != PERSONAL))
        others = companies[(companies != PERSONAL) & (companies != companies[number])]
        domain_number[guests[-1]] = rng.choice(others)


def _age_domains(gaggle: Ints, domain_number: Ints, companies: Ints) -> None:
    """Move the earliest people of two companies to the domains these had at the time."""
    gaggles = np.bincount(companies[companies != PERSONAL], minlength=COMPANIES)
    staff = np.bincount(domain_number[domain_number != PERSONAL], minlength=COMPANIES)
    chained, single = np.flatnonzero((gaggles >= 2) & (staff >= 12))[:2].tolist()
    for company, old in ((chained, (COMPANIES, COMPANIES + 1)), (single, (COMPANIES + 2,))):
        users = np.flatnonzero((domain_number == company) & (companies[gaggle] == company))
        for place, domain in enumerate(old):
            domain_number[users[2 * place : 2 * place + 2]] = domain


def old_domains(population: Population) -> list[tuple[int, int]]:
    """Return the domain merges, old number and new: a chain of two, and a single one."""
    current = []
    for old in (COMPANIES, COMPANIES + 2):
        user = int(np.flatnonzero(population.domain_number == old)[0])
        current.append(int(population.gaggle_company[population.gaggle[user]]))
    return [(COMPANIES, COMPANIES + 1), (COMPANIES + 1, current[0]), (COMPANIES + 2, current[1])]


def _domains(rng: np.random.Generator, population: Population) -> list[str]:
    numbers = population.domain_number
    providers = rng.choice(len(names.PERSONAL_DOMAINS), len(numbers), p=names.PERSONAL_SHARES)
    known = {number: population.company(number).domain for number in np.unique(numbers).tolist()}
    return [
        names.PERSONAL_DOMAINS[provider] if number == PERSONAL else known[number]
        for number, provider in zip(numbers.tolist(), providers.tolist(), strict=True)
    ]


def _gaggle_names(rng: np.random.Generator, population: Population) -> list[str]:
    """Name a company's first gaggle after it; most others bear a name of their own."""
    named: set[int] = set()
    result = []
    for company in population.gaggle_company.tolist():
        own = company != PERSONAL and (company not in named or rng.random() < 0.1)
        result.append(population.company(company).name if own else names.team_name(rng))
        named.add(company)
    return result


def _capitalise(rng: np.random.Generator, population: Population) -> None:
    staff = [
        user
        for user, number in enumerate(population.domain_number.tolist())
        if 0 <= number < COMPANIES and user not in population.planted
    ]
    chosen = rng.permutation(staff)[: _CAPITAL_DOMAINS + _CAPITAL_LOCALS].tolist()
    for place, user in enumerate(chosen):
        local, _, domain = population.email[user].partition("@")
        if place < _CAPITAL_DOMAINS:
            domain = population.company(int(population.domain_number[user])).capital_domain
        else:
            first, last = population.name[user]
            for part in (first, last):
                local = local.replace(part.lower(), part)
        population.email[user] = f"{local}@{domain}"
