"""What may be set about how messages are grouped?"""

from __future__ import annotations

from pydantic import Field

from healthmon.settings import DAY_S, Settings


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
