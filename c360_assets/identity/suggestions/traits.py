"""What is compared: the traits of people and of companies, their levels, and what each says.

Belongs here: the vocabulary that SQL, model and evidence share. The SQL (`*_comparisons.sql`) puts
one level's code per trait on each pair. `m` and `u` are how often a level is seen among candidate
pairs that are one person (or company) and among those that are not: what training starts from, and
what it is drawn back to where there is little data. Not here: which pairs are compared, or how the
probabilities are estimated (`model`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Level:
    """One way in which a trait of the two can compare.

    `says` may hold `{left}` and `{right}`, what the trait is on either side. A `fixed` level keeps
    its m and u whatever the data say. It is a rule of the business ("office@ is nobody"), or speaks
    against: how rare it is among the pairs worth a look is the making of those who chose them.
    """

    code: str
    m: float
    u: float
    says: str
    fixed: bool = False


@dataclass(frozen=True)
class Trait:
    """One thing that is compared; its name is a column of the comparisons."""

    name: str
    levels: tuple[Level, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the levels, in order."""
        return tuple(level.code for level in self.levels)


@dataclass(frozen=True)
class Model:
    """The traits of one kind, and the share of candidate pairs expected to be the same.

    Without `trains_m` training estimates u and that share alone: where hardly any pair is the same,
    it would find some other likeness to tell pairs apart by.
    """

    kind: str
    prior: float
    traits: tuple[Trait, ...]
    trains_m: bool = True


_NAME: Final = Trait(
    "name",
    (
        Level("generation", 0.0006, 0.06, "{left} and {right}: two generations", fixed=True),
        Level("same_rare", 0.6114, 0.14, "same name, {left}, a rare one"),
        Level("same_known", 0.12, 0.12, "same name, {left}, which nobody else has"),
        Level("same_common", 0.05, 0.15, "same name, {left}, a common one"),
        Level("nickname", 0.09, 0.02, "{left} is short for {right}, or the other way round"),
        Level("typo", 0.06, 0.02, "{left} and {right} are a slip of the keyboard apart"),
        Level("swapped", 0.01, 0.001, "{left} and {right}: first and last name swapped"),
        Level("initial", 0.04, 0.02, "{left} and {right}: the initial fits"),
        Level(
            "surname",
            0.006,
            0.219,
            "{left} and {right}: only the surname is the same",
            fixed=True,
        ),
        Level("other", 0.012, 0.25, "{left} and {right}: different names", fixed=True),
    ),
)
_MAILBOX: Final = Trait(
    "mailbox",
    (
        Level("office", 0.002, 0.06, "{left} or {right} is an office's mailbox", fixed=True),
        Level("tag", 0.06, 0.0005, "{left} and {right} arrive in one mailbox"),
        Level("typo", 0.08, 0.02, "{left} and {right} are a slip of the keyboard apart"),
        Level("named", 0.60, 0.25, "{left} and {right}: both are written from the name"),
        Level("number", 0.03, 0.10, "{left} and {right}: alike but for the number"),
        Level("same", 0.10, 0.10, "{left} and {right}: written alike before the @"),
        Level("other", 0.128, 0.4695, "{left} and {right}: unlike before the @", fixed=True),
    ),
)
_WORKPLACE: Final = Trait(
    "workplace",
    (
        Level("team_private_company", 0.46, 0.03, "one gaggle, private and company address"),
        Level("team_company", 0.20, 0.05, "one gaggle, addresses of the same company"),
        Level("team_private", 0.16, 0.03, "one gaggle, two private addresses"),
        Level("team_companies", 0.03, 0.02, "one gaggle, addresses of two companies"),
        Level("company", 0.05, 0.02, "the same company, other gaggles"),
        # a name alone is not enough
        Level(
            "private_company",
            *(0.04, 0.30),
            "{left} and {right}: private and company address, other gaggles",
            fixed=True,
        ),
        Level("private", 0.03, 0.15, "{left} and {right}: private, other gaggles", fixed=True),
        Level(
            "companies", 0.03, 0.40, "{left} and {right}: two companies, other gaggles", fixed=True
        ),
    ),
)
_PHONE: Final = Trait(
    "phone",
    (
        Level("same", 0.80, 0.01, "same phone number"),
        Level("switchboard", 0.05, 0.02, "same phone number, which others give, too"),
        Level("other", 0.15, 0.97, "different phone numbers"),
    ),
)
_ADDRESS: Final = Trait(
    "address",
    (
        Level("family", 0.002, 0.05, "same postal address, other first name or Jr.", fixed=True),
        Level("same", 0.75, 0.03, "same postal address"),
        Level("building", 0.048, 0.02, "same postal address, as many others"),
        Level("other", 0.20, 0.90, "different postal addresses"),
    ),
)
_ACTIVITY: Final = Trait(
    "activity",
    (
        Level("handover", 0.45, 0.25, "one went quiet when the other started"),
        Level("apart", 0.10, 0.15, "one started long after the other had gone quiet"),
        Level("briefly", 0.20, 0.20, "both were active for some days"),
        Level("together", 0.25, 0.40, "both were active at the same time"),
    ),
)
_CREATED: Final = Trait(
    "created",
    (
        Level("day", 0.10, 0.05, "signed up within a day of each other"),
        Level("month", 0.30, 0.35, "signed up within a month of each other"),
        Level("apart", 0.60, 0.60, "signed up more than a month apart"),
    ),
)

PEOPLE: Final = Model(
    "user", 0.1, (_NAME, _MAILBOX, _WORKPLACE, _PHONE, _ADDRESS, _ACTIVITY, _CREATED)
)

_DOMAIN_NAME: Final = Trait(
    "domain_name",
    (
        Level("ending", 0.45, 0.01, "{left} and {right} differ in their ending only"),
        Level("words", 0.10, 0.01, "{left} and {right} differ in a filler word only"),
        Level("typo", 0.08, 0.01, "{left} and {right} are a slip of the keyboard apart"),
        Level("longer", 0.12, 0.02, "{left} and {right}: one name begins with the other"),
        Level("other", 0.25, 0.95, "{left} and {right}: different names", fixed=True),
    ),
)
_GAGGLE_NAME: Final = Trait(
    "gaggle_name",
    (
        Level("called", 0.15, 0.005, "a gaggle of one is called like the other"),
        Level("other", 0.85, 0.995, "no gaggle of one is called like the other"),
    ),
)
_SHARED_PEOPLE: Final = Trait(
    "shared_people",
    (
        Level("several", 0.35, 0.01, "several people of the same name in both: {left}"),
        Level("one", 0.20, 0.35, "one person of the same name in both: {left}"),
        Level("none", 0.45, 0.64, "nobody of the same name in both", fixed=True),
    ),
)
_SHARED_GAGGLES: Final = Trait(
    "shared_gaggles",
    (
        Level("several", 0.25, 0.005, "{left} gaggles have people of both"),
        Level("all", 0.30, 0.05, "all people of the one are guests in gaggles of the other"),
        Level("one", 0.15, 0.18, "one gaggle has people of both"),
        Level("none", 0.30, 0.765, "no gaggle has people of both", fixed=True),
    ),
)
_COMPANY_ACTIVITY: Final = Trait(
    "activity",
    (
        Level("handover", 0.50, 0.20, "one went quiet when the other started"),
        Level("apart", 0.10, 0.15, "one started long after the other had gone quiet", fixed=True),
        Level("briefly", 0.15, 0.15, "both were active for some days"),
        Level("together", 0.25, 0.50, "both were active at the same time"),
    ),
)

COMPANIES: Final = Model(
    "domain",
    0.03,
    (_DOMAIN_NAME, _GAGGLE_NAME, _SHARED_PEOPLE, _SHARED_GAGGLES, _COMPANY_ACTIVITY),
    trains_m=False,
)
