"""What may be set about history: how long each kind is kept, when it is backed up, and what it is measured by?"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from healthmon.settings import DAY_MINUTES, DAY_S, Settings

MAX_DAYS = 36_500


class RetentionSettings(Settings):
    """The `retention` block. Single checks are kept for `dashboard.retention_days`, days for ever."""

    hours_days: float = Field(400, gt=0, le=MAX_DAYS, description="How long hourly figures are kept; those of days are kept for ever.")
    alerts_days: float = Field(400, gt=0, le=MAX_DAYS, description="How long alerts that are over are kept.")
    incidents_days: float = Field(400, gt=0, le=MAX_DAYS, description="How long incidents that are over, and their restarts, are kept.")
    forensics_days: float = Field(90, gt=0, le=MAX_DAYS, description="How long it is kept what a container said last before an incident.")
    conversations_days: float = Field(400, gt=0, le=MAX_DAYS, description="How long it is kept when people were told of an outage, and acknowledged it.")
    notifications_days: float = Field(90, gt=0, le=MAX_DAYS, description="How long the texts of messages are kept, once all their deliveries are gone.")
    deliveries_days: float = Field(90, gt=0, le=MAX_DAYS, description="How long it is kept which receiver took which message.")
    operator_actions_days: float = Field(
        400,
        gt=0,
        le=MAX_DAYS,
        description="How long it is kept what people did, and silences and maintenance that are over.",
    )
    process_samples_days: float = Field(7, gt=0, le=MAX_DAYS, description="How long it is kept what healthmon's own processes used.")


class BackupSettings(Settings):
    """The `backup` block."""

    enabled: bool = Field(default=True, description="Back the database up regularly, into backups/ of data_dir.")
    every_hours: float = Field(24, gt=0, le=8_784, description="Time between two backups.")
    keep: int = Field(7, ge=1, le=1_000, description="How many backups are kept; the oldest goes when a new one is verified.")

class SloSettings(Settings):
    """The `slo` block: the document's five targets."""

    availability_percent: float = Field(99.9, gt=0, lt=100, description="Healthy share of the known time that a month must have.")
    response_time_seconds: float = Field(2.0, gt=0, le=DAY_S, description="The 95th percentile of the response times must stay below this.")
    acknowledge_minutes: float = Field(5, gt=0, le=DAY_MINUTES, description="The median time until a person acknowledges a critical outage must stay below this.")
    repair_minutes: float = Field(30, gt=0, le=7 * DAY_MINUTES, description="The mean time from the first failed check of an outage to its end must stay below this.")
    false_alarm_percent: float = Field(5, gt=0, le=100, description="The share of alerts that were false must stay below this.")
    burn_rate_alerts: bool = Field(
        default=False,
        description="Alert when a service spends its error budget too fast: within the hour, within six, and within the day.",
    )


def kept(check_days: float, settings: RetentionSettings) -> dict[str, timedelta]:
    """Return how long each kind of history is kept."""
    return {"checks": timedelta(days=check_days)} | {
        key.removesuffix("_days"): timedelta(days=days) for key, days in settings.model_dump().items()
    }
