"""How is one round over all services made, for who does not want to wait for the schedule?

Every service is asked at once; what fails is looked into again, as the schedule would.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from healthmon import clock, probes
from healthmon.model.check import Check
from healthmon.probes.pool import Pool
from healthmon.probes.schedule import Agenda, Grid, Rhythm
from healthmon.processes.doorbell import Doorbell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from healthmon.config import ServiceSettings
    from healthmon.log import Log
    from healthmon.probes.base import Probe

NEVER_AGAIN_S = 1e9


class Round:
    """One scheduled look at each service, and the rechecks of those that fail."""

    def __init__(self, services: Iterable[ServiceSettings], ids: dict[str, int], records: Log) -> None:
        self._records = records
        self._doorbell = Doorbell()
        self._pool = Pool(self._doorbell.ring_self)
        self._ids = ids
        start = clock.monotonic()
        self._agendas: dict[str, Agenda] = {}
        self._probes: dict[str, Probe] = {}
        for service in services:
            grid = Grid(start=start, index=0, interval_s=NEVER_AGAIN_S)
            rhythm = Rhythm(
                interval_s=NEVER_AGAIN_S,
                confirmations=service.confirmations,
                retry_interval_s=service.retry_interval_seconds,
            )
            self._agendas[service.name] = Agenda(grid, rhythm)
            self._probes[service.name] = probes.make(service)

    def run(self, on_settled: Callable[[str], None]) -> list[Check]:
        """Make the round; call `on_settled` with each service's name when it is through. Return all looks, in order."""
        looks: list[Check] = []
        waiting = set(self._agendas)
        while waiting:
            self._begin(waiting)
            self._doorbell.wait(self._pause_s(waiting))
            for check, name in self._collect():
                looks.append(check)
                if self._is_through(name):
                    waiting.discard(name)
                    on_settled(name)
        self._doorbell.close()
        return looks

    def _begin(self, names: Iterable[str]) -> None:
        now = clock.monotonic()
        for name in names:
            if self._agendas[name].begin(now) is not None:
                self._pool.submit(name, self._probes[name])

    def _pause_s(self, names: Iterable[str]) -> float:
        release_s = self._pool.next_release_s()
        due = min((self._agendas[name].next_at() for name in names), default=math.inf)
        return min(1.0, due - clock.monotonic(), math.inf if release_s is None else release_s)

    def _collect(self) -> list[tuple[Check, str]]:
        found = []
        for look in self._pool.finished():
            kind = self._agendas[look.key].finish(look.outcome.status, clock.monotonic()).kind
            outcome = look.outcome
            self._records.debug("look", service=look.key, kind=kind, reason=outcome.reason, seconds=outcome.response_time_s)
            check = Check(service_id=self._ids[look.key], kind=kind, checked_at=look.started_at, outcome=outcome)
            found.append((check, look.key))
        return found

    def _is_through(self, name: str) -> bool:
        return self._agendas[name].next_at() > clock.monotonic() + NEVER_AGAIN_S / 10
