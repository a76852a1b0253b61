"""What do the looks at a service tell a condition? In one place: for the evaluator as they come, and for a replay of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.model.check import CheckKind, CheckStatus
from healthmon.model.status import ServiceStatus
from healthmon.rules.variables import Facts
from healthmon.status.recent import NOT_KEPT, Look, RecentLooks, Window
from healthmon.status.uptime import Uptime, unhealthy_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.model.check import Check
    from healthmon.model.status import ServiceState
    from healthmon.status.uptime import Booked

SUMMED_UP = ("_5m", "_15m", "_30m", "_1h")  # the names that windows are kept for end so
SHARES = {
    "unhealthy_share_2h": timedelta(hours=2),
    "unhealthy_share_6h": timedelta(hours=6),
    "unhealthy_share_24h": timedelta(hours=24),
}
OF_THE_DAY = frozenset({"uptime_percentage", "uptime_coverage", *SHARES})
_WINDOWS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60))

# What no look tells: a test proves that all else is told.
NOT_TOLD = frozenset(
    {
        "cert_expires_days",
        "memory_usage",
        "cpu_usage",
        "restart_count",
        "oom_killed",
        "exit_code",
        "container_state",
        "container_health",
        "maintenance",
        "dependency_unhealthy",
        "healing",
        "quarantined",
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is configured of a service, as far as a condition can ask for it."""

    name: str
    group: str
    critical: bool
    expected_response_time: float | None


class Asked:
    """What conditions ask for of the past: of what none asks for, nothing is kept and nothing summed up."""

    def __init__(self, names: Iterable[str]) -> None:
        known = frozenset(names)
        self.windows = any(name.endswith(SUMMED_UP) for name in known)
        self.day = not OF_THE_DAY.isdisjoint(known)
        self.shares = {name: length for name, length in SHARES.items() if name in known}


def look(check: Check) -> Look | None:
    """Return what windows keep of a check: of a scheduled one that found something out."""
    if check.kind is not CheckKind.SCHEDULED or check.status is CheckStatus.UNKNOWN:
        return None
    return Look(
        at=check.checked_at, healthy=check.status is CheckStatus.HEALTHY, response_time_s=check.outcome.response_time_s
    )


def facts(  # noqa: PLR0913  each comes from somewhere else
    subject: Subject,
    state: ServiceState,
    *,
    now: datetime,
    uptime: Uptime,
    is_flapping: bool,
    recent: RecentLooks | None,
    booked: Mapping[datetime, Booked],
    asked: Asked,
) -> Facts:
    """Return what the looks so far tell of a service; what they do not is None."""
    shares = {name: unhealthy_share(booked, now, length) for name, length in asked.shares.items()}
    last_5m, last_15m, last_30m, last_1h = (_window(recent, now, length) for length in _WINDOWS)
    return Facts(
        status=state.status.value,
        previous_status=(state.previous_status or ServiceStatus.UNKNOWN).value,
        service=subject.name,
        group=subject.group,
        critical=subject.critical,
        reason=state.last_reason.value,
        response_time=state.last_response_time_s,
        expected_response_time=subject.expected_response_time,
        status_code=state.last_status_code,
        consecutive_failures=state.consecutive_failures,
        seconds_in_status=None if state.status_since is None else max(0.0, (now - state.status_since).total_seconds()),
        uptime_percentage=uptime.percentage,
        uptime_coverage=uptime.coverage,
        flapping=is_flapping,
        checks_5m=last_5m.checks,
        checks_15m=last_15m.checks,
        checks_30m=last_30m.checks,
        checks_1h=last_1h.checks,
        failure_ratio_5m=last_5m.failure_ratio,
        failure_ratio_15m=last_15m.failure_ratio,
        failure_ratio_30m=last_30m.failure_ratio,
        failure_ratio_1h=last_1h.failure_ratio,
        response_time_avg_5m=last_5m.response_time_avg_s,
        unhealthy_share_2h=shares.get("unhealthy_share_2h"),
        unhealthy_share_6h=shares.get("unhealthy_share_6h"),
        unhealthy_share_24h=shares.get("unhealthy_share_24h"),
    )


def _window(recent: RecentLooks | None, now: datetime, length: timedelta) -> Window:
    return NOT_KEPT if recent is None else recent.window(now, length)
