"""The sensors on files: `merge_files` and `event_files`.

Belongs here: what a change in a folder asks of Dagster. Not here: what counts as a change (see
`folder_watch`), nor what the two find in the files (`merge_watch`, `event_watch`).
"""

from __future__ import annotations

import time

import dagster as dg

from c360_assets.automation.event_watch import look_at_events
from c360_assets.automation.jobs import EVENTS, EVERYTHING, IDENTITY, build_jobs
from c360_assets.automation.merge_watch import look_at_merges
from c360_assets.settings import Settings

MERGE_FILES = "merge_files"
EVENT_FILES = "event_files"


def build_file_sensors(
    settings: Settings, partitions: dg.DailyPartitionsDefinition
) -> list[dg.SensorDefinition]:
    """Both sensors. `partitions` are the days that the definitions round them were built with."""
    return [_merge_sensor(settings), _event_sensor(settings, partitions)]


def _merge_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name=MERGE_FILES,
        job_name=IDENTITY,
        minimum_interval_seconds=settings.rules.sensors.interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for one run of the identity assets and all downstream when merge files "
        "in C360_MERGES came, changed or went.",
    )
    def merge_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return look_at_merges(settings, context.instance, context.cursor, time.time(), context.log)

    return merge_files


def _event_sensor(
    settings: Settings, partitions: dg.DailyPartitionsDefinition
) -> dg.SensorDefinition:
    @dg.sensor(
        name=EVENT_FILES,
        # everything: a run on some days needs the users, which the very first run brings
        jobs=[job for job in build_jobs() if job.name in (EVENTS, EVERYTHING)],
        minimum_interval_seconds=settings.rules.sensors.interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for runs of the days that new, changed or removed files of raw_event "
        "and raw_order touch, late days included.",
    )
    def event_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return look_at_events(
            settings, partitions, context.instance, context.cursor, time.time(), context.log
        )

    return event_files
