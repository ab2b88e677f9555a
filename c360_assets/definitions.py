"""Everything that Dagster sees, put together in one place."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from c360_assets.assets.campaigns import build_campaign_assets
from c360_assets.assets.crm import build_crm_assets
from c360_assets.assets.events import build_event_assets
from c360_assets.assets.identity import build_identity_assets
from c360_assets.assets.kpis import build_kpi_assets
from c360_assets.assets.lifetime_value import build_lifetime_value_assets
from c360_assets.assets.marts import build_mart_assets
from c360_assets.assets.profiles import build_profile_assets
from c360_assets.assets.published import build_publishing_assets
from c360_assets.assets.raw import build_raw_assets
from c360_assets.assets.rfm_history import build_rfm_assets
from c360_assets.assets.staging import build_staging_assets
from c360_assets.assets.suggestions import build_suggestion_assets
from c360_assets.automation.alerts import build_alert_sensor
from c360_assets.automation.jobs import build_daily_schedule, build_jobs
from c360_assets.automation.sensors import build_file_sensors
from c360_assets.instance import relax_sqlite
from c360_assets.settings import Settings
from c360_assets.sources.event_span import event_span
from c360_assets.warehouse.duckdb import Warehouse

# A source whose newest day is older than this is history: its last day is the last partition.
LIVE_FOR_DAYS = 7


def build_partitions(settings: Settings, today: date | None = None) -> dg.DailyPartitionsDefinition:
    """The days of events: from the settings or the first in the source, to the last or to today.

    A clock (`C360_AS_OF`) that is later than the last event or order ends the days with its own.
    """
    now = today or datetime.now(UTC).date()
    span = event_span(settings.source_dir, settings.home_dir)
    first, last = span or (now - timedelta(days=1), now)
    start = settings.rules.events.first_day or first
    clock = None if settings.clock is None else min(settings.clock.date(), now)
    newest = last if clock is None else max(last, clock)
    is_live = last >= now - timedelta(days=LIVE_FOR_DAYS) or clock == now
    is_history = not is_live and newest >= start
    end = (newest + timedelta(days=1)).isoformat() if is_history else None
    return dg.DailyPartitionsDefinition(
        start_date=start.isoformat(),
        end_date=end,
        timezone="UTC",
        # today counts, too: what happened this morning is in no other partition
        end_offset=0 if is_history else 1,
    )


def build_defs(
    settings: Settings | None = None, partitions: dg.DailyPartitionsDefinition | None = None
) -> dg.Definitions:
    """The definitions for these settings (by default those of the environment)."""
    relax_sqlite()
    chosen = settings or Settings.load()
    days = partitions or build_partitions(chosen)
    with warnings.catch_warnings():
        # single-run backfills are pinned with the version of Dagster that they were tested on
        warnings.simplefilter("ignore", dg.BetaWarning)
        pipeline = _pipeline(chosen, days)
    return dg.Definitions(
        assets=[
            *pipeline,
            *build_publishing_assets(chosen, pipeline),
            *build_crm_assets(chosen),
        ],
        jobs=build_jobs(),
        schedules=[build_daily_schedule(days)],
        sensors=[build_alert_sensor(chosen), *build_file_sensors(chosen, days)],
        resources={"warehouse": Warehouse(database=str(chosen.warehouse_path))},
        # a process per step would cost ten seconds each
        executor=dg.in_process_executor,
    )


def _pipeline(settings: Settings, days: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    return [
        *build_raw_assets(settings),
        *build_staging_assets(settings),
        *build_event_assets(settings, days),
        *build_identity_assets(settings),
        *build_mart_assets(settings),
        *build_suggestion_assets(settings),
        *build_kpi_assets(settings),
        *build_rfm_assets(settings),
        *build_lifetime_value_assets(settings),
        *build_profile_assets(settings, days),
        *build_campaign_assets(settings),
    ]


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads: the definitions for the settings of the environment, made when asked."""
    return build_defs()
