"""One spelling per e-mail address and domain: what `stg_users` and the merge journal compare.

Belongs here: which text is an address, and its normal form. Not here: whether a domain is
personal (a business rule), nor whether anybody receives mail there.

Normal form: trimmed, NFKC, lower case, without the domain's trailing dot, the domain as IDNA
A-labels (UTS 46, non-transitional). Plus tags and the local part's dots stay: they are the
receiving server's business. Normalising twice changes nothing.

Valid is what email-validator calls so, without the network, but for what `_judged` changes
(docs/decisions/012). It is not asked where `SIMPLE_EMAIL_PATTERN` matches, which is nearly always
and which SQL tells just as well:

    with tidy as (select lower(trim(email)) as email from raw_user)
    select email from tidy
    where regexp_full_match(email, $SIMPLE_EMAIL_PATTERN) and length(email) <= $MAX_SIMPLE_LENGTH
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final

import idna
import pandas as pd
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

MAX_EMAIL_LENGTH: Final = 254  # characters; RFC 5321 section 4.5.3.1.3, without the two brackets
MAX_SIMPLE_LENGTH: Final = 64  # characters, in which no label and no local part can be too long

# letters, digits, single hyphens and dots, and a last label that ends with a letter, as in DNS
_SIMPLE_DOMAIN: Final = r"[a-z0-9]+(?:[.-][a-z0-9]+)*[.][a-z0-9]*[a-z]"
SIMPLE_EMAIL_PATTERN: Final = rf"[a-z0-9_+-]+(?:[.][a-z0-9_+-]+)*@{_SIMPLE_DOMAIN}"

_SIMPLE: Final = re.compile(SIMPLE_EMAIL_PATTERN)
_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"  # pasted along with web text
_MAX_RAW_LENGTH: Final = 1024  # characters; longer text is no address, whatever NFKC makes of it
_REFUSED_CATEGORIES: Final = frozenset({"Pi", "Pf"})  # typographic quotes
# More than DNS allows: a sign-up form let them in, and the row is a person all the same (the
# JaffleGaggle data has a company at nopain,nogain.com). Two addresses in one text have two `@`.
_LENIENT: Final = str.maketrans({",": "x", "_": "x"})


def normalise_email(text: str | None) -> str | None:
    """The normal form of an e-mail address, or None where the text is no valid one.

    Valid: one `@`; a local part of 1 to 64 characters without quotes; a domain of two or more
    labels; at most 254 characters; all else as email-validator has it.
    """
    tidy = _tidy(text)
    return None if tidy is None else _valid(tidy)


def normalise_domain(text: str | None) -> str | None:
    """The normal form of a mail domain, or None where the text is no valid one.

    Valid is the domain of a valid address: a leading `@`, `mailto:`, a URL, a port or an IP
    address make it invalid.
    """
    tidy = _tidy(text)
    email = None if tidy is None or "@" in tidy else _valid(f"x@{tidy}")
    return None if email is None else email.removeprefix("x@")


def normalise_emails(texts: Any) -> Any:
    """`normalise_email` for a Series of text: a `str` Series on the same index.

    Text already in normal form, the usual case, is recognised by the engine behind pandas at
    some million rows a second; only the rest goes through Python, each distinct text once.
    """
    text = texts.astype("str")
    normal = text.str.fullmatch(SIMPLE_EMAIL_PATTERN) & (text.str.len() <= MAX_SIMPLE_LENGTH)
    return _replace_the_rest(text, normal, normalise_email)


def normalise_domains(texts: Any) -> Any:
    """`normalise_domain` for a Series of text: a `str` Series on the same index."""
    text = texts.astype("str")
    normal = text.str.fullmatch(_SIMPLE_DOMAIN) & (text.str.len() <= MAX_SIMPLE_LENGTH - 2)
    return _replace_the_rest(text, normal, normalise_domain)


def _replace_the_rest(text: Any, normal: Any, normalise: Callable[[str], str | None]) -> Any:
    rest = text[~normal.fillna(False).astype(bool) & text.notna()]
    if rest.empty:
        return text
    distinct = rest.unique()
    spelling = pd.Series([normalise(each) for each in distinct], index=distinct, dtype="str")
    replaced = text.copy()
    replaced[rest.index] = rest.map(spelling).astype("str")
    return replaced


def _tidy(text: str | None) -> str | None:
    """Trimmed, NFKC, lower case, at most one trailing dot taken off; None where hopeless."""
    if text is None:
        return None
    trimmed = _trim(text)
    if trimmed.isascii():
        return trimmed.lower().removesuffix(".")
    if len(trimmed) > _MAX_RAW_LENGTH:
        return None
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", trimmed).lower())
    return _trim(folded).removesuffix(".")


def _trim(text: str) -> str:
    """Without spaces of any script and invisible marks at either end."""
    trimmed = text.strip()
    while trimmed and (trimmed[0] in _INVISIBLE or trimmed[-1] in _INVISIBLE):
        trimmed = trimmed.strip(_INVISIBLE).strip()
    return trimmed


def _valid(tidy: str) -> str | None:
    if len(tidy) <= MAX_SIMPLE_LENGTH and _SIMPLE.fullmatch(tidy) is not None:
        return tidy
    local, at, domain_text = tidy.partition("@")
    domain = _a_labels(domain_text) if at else None
    return _judged(local, domain) if domain else None


def _a_labels(domain: str) -> str | None:
    if domain.isascii():
        return domain
    try:
        encoded = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        return None
    return encoded.removesuffix(".")  # the ideographic full stop


def _judged(local: str, domain: str) -> str | None:
    """The address if email-validator calls it valid, without network; its form stays ours.

    Accepted though the library would not: commas and underscores in a label, and domains
    reserved for tests and inner networks (example: `.test`, `.local`). Refused though it would:
    typographic quotes and more than 64 characters before the `@`.
    """
    if any(unicodedata.category(char) in _REFUSED_CATEGORIES for char in local):
        return None
    names = domain.translate(_LENIENT).rpartition(".")
    last = "x" * len(names[2]) if names[2] in SPECIAL_USE_DOMAIN_NAMES else names[2]
    try:
        validate_email(
            f"{local}@{names[0]}{names[1]}{last}",
            check_deliverability=False,
            allow_smtputf8=True,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            strict=True,
        )
    except EmailNotValidError:
        return None
    return f"{local}@{domain}"


def plain_email_predicate(expression: str) -> str:
    """SQL: whether the expression is a valid address that lower case and trimming normalise.

    The form that staging's SQL gives such an address is `normalise_email`'s. Other valid
    addresses (non-ASCII ones, odd signs or white space, long ones) need `normalise_email` itself.
    """
    tidy = f"lower(trim({expression}))"
    return (
        f"(length({tidy}) <= {MAX_SIMPLE_LENGTH}"
        f" and regexp_full_match({tidy}, '{SIMPLE_EMAIL_PATTERN}'))"
    )
