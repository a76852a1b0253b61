"""What may be set about how messages are grouped, and about when services are worked on?"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any
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

from healthmon.alerts.maintenance import never_ends, require_cron
from healthmon.settings import DAY_MINUTES, DAY_S, Settings, Text

UTC_NAME = "UTC"
MAX_CRON_CHARS = 200


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
