"""Jobs and the schedule: what runs together, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import dagster as dg

EVERYTHING = "everything"
DAILY = "daily_c360"
IDENTITY = "refresh_identity"
EVENTS = "refresh_events"
DAILY_CRON = "0 5 * * *"
# the console of a run shows what went wrong; its history keeps all of its thousand events
QUIET_CONSOLE = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}


@lru_cache(maxsize=1)
def build_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """All jobs, by what a run of theirs covers; the same objects at each call.

    Dagster takes a job that both a sensor and the definitions name for two unless it is one object.
    """
    everything = dg.AssetSelection.all()
    identity = dg.AssetSelection.assets("merged_user", "merged_company_domain").downstream()
    events = dg.AssetSelection.assets("raw_event", "raw_order").downstream()
    return [
        _job(EVERYTHING, everything, "Rebuilds every table, over all days."),
        _job(DAILY, everything, "Builds one day and everything downstream of it."),
        _job(IDENTITY, identity, "Folds the merge files, and all downstream of them."),
        _job(EVENTS, events, "Takes in new event files, and all downstream of them."),
    ]


def _job(
    name: str, selection: dg.AssetSelection, description: str
) -> dg.UnresolvedAssetJobDefinition:
    return dg.define_asset_job(name, selection, config=QUIET_CONSOLE, description=description)


def newest_complete_day(
    partitions: dg.DailyPartitionsDefinition, now: datetime | None = None
) -> str | None:
    """The newest day that is over (UTC) and that the source may have; None where there is none."""
    moment = now or datetime.now(UTC)
    yesterday = (moment.astimezone(UTC) - timedelta(days=1)).date().isoformat()
    keys = [key for key in partitions.get_partition_keys(current_time=moment) if key <= yesterday]
    return keys[-1] if keys else None


def build_daily_schedule(partitions: dg.DailyPartitionsDefinition) -> dg.ScheduleDefinition:
    """`daily_c360` at 05:00 UTC."""

    @dg.schedule(
        name=f"{DAILY}_schedule",
        job_name=DAILY,
        cron_schedule=DAILY_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Builds the newest complete day and everything downstream of it.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = newest_complete_day(partitions, context.scheduled_execution_time)
        if day is None:
            return dg.SkipReason("the source has no complete day yet")
        return dg.RunRequest(
            run_key=f"{DAILY}:{context.scheduled_execution_time}", partition_key=day
        )

    return daily
