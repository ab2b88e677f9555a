"""The class of an e-mail domain, and the domain that it counts as.

Belongs here: what follows from the lists, the public suffix list and `[domains]` in c360.toml for
a domain and its subdomains. Not here: the lists (`domain_lists`), and domains that people merge by
decision (`journal`), which outrank what is said here.

The rules:

1. A domain has the class that c360.toml gives it, else that of the lists (`domain_lists`), else
   that of the nearest domain above it that either names, up to its registrable domain. A name in
   the lists thus outranks a domain above it in c360.toml.
2. Failing that it is `education` where its public suffix is `edu` or ends in `edu.<country>` or
   `ac.<country>` (docs/decisions/012), and `corporate` else.
3. A subdomain counts as its registrable domain: the public suffix and one label more. It counts
   as itself, or as the nearest domain above it of which this holds, where c360.toml keeps it
   apart, where a host lends subdomains to customers, and where it is listed in another class than
   its registrable domain (users.noreply.github.com is a relay, github.com is a company).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import pandas as pd

from c360_assets.domain_rules import DomainRules
from c360_assets.identity.domain_lists import SHARED_HOSTS, Listing, known_domains

# An institution of education is an organisation: its people are its own, as a company's are.
COMPANY_CLASSES: Final = ("corporate", "education")
CONFIGURED: Final = "c360.toml"
EDUCATION_RULE: Final = "education rule"
DEFAULT: Final = "default"
_WILD: Final = "*."


class DomainRule(NamedTuple):
    """What holds of one domain: the one that it counts as, its class, and what says so."""

    registrable_domain: str
    domain_class: str
    class_source: str


def classify(domains: Any, rules: DomainRules) -> pd.DataFrame:
    """The rules for the distinct domains of a Series and for the domains that they count as.

    Args:
        domains: Series of text in the normal form of `addresses.normalise_domain`; nulls are
            passed over.
        rules: `[domains]` of c360.toml.

    Returns:
        One row per domain, by name: email_domain, registrable_domain, domain_class, class_source
        of dtype `str`, and is_company of dtype `bool`; none null. A subdomain takes some 20
        microseconds, others 3.
    """
    book = _Book.of(rules)
    found = {domain: book.rule(domain) for domain in domains.dropna().unique().tolist()}
    for above in {rule.registrable_domain for rule in found.values()} - found.keys():
        found[above] = book.rule(above)
    rows = [(domain, *found[domain]) for domain in sorted(found)]
    frame = pd.DataFrame(rows, columns=["email_domain", *DomainRule._fields], dtype="str")
    return frame.assign(is_company=frame["domain_class"].isin(COMPANY_CLASSES))


def is_company_domain(domain: str, rules: DomainRules) -> bool:
    """Whether people of this domain, in normal form, have it (or one above) as their company."""
    return _Book.of(rules).rule(domain).domain_class in COMPANY_CLASSES


@dataclass(frozen=True)
class _Book:
    """All that is known of domains under one set of rules."""

    configured: Mapping[str, str]
    kept_apart: frozenset[str]
    hosts: frozenset[str]
    fold_subdomains: bool

    @classmethod
    def of(cls, rules: DomainRules) -> _Book:
        wild = {name for name in rules.keep_apart if name.startswith(_WILD)}
        return cls(
            rules.listed,
            frozenset(rules.keep_apart) - wild,
            SHARED_HOSTS | {name.removeprefix(_WILD) for name in wild},
            rules.fold_subdomains,
        )

    def rule(self, domain: str) -> DomainRule:
        """The rule for one domain."""
        above = lineage(domain)
        level, listing = self._listing(above)
        return DomainRule(self._counts_as(above, level, listing), *listing)

    def _listing(self, above: tuple[str, ...]) -> tuple[str, Listing]:
        """The class of a domain and which of those above it has it."""
        known = known_domains()
        for name in above:
            if name in self.configured:
                return name, Listing(self.configured[name], CONFIGURED)
            if name in known:
                return name, known[name]
        if _is_education(above[-1]):
            return above[-1], Listing("education", EDUCATION_RULE)
        return above[-1], Listing("corporate", DEFAULT)

    def _counts_as(self, above: tuple[str, ...], level: str, listing: Listing) -> str:
        if not self.fold_subdomains or len(above) == 1:
            return above[0]
        is_other = listing.domain_class != self._listing(above[-1:])[1].domain_class
        for name in above:
            if self._is_apart(name) or (is_other and name == level):
                return name
        return above[-1]

    def _is_apart(self, name: str) -> bool:
        return name in self.kept_apart or name.partition(".")[2] in self.hosts


def lineage(domain: str) -> tuple[str, ...]:
    """The domain and those above it, up to its registrable domain.

    A domain that has none (a public suffix such as `co.uk`, a single label, an IP address) stands
    alone. A last label that no registry knows counts as a public suffix.
    """
    if domain.count(".") < 2 or domain.rpartition(".")[2].isdecimal():
        return (domain,)  # nearly always; the list need not be asked
    top = _public_suffixes().privatesuffix(domain)
    if top is None:
        return (domain,)
    above = [domain]
    while above[-1] != top:
        above.append(above[-1].partition(".")[2])
    return tuple(above)


def _is_education(registrable: str) -> bool:
    suffix = registrable.partition(".")[2].split(".")
    if suffix[-1] == "edu":
        return True
    return len(suffix) > 1 and suffix[-2] in ("edu", "ac") and len(suffix[-1]) == 2


@lru_cache(maxsize=1)
def _public_suffixes() -> Any:
    """The list that is part of the package (private suffixes included); nothing is fetched."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
