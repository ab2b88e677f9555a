"""What a user may set, how it is read, and what is said when it is wrong."""

import re
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from pydantic import BaseModel

from c360_assets.attribute_rules import AttributeRule
from c360_assets.errors import ConfigError
from c360_assets.settings import (
    EmailChannel,
    LogChannel,
    RfmBand,
    Rules,
    Settings,
    WebhookChannel,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the test: empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_rules(text: str) -> None:
    Path("c360.toml").write_text(text, encoding="utf-8")


def without_comments(example: Path) -> str:
    """The example with what it shows as `#name = value` (no space) switched on."""
    return re.sub(r"^#(?! |$)", "", example.read_text(encoding="utf-8"), flags=re.MULTILINE)


def names_in(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


# --- defaults and where values come from


def test_nothing_needs_setting(folder: Path) -> None:
    settings = Settings.load()

    assert settings.rules == Rules()
    assert settings.home_dir == folder / ".c360"
    assert settings.source_dir == folder / ".c360" / "demo"
    assert settings.merges_dir == settings.source_dir
    assert settings.dagster_home == folder / ".c360" / "dagster"
    assert settings.clock is None


def test_merges_are_looked_for_in_the_source_unless_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_SOURCE", "exports")
    assert Settings.load().merges_dir == folder / "exports"

    monkeypatch.setenv("C360_MERGES", "journal")
    assert Settings.load().merges_dir == folder / "journal"


def test_dot_env_is_read(folder: Path) -> None:
    Path(".env").write_text("C360_HOME=elsewhere\nC360_CRM=hubspot\nOTHER=1\n", encoding="utf-8")

    settings = Settings.load()

    assert settings.home_dir == folder / "elsewhere"
    assert settings.crm == "hubspot"


def test_environment_outranks_dot_env(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("C360_HOME=from_file\n", encoding="utf-8")
    monkeypatch.setenv("C360_HOME", "from_environment")

    assert Settings.load().home_dir == folder / "from_environment"


def test_config_is_read_from_where_c360_config_says(monkeypatch: pytest.MonkeyPatch) -> None:
    write_rules("[identity]\nmax_cluster_size = 3\n")
    Path("other.toml").write_text("[identity]\nmax_cluster_size = 4\n", encoding="utf-8")
    assert Settings.load().rules.identity.max_cluster_size == 3

    monkeypatch.setenv("C360_CONFIG", "other.toml")
    assert Settings.load().rules.identity.max_cluster_size == 4


def test_domains_are_kept_in_one_spelling() -> None:
    write_rules('[domains]\nrelay = [" MÜNCHEN.de. "]\nkeep_apart = ["*.Acme.com", "lab.b.com"]\n')

    domains = Settings.load().rules.domains
    assert domains.listed == {"xn--mnchen-3ya.de": "relay"}
    assert domains.keep_apart == ("*.acme.com", "lab.b.com")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('relay = ["a.com"]\neducation = ["A.com."]', "a.com is in domains.relay and in"),
        ('corporate = ["Gmail.com"]', "gmail.com always counts as personal; take it out"),
        ('disposable = ["yahoo.com"]', "yahoo.com always counts as personal"),
        ('personal = ["ann@web.de"]', "'ann@web.de' is no domain; write it as company.com"),
        ('personal = ["web"]', "'web' is no domain"),
        ('corporate = ["*.acme.com"]', "'*.acme.com' is no domain"),
    ],
)
def test_a_domain_that_cannot_be_configured_so_is_refused_with_a_remedy(
    text: str, message: str
) -> None:
    write_rules(f"[domains]\n{text}\n")
    assert message in problem()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-12-01T05:00:00", datetime(2021, 12, 1, 5)),
        ("2021-12-01 05:00:00+02:00", datetime(2021, 12, 1, 3)),
        ("2021-12-01T05:00:00Z", datetime(2021, 12, 1, 5)),
        ("2021-12-01", datetime(2021, 12, 1)),
        ("", None),
    ],
)
def test_as_of_is_a_time_in_utc(
    text: str, moment: datetime | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_AS_OF", text)
    assert Settings.load().clock == moment


def test_as_of_now_follows_the_clock_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_AS_OF", "now")
    settings = Settings.load()

    before = datetime.now(UTC).replace(tzinfo=None)
    assert settings.clock is not None
    assert before <= settings.clock <= datetime.now(UTC).replace(tzinfo=None)


# --- the segment grid


@pytest.mark.parametrize(
    ("recency_score", "frequency_score", "segment"),
    [
        (1, 1, "Hibernating"),
        (2, 3, "At Risk"),
        (1, 5, "Cannot Lose Them"),
        (3, 1, "About to Sleep"),
        (3, 3, "Need Attention"),
        (3, 4, "Loyal Customers"),
        (4, 1, "Promising"),
        (4, 2, "Potential Loyalists"),
        (5, 1, "New Customers"),
        (5, 3, "Potential Loyalists"),
        (5, 5, "Champions"),
    ],
)
def test_default_grid_gives_the_first_band_that_holds(
    recency_score: int, frequency_score: int, segment: str
) -> None:
    assert Rules().rfm.segment_of(recency_score, frequency_score) == segment


def test_one_band_replaces_the_whole_grid() -> None:
    write_rules(
        '[[rfm.grid]]\nmax_recency_score = 5\nmax_frequency_score = 5\nsegment = "Everyone"\n'
    )
    assert Settings.load().rules.rfm.grid == (
        RfmBand(max_recency_score=5, max_frequency_score=5, segment="Everyone"),
    )


# --- what is said when it is wrong


def problem() -> str:
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    return str(caught.value)


def test_a_config_error_is_a_value_error() -> None:
    write_rules("[identity]\nmax_cluster_size = 1\n")
    with pytest.raises(ValueError, match=r"identity\.max_cluster_size"):
        Settings.load()


def test_unknown_name_is_refused_by_its_path() -> None:
    write_rules("[identity]\nmax_size = 3\n")
    assert "c360.toml: identity.max_size" in problem()
    assert "unknown name" in problem()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[identity]\nmax_size = 3\n",
            "identity.max_size: unknown name; there are max_cluster_size, role_addresses, "
            "suggestions",
        ),
        ("[identiy]\n", "identiy: unknown name; there are domains, orders, events, identity, rfm,"),
        (
            "[identity.suggestions]\nmaximum = 3\n",
            "identity.suggestions.maximum: unknown name; there are min_probability, max_listed, "
            "target_precision",
        ),
        (
            '[[rfm.grid]]\nmax_recency_score = 5\nmax_frequency = 5\nsegment = "All"\n',
            "rfm.grid.0.max_frequency: unknown name; there are max_recency_score, "
            "max_frequency_score, segment",
        ),
        (
            '[[alerts.channels]]\ntype = "webhook"\nurl = "x"\n',
            "alerts.channels.0.webhook.url: unknown name; there are type, url_env, timeout_seconds",
        ),
    ],
)
def test_unknown_name_is_told_with_those_that_there_are(text: str, told: str) -> None:
    write_rules(text)
    assert told in problem()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[attributes]\nname = "A"\n',
            "attributes: is a list; head each of its entries with [[attributes]]",
        ),
        (
            '[rfm.grid]\nsegment = "All"\n',
            "rfm.grid: is a list; head each of its entries with [[rfm.grid]]",
        ),
        (
            '[orders]\nevent_names = "order_placed"\n',
            'orders.event_names: is a list; write it in brackets, such as ["order_placed"]',
        ),
        (
            "[rfm]\ncuts = [0.2, 0.4, 0.6]\n",
            "rfm.cuts: four cuts are needed for scores from 1 to 5",
        ),
        ("[rfm]\ncuts = [0.1, 0.2, 0.4, 0.6, 0.8]\n", "four cuts are needed"),
        (
            '[support.segment_weights]\nChampions = 3\n"At Risk" = "high"\n',
            "support.segment_weights: the weight of At Risk is 'high'; write a number of 0 or more",
        ),
        ("[support.segment_weights]\nChampions = -3\n", "the weight of Champions is -3; write"),
        (
            '[[rfm.grid]]\nmax_recency_score = 5\nmax_frequency_score = 5\nsegment = " "\n',
            "rfm.grid.0.segment: a segment has a name, such as Champions (got ' ')",
        ),
    ],
)
def test_a_value_of_the_wrong_form_is_told_with_the_right_one(text: str, told: str) -> None:
    write_rules(text)
    assert told in problem()


def test_what_is_wrong_is_said_without_the_words_of_the_library_and_the_whole_input() -> None:
    write_rules(
        "[rfm]\ncuts = [0.4, 0.2, 0.6, 0.8]\n"
        '[[attributes]]\nname = "own"\ndescription = "%s"\ntype = "BIGINT"\n' % ("long " * 99)
    )
    text = problem()
    assert "Value error" not in text
    assert "attributes.0 (own).name: a name has capital letters" in text
    assert "(got 'own')" in text
    assert "long long" not in text


def test_grid_with_gaps_names_the_cells_and_the_remedy() -> None:
    write_rules('[[rfm.grid]]\nmax_recency_score = 5\nmax_frequency_score = 4\nsegment = "Most"\n')
    assert "[(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]" in problem()
    assert "max_recency_score = 5, max_frequency_score = 5" in problem()


@pytest.mark.parametrize(
    "cuts", ["[0.4, 0.2, 0.6, 0.8]", "[0.2, 0.2, 0.6, 0.8]", "[0, 0.4, 0.6, 1]"]
)
def test_cuts_that_do_not_rise_between_0_and_1_are_refused(cuts: str) -> None:
    write_rules(f"[rfm]\ncuts = {cuts}\n")
    assert "must rise strictly between 0 and 1" in problem()


@pytest.mark.parametrize(
    ("text", "setting", "wrong"),
    [
        (
            '[support.segment_weights]\n"At Rsk" = 90\nprospects = 5\n',
            "support.segment_weights",
            "At Rsk",
        ),
        ('[lifecycle]\nvip_segments = ["champions"]\n', "lifecycle.vip_segments", "champions"),
    ],
)
def test_a_segment_that_the_grid_lacks_is_refused_with_those_it_has(
    text: str, setting: str, wrong: str
) -> None:
    write_rules(text)
    assert f"c360.toml: {setting} names {wrong}, which is no segment of rfm.grid" in problem()
    assert "At Risk, Cannot Lose Them, Champions" in problem()


def test_defaults_may_name_segments_that_a_grid_of_ones_own_lacks() -> None:
    write_rules(
        '[[rfm.grid]]\nmax_recency_score = 5\nmax_frequency_score = 5\nsegment = "Everyone"\n'
        "[support.segment_weights]\nEveryone = 50\nprospects = 5\n"
    )
    assert Settings.load().rules.lifecycle.vip_segments == ("Champions",)


def test_cuts_are_exact_decimals() -> None:
    write_rules("[rfm]\ncuts = [0.1, 0.2, 0.3, 0.7]\n")
    assert Settings.load().rules.rfm.cuts == tuple(map(Decimal, ("0.1", "0.2", "0.3", "0.7")))


def test_bad_as_of_shows_a_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_AS_OF", "yesterday")
    assert "'yesterday'" in problem()
    assert "2021-12-01T05:00:00" in problem()


def test_missing_config_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_CONFIG", "nowhere.toml")
    assert problem() == "C360_CONFIG names nowhere.toml, and there is no such file"


def test_a_config_that_is_a_folder_or_empty_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_CONFIG", "")
    assert problem() == (
        "C360_CONFIG names '.', which is a folder; name a file, or unset C360_CONFIG for c360.toml"
    )


def test_broken_toml_is_named_with_its_line() -> None:
    write_rules("[identity\n")
    assert "c360.toml is no valid TOML" in problem()
    assert "line 1" in problem()


def test_all_problems_of_the_rules_are_listed_at_once() -> None:
    write_rules(
        "[identity]\nmax_cluster_size = 1\n"
        "[sensors]\ninterval = 1\n"
        "[freshness]\nmax_age_hours = 0\n"
    )
    for name in ("identity.max_cluster_size", "sensors.interval", "freshness.max_age_hours"):
        assert name in problem()


def test_all_problems_of_the_environment_are_listed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("C360_ENGINE", "oracle")
    monkeypatch.setenv("C360_AS_OF", "yesterday")
    assert "engine: " in problem()
    assert "as_of: " in problem()


# --- the examples that are shipped


def test_example_rules_are_the_defaults(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_CONFIG", str(repo_root / "c360.example.toml"))
    assert Settings.load().rules == Rules()


def test_what_the_example_rules_show_as_a_comment_is_valid(repo_root: Path) -> None:
    write_rules(without_comments(repo_root / "c360.example.toml"))

    rules = Settings.load().rules

    assert rules.events.first_day == date(2021, 1, 1)
    assert [type(channel) for channel in rules.alerts.channels] == [
        LogChannel,
        WebhookChannel,
        EmailChannel,
    ]
    # Where a setting of a channel has a default, the example shows it.
    assert rules.alerts.channels[1:] == (
        WebhookChannel(url_env="C360_SLACK_URL"),
        EmailChannel(
            host="smtp.example.com",
            sender="c360@example.com",
            to=("data-team@example.com",),
            user_env="C360_SMTP_USER",
            password_env="C360_SMTP_PASSWORD",
        ),
    )


def test_a_segment_of_the_grid_is_not_called_prospects() -> None:
    band = '[[rfm.grid]]\nmax_recency_score = 5\nmax_frequency_score = 5\nsegment = "Prospects"'
    write_rules(band)

    with pytest.raises(ConfigError, match="who never ordered"):
        Settings.load()


def test_example_rules_name_every_rule(repo_root: Path) -> None:
    shown: dict[str, Any] = tomllib.loads(without_comments(repo_root / "c360.example.toml"))

    assert set(shown) == names_in(Rules)
    for name, part in Rules():
        if name != "attributes":  # a list, whose one example shows one of three kinds
            assert set(shown[name]) == names_in(type(part)), name
    assert set(shown["attributes"][0]) <= names_in(AttributeRule)
    assert [set(channel) for channel in shown["alerts"]["channels"]] == [
        names_in(LogChannel),
        names_in(WebhookChannel),
        names_in(EmailChannel),
    ]


def test_example_environment_names_every_variable_and_is_valid(repo_root: Path) -> None:
    Path(".env").write_text(without_comments(repo_root / ".env.example"), encoding="utf-8")
    Path("c360.toml").touch()

    settings = Settings.load()

    assert set(dotenv_values(".env")) == {
        f"C360_{name.upper()}" for name in names_in(Settings) - {"rules"}
    }
    assert settings.home == Path(".c360")
    assert settings.crm == "file"


def test_rules_are_hashable_with_every_part_of_the_example(tmp_path):
    given = {
        "suppression": ["optouts.csv"],
        "hubspot": {
            "contacts": {
                "remote_object": "contacts",
                "unique": "email",
                "fields": {"email": {"column": "email"}},
                "where": {"rfm_segment": ["Champions"]},
            }
        },
    }
    rules, other = Rules.model_validate({"crm": given}), Rules()
    assert hash(rules) == hash(Rules.model_validate({"crm": given}))
    assert hash(rules) != hash(other)
