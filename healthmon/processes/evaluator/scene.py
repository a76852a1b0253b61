"""What is there to be seen of all services in one step, for rules and for what people are told?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.model.status import ServiceStatus
from healthmon.rules import looks
from healthmon.rules.variables import CONTAINER_USAGE
from healthmon.status.recent import RecentLooks

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
    from healthmon.rules.variables import Facts
    from healthmon.status.flapping import Flapping
    from healthmon.status.uptime import Booked, Uptime
    from healthmon.store.targets import TargetReport

CONTAINER = frozenset({"restart_count", "oom_killed", "exit_code", "container_state", "container_health"})


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
        self._subjects = {service.service_id: _subject(service, configured) for service, configured in services}
        self._depending = depending
        self.has_containers = not CONTAINER.isdisjoint(names)
        self.has_usage = not CONTAINER_USAGE.isdisjoint(names)
        self.has_certificates = "cert_expires_days" in names
        self._asked = looks.Asked(names)
        self._recent: dict[int, RecentLooks] = {}

    @property
    def has_windows(self) -> bool:
        return self._asked.windows

    def forget(self) -> None:
        """Keep no looks any more: they are read anew."""
        self._recent.clear()

    def note(self, checks: Iterable[Check]) -> None:
        """Keep the looks that some window needs."""
        if not self.has_windows:
            return
        for check in checks:
            look = looks.look(check)
            if look is not None:
                self._recent.setdefault(check.service_id, RecentLooks()).add(look)

    def facts(self, sid: int, scene: Scene) -> Facts:
        """Return what is known of one service; what is not is None."""
        report, incident, usage = scene.reports.get(sid), scene.incidents.get(sid), scene.usages.get(sid)
        target = None if report is None else report.target
        seen = looks.facts(
            self._subjects[sid],
            scene.states[sid],
            now=scene.now,
            uptime=scene.uptimes[sid],
            is_flapping=scene.flapping[sid].is_flapping,
            recent=self._recent.get(sid),
            booked=scene.booked(sid),
            asked=self._asked,
        )
        return replace(
            seen,
            memory_usage=None if usage is None else usage.memory_percent,
            cpu_usage=None if usage is None else usage.cpu_percent,
            cert_expires_days=_days_until(scene.certificates.get(sid), scene.now),
            restart_count=None if target is None else target.restart_count,
            oom_killed=None if target is None else target.oom_killed,
            exit_code=None if target is None else target.exit_code,
            container_state=None if target is None else target.state.value,
            container_health=None if target is None else target.health.value,
            maintenance=sid in scene.in_maintenance,
            dependency_unhealthy=self._has_unhealthy_dependency(sid, scene),
            healing=None if incident is None else incident.healing_reason,
            quarantined=incident is not None and incident.quarantined_at is not None,
        )

    def _has_unhealthy_dependency(self, sid: int, scene: Scene) -> bool:
        watched = any(scene.states[other].status is ServiceStatus.UNHEALTHY for other in self._depending.watched[sid])
        return watched or bool(self._depending.troubles(sid, scene.states[sid]))


def _subject(service: Service, configured: ServiceSettings) -> looks.Subject:
    return looks.Subject(
        name=service.name,
        group=configured.group,
        critical=configured.critical,
        expected_response_time=configured.expected_response_time,
    )


def _days_until(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else (at - now) / timedelta(days=1)
