"""The whole way: real runs in a real Dagster instance, to a real web and a real mail server."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

import dagster as dg
from dagster import AssetCheckResult, AssetCheckSeverity, DagsterInstance, MaterializeResult

from c360_assets.automation.alerts import AlertCursor, build_alert_sensor, take_news
from c360_assets.settings import AlertRules, EmailChannel, LogChannel, Settings, WebhookChannel
from c360_assets_tests.automation.conftest import SECRET_PATH, Hook, MailServer
from c360_assets_tests.ports import free_port

WEBHOOK = WebhookChannel(url_env="HOOK_URL", timeout_seconds=5)
WARN, ERROR = AssetCheckSeverity.WARN, AssetCheckSeverity.ERROR


@dataclass
class Desk:
    """A sensor with its cursor between ticks, as the daemon keeps it: as text."""

    instance: DagsterInstance
    channels: tuple
    cursor: str | None = field(
        default_factory=lambda: AlertCursor(since=time.time()).model_dump_json()
    )
    log: list[logging.LogRecord] = field(default_factory=list)

    def tick(self) -> str:
        settings = Settings(rules={"alerts": AlertRules(channels=self.channels)})
        sensor = build_alert_sensor(settings)
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        collector = logging.Handler()
        collector.emit = self.log.append
        context.log.addHandler(collector)
        skipped = sensor(context)
        self.cursor = context.cursor
        return skipped.skip_message

    def lines(self) -> list[str]:
        return [record.getMessage() for record in self.log]


@dataclass
class World:
    """Two small assets whose checks and errors a test turns on and off."""

    warn_passes: bool = True
    error_passes: bool = True
    blocking_passes: bool = True
    severity: AssetCheckSeverity = WARN
    error: Exception | None = None

    def build(self) -> list:
        world = self

        @dg.asset(check_specs=[dg.AssetCheckSpec("rows_are_fresh", asset="orders")])
        def orders():
            sample = dg.MetadataValue.table(
                [dg.TableRecord({"user_id": f"u{n}"}) for n in range(5)]
            )
            metadata = {"sample": sample, "stale_rows": 4321}
            yield MaterializeResult(
                check_results=[
                    AssetCheckResult(
                        passed=world.warn_passes,
                        severity=world.severity,
                        description="Newest order is old",
                        metadata=metadata,
                    )
                ]
            )

        @dg.asset_check(asset=orders)
        def every_order_has_a_user():
            return AssetCheckResult(passed=world.error_passes, severity=ERROR)

        @dg.asset_check(asset=orders, blocking=True)
        def order_ids_are_unique():
            return AssetCheckResult(passed=world.blocking_passes, severity=ERROR)

        @dg.asset(deps=[orders])
        def contacts():
            if world.error is not None:
                raise world.error

        return [orders, every_order_has_a_user, order_ids_are_unique, contacts]

    def run(self, instance: DagsterInstance, **options) -> dg.ExecuteInProcessResult:
        return dg.materialize(self.build(), instance=instance, raise_on_error=False, **options)


def definitions(world: World) -> dg.Definitions:
    orders, first, second, contacts = world.build()
    return dg.Definitions(
        assets=[orders, contacts],
        asset_checks=[first, second],
        jobs=[dg.define_asset_job("nightly", selection="*")],
    )


def titles(texts: list[str]) -> list[str]:
    return [text.splitlines()[0].strip("*") for text in texts]


def test_a_failed_warn_check_is_told_once_however_many_ticks_follow(instance, hook: Hook):
    desk = Desk(instance, (WEBHOOK,))
    run = World(warn_passes=False).run(instance)
    assert run.success  # the run is green: no run-failure sensor would fire

    desk.tick()
    desk.tick()
    desk.tick()

    (text,) = hook.take()
    assert titles([text]) == ["[WARN] Check failed: rows_are_fresh on orders"]
    assert "Newest order is old" in text
    assert "stale_rows: 4,321" in text
    assert '{"user_id": "u0"}' in text
    assert "u4" not in text  # a sample, not the table
    assert "and 2 more" in text
    assert run.run_id in text
    assert "Next: " in text
    assert "/assets/orders?view=checks&amp;checkDetail=rows_are_fresh" in text


def test_a_check_that_still_fails_in_the_next_run_is_no_news_but_another_check_is(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    world = World(warn_passes=False)
    world.run(instance)
    desk.tick()
    hook.take()

    world.run(instance)
    desk.tick()
    assert hook.take() == []

    world.error_passes = False
    world.run(instance)
    desk.tick()
    assert titles(hook.take()) == ["[ERROR] Check failed: every_order_has_a_user on orders"]


def test_a_check_that_passes_again_is_told_once(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    world = World(warn_passes=False)
    world.run(instance)
    desk.tick()
    hook.take()

    world.warn_passes = True
    world.run(instance)
    world.run(instance)
    desk.tick()
    desk.tick()
    (text,) = hook.take()
    assert titles([text]) == ["[OK] Recovered: rows_are_fresh on orders passes again"]
    assert "It had failed since " in text


def test_a_failure_after_a_recovery_is_told_again(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    world = World(warn_passes=False)
    for passes in (False, True, False):
        world.warn_passes = passes
        world.run(instance)
    desk.tick()
    assert [title.split()[0] for title in titles(hook.take())] == ["[WARN]", "[OK]", "[WARN]"]


def test_a_check_that_turns_from_warn_to_error_is_news(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    world = World(warn_passes=False)
    world.run(instance)
    desk.tick()
    world.severity = ERROR
    world.run(instance)
    desk.tick()
    world.severity = WARN
    world.run(instance)
    desk.tick()
    assert [title.split()[0] for title in titles(hook.take())] == ["[WARN]", "[ERROR]"]


def test_a_failed_run_is_told_with_its_first_error_lines_and_without_secrets(
    instance, hook, monkeypatch
):
    monkeypatch.setenv("CRM_TOKEN", "tok-998877")
    desk = Desk(instance, (WEBHOOK,))
    cause = "no answer from https://ann:pw123@crm.example\nsent password='hunter2', tok-998877"
    run = World(error=ValueError(cause)).run(instance)
    desk.tick()
    desk.tick()
    (text,) = hook.take()
    assert titles([text]) == ["[ERROR] Run failed: materialization of contacts, orders at contacts"]
    assert "Step contacts: ValueError: no answer from https://***@crm.example" in text
    assert not [secret for secret in ("pw123", "hunter2", "tok-998877") if secret in text]
    assert "Still owed: contacts" in text
    assert f"Link: /runs/{run.run_id}" in text


def test_the_same_run_failure_is_told_once_another_error_again_and_then_the_recovery(
    instance, hook
):
    desk = Desk(instance, (WEBHOOK,))
    world = World(error=ValueError("one"))
    told = []
    for error in (ValueError("one"), ValueError("two"), OSError("three"), ValueError("four"), None):
        world.error = error
        world.run(instance)
        desk.tick()
        told.append([title.split(":")[0] for title in titles(hook.take())])
    assert told == [["[ERROR] Run failed"], [], ["[ERROR] Run failed"], [], ["[OK] Recovered"]]


class Store(dg.ConfigurableResource):
    def setup_for_execution(self, context) -> None:
        raise RuntimeError("the disk is full")


def test_a_run_that_fails_before_any_step_is_told(instance, hook):
    @dg.asset
    def stored(store: Store): ...

    desk = Desk(instance, (WEBHOOK,))
    dg.materialize([stored], resources={"store": Store()}, instance=instance, raise_on_error=False)
    desk.tick()
    (text,) = hook.take()
    assert titles([text]) == ["[ERROR] Run failed: materialization of stored"]
    assert "RuntimeError: the disk is full" in text


def test_a_run_that_never_started_and_one_that_was_canceled(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    job = definitions(World()).resolve_job_def("nightly")
    lost = instance.create_run_for_job(job)
    instance.report_run_failed(lost, "The run worker was killed.")
    stopped = instance.create_run_for_job(job)
    instance.report_run_canceled(stopped)
    desk.tick()
    (text,) = hook.take()
    assert titles([text]) == ["[ERROR] Run failed: nightly"]
    assert "The run worker was killed." in text


def test_a_failed_blocking_check_is_told_and_so_is_the_run_that_it_stopped(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    world = World(blocking_passes=False)
    world.run(instance)
    desk.tick()
    check, run = hook.take()
    assert titles([check]) == ["[ERROR] Check failed: order_ids_are_unique on orders"]
    assert "It blocks" in check
    assert "1 blocking asset check failed" in run

    world.blocking_passes = True
    world.run(instance)
    desk.tick()
    assert titles(hook.take()) == [
        "[OK] Recovered: order_ids_are_unique on orders passes again",
        "[OK] Recovered: materialization of contacts, orders",
    ]


def test_a_failed_job_recovers_when_what_it_owed_is_built_by_hand(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    world = World(error=ValueError("no"))
    project = definitions(world)
    nightly = project.resolve_job_def("nightly")
    nightly.execute_in_process(instance=instance, raise_on_error=False)
    desk.tick()
    assert titles(hook.take()) == ["[ERROR] Run failed: nightly at contacts"]

    world.error = None
    by_hand = project.resolve_implicit_global_asset_job_def()
    by_hand.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("orders")])
    desk.tick()
    assert hook.take() == []  # contacts are owed still
    by_hand.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("contacts")])
    desk.tick()
    assert titles(hook.take()) == ["[OK] Recovered: nightly"]


def test_a_table_whose_blocking_check_failed_is_owed_although_it_was_written(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    world = World(blocking_passes=False)
    project, orders = definitions(world), [dg.AssetKey("orders")]
    nightly = project.resolve_job_def("nightly")
    nightly.execute_in_process(instance=instance, asset_selection=orders, raise_on_error=False)
    desk.tick()
    assert "Still owed: orders" in hook.take()[1]

    world.blocking_passes = True
    by_hand = project.resolve_implicit_global_asset_job_def()
    by_hand.execute_in_process(instance=instance, asset_selection=orders)
    desk.tick()
    assert titles(hook.take())[1] == "[OK] Recovered: nightly"


def test_every_channel_gets_every_alert(instance, hook, mail: MailServer):
    email = EmailChannel(host="127.0.0.1", port=mail.port, sender="c360@x.org", to=("ann@x.org",))
    desk = Desk(instance, (LogChannel(), WEBHOOK, email))
    World(warn_passes=False).run(instance)
    assert desk.tick() == "new alerts: 1, deliveries: 3"
    title = "[WARN] Check failed: rows_are_fresh on orders"
    assert titles(hook.take()) == [title]
    assert [message["Subject"] for message in mail.box.mails] == [title]
    assert [record.levelname for record in desk.log] == ["WARNING"]
    assert title in desk.lines()[0]


def test_a_channel_that_is_down_holds_up_no_other_and_gets_its_alerts_later(instance, hook, mail):
    email = EmailChannel(host="127.0.0.1", port=mail.port, sender="c360@x.org", to=("ann@x.org",))
    desk = Desk(instance, (WEBHOOK, email))
    world = World(warn_passes=False)
    world.run(instance)
    hook.answers = [503] * 3  # as often as it is tried at once
    waiting = desk.tick()
    assert "1 waiting for webhook $HOOK_URL: webhook $HOOK_URL: the server answered 503" in waiting
    assert len(mail.box.mails) == 1
    assert hook.take() == []

    world.warn_passes = True
    world.run(instance)
    assert desk.tick() == "new alerts: 1, deliveries: 3"
    assert [title.split()[0] for title in titles(hook.take())] == ["[WARN]", "[OK]"]
    assert len(mail.box.mails) == 2
    desk.tick()
    assert hook.take() == []
    assert len(mail.box.mails) == 2


def test_a_mail_server_that_is_down_holds_up_no_webhook(instance, hook):
    email = EmailChannel(host="127.0.0.1", port=free_port(), sender="c360@x.org", to=("a@x.org",))
    desk = Desk(instance, (email, WEBHOOK))
    World(warn_passes=False).run(instance)
    assert "1 waiting for email a@x.org by 127.0.0.1" in desk.tick()
    assert len(hook.take()) == 1


def test_a_missing_variable_is_named_and_the_others_still_get_the_alert(
    instance, hook, monkeypatch
):
    monkeypatch.delenv("NOT_SET", raising=False)
    desk = Desk(instance, (WebhookChannel(url_env="NOT_SET"), WEBHOOK))
    World(warn_passes=False).run(instance)
    desk.tick()
    assert len(hook.take()) == 1
    assert any("environment variable NOT_SET is not set" in line for line in desk.lines())

    monkeypatch.setenv("NOT_SET", hook.url)
    desk.tick()
    assert len(hook.take()) == 1


def test_the_address_of_a_webhook_is_never_shown(instance, hook, monkeypatch, caplog):
    down = f"http://127.0.0.1:{free_port()}{SECRET_PATH}"
    monkeypatch.setenv("DOWN_URL", down)
    desk = Desk(instance, (WEBHOOK, WebhookChannel(url_env="DOWN_URL")))
    world = World(warn_passes=False, error=ValueError(f"posting to {hook.url} failed"))
    world.run(instance)
    caplog.clear()  # Dagster itself logs the error of the run as it is
    caplog.set_level(logging.DEBUG)
    hook.answers = [503, 200, 404]
    skipped = desk.tick()
    texts = hook.take()
    shown = "\n".join([*desk.lines(), caplog.text, skipped, desk.cursor or "", *texts])
    assert "no connection" in shown
    assert "answered 404" in shown
    assert "posting to ***" in shown
    assert SECRET_PATH not in shown


def test_the_first_tick_looks_back_for_an_hour_and_not_further(stored_instance, hook):
    World(warn_passes=False).run(stored_instance)
    desk = Desk(stored_instance, (WEBHOOK,), cursor=None)
    desk.tick()
    assert len(hook.take()) == 1

    two_hours_later = AlertCursor.load(None, time.time() + 7200, logging.getLogger())
    assert take_news(stored_instance, two_hours_later, AlertRules()) == []


def test_an_unreadable_cursor_is_reported_and_starts_afresh(instance):
    desk = Desk(instance, (), cursor='{"version": 99}')
    desk.tick()
    assert any("cannot be read" in line for line in desk.lines())
    assert AlertCursor.model_validate_json(desk.cursor or "").version == 1


def test_runs_are_read_in_order_and_none_twice_whatever_the_page_size(stored_instance):
    errors = [None, ValueError("a"), ValueError("b"), None, None, OSError("c")]
    remaining = iter(errors)

    @dg.op
    def step():
        if error := next(remaining):
            raise error

    @dg.job
    def plain():
        step()

    for _ in errors:
        plain.execute_in_process(instance=stored_instance, raise_on_error=False)
    stored_instance.report_run_canceled(stored_instance.create_run_for_job(plain))
    for limit in (1, 2, 3, 100):
        cursor = AlertCursor(since=0.0)
        told = []
        for _ in range(8):
            cursor = AlertCursor.model_validate_json(cursor.model_dump_json())
            told += take_news(stored_instance, cursor, AlertRules(), limit)
        assert [alert.kind for alert in told] == ["run_failed", "recovered", "run_failed"]
        assert "ValueError: a" in told[0].details[0]
        assert "OSError: c" in told[2].details[0]


def test_a_later_tag_on_a_finished_run_is_no_new_end_of_it(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    world = World(warn_passes=False)
    failed = world.run(instance)
    world.warn_passes = True
    world.run(instance)
    desk.tick()
    hook.take()
    instance.add_run_tags(failed.run_id, {"seen_by": "ann"})
    desk.tick()
    assert hook.take() == []


def test_a_deleted_run_is_passed_over(instance, hook):
    desk = Desk(instance, (WEBHOOK,))
    deleted = World(warn_passes=False).run(instance)
    instance.delete_run(deleted.run_id)
    World(error_passes=False).run(instance)
    desk.tick()
    assert titles(hook.take()) == ["[ERROR] Check failed: every_order_has_a_user on orders"]


def test_the_sensor_runs_by_default_at_the_interval_of_the_settings():
    settings = Settings(rules={"alerts": AlertRules(interval_seconds=45)})
    sensor = build_alert_sensor(settings)
    assert (sensor.name, sensor.minimum_interval_seconds) == ("alerts", 45)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert dg.Definitions(sensors=[sensor]).resolve_sensor_def("alerts") is sensor
