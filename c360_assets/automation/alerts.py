"""The sensor `alerts`: every failed run and failed check reaches people once, and its recovery.

Dagster's own run-failure sensors do not see failed checks that do not block, so this one follows
all finished runs of the instance, whoever launched them, by a cursor of its own. The pure parts
are beside it: `alert_book` decides what is news, `alert_outbox` sees it delivered.

A tick never fails because a channel does: a failed tick throws its cursor away, and everything
would be sent again. What could not be delivered stands in the tick's log and its skip reason.
"""

from __future__ import annotations

import logging
import time
from typing import Literal

from dagster import (
    DagsterInstance,
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)
from pydantic import BaseModel, Field, ValidationError

from c360_assets.automation.alert_book import AlertBook
from c360_assets.automation.alert_channels import build_channels
from c360_assets.automation.alert_history import finished_runs, read_run, shower
from c360_assets.automation.alert_model import Alert
from c360_assets.automation.alert_outbox import Outbox
from c360_assets.settings import AlertRules, EmailChannel, Settings, WebhookChannel

__all__ = ["Alert", "AlertBook", "AlertCursor", "build_alert_sensor", "take_news"]

FIRST_LOOK_BACK_SECONDS = 3600.0
RUNS_PER_TICK = 100


class AlertCursor(BaseModel):
    """All that the sensor remembers. `since` (Unix seconds): nothing older is ever looked at."""

    version: Literal[1] = 1
    since: float
    last_id: int = -1
    book: AlertBook = Field(default_factory=AlertBook)
    outbox: Outbox = Field(default_factory=Outbox)

    @classmethod
    def load(cls, text: str | None, now: float, log: logging.Logger) -> AlertCursor:
        """The cursor of the last tick; a new one, that looks back for an hour, if there is none."""
        fresh = cls(since=now - FIRST_LOOK_BACK_SECONDS)
        if not text:
            return fresh
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            log.error(
                "the cursor of the sensor `alerts` cannot be read (%d problems); it starts afresh "
                "and may repeat alerts of the last hour",
                error.error_count(),
            )
            return fresh


def build_alert_sensor(settings: Settings) -> SensorDefinition:
    """The sensor that tells the channels of `settings.rules.alerts` about the whole instance."""
    rules = settings.rules.alerts

    @sensor(
        name="alerts",
        minimum_interval_seconds=rules.interval_seconds,
        default_status=DefaultSensorStatus.RUNNING,
        description="Tells the channels of c360.toml about failed runs and failed checks, once "
        "when they fail and once when they recover.",
    )
    def alerts(context: SensorEvaluationContext) -> SkipReason:
        now = time.time()
        cursor = AlertCursor.load(context.cursor, now, context.log)
        channels = build_channels(rules, context.log)
        news = take_news(context.instance, cursor, rules)
        cursor.outbox.add(news, channels, now)
        sent = cursor.outbox.deliver(channels, now, context.log)
        context.update_cursor(cursor.model_dump_json())
        waiting = cursor.outbox.summary()
        return SkipReason(
            f"new alerts: {len(news)}, deliveries: {sent}" + (f"; {waiting}" if waiting else "")
        )

    return alerts


def take_news(
    instance: DagsterInstance, cursor: AlertCursor, rules: AlertRules, limit: int = RUNS_PER_TICK
) -> list[Alert]:
    """Read the runs that finished since, `limit` at most, and move the cursor behind them."""
    show = shower(_secret_variables(rules))
    news: list[Alert] = []
    for finish in finished_runs(instance, cursor.last_id, cursor.since, limit):
        found = read_run(instance, finish, show)
        if found is not None:
            checks, run = found
            for check in checks:
                news += cursor.book.record_check(check)
            news += cursor.book.record_run(run)
        cursor.last_id = finish.storage_id
    return news


def _secret_variables(rules: AlertRules) -> list[str]:
    names: list[str] = []
    for rule in rules.channels:
        match rule:
            case WebhookChannel():
                names.append(rule.url_env)
            case EmailChannel():
                names += [name for name in (rule.user_env, rule.password_env) if name]
            case _:
                pass
    return names
