"""How is a service, and since when?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.model.check import CheckReason

if TYPE_CHECKING:
    from datetime import datetime


class ServiceStatus(StrEnum):
    """The hard status: confirmed, and the only one that anything is decided on."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """Everything that the state machine remembers of one service.

    The two `evidence_*` fields speak of the present incarnation of the service's container only: a restart,
    whoever made it, starts them afresh. `streak_*` speak of the failures in a row that are not confirmed yet
    or that hold the service unhealthy now.
    """

    service_id: int
    status: ServiceStatus = ServiceStatus.UNKNOWN
    previous_status: ServiceStatus | None = None  # the last hard status that differs from `status`
    status_since: datetime | None = None
    last_checked_at: datetime | None = None
    last_healthy_at: datetime | None = None
    last_reason: CheckReason = CheckReason.NO_DATA
    last_error: str | None = None
    last_response_time_s: float | None = None
    last_status_code: int | None = None
    consecutive_failures: int = 0  # scheduled checks only
    streak_started_at: datetime | None = None  # the first failure of the running streak
    streak_confirmations: int = 0  # failed looks after the first
    unknown_looks: int = 0  # looks in a row that failed through us
    evidence_failures: int = 0
    evidence_started_at: datetime | None = None
    evidence_last_at: datetime | None = None
    accounted_until: datetime | None = None  # up to when the time is booked as healthy, unhealthy or unknown
