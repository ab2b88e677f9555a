"""`[ui]` of c360.toml: what may be said there, and what the remedy is where it may not."""

import ipaddress

import pytest

from c360_assets.errors import ConfigError
from c360_assets.settings import Rules, Settings
from c360_assets.ui_rules import UiRules


@pytest.fixture
def load(tmp_path, monkeypatch):
    def from_text(text):
        path = tmp_path / "c360.toml"
        path.write_text(f"[ui]\n{text}\n")
        monkeypatch.setenv("C360_CONFIG", str(path))
        return Settings.load().rules.ui

    return from_text


def test_nothing_needs_saying(load):
    assert load("") == UiRules() == Rules().ui


def test_everything_that_may_be_said(load):
    rules = load(
        'allowed_hosts = ["C360.Example.com.", "10.0.0.7", "::1"]\n'
        'trusted_proxies = ["10.0.0.0/24", "fd00::1"]\nuser_header = "X-Remote-User"\n'
        'proxy_role = "reviewer"\nsession_idle_minutes = 5\nsession_hours = 1\ncurrency = "EUR"'
    )
    assert rules.allowed_hosts == ("c360.example.com", "10.0.0.7", "::1")
    assert ipaddress.ip_address("10.0.0.9") in rules.networks()[0]
    assert hash(rules) == hash(rules.model_copy())


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('user_header = "X-User"', "Name the addresses of the proxies, or remove user_header"),
        ('trusted_proxies = ["10.0.0.7"]', "Name the header in which the proxies say so"),
        ('allowed_hosts = ["https://x.example"]', "without scheme, port and path"),
        ('allowed_hosts = ["x.example:8360"]', "without scheme, port and path"),
        ('allowed_hosts = ["*.example"]', "without scheme, port and path"),
        ('allowed_hosts = [""]', "without scheme, port and path"),
        ('trusted_proxies = ["proxy"]\nuser_header = "X"', "addresses or networks, such as"),
        ('trusted_proxies = ["10.0.0.7/8"]\nuser_header = "X"', "host bits"),
        ('trusted_proxies = ["0.0.0.0/0"]\nuser_header = "X"', "everybody could say"),
        ('trusted_proxies = ["::/0"]\nuser_header = "X"', "everybody could say"),
        ('trusted_proxies = ["10.0.0.7"]\nuser_header = "X User"', "such as X-Remote-User"),
        ('proxy_role = "king"', "viewer"),
        ("session_idle_minutes = 0", "session_idle_minutes"),
        ("session_hours = -1", "session_hours"),
        ('host = "0.0.0.0"', "unknown name"),
    ],
)
def test_what_may_not_be_said_is_told_with_the_remedy(load, text, remedy):
    with pytest.raises(ConfigError, match="ui") as error:
        load(text)
    assert remedy in str(error.value)
