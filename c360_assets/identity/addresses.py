"""One spelling per e-mail address and domain: what `stg_users` and the merge journal compare.

Belongs here: which text is an address, and its normal form. Not here: whether a domain is
personal (a business rule), nor whether anybody receives mail there.

Normal form: trimmed, NFKC, lower case, without the domain's trailing dot, the domain as IDNA
A-labels (UTS 46, non-transitional). Plus tags and the local part's dots stay: they are the
receiving server's business. Normalising twice changes nothing.

The same decision in SQL, for text that is ASCII (`$name` stands for this module's constants):

    with tidy as (
        select regexp_replace(lower(trim(email, $ASCII_SPACES)), '\\.$', '') as email from raw_user
    )
    select email from tidy
    where regexp_full_match(email, $ASCII_EMAIL_PATTERN)
        and length(email) <= $MAX_EMAIL_LENGTH
        and strpos(email, '@') <= $MAX_LOCAL_LENGTH + 1

The two lengths stand beside the pattern because RE2 has no lookahead to count them with.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final

import idna
import pandas as pd

MAX_EMAIL_LENGTH: Final = 254  # characters; RFC 5321 section 4.5.3.1.3, without the two brackets
MAX_LOCAL_LENGTH: Final = 64  # characters; RFC 5321 section 4.5.3.1.1
MAX_DOMAIN_LENGTH: Final = 253  # characters of the A-label form; RFC 1035 section 2.3.4
ASCII_SPACES: Final = "\t\n\v\f\r\x1c\x1d\x1e\x1f "  # what str.strip() takes from ASCII text

_ATOM: Final = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5322 atext; the apostrophe of o'brien is in it
# More than DNS allows: a sign-up form let them in, and the row is a person all the same (the
# JaffleGaggle data has a company at nopain,nogain.com). Two addresses in one text have two `@`.
_LABEL: Final = r"[a-z0-9_,](?:[a-z0-9_,-]{0,61}[a-z0-9_,])?"
ASCII_DOMAIN_PATTERN: Final = rf"{_LABEL}(?:\.{_LABEL})+"
ASCII_EMAIL_PATTERN: Final = rf"{_ATOM}(?:\.{_ATOM})*@{ASCII_DOMAIN_PATTERN}"

# a part of ASCII_EMAIL_PATTERN; in 64 characters no label or local part can be too long
_SIMPLE_EMAIL_PATTERN: Final = (
    r"[a-z0-9_+-]+(?:[.][a-z0-9_+-]+)*"
    r"@[a-z0-9]+(?:[.-][a-z0-9]+)*[.][a-z0-9]+"
)

_DOMAIN: Final = re.compile(ASCII_DOMAIN_PATTERN)
_EMAIL: Final = re.compile(ASCII_EMAIL_PATTERN)
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"  # pasted along with web text
_MAX_RAW_LENGTH: Final = 1024  # characters; longer text is no address, whatever NFKC makes of it
_REFUSED_CATEGORIES: Final = frozenset({"Pi", "Pf"})  # typographic quotes


def normalise_email(text: str | None) -> str | None:
    """The normal form of an e-mail address, or None where the text is no valid one.

    Valid: one `@`; a local part of 1 to 64 characters, which are letters, digits and
    ``!#$%&'*+-/=?^_`{|}~`` or visible non-ASCII ones, joined by single dots; a domain that
    `normalise_domain` accepts; at most 254 characters. Quoted local parts are not accepted.
    """
    tidy = _tidy(text)
    if tidy is None:
        return None
    if tidy.isascii():
        valid = _EMAIL.fullmatch(tidy) is not None and _has_email_lengths(tidy)
        return tidy if valid else None
    local, at, domain_text = tidy.partition("@")
    domain = _a_labels(domain_text) if at and _is_local(local) else None
    if domain is None or not _has_email_lengths(f"{local}@{domain}"):
        return None
    return f"{local}@{domain}"


def normalise_domain(text: str | None) -> str | None:
    """The normal form of a mail domain, or None where the text is no valid one.

    Valid: two or more labels of 1 to 63 letters, digits, underscores, commas and inner hyphens
    (after IDNA), at most 253 characters. A leading `@`, `mailto:`, a URL or a port make it invalid.
    """
    tidy = _tidy(text)
    return None if tidy is None else _a_labels(tidy)


def normalise_emails(texts: Any) -> Any:
    """`normalise_email` for a Series of text: a `str` Series on the same index.

    Text already in normal form, the usual case, is recognised by the engine behind pandas at
    some million rows a second; only the rest goes through Python, each distinct text once.
    """
    text = texts.astype("str")
    normal = (
        text.str.fullmatch(ASCII_EMAIL_PATTERN)
        & (text.str.len() <= MAX_EMAIL_LENGTH)
        & text.str.match(rf"[^@]{{1,{MAX_LOCAL_LENGTH}}}@")
    )
    return _replace_the_rest(text, normal, normalise_email)


def normalise_domains(texts: Any) -> Any:
    """`normalise_domain` for a Series of text: a `str` Series on the same index."""
    text = texts.astype("str")
    normal = text.str.fullmatch(ASCII_DOMAIN_PATTERN) & (text.str.len() <= MAX_DOMAIN_LENGTH)
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


def _has_email_lengths(email: str) -> bool:
    return len(email) <= MAX_EMAIL_LENGTH and 0 < email.find("@") <= MAX_LOCAL_LENGTH


def _is_local(local: str) -> bool:
    """Whether a local part with or without non-ASCII characters may stand before the `@`."""
    # Each non-ASCII character that may stand counts as one letter of an ASCII local part.
    ascii_shape = "".join("x" if _is_visible_foreign(char) else char for char in local)
    return _LOCAL.fullmatch(ascii_shape) is not None


def _is_visible_foreign(char: str) -> bool:
    category = unicodedata.category(char)
    return not char.isascii() and category[0] not in "CZ" and category not in _REFUSED_CATEGORIES


def _a_labels(domain: str) -> str | None:
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
        except UnicodeError:  # idna.IDNAError is one
            return None
        domain = domain.removesuffix(".")  # the ideographic full stop
    valid = len(domain) <= MAX_DOMAIN_LENGTH and _DOMAIN.fullmatch(domain) is not None
    return domain if valid else None


def plain_email_predicate(expression: str) -> str:
    """SQL: whether the expression is a valid address that lower case and trimming normalise.

    The form that staging's SQL gives such an address is `normalise_email`'s. Other valid
    addresses (non-ASCII ones, odd white space) need `normalise_email` itself.
    """
    lower = f"lower(trim({expression}))"
    tidy = f"regexp_replace({lower}, '[.]$', '')"
    pattern = ASCII_EMAIL_PATTERN.replace("'", "''")
    # most addresses are of the simple kind, which costs a tenth to tell
    return (
        f"case when length({lower}) <= {MAX_LOCAL_LENGTH}"
        f" and regexp_full_match({lower}, '{_SIMPLE_EMAIL_PATTERN}') then true"
        f" else regexp_full_match({tidy}, '{pattern}') and length({tidy}) <= {MAX_EMAIL_LENGTH}"
        f" and strpos({tidy}, '@') <= {MAX_LOCAL_LENGTH + 1} end"
    )
