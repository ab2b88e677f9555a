"""Who waits for what: real channels, of which some cannot work."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from c360_assets.automation.alert_channels import Channel, Log, Webhook
from c360_assets.automation.alert_outbox import MAX_AGE_SECONDS, MAX_WAITING, Outbox
from c360_assets.settings import WebhookChannel
from c360_assets_tests.automation.test_alert_channels import ALERT

NOW = 1_638_334_800.0
LOG = logging.getLogger("c360.test_alert_outbox")


@pytest.fixture
def broken() -> Channel:
    return Webhook(WebhookChannel(url_env="C360_TEST_NEVER_SET"))


@pytest.fixture
def web(hook) -> Channel:
    return Webhook(WebhookChannel(url_env="HOOK_URL", timeout_seconds=5))


def deliver(outbox: Outbox, now: float, *channels: Channel) -> int:
    return outbox.deliver({channel.name: channel for channel in channels}, now, LOG)


def attempts(caplog) -> int:
    return caplog.text.count("alerts are held back")


def test_what_waits_survives_the_cursor(broken, web, hook):
    outbox = Outbox()
    outbox.add([ALERT], [broken.name, web.name], NOW)
    assert deliver(outbox, NOW, broken, web) == 1
    again = Outbox.model_validate_json(outbox.model_dump_json())
    assert again == outbox
    assert [entry.channels for entry in again.waiting] == [{broken.name: 0}]
    assert again.waiting[0].alert == ALERT
    assert deliver(again, NOW + 30, broken, web) == 0
    assert len(hook.take()) == 1


def test_a_channel_that_is_down_for_long_is_asked_less_often(broken, caplog):
    outbox = Outbox()
    outbox.add([ALERT], [broken.name], NOW)
    for tick in range(120):  # an hour
        deliver(outbox, NOW + 30 * tick, broken)
    assert 10 < attempts(caplog) < 30
    assert outbox.summary().startswith(f"1 waiting for {broken.name}: the environment variable")


def test_a_channel_that_worked_in_between_is_asked_on_the_next_tick(web, hook, monkeypatch, caplog):
    outbox = Outbox()
    monkeypatch.delenv("HOOK_URL")
    for tick in range(8):
        outbox.add([ALERT], [web.name], NOW)
        if tick == 5:
            monkeypatch.setenv("HOOK_URL", hook.url)
        deliver(outbox, NOW + 30 * tick, web)
        if tick == 5:
            monkeypatch.delenv("HOOK_URL")
    assert attempts(caplog) == 7
    assert len(hook.take()) == 6


def test_an_alert_that_waited_for_a_day_is_lost_and_the_log_says_so_with_its_text(broken, caplog):
    outbox = Outbox()
    outbox.add([ALERT], [broken.name], NOW)
    deliver(outbox, NOW + MAX_AGE_SECONDS, broken)
    assert "LOST" not in caplog.text
    deliver(outbox, NOW + MAX_AGE_SECONDS + 1, broken)
    assert f"alert LOST for {broken.name}: it waited for more than 24 hours" in caplog.text
    assert ALERT.text() in caplog.text
    assert outbox.waiting == []


def test_a_refused_alert_holds_up_no_other_and_is_lost_after_three_refusals(web, hook, caplog):
    outbox = Outbox()
    outbox.add([ALERT, replace(ALERT, title="next")], [web.name], NOW)
    hook.answers = [400]
    assert deliver(outbox, NOW, web) == 1
    assert [text.splitlines()[0] for text in hook.take()] == ["*next*"]
    for tick in (1, 2):
        hook.answers = [400]
        deliver(outbox, NOW + 30 * tick, web)
    assert outbox.waiting == []
    assert "it was refused 3 times" in caplog.text


def test_the_order_of_alerts_stays_over_an_outage(web, hook):
    outbox = Outbox()
    for number in range(3):
        hook.answers = [503] * 3 if number < 2 else []
        outbox.add([replace(ALERT, title=f"number {number}")], [web.name], NOW)
        deliver(outbox, NOW + 30 * number, web)
    assert [text.splitlines()[0] for text in hook.take()] == [f"*number {n}*" for n in range(3)]


def test_the_outbox_is_bounded_and_the_oldest_go_first(broken, caplog):
    outbox = Outbox()
    titles = [f"number {number}" for number in range(MAX_WAITING + 2)]
    outbox.add([replace(ALERT, title=title) for title in titles], [broken.name], NOW)
    deliver(outbox, NOW, broken)
    assert [entry.alert.title for entry in outbox.waiting] == titles[2:]
    assert caplog.text.count("alert LOST") == 2


def test_what_waits_for_a_channel_that_is_no_longer_configured_is_dropped(broken, caplog):
    outbox = Outbox()
    outbox.add([ALERT], [broken.name], NOW)
    deliver(outbox, NOW, broken)
    deliver(outbox, NOW + 30, Log(LOG))
    assert (outbox.waiting, outbox.health) == ([], {})
    assert "no longer names" in caplog.text


def test_a_bug_in_one_channel_keeps_nothing_from_the_others(web, hook, caplog):
    class Buggy:
        name = "buggy"

        def send(self, alert, seconds):
            raise KeyError("https://hooks.example/secret")

    outbox = Outbox()
    outbox.add([ALERT], ["buggy", web.name], NOW)
    assert deliver(outbox, NOW, Buggy(), web) == 1
    assert len(hook.take()) == 1
    assert "buggy: KeyError, a bug of c360" in caplog.text
    assert "secret" not in caplog.text


def test_a_tick_that_is_out_of_time_leaves_the_rest_for_the_next(web, hook):
    outbox = Outbox()
    outbox.add([ALERT], [web.name], NOW)
    assert outbox.deliver({web.name: web}, NOW, LOG, seconds=0.5) == 0
    assert outbox.summary() == f"1 waiting for {web.name}: next tick"
    assert outbox.deliver({web.name: web}, NOW + 30, LOG) == 1
