"""Ground truth for tests of identity: people with several accounts, and pairs that only look so.

Every planted account is one of the block's ordinary users whose name and address are rewritten.
Merged people go into `merged_user.csv` and the truth, all others into the truth alone.
What does NOT belong here: ordinary users (`population`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from c360_assets.sources.demo import names
from c360_assets.sources.demo.population import COMPANIES, PERSONAL, Population

KINDS: dict[str, tuple[bool, int]] = {
    "merged": (True, 9),  # 5 people, 12 accounts: 7 merges and the far ends of two chains
    "new_employer_address": (True, 36),
    "nickname": (True, 30),
    "typo": (True, 30),
    "plus_tag": (True, 30),
    "moved_company": (True, 30),
    "namesake": (False, 36),
    "father_and_son": (False, 30),
    "shared_mailbox": (False, 30),
}
"""Per kind: whether the two are the same person, and how many pairs a block holds."""

_CHAINS = 2
_SINGLE_MERGES = 3
_MAILBOXES = ("office", "team", "hello", "kitchen", "orders", "accounts")


@dataclass
class Truth:
    """What was planted, as numbers of users within the block."""

    pairs: list[tuple[int, int, str]] = field(default_factory=list)
    merges: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class _Seats:
    """The free users of one gaggle in the order in which they joined."""

    personal: list[int] = field(default_factory=list)
    company: list[int] = field(default_factory=list)

    def chain(self) -> tuple[int, ...] | None:
        """Take a personal account and two later ones at the company."""
        for first in self.personal:
            later = [user for user in self.company if user > first]
            if len(later) > 1:
                return first, later[0], later[1]
        return None

    def mixed(self) -> tuple[int, ...] | None:
        """Take a personal account and a later one at the company."""
        for first in self.personal:
            for second in self.company:
                if second > first:
                    return first, second
        return None

    def colleague(self) -> tuple[int, ...] | None:
        """Take one account at the company."""
        return tuple(self.company[:1]) or None

    def colleagues(self) -> tuple[int, ...] | None:
        """Take two accounts at the company."""
        return tuple(self.company[:2]) if len(self.company) > 1 else None

    def privates(self) -> tuple[int, ...] | None:
        """Take two personal accounts."""
        return tuple(self.personal[:2]) if len(self.personal) > 1 else None


class _Planter:
    def __init__(self, rng: np.random.Generator, population: Population) -> None:
        self.rng = rng
        self.population = population
        self.truth = Truth()
        self.seats = _free_seats(population)
        self.order = rng.permutation(sorted(self.seats)).tolist()
        self.spent: set[int] = set()

    def take(
        self, pick: Callable[[_Seats], tuple[int, ...] | None], count: int
    ) -> Iterator[tuple[int, ...]]:
        """Yield `count` picks of users, each from a gaggle that nothing was taken from."""
        found = 0
        for gaggle in self.order:
            if found == count:
                return
            if gaggle not in self.spent and (users := pick(self.seats[gaggle])):
                self.spent.add(gaggle)
                self.population.planted.update(users)
                found += 1
                yield users
        if found < count:
            raise ValueError(f"the block has room for {found} of {count} plants; use another seed")

    def join(self, left: int, right: int) -> None:
        """Make two accounts one person's: the left one's name, phone and address."""
        self.population.name[right] = self.population.name[left]
        self.population.person[right] = self.population.person[left]
        self.population.household[right] = self.population.household[left]

    def address(self, user: int, locals_: Iterable[str]) -> None:
        for local in locals_:
            if self.population.claim(user, local):
                return
        raise ValueError(f"every planted address of user {user} is taken; use another seed")

    def default(self, user: int) -> str:
        """Give the plainest free address to `user`, and return its local part without a block."""
        first, last = self.population.name[user]
        for local in (f"{first}{last}", f"{first}.{last}", f"{last}{first}"):
            if self.population.claim(user, local):
                return local.lower()
        raise ValueError(f"no address is free for user {user}; use another seed")

    def note(self, kind: str, left: int, right: int) -> None:
        self.truth.pairs.append((left, right, kind))


def plant(rng: np.random.Generator, population: Population) -> Truth:
    """Rewrite some users into the pairs of `KINDS`, and say which they are."""
    planter = _Planter(rng, population)
    _merged(planter)
    _new_employer(planter)
    _nicknames(planter)
    _typos(planter)
    _plus_tags(planter)
    _elsewhere(planter, "moved_company")
    _elsewhere(planter, "namesake")
    _fathers_and_sons(planter)
    _shared_mailboxes(planter)
    return planter.truth


def _free_seats(population: Population) -> dict[int, _Seats]:
    seats: dict[int, _Seats] = defaultdict(_Seats)
    companies = population.gaggle_company[population.gaggle].tolist()
    numbers = population.domain_number.tolist()
    for user, (gaggle, company, number) in enumerate(
        zip(population.gaggle.tolist(), companies, numbers, strict=True)
    ):
        if number == PERSONAL:
            seats[gaggle].personal.append(user)
        elif number == company and number < COMPANIES:
            seats[gaggle].company.append(user)
    return seats


def _merged(planter: _Planter) -> None:
    """Plant chains of a personal address and two of the company's, and single merges."""
    population, truth = planter.population, planter.truth
    for start, middle, end in planter.take(_Seats.chain, _CHAINS):
        planter.join(start, middle)
        planter.join(start, end)
        first, last = population.name[start]
        planter.default(start)
        planter.address(middle, (f"{first[0]}{last}", f"{first}{last[0]}"))
        planter.address(end, (f"{first}{last}", f"{first}.{last}"))
        truth.merges += [(start, middle), (middle, end)]
        truth.pairs += [
            (*pair, "merged") for pair in ((start, middle), (middle, end), (start, end))
        ]
    for left, right in planter.take(_Seats.mixed, _SINGLE_MERGES):
        planter.join(left, right)
        planter.default(left)
        planter.default(right)
        truth.merges.append((left, right))
        planter.note("merged", left, right)


def _new_employer(planter: _Planter) -> None:
    for left, right in planter.take(_Seats.mixed, KINDS["new_employer_address"][1]):
        planter.join(left, right)
        planter.default(left)
        planter.default(right)
        planter.note("new_employer_address", left, right)


def _nicknames(planter: _Planter) -> None:
    known = list(names.NICKNAMES.items())
    for left, right in planter.take(_Seats.mixed, KINDS["nickname"][1]):
        full, short = known[int(planter.rng.integers(len(known)))]
        last = planter.population.name[left][1]
        planter.join(left, right)
        planter.population.name[left] = (short, last)
        planter.population.name[right] = (full, last)
        planter.default(left)
        planter.default(right)
        planter.note("nickname", left, right)


def _typos(planter: _Planter) -> None:
    for left, right in planter.take(_Seats.colleagues, KINDS["typo"][1]):
        planter.join(left, right)
        right_local = planter.default(right)
        planter.address(left, _misspelt(planter.rng, right_local))
        planter.note("typo", left, right)


def _misspelt(rng: np.random.Generator, local: str) -> Iterator[str]:
    """Yield spellings of `local` with two letters swapped, one doubled, or one left out."""
    for place in rng.permutation(np.arange(1, len(local) - 1)).tolist():
        a, b = local[place], local[place + 1]
        slips = (
            local[:place] + b + a + local[place + 2 :],
            local[:place] + a + local[place:],
            local[:place] + local[place + 1 :],
        )
        slip = slips[int(rng.integers(3))]
        if slip != local and "." not in (a, b):
            yield slip


def _plus_tags(planter: _Planter) -> None:
    tags = ("jaffle", "shop", "news", "gaggle", "lunch")
    for left, right in planter.take(_Seats.privates, KINDS["plus_tag"][1]):
        planter.join(left, right)
        planter.population.domain[right] = planter.population.domain[left]
        local = planter.default(left)
        tag = tags[int(planter.rng.integers(len(tags)))]
        planter.address(right, (f"{local}+{tag}", f"{local}+{tag}s"))
        planter.note("plus_tag", left, right)


def _elsewhere(planter: _Planter, kind: str) -> None:
    """Plant one name at two companies: the same person who moved, or two namesakes."""
    same, count = KINDS[kind]
    for first, second in _at_two_companies(planter, count):
        planter.population.name[second] = planter.population.name[first]
        if same:
            planter.join(first, second)
        planter.default(first)
        planter.default(second)
        planter.note(kind, first, second)


def _at_two_companies(planter: _Planter, count: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of users of different companies, the one who joined earlier first."""
    numbers = planter.population.domain_number
    waiting: list[int] = []
    for (user,) in planter.take(_Seats.colleague, 2 * count + 20):  # some for the same company
        partner = next((other for other in waiting if numbers[other] != numbers[user]), None)
        if partner is None:
            waiting.append(user)
            continue
        waiting.remove(partner)
        yield min(partner, user), max(partner, user)
        count -= 1
        if not count:
            break
    planter.population.planted.difference_update(waiting)


def _fathers_and_sons(planter: _Planter) -> None:
    """Plant a father and a son who live together: one name, the son's address ends in jr."""
    for left, right in planter.take(_Seats.privates, KINDS["father_and_son"][1]):
        first, last = planter.population.name[left]
        planter.population.name[right] = (first, f"{last} Jr")
        planter.population.household[right] = planter.population.household[left]
        planter.population.domain[right] = planter.population.domain[left]
        local = planter.default(left)
        planter.address(right, (f"{local}jr", f"{local}.jr", f"{local}junior"))
        planter.note("father_and_son", left, right)


def _shared_mailboxes(planter: _Planter) -> None:
    """Plant a colleague and the mailbox of the whole office that bears the colleague's name."""
    for left, right in planter.take(_Seats.colleagues, KINDS["shared_mailbox"][1]):
        planter.population.name[right] = planter.population.name[left]
        planter.default(left)
        start = int(planter.rng.integers(len(_MAILBOXES)))
        planter.address(right, _MAILBOXES[start:] + _MAILBOXES[:start])
        planter.note("shared_mailbox", left, right)


def truth_rows(population: Population, truth: Truth) -> list[tuple[str, str, str, bool]]:
    """Return left_email, right_email, kind, is_same of every planted pair."""
    return [
        (population.email[left], population.email[right], kind, KINDS[kind][0])
        for left, right, kind in truth.pairs
    ]
