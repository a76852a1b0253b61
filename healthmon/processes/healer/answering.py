"""The part of the healer that publishes the checks of services that are containers: what the engine says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.docker_check import outcome
from healthmon.model.check import Check, CheckKind, CheckStatus, Outcome
from healthmon.probes.schedule import Agenda, Grid, Rhythm, Timetable
from healthmon.store import checks, probe_requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.heal.matching import Match
    from healthmon.log import Log
    from healthmon.store.connection import Connection


UNDECIDED = (CheckStatus.UNKNOWN, "")


class Answering:
    """Looks as often as is configured, at all services in one look, and at once when the engine says something new of one."""

    def __init__(self, connection: Connection, log: Log) -> None:
        self._services: dict[str, ServiceSettings] = {}
        self._ids: Mapping[str, int] = {}
        self._names: dict[int, str] = {}
        self._connection = connection
        self._log = log
        self._timetable = Timetable({})
        self._said: dict[str, tuple[CheckStatus, str]] = {}
        self._requested: dict[str, float] = {}

    def follow(self, services: Iterable[ServiceSettings], ids: Mapping[str, int]) -> None:
        """Look at these from now on; those that stay are looked at in their time."""
        self._services = {service.name: service for service in services if not service.is_probed and service.name in ids}
        self._ids = ids
        self._names = {ids[name]: name for name in self._services}
        self._timetable.become(_agendas(self._services.values()))
        self._said = {name: said for name, said in self._said.items() if name in self._services}
        self._requested = {name: every_s for name, every_s in self._requested.items() if name in self._services}

    @property
    def has_services(self) -> bool:
        return bool(self._services)

    def next_at(self) -> float:
        """Return when a look is due, in monotonic seconds."""
        return self._timetable.next_at()

    def read_requests(self) -> None:
        """Take in what the evaluator wants to have looked at more often."""
        if not self._services:
            return
        standing = probe_requests.standing(self._connection, now=clock.now())
        wanted = {self._names[sid]: every_s for sid, every_s in standing.items() if sid in self._names}
        now = clock.monotonic()
        for name in self._requested.keys() - wanted.keys():
            self._timetable.request(name, None, now)
        for name, every_s in wanted.items():
            if every_s != self._requested.get(name):
                self._timetable.request(name, every_s, now)
        self._requested = wanted

    def publish(self, found: Mapping[str, Match], seen_at: datetime) -> bool:
        """Write the looks that are due, and those that are news. Return whether there were any."""
        now = clock.monotonic()
        outcomes = {name: outcome(found[name]) for name in self._services if name in found}
        for name, what in outcomes.items():
            if what is not None and self._said.get(name) not in {None, _told(what)}:
                self._timetable.hasten(name, now)
        looks = [look for name, kind in self._timetable.due(now) if (look := self._look(name, kind, outcomes.get(name), seen_at, now))]
        if looks:
            checks.append(self._connection, looks)
            self._said |= {self._names[look.service_id]: _told(look.outcome) for look in looks}  # what could not be written is news again
        return bool(looks)

    def _look(self, name: str, kind: CheckKind, what: Outcome | None, at: datetime, now: float) -> Check | None:
        if what is None:  # the engine has not judged: what was known before goes on, and its first word is news
            self._said.setdefault(name, UNDECIDED)
            self._timetable.finish(name, self._timetable.last_status(name), now)
            return None
        finish = self._timetable.finish(name, what.status, now)
        if finish.is_change:
            event = "recovering" if what.status is CheckStatus.HEALTHY else "failing"
            self._log.info(event, service=name, status=what.status, reason=what.reason, error=what.error_message)
        return Check(service_id=self._ids[name], kind=kind, checked_at=at, outcome=what)


def _told(what: Outcome) -> tuple[CheckStatus, str]:
    """Return what of a look makes another one news: its reason, not the words of a health check that change each time."""
    return what.status, what.reason.value


def _agendas(services: Iterable[ServiceSettings]) -> dict[str, Agenda]:
    """All services stand on one grid: one look at the engine answers for all that are due together."""
    start = clock.monotonic()
    return {
        service.name: Agenda(
            Grid(start=start, index=0, interval_s=service.interval_seconds),
            Rhythm(
                interval_s=service.interval_seconds,
                confirmations=service.confirmations,
                retry_interval_s=service.retry_interval_seconds,
            ),
        )
        for service in services
    }
