"""What is news: checks and runs as plain values, without Dagster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from c360_assets.automation import alert_book
from c360_assets.automation.alert_book import AlertBook
from c360_assets.automation.alert_model import CheckResult, RunResult, StepFailure

FAILED = CheckResult("orders", "rows_are_fresh", False, "WARN", "run-1", at=1_000.0)
PASSED = replace(FAILED, passed=True, run_id="run-2", at=2_000.0)


def run(outcome="failed", at=1_000.0, **facts) -> RunResult:
    defaults = {
        "run_id": f"run-{at:.0f}",
        "name": "nightly",
        "job": "nightly",
        "targets": frozenset({"orders", "contacts"}),
        "built": frozenset({"orders"} if outcome == "failed" else {"orders", "contacts"}),
        "missing": frozenset({"contacts"} if outcome == "failed" else ()),
        "failures": (StepFailure("contacts", "ValueError", "no"),) if outcome == "failed" else (),
    }
    return RunResult(outcome=outcome, at=at, **(defaults | facts))


def kinds(alerts) -> list[str]:
    return [alert.kind for alert in alerts]


def test_a_check_that_never_failed_is_no_news():
    assert AlertBook().record_check(PASSED) == []


def test_partitions_of_a_check_fail_and_recover_apart():
    book = AlertBook()
    monday, tuesday = (replace(FAILED, partition=f"2021-11-0{day}") for day in (1, 2))
    assert kinds(book.record_check(monday)) == ["check_failed"]
    assert kinds(book.record_check(tuesday)) == ["check_failed"]
    (alert,) = book.record_check(replace(PASSED, partition="2021-11-01"))
    assert alert.title == (
        "[OK] Recovered: rows_are_fresh on orders (partition 2021-11-01) passes again"
    )
    assert len(book.checks) == 1


def test_an_older_pass_from_a_run_that_finished_later_is_no_recovery():
    book = AlertBook()
    book.record_check(FAILED)
    assert book.record_check(replace(PASSED, at=900.0)) == []
    assert kinds(book.record_check(PASSED)) == ["recovered"]


def test_a_canceled_run_neither_fails_nor_recovers():
    book = AlertBook()
    assert book.record_run(run("canceled")) == []
    book.record_run(run())
    assert book.record_run(run("canceled", at=2_000.0)) == []
    assert len(book.runs) == 1


def test_several_runs_together_may_build_what_one_owed():
    book = AlertBook()
    book.record_run(run(missing=frozenset({"contacts", "segments"})))
    by_hand = run("succeeded", job="__ASSET_JOB", targets=frozenset({"contacts"}))
    assert book.record_run(replace(by_hand, built=frozenset({"contacts"}))) == []
    (alert,) = book.record_run(replace(by_hand, built=frozenset({"segments"}), at=3_000.0))
    assert alert.title == "[OK] Recovered: nightly"
    assert "run run-1000" in alert.details[0]


def test_a_run_that_fails_elsewhere_may_build_what_another_owed():
    book = AlertBook()
    book.record_run(
        run(job="by_hand", targets=frozenset({"orders"}), missing=frozenset({"orders"}))
    )
    assert kinds(book.record_run(run(at=2_000.0))) == ["run_failed", "recovered"]


def test_a_job_without_assets_recovers_by_its_own_success_only():
    nothing = {"targets": frozenset(), "built": frozenset(), "missing": frozenset()}
    book = AlertBook()
    book.record_run(run(job="sync", **nothing))
    assert book.record_run(run("succeeded", at=2_000.0)) == []
    assert kinds(book.record_run(run("succeeded", job="sync", at=3_000.0, **nothing))) == [
        "recovered"
    ]


@pytest.mark.parametrize(
    ("later", "is_made_good"),
    [
        (("2021-11-03", "2021-11-03"), True),
        (("2021-11-01", "2021-11-05"), True),
        (("2021-11-04", "2021-11-05"), False),
        (None, False),
    ],
)
def test_a_failed_partition_is_made_good_by_a_run_that_holds_it(later, is_made_good):
    book = AlertBook()
    (alert,) = book.record_run(run(partition=("2021-11-03", "2021-11-03")))
    assert alert.title == "[ERROR] Run failed: nightly (partition 2021-11-03) at contacts"
    told = book.record_run(run("succeeded", at=2_000.0, partition=later))
    assert kinds(told) == (["recovered"] if is_made_good else [])


def test_the_next_day_that_fails_is_a_failure_of_its_own():
    book = AlertBook()
    told = [
        alert
        for day in ("2021-11-03", "2021-11-04", "2021-11-03")
        for alert in book.record_run(run(partition=(day, day)))
    ]
    assert kinds(told) == ["run_failed", "run_failed"]


def test_a_run_that_dagster_retries_says_so():
    (alert,) = AlertBook().record_run(run(will_retry=True))
    assert "Dagster runs it again by itself" in alert.details[-1]


def test_the_book_is_the_same_after_a_round_trip_through_the_cursor():
    book = AlertBook()
    book.record_check(FAILED)
    book.record_run(run(partition=("2021-11-03", "2021-11-03")))
    again = AlertBook.model_validate_json(book.model_dump_json())
    assert again == book
    assert again.record_check(replace(FAILED, at=1_500.0)) == []
    assert kinds(again.record_check(PASSED)) == ["recovered"]


def test_the_book_keeps_the_newest_failures_and_says_what_it_forgets(caplog):
    book = AlertBook()
    for number in range(alert_book.MAX_OPEN + 1):
        book.record_check(replace(FAILED, check=f"check_{number}", at=1_000.0 + number))
        book.record_run(run(job=f"job_{number}", at=1_000.0 + number))
    assert len(book.checks) == len(book.runs) == alert_book.MAX_OPEN
    assert "check_0" in caplog.text
    assert book.record_check(replace(FAILED, check="check_1", at=5_000.0)) == []
    assert len(book.model_dump_json()) < 200_000
