"""An address counts where it stands alone, for Python and for the engine alike."""

import duckdb
import pytest

from c360_assets.mentions import Mentions, mentions_sql

THEIRS = Mentions(["ann@acme.com", "a+b@x.de"])


@pytest.mark.parametrize(
    ("text", "is_mention"),
    [
        ("ann@acme.com", True),
        ("write to Ann@ACME.com.", True),
        ('{"email":"ann@acme.com"}', True),
        ('{"note":"Hi\\nann@acme.com\\nBye"}', True),
        ("a;a+b@x.de;c", True),
        ("<ann@acme.com>", True),
        ("\u200bann@acme.com\u200b", True),
        ("joann@acme.com", False),
        ("jo.ann@acme.com", False),
        ("jo-ann@acme.com", False),
        ("ann@acme.com.au", False),
        ("ann@acme.community", False),
        ("ann@acme.com-x.de", False),
        ("annxacme.com", False),
        ("", False),
    ],
)
def test_python_and_the_engine_say_the_same(text, is_mention):
    assert THEIRS.are_in(text) is is_mention
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select {mentions_sql('$text')}", {"text": text, "mentions": THEIRS.pattern}
        ).fetchall()
    assert found == [(is_mention,)]
    assert THEIRS.are_in(THEIRS.without(text)) is False


def test_without_them_all_else_stays():
    assert THEIRS.without("ann@acme.com,ann@acme.com,joann@acme.com") == (
        "erased,erased,joann@acme.com"
    )
    assert THEIRS.without(None) is None


def test_no_address_is_mentioned_nowhere():
    nobody = Mentions([])
    assert not nobody.are_in("ann@acme.com")
    with duckdb.connect() as connection:
        assert connection.execute(
            f"select {mentions_sql('$text')}", {"text": "a@b.c", "mentions": nobody.pattern}
        ).fetchall() == [(False,)]
