"""What became of outages, and of what people were told of them: how long each took, and was it true?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

SHORT_S = 300.0  # over before a person has read of it


class AlarmVerdict(StrEnum):
    """What an alert turned out to be."""

    TRUE = "true"  # an outage was confirmed, a person acknowledged it, or it lasted
    MARKED = "marked"  # a person said that it was false
    UNPROVEN = "unproven"  # it was over within five minutes, and nothing but itself speaks for it
    OPEN = "open"  # it fires: nobody can tell yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """An incident that is over, by its steps; None for one that was not taken."""

    service_id: int
    started_at: datetime
    detected_at: datetime
    resolved_at: datetime

    @property
    def detect_s(self) -> float:
        return seconds(self.started_at, self.detected_at)

    @property
    def repair_s(self) -> float:
        return seconds(self.started_at, self.resolved_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A critical outage of which people were told: when it opened, when somebody acknowledged it, when it was over."""

    service_id: int
    opened_at: datetime
    acknowledged_at: datetime | None
    over_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alert about a service, and what speaks for it."""

    alert_id: int
    service_id: int
    alert_type: str
    triggered_at: datetime
    resolved_at: datetime | None
    marked_by: str | None
    in_outage: bool  # an incident of the service was open meanwhile
    acknowledged: bool

    @property
    def verdict(self) -> AlarmVerdict:
        if self.marked_by is not None:
            return AlarmVerdict.MARKED
        if self.resolved_at is None:
            return AlarmVerdict.OPEN
        proven = self.in_outage or self.acknowledged or seconds(self.triggered_at, self.resolved_at) >= SHORT_S
        return AlarmVerdict.TRUE if proven else AlarmVerdict.UNPROVEN


def seconds(start: datetime, end: datetime) -> float:
    """Clocks go back: no time is negative."""
    return max(0.0, (end - start).total_seconds())
