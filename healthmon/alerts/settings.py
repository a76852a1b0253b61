"""What may be set about when who is told: how messages are grouped, where they go, and when services are worked on?"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from healthmon.alerts.cron import never_ends, require_cron
from healthmon.model.alert import AlertSeverity
from healthmon.settings import DAY_MINUTES, DAY_S, Settings, Text

UTC_NAME = "UTC"
MAX_CRON_CHARS = 200
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_OF_MINUTES = 1_440
_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("must not be empty: leave it out")
    return names


def _printable(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError("must be printable text without spaces around it")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone that this host knows: write as in 'Europe/Berlin' or 'UTC'") from None
    return name


def _instant(value: Any) -> Any:
    """Read ISO 8601 with a zone: a time without one would be another on each host."""
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value) else None
        if found is not None and found.utcoffset() is not None:
            found.timestamp()
            return found
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a date and a time with its zone, as in '2027-03-01T22:00:00+01:00' or '2027-03-01T21:00:00Z'")


def minutes_of(hours: str) -> tuple[int, int]:
    """Read '08:00-20:00' as minutes of the day. Raises ValueError."""
    found = _HOURS.fullmatch(hours)
    if found is None or int(found[2]) > 59 or int(found[4]) > 59:  # noqa: PLR2004  minutes
        raise ValueError("must be from when to when, as in '08:00-20:00', or '20:00-08:00' for the night")
    start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if start >= DAY_OF_MINUTES or end > DAY_OF_MINUTES:
        raise ValueError("names a time that no day has: from 00:00 to 24:00")
    if start == end:
        raise ValueError("ends as it begins: leave it out for the whole day")
    return start, end


def _hours(hours: str) -> str:
    minutes_of(hours)
    return hours


Names = Annotated[tuple[Text, ...], AfterValidator(_some), WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1})]
TimeZone = Annotated[Text, AfterValidator(_zone)]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_printable)]


def without_default(schema: dict[str, Any]) -> None:
    """Keep an editor from filling in an empty list, which would be an error."""
    schema.pop("default", None)


class GroupingSettings(Settings):
    """The `grouping` block of `alerting`."""

    wait_seconds: float = Field(
        30,
        ge=0,
        le=DAY_S,
        description="How long a first message, and a recovery, wait for others that fail or recover in the same moment.",
    )
    interval_seconds: float = Field(
        300,
        ge=0,
        le=DAY_S,
        description="Shortest time before it is said that more services are ill because of one that was told of.",
    )
    repeat_seconds: float = Field(
        14_400,
        ge=0,
        le=30 * DAY_S,
        description="Time after which an outage that nobody acknowledged is told again; 0 for never.",
    )


class MaintenanceSettings(Settings):
    """One entry of `alerting.maintenance`: recurring with `cron`, or once from `starts_at` to `ends_at`."""

    name: Name = Field(description="What the work is called. Each name once.")
    services: Names = Field(
        (),
        description="The services that are worked on. Without services and groups: all.",
        json_schema_extra=without_default,
    )
    groups: Names = Field(
        (),
        description="The groups that are worked on. Without services and groups: all.",
        json_schema_extra=without_default,
    )
    timezone: TimeZone = Field(UTC_NAME, description="The time zone in which cron is read, as in 'Europe/Berlin'.")
    cron: Annotated[str, StringConstraints(max_length=MAX_CRON_CHARS)] | None = Field(
        None,
        description="When it begins, again and again: minute, hour, day of month, month, day of week, as in '0 3 * * sun'.",
    )
    duration_minutes: float | None = Field(
        None,
        gt=0,
        le=7 * DAY_MINUTES,
        description="How long it lasts each time, with cron.",
        validate_default=True,
    )
    starts_at: Instant | None = Field(None, description="When it begins, of work that is done once: ISO 8601 with its zone.", validate_default=True)
    ends_at: Instant | None = Field(None, description="When it ends, of work that is done once: ISO 8601 with its zone.", validate_default=True)

    @field_validator("cron")
    @classmethod
    def _fires(cls, cron: str | None, info: ValidationInfo) -> str | None:
        if cron is not None:
            require_cron(cron, info.data.get("timezone", UTC_NAME))
        return cron

    @field_validator("duration_minutes")
    @classmethod
    def _lasts(cls, minutes: float | None, info: ValidationInfo) -> float | None:
        if "cron" not in info.data:
            return minutes
        cron = info.data["cron"]
        if cron is None and minutes is not None:
            raise ValueError("goes with cron only: work that is done once lasts from starts_at to ends_at")
        if cron is not None and minutes is None:
            raise ValueError("is missing, and cron is given: say how long it lasts each time")
        if cron is not None and minutes is not None and never_ends(cron, info.data.get("timezone", UTC_NAME), timedelta(minutes=minutes)):
            raise ValueError("is so long that cron begins it again before it is over: it would never end")
        return minutes

    @field_validator("starts_at", "ends_at")
    @classmethod
    def _once(cls, at: datetime | None, info: ValidationInfo) -> datetime | None:
        if "cron" not in info.data:
            return at
        if info.data["cron"] is not None and at is not None:
            raise ValueError("does not go with cron, which says when it begins: take one of them out")
        if info.data["cron"] is None and at is None:
            raise ValueError("is missing: give starts_at and ends_at, or cron and duration_minutes")
        starts_at = info.data.get("starts_at")
        if info.field_name == "ends_at" and at is not None and starts_at is not None and at <= starts_at:
            raise ValueError("must be later than starts_at")
        return at


class RouteSettings(Settings):
    """One entry of `alerting.routes`. What it does not name, it takes all of."""

    channels: Names = Field(description="Where the messages go: email, email-2 …, slack, webhook, apprise-1 …")
    severities: tuple[Annotated[AlertSeverity, Field(strict=False)], ...] = Field((), description="Only messages of these severities: critical, warning, info.")
    services: Names = Field((), description="Only messages about these services, and those of its groups.", json_schema_extra=without_default)
    groups: Names = Field((), description="Only messages about services of these groups, and its services.", json_schema_extra=without_default)
    timezone: TimeZone = Field(UTC_NAME, description="The time zone of hours and days, as in 'Europe/Berlin'.")
    hours: Annotated[str, AfterValidator(_hours)] | None = Field(None, description="Only at this time of the day: '08:00-20:00', or '20:00-08:00' for the night.")
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        (),
        description="Only on these days; hours that go over midnight belong to the day on which they begin.",
    )


class EscalationSettings(Settings):
    """One entry of `alerting.escalation`: who else is told of what nobody acknowledges."""

    after_minutes: float = Field(gt=0, le=7 * DAY_MINUTES, description="So long after the first message about an outage. Each step later than the one before it.")
    channels: Names = Field(description="Who is told then: email, email-2 …, slack, webhook, apprise-1 …")
    severities: tuple[Annotated[AlertSeverity, Field(strict=False)], ...] = Field(
        (AlertSeverity.CRITICAL,),
        min_length=1,
        description="Only of outages of these severities.",
    )
