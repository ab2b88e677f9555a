"""The part `[domains]` of c360.toml: what a user may say about e-mail domains.

Belongs here: the settings and their validation. Not here: the lists of c360 and what follows from
both (`identity.domain_lists`, `identity.domains`).
"""

from __future__ import annotations

import re

import idna
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator

DOMAIN_CLASSES = ("personal", "corporate", "disposable", "relay", "education")
SEED_PERSONAL_DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "hotmail.com")


class DomainRules(BaseModel):
    """Which e-mail domains are companies, where the lists of c360 are wrong or lack something.

    A domain named in a class decides for its subdomains, too, unless they are named themselves.
    With `fold_subdomains` a subdomain counts as its registrable domain; those of `keep_apart`
    (`lab.acme.com`, or `*.acme.com` for every one of them) are companies of their own.
    All names are kept in lower case and IDNA form.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    personal: tuple[str, ...] = ()
    corporate: tuple[str, ...] = ()
    disposable: tuple[str, ...] = ()
    relay: tuple[str, ...] = ()
    education: tuple[str, ...] = ()
    fold_subdomains: bool = True
    keep_apart: tuple[str, ...] = ()

    @field_validator(*DOMAIN_CLASSES, "keep_apart")
    @classmethod
    def _names_are_domains(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        is_wild = info.field_name == "keep_apart"
        return tuple(_domain(name, is_wild) for name in names)

    @model_validator(mode="after")
    def _each_domain_has_one_class(self) -> DomainRules:
        classes = {name: "personal" for name in SEED_PERSONAL_DOMAINS}
        for domain_class in DOMAIN_CLASSES:
            for name in getattr(self, domain_class):
                if classes.setdefault(name, domain_class) != domain_class:
                    raise ValueError(_two_classes(name, classes[name], domain_class))
        return self

    @property
    def listed(self) -> dict[str, str]:
        """The class of each domain that is named in one."""
        return {name: each for each in DOMAIN_CLASSES for name in getattr(self, each)}


def _domain(text: str, is_wild: bool) -> str:
    """A configured domain in lower case and IDNA form."""
    name = text.strip().lower().removesuffix(".")
    bare = name.removeprefix("*.") if is_wild else name
    try:
        encoded = bare if bare.isascii() else idna.encode(bare, uts46=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        encoded = ""
    if not re.fullmatch(r"[a-z0-9_,-]+(?:[.][a-z0-9_,-]+)+", encoded):
        raise ValueError(f"{text!r} is no domain; write it as company.com")
    return name.removesuffix(bare) + encoded


def _two_classes(name: str, first: str, second: str) -> str:
    if name in SEED_PERSONAL_DOMAINS:
        return f"{name} always counts as personal; take it out of domains.{second}"
    return f"{name} is in domains.{first} and in domains.{second}; leave it in one of them"
