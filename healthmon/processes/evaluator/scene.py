"""What is there to be seen of all services in one step, for rules and for what people are told?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.model.check import CheckKind, CheckStatus
from healthmon.model.status import ServiceStatus
from healthmon.rules.variables import CONTAINER_USAGE, Facts
from healthmon.status.recent import NOT_KEPT, Look, RecentLooks, Window
from healthmon.status.uptime import unhealthy_share

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.model.check import Check
    from healthmon.model.incident import Incident
    from healthmon.model.service import Service
    from healthmon.model.status import ServiceState
    from healthmon.model.usage import Usage
    from healthmon.processes.evaluator.depending import Depending
    from healthmon.status.flapping import Flapping
    from healthmon.status.uptime import Booked, Uptime
    from healthmon.store.targets import TargetReport

LONGEST_WINDOW = timedelta(hours=1)
WINDOWS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30), LONGEST_WINDOW)
SHARES = {"unhealthy_share_2h": timedelta(hours=2), "unhealthy_share_6h": timedelta(hours=6), "unhealthy_share_24h": timedelta(hours=24)}
CONTAINER = frozenset({"restart_count", "oom_killed", "exit_code", "container_state", "container_health"})
SUMMED_UP = ("_5m", "_15m", "_30m", "_1h")  # the names that windows are kept for end so


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything by service_id. `incidents` are the open ones, `latest` the last of each that is over."""

    now: datetime
    states: Mapping[int, ServiceState]
    uptimes: Mapping[int, Uptime]
    incidents: Mapping[int, Incident]
    latest: Mapping[int, Incident]
    reports: Mapping[int, TargetReport]
    usages: Mapping[int, Usage]
    certificates: Mapping[int, datetime]  # when they expire
    flapping: Mapping[int, Flapping]
    in_maintenance: Collection[int]
    booked: Callable[[int], Mapping[datetime, Booked]]  # the time of the last 24 hours of a service


class Seeing:
    """Turns a scene into the facts that conditions speak of."""

    def __init__(self, services: Iterable[tuple[Service, ServiceSettings]], depending: Depending, *, names: frozenset[str]) -> None:
        """`names` are those that any condition uses: of what none asks for, nothing is kept."""
        self._services = {service.service_id: (service, configured) for service, configured in services}
        self._depending = depending
        self.has_containers = not CONTAINER.isdisjoint(names)
        self.has_usage = not CONTAINER_USAGE.isdisjoint(names)
        self.has_certificates = "cert_expires_days" in names
        self.has_windows = any(name.endswith(SUMMED_UP) for name in names)
        self._shares = {name: length for name, length in SHARES.items() if name in names}
        self._recent: dict[int, RecentLooks] = {}

    def forget(self) -> None:
        """Keep no looks any more: they are read anew."""
        self._recent.clear()

    def note(self, checks: Iterable[Check]) -> None:
        """Keep the looks that some window needs."""
        if not self.has_windows:
            return
        for check in checks:
            if check.kind is CheckKind.SCHEDULED and check.status is not CheckStatus.UNKNOWN:
                recent = self._recent.setdefault(check.service_id, RecentLooks())
                healthy = check.status is CheckStatus.HEALTHY
                recent.add(Look(at=check.checked_at, healthy=healthy, response_time_s=check.outcome.response_time_s))

    def facts(self, sid: int, scene: Scene) -> Facts:
        """Return what is known of one service; what is not is None."""
        service, configured = self._services[sid]
        state, uptime, report = scene.states[sid], scene.uptimes[sid], scene.reports.get(sid)
        incident, target = scene.incidents.get(sid), None if report is None else report.target
        usage = scene.usages.get(sid)
        last_5m, last_15m, last_30m, last_1h = (self._window(sid, length, scene.now) for length in WINDOWS)
        return Facts(
            status=state.status.value,
            previous_status=(state.previous_status or ServiceStatus.UNKNOWN).value,
            service=service.name,
            group=configured.group,
            critical=configured.critical,
            reason=state.last_reason.value,
            response_time=state.last_response_time_s,
            expected_response_time=configured.expected_response_time,
            status_code=state.last_status_code,
            consecutive_failures=state.consecutive_failures,
            seconds_in_status=None if state.status_since is None else max(0.0, (scene.now - state.status_since).total_seconds()),
            uptime_percentage=uptime.percentage,
            uptime_coverage=uptime.coverage,
            checks_5m=last_5m.checks,
            checks_15m=last_15m.checks,
            checks_30m=last_30m.checks,
            checks_1h=last_1h.checks,
            failure_ratio_5m=last_5m.failure_ratio,
            failure_ratio_15m=last_15m.failure_ratio,
            failure_ratio_30m=last_30m.failure_ratio,
            failure_ratio_1h=last_1h.failure_ratio,
            **{name: unhealthy_share(scene.booked(sid), scene.now, length) for name, length in self._shares.items()},
            response_time_avg_5m=last_5m.response_time_avg_s,
            memory_usage=None if usage is None else usage.memory_percent,
            cpu_usage=None if usage is None else usage.cpu_percent,
            cert_expires_days=_days_until(scene.certificates.get(sid), scene.now),
            restart_count=None if target is None else target.restart_count,
            oom_killed=None if target is None else target.oom_killed,
            exit_code=None if target is None else target.exit_code,
            container_state=None if target is None else target.state.value,
            container_health=None if target is None else target.health.value,
            flapping=scene.flapping[sid].is_flapping,
            maintenance=sid in scene.in_maintenance,
            dependency_unhealthy=self._has_unhealthy_dependency(sid, scene),
            healing=None if incident is None else incident.healing_reason,
            quarantined=incident is not None and incident.quarantined_at is not None,
        )

    def _has_unhealthy_dependency(self, sid: int, scene: Scene) -> bool:
        watched = any(scene.states[other].status is ServiceStatus.UNHEALTHY for other in self._depending.watched[sid])
        return watched or bool(self._depending.troubles(sid, scene.states[sid]))

    def _window(self, sid: int, length: timedelta, now: datetime) -> Window:
        recent = self._recent.get(sid)
        return NOT_KEPT if recent is None else recent.window(now, length)


def _days_until(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else (at - now) / timedelta(days=1)
