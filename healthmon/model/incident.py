"""What is one outage of one service?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.check import CheckReason


class IncidentResolution(StrEnum):
    HEALED = "healed"  # a restart of ours, verified
    RECOVERED = "recovered"  # by itself, or by somebody else's hand
    REMOVED = "removed"  # the configuration no longer has the service


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """From the first failed check to the first good one. At most one of a service is open at a time.

    `episode_started_at` is the start of the first of a chain of incidents with less than the reset time between
    them: restart attempts are counted per episode, so that a service which relapses gets no fresh set of attempts.
    """

    incident_id: int
    service_id: int
    started_at: datetime
    detected_at: datetime
    episode_started_at: datetime
    reason: CheckReason
    error_message: str | None
    healing: str | None = None  # what the healing policy last said about it
    healing_reason: str | None = None  # the same as a HealReason
    quarantined_at: datetime | None = None
    needs_person_at: datetime | None = None  # something happened that a person must hear of, though healing goes on
    resolved_at: datetime | None = None
    resolution: IncidentResolution | None = None
