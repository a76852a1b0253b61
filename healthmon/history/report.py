"""How is everything, in one answer? The document's report, from what the database knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.model.check import CheckReason
from healthmon.model.status import ServiceState, ServiceStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from healthmon.model.service import Service
    from healthmon.status.uptime import Uptime


class OverallHealth(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"  # something is unhealthy or unknown, or there is nothing; nothing critical is unhealthy
    CRITICAL = "critical"  # a critical service is unhealthy


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """One service in the report. Times are UTC; `uptime_percentage` is None when no time is known."""

    service: Service
    status: ServiceStatus
    status_since: datetime | None
    last_healthy: datetime | None
    consecutive_failures: int
    uptime: Uptime
    last_updated: datetime | None
    response_time_s: float | None
    reason: CheckReason
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All services at one moment."""

    at: datetime
    lines: tuple[ServiceLine, ...]

    def count(self, status: ServiceStatus) -> int:
        return sum(line.status is status for line in self.lines)

    @property
    def critical_unhealthy(self) -> int:
        return sum(line.service.critical and line.status is ServiceStatus.UNHEALTHY for line in self.lines)

    @property
    def health_percentage(self) -> float:
        healthy = self.count(ServiceStatus.HEALTHY)
        return round(100 * healthy / len(self.lines), 1) if self.lines else 0.0

    @property
    def overall(self) -> OverallHealth:
        if self.critical_unhealthy:
            return OverallHealth.CRITICAL
        well = bool(self.lines) and self.count(ServiceStatus.HEALTHY) == len(self.lines)
        return OverallHealth.HEALTHY if well else OverallHealth.DEGRADED


def is_stale(state: ServiceState, now: datetime, max_age: timedelta) -> bool:
    """Tell whether a service was last seen longer ago than `max_age`."""
    return state.last_checked_at is None or now - state.last_checked_at > max_age


def line(service: Service, state: ServiceState, uptime: Uptime, stale: bool) -> ServiceLine:  # noqa: FBT001  as a memo hands it on
    """Return a service's line. What is `stale` is unknown now, whatever it was then."""
    return ServiceLine(
        service=service,
        status=ServiceStatus.UNKNOWN if stale else state.status,
        status_since=state.status_since,
        last_healthy=state.last_healthy_at,
        consecutive_failures=state.consecutive_failures,
        uptime=uptime,
        last_updated=state.last_checked_at,
        response_time_s=state.last_response_time_s,
        reason=CheckReason.NO_DATA if stale else state.last_reason,
        error=_stale_text(state.last_checked_at) if stale else state.last_error,
    )


def worst_first(lines: Sequence[ServiceLine]) -> list[ServiceLine]:
    """Sort for a person: what is unhealthy first, then what is unknown; critical before the rest; then by name."""
    order = {ServiceStatus.UNHEALTHY: 0, ServiceStatus.UNKNOWN: 1, ServiceStatus.HEALTHY: 2}
    return sorted(lines, key=lambda one: (order[one.status], not one.service.critical, one.service.name))


def _stale_text(at: datetime | None) -> str:
    return "never checked" if at is None else f"no check since {at.isoformat(sep=' ', timespec='seconds')}"
