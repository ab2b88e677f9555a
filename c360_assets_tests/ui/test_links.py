from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c360_assets.ui import links


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_an_id_of_any_letters_is_one_part_of_a_path_on_this_site(text: str) -> None:
    for prefix, path in (
        ("/contacts/", links.contact(text)),
        ("/accounts/", links.account(text)),
        ("/gaggles/", links.gaggle(text)),
    ):
        parts = urlsplit(path)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
        assert parts.path.startswith(prefix)
        assert "/" not in parts.path.removeprefix(prefix)
        assert unquote(parts.path.removeprefix(prefix)) == text


@pytest.mark.parametrize("text", [".", "..", "%2e%2e", "../../etc/passwd"])
def test_an_id_of_dots_is_no_step_to_another_folder(text: str) -> None:
    assert ".." not in links.gaggle(text).split("/")
    assert "." not in links.gaggle(text).split("/")


def test_empty_query_parameters_are_left_out() -> None:
    path = links.with_query("/kpis", {"from": "2021-01-01", "to": None, "kpi": "", "text": "a&b=c"})
    assert urlsplit(path).path == "/kpis"
    assert parse_qs(urlsplit(path).query) == {"from": ["2021-01-01"], "text": ["a&b=c"]}


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://x", "//x", "", None, "x"])
def test_only_web_addresses_of_the_settings_are_linked_to(address: str | None) -> None:
    assert links.outside(address) is None
    assert links.outside("http://127.0.0.1:3000/", "/runs") == "http://127.0.0.1:3000/runs"
