"""Asks the services of one group, on schedule, and writes down what came of it.

This thread keeps the schedule and the database; the looks happen in the pool's threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock, log, probes
from healthmon.errors import StoreUnavailableError
from healthmon.failpoints import reach
from healthmon.model.check import Check, CheckKind, CheckStatus
from healthmon.probes.pool import Patience, Pool
from healthmon.probes.schedule import Agenda, Grid, Rhythm, Timetable
from healthmon.processes.prober.journal import Journal
from healthmon.store import probe_requests, services
from healthmon.store.opening import open_for_working

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from healthmon.config import Config, ServiceSettings
    from healthmon.probes.base import Probe
    from healthmon.probes.pool import Look
    from healthmon.probes.schedule import Finish
    from healthmon.processes.doorbell import Doorbell
    from healthmon.processes.worker import Worker
    from healthmon.store.connection import Connection

BUSY_TIMEOUT_MS = 100  # a lock must not hold up the schedule: what waits for it stays in memory
READ_REQUESTS_S = 5.0  # when no ring says that there are new ones; also when a deleted database is noticed at the latest
COLLECT_S = 1.0  # at each such moment looks are collected that ended by then and change nothing: one wake-up for them and their commit
FLUSH_S = 1.0  # and written; all groups do it at the same moments, so that the evaluator is woken once for all
_ready: dict[str, tuple[ServiceSettings, Probe]] = {}  # probes that were made before we were forked, and of what


def get_ready(config: Config) -> None:
    """Make the HTTP probes, for all who will be forked from this process: to make a request touches much that to send it does not.

    Only those: what a package adds may hang, or begin a thread, and does so in its own group's process.
    """
    every = (service for members in config.probed_groups().values() for service in members)
    _ready.update({service.name: (service, probes.make(service)) for service in every if service.type == "http"})


def _made(service: ServiceSettings) -> Probe:
    ready = _ready.get(service.name)
    return ready[1] if ready is not None and ready[0] is service else probes.make(service)


def make(config: Config, group: str) -> Callable[[Doorbell], Worker]:
    """Return what makes the worker for `group`."""

    def worker(doorbell: Doorbell) -> Worker:
        connection = open_for_working(config.paths.database, busy_timeout_ms=BUSY_TIMEOUT_MS, patience_s=0.0)
        try:
            members = config.probed_groups().get(group, ())
            return Prober(members, connection, doorbell, group=group, evaluator=config.paths.doorbell("evaluator"))
        except BaseException:
            connection.close()
            raise

    return worker


class Prober:
    """One group's schedule at work."""

    def __init__(
        self,
        members: tuple[ServiceSettings, ...],
        connection: Connection,
        doorbell: Doorbell,
        *,
        group: str,
        evaluator: Path,
    ) -> None:
        self._group = group
        self._records = log.Log(f"probe-{group}")
        self._connection = connection
        self._members = {service.name: service for service in members}
        self._ids = _ids(members, connection)
        self._names = {self._ids[name]: name for name in self._members}
        self._probes = {service.name: _made(service) for service in members}
        self._timetable = Timetable(_agendas(members, clock.monotonic()))
        self._journal = Journal(connection, self._records, evaluator)
        self._requested: dict[str, float] = {}
        self._requests_read_at = float("-inf")
        self._doorbell = doorbell
        self._pool = Pool(doorbell.ring_self)
        self._begun: dict[str, float] = {}  # the looks in flight
        self._collect_at = float("inf")  # looks that nobody calls us for

    def step(self) -> float:
        """Collect what is finished, begin what is due, write what is to be written."""
        now = clock.monotonic()
        self._collect(now)
        self._begin_due(now)
        if self._doorbell.take_ring() or now - self._requests_read_at >= READ_REQUESTS_S:
            self._read_requests(now)
            self._begin_due(now)
        self._journal.flush_when_due(now)
        return self._wait_s()

    def follow(self, config: Config) -> bool:
        """Take in what has changed of our group; what has not goes on in its time, and no look under way is cut.

        A group that is gone has nothing to ask until supervisord ends us.
        """
        members = {service.name: service for service in config.probed_groups().get(self._group, ())}
        changed = [service for name, service in members.items() if self._members.get(name) != service]
        gone = self._members.keys() - members.keys()
        if not changed and not gone:
            return True
        new_ids = _ids(changed, self._connection)  # nothing has changed yet where this cannot be read
        fresh = {service.name: probes.make(service) for service in changed}
        self._timetable.become(_agendas(members.values(), clock.monotonic()))
        self._members = members
        self._ids |= new_ids
        self._names = {self._ids[name]: name for name in members}
        self._probes = {name: fresh.get(name) or self._probes[name] for name in members}
        self._requested = {name: every_s for name, every_s in self._requested.items() if name in members}
        self._requests_read_at = float("-inf")
        return True

    def is_busy(self) -> bool:
        return False

    def close(self) -> None:
        """Abandon the looks in flight, and write down those that are over."""
        self._collect(clock.monotonic())
        self._pool.close()
        self._journal.close()
        self._connection.close()

    def _collect(self, now: float) -> None:
        looks = self._pool.finished()
        if looks:
            reach("prober.looked")
        for look in looks:
            begun_at = self._begun.pop(look.key)
            if self._timetable.let_go(look.key):
                continue  # the service is gone meanwhile
            finish = self._timetable.finish(look.key, look.outcome.status, now)
            check = Check(service_id=self._ids[look.key], kind=finish.kind, checked_at=look.started_at, outcome=look.outcome)
            is_urgent = finish.is_change or finish.kind is not CheckKind.SCHEDULED
            self._journal.add(check, by=now if is_urgent else _moment_after(begun_at, FLUSH_S), is_news=is_urgent)
            self._record(look, finish)
        if now >= self._collect_at:
            self._collect_at = _moment_after(now, COLLECT_S) if self._begun else float("inf")  # those that take longer call us

    def _begin_due(self, now: float) -> None:
        for name, kind in self._timetable.due(now):
            until = min(_moment_after(now, COLLECT_S), now + self._members[name].interval_seconds / 4)  # the next look waits for this one
            patience = Patience(status=self._timetable.last_status(name), until=until)
            self._begun[name] = now
            self._collect_at = min(self._collect_at, until)
            self._pool.submit(name, self._probes[name], patience if kind is CheckKind.SCHEDULED else None)

    def _read_requests(self, now: float) -> None:
        self._requests_read_at = now
        try:
            standing = probe_requests.standing(self._connection, now=clock.now())
        except StoreUnavailableError:
            return  # the next read tells
        wanted = {self._names[service_id]: every_s for service_id, every_s in standing.items() if service_id in self._names}
        for name in self._requested.keys() - wanted.keys():
            self._timetable.request(name, None, now)
        for name, every_s in wanted.items():
            if every_s != self._requested.get(name):
                self._timetable.request(name, every_s, now)
        self._requested = wanted

    def _wait_s(self) -> float:
        release_s = self._pool.next_release_s()
        now = clock.monotonic()
        ends = [self._timetable.next_at(), self._journal.flush_at, self._collect_at, self._requests_read_at + READ_REQUESTS_S]
        if release_s is not None:
            ends.append(now + release_s)
        return max(0.0, min(ends) - now)

    def _record(self, look: Look, finish: Finish) -> None:
        outcome = look.outcome
        self._records.debug(
            "look",
            service=look.key,
            kind=finish.kind,
            reason=outcome.reason,
            seconds=outcome.response_time_s,
            skipped=self._timetable.skipped(look.key),
        )
        if finish.is_change:
            self._records.info(
                "recovering" if outcome.status is CheckStatus.HEALTHY else "failing",
                service=look.key,
                status=outcome.status,
                reason=outcome.reason,
                error=outcome.error_message,
            )


def _moment_after(now: float, every_s: float) -> float:
    """Return the moment, common to all processes, at which a look that begins now has most likely ended."""
    return (now // every_s + 1) * every_s + (every_s if now % every_s > 3 * every_s / 4 else 0.0)


def _ids(members: Iterable[ServiceSettings], connection: Connection) -> dict[str, int]:
    found = services.ids(connection, [(service.name, service.group, service.critical) for service in members])
    return {service.name: found[service.name] for service in members}


def _agendas(members: Iterable[ServiceSettings], start: float) -> dict[str, Agenda]:
    group = list(members)
    return {
        service.name: Agenda(
            Grid(start=start, index=index, interval_s=service.interval_seconds, of=len(group)),
            Rhythm(
                interval_s=service.interval_seconds,
                confirmations=service.confirmations,
                retry_interval_s=service.retry_interval_seconds,
            ),
        )
        for index, service in enumerate(group)
    }
