import sys
import unicodedata

import duckdb
import pandas as pd
import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from c360_assets.identity.addresses import (
    normalise_domain,
    normalise_domains,
    normalise_email,
    normalise_emails,
    plain_email_predicate,
)

DETERMINISTIC = settings(
    derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), max_examples=150
)
PIECES = ["a", "b", "Z", "9", ".", "..", "-", "@", "+", "'", '"', " ", ",", "<", "\t", "\n", "\x1c"]
PIECES += ["x" * 31, "x" * 32, "x" * 63, "x" * 64, "@b.co", "a@", ".com", "xn--", "_", "\0", "\x7f"]
ASCII_TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(st.characters(max_codepoint=127), max_size=20),
    st.builds("{}@{}.{}".format, *[st.sampled_from([*PIECES, "ann", "b.c"])] * 3),
)
ANY_TEXTS = st.one_of(ASCII_TEXTS, st.text(max_size=12), st.builds("{}@b.co".format, st.text()))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("ann@example.com", "ann@example.com"),
        ("  Ann@Example.COM\t\n", "ann@example.com"),
        ("\u00a0\u3000ann@example.com\u2003", "ann@example.com"),
        ("\ufeff\u200bann@example.com \u200b", "ann@example.com"),
        ("ann@example.com.", "ann@example.com"),
        ("ann+news@example.com", "ann+news@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("ann@nopain,nogain.com", "ann@nopain,nogain.com"),
        ("ann@exa_mple.com", "ann@exa_mple.com"),
        ("ann@acme.test", "ann@acme.test"),
        ("ann@_dc.acme.local", "ann@_dc.acme.local"),
        ("ann@xn--mnchen-3ya.de", "ann@xn--mnchen-3ya.de"),
        ("ａｎｎ＠example．com", "ann@example.com"),
        ("ann@münchen.de", "ann@xn--mnchen-3ya.de"),
        ("ann@MÜNCHEN.DE", "ann@xn--mnchen-3ya.de"),
        ("ann@mu\u0308nchen.de", "ann@xn--mnchen-3ya.de"),
        ("ann@straße.de", "ann@xn--strae-oqa.de"),
        ("ann@例え。jp", "ann@xn--r8jz45g.jp"),
        ("josé@example.com", "josé@example.com"),
        ("JOSÉ@example.com", "josé@example.com"),
        ("x" * 64 + "@example.com", "x" * 64 + "@example.com"),
        ("a@" + "b" * 63 + ".com", "a@" + "b" * 63 + ".com"),
    ],
)
def test_an_address_has_one_spelling(text, normal):
    assert normalise_email(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "ann", "@", "ann@", "@example.com", "a@b@example.com", "ann@example"],
        *["an n@example.com", "an\x00n@example.com", "an\u200bn@example.com", 'a"nn@example.com'],
        *[
            "“ann”@example.com",
            "ann,bob@example.com",
            "<ann@example.com>",
            "ann\u00a0b@example.com",
        ],
        *[".ann@example.com", "ann.@example.com", "a..nn@example.com", "a…nn@example.com"],
        *["ann@-example.com", "ann@example-.com", "ann@example..com"],
        *["ann@example.com..", "ann@.example.com", "ann@[10.0.0.1]", "ann@exa mple.com"],
        *["mailto:ann@example.com;x", "ann@ü_.de", "ann@\u0301b.de", "ann@" + "ü" * 60 + ".de"],
        *["x" * 65 + "@example.com", "é" * 65 + "@example.com", "a@" + "b" * 64 + ".com"],
        *["ann@10.0.0.1", "ann@example.c0", "ann@ab--c.com", "ann@xn--zz.com", "ann@test"],
        *["\u0301ann@example.com", '"ann"@example.com', "Ann <ann@example.com>"],
        "a@" + ".".join(["b" * 63] * 4),
        "é" * 2000 + "@example.com",
    ],
)
def test_what_is_no_address_has_no_spelling(text):
    assert normalise_email(text) is None


def test_nothing_is_no_address_and_no_domain():
    assert normalise_email(None) is None
    assert normalise_domain(None) is None


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" Jets.COM. ", "jets.com"),
        ("rams.sl", "rams.sl"),
        ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
        ("例え。jp。", "xn--r8jz45g.jp"),
        *[(bad, None) for bad in ("", "jets", "@jets.com", "mailto:jets.com", "http://jets.com")],
        *[
            (bad, None)
            for bad in ("jets.com/x", "jets.com:25", "a@jets.com", "je ts.com", "j-.com")
        ],
        ("nopain,nogain.com", "nopain,nogain.com"),
        *[(bad, None) for bad in ("jets.com..", "10.0.0.1", "[10.0.0.1]", "xn--jets.com\0")],
        # with the shortest local part an address of 254 characters
        (".".join(["b" * 62] * 4), ".".join(["b" * 62] * 4)),
        (".".join(["b" * 62] * 4) + ".b", None),
    ],
)
def test_a_domain_has_one_spelling_and_no_dressing(text, normal):
    assert normalise_domain(text) == normal


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


def plainly_valid(connection, texts: list[str]) -> list[str | None]:
    """Per text its form in staging where SQL alone calls it valid, else None."""
    plain = plain_email_predicate("email")
    rows = connection.execute(
        f"""
        select case when {plain} then lower(trim(email)) end
        from (select unnest($texts) as email, unnest(range(len($texts))) as ordinal)
        order by ordinal
        """,
        {"texts": texts},
    ).fetchall()
    return [row[0] for row in rows]


def is_valid(email: str) -> bool:
    """email-validator's own verdict."""
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


LABELS = st.text("abz019-_,.", min_size=1, max_size=8)
NEARLY_PLAIN = st.builds("{}@{}.{}".format, LABELS, LABELS, LABELS | st.just("com"))


@DETERMINISTIC
@given(st.lists(ASCII_TEXTS | NEARLY_PLAIN, min_size=1, max_size=40))
@example(["ann@example.c0", "ann@10.0.0.1", "a@b--c.com", "a@xn--b.com", "a@b.co."])
@example(["x" * 60 + "@b.com", "a@" + "b" * 64 + ".com", "a@" + "b" * 58 + ".com"])
def test_what_sql_alone_accepts_is_valid_and_in_its_normal_form(connection, texts):
    for text, plain in zip(texts, plainly_valid(connection, texts), strict=True):
        if plain is not None:
            assert normalise_email(text) == plain
            is_special = plain.rpartition(".")[2] in SPECIAL_USE_DOMAIN_NAMES
            assert is_valid(plain) or is_special, plain


def test_usual_addresses_never_pass_through_python(connection):
    usual = ["ann@example.com", " Ann.Lee+news@Mail.Acme.co.uk", "a_b-c@x1-y2.io", "a@b.test"]
    assert None not in plainly_valid(connection, usual)


@DETERMINISTIC
@given(st.lists(ANY_TEXTS | NEARLY_PLAIN, min_size=1, max_size=20))
def test_the_verdict_is_that_of_email_validator_but_for_what_is_documented(texts):
    for text in texts:
        email = normalise_email(text)
        if email is not None and not set(email) & {",", "_"}:
            is_special = email.rpartition(".")[2] in SPECIAL_USE_DOMAIN_NAMES
            assert is_valid(email) or is_special, email
        elif email is None and text.isascii():
            tidy = text.strip().lower().removesuffix(".")
            assert not is_valid(tidy) or tidy.find("@") > 64, text


@DETERMINISTIC
@given(ANY_TEXTS)
def test_normalising_twice_changes_nothing(text):
    for normalise in (normalise_email, normalise_domain):
        once = normalise(text)
        assert once is None or normalise(once) == once


def test_every_character_in_a_local_part_normalises_once():
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) in {"Cs", "Cn", "Co"} or "CJK" in unicodedata.name(char, ""):
            continue
        once = normalise_email(f"a{char}b@example.com")
        assert once is None or normalise_email(once) == once, f"U+{code:04X}"


@DETERMINISTIC
@given(st.lists(st.one_of(st.none(), ANY_TEXTS), max_size=20))
def test_columns_are_normalised_as_single_texts_are(texts):
    texts = [t if t is None else t.encode("utf-8", "ignore").decode() for t in texts]
    column = pd.Series(texts, dtype="str", index=range(5, 5 + len(texts)))
    for many, one in ((normalise_emails, normalise_email), (normalise_domains, normalise_domain)):
        result = many(column)
        assert [None if pd.isna(text) else text for text in result] == [one(t) for t in texts]
        assert result.index.equals(column.index)
        assert result.dtype == "str"
