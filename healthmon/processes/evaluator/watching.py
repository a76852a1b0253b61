"""The part of the evaluator that keeps each service's state and its booked time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.check import CheckKind, CheckStatus
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status import flapping, machine
from healthmon.status.flapping import STEADY, Flapping
from healthmon.status.machine import StatusEvent, Step
from healthmon.status.uptime import WINDOW, Booked, Uptime, apart, book, hour_of, spans_until, uptime
from healthmon.store import looks, stale_rollups
from healthmon.store import states as stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.log import Log
    from healthmon.model.check import Check
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.maintaining import Maintaining
    from healthmon.store.connection import Connection

LOOK_ROUND_EVERY_S = 1.0
REPLAYED_LOOKS = 3 * flapping.LOOKS  # what flaps on less than began it is found again
LONGEST_REPLAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one look changed for one service."""

    service: Service
    event: StatusEvent
    before: ServiceState
    state: ServiceState


class Watching:
    """The states of all services, in memory; written with the transaction that they follow from."""

    def __init__(self, services: Iterable[tuple[Service, ServiceSettings]], maintaining: Maintaining, log: Log) -> None:
        self._maintaining = maintaining
        self._services = {service.service_id: service for service, _ in services}
        self.settings = {service.service_id: settings for service, settings in services}
        self._log = log
        self._max_gaps = {sid: settings.looks_believed for sid, settings in self.settings.items()}
        self._look_round_at = 0.0  # monotonic: a thousand services are not gone through with every check
        self.states: dict[int, ServiceState] = {}
        self.flapping: dict[int, Flapping] = {}
        self._booked: dict[int, dict[datetime, Booked]] = {}
        self._arrived: dict[int, float] = {}  # monotonic time of the last look: a wall clock may jump
        self._inherited: dict[int, float] = {}
        self._changed: set[int] = set()
        self._changed_hours: set[tuple[int, datetime]] = set()

    def succeed(self, before: Watching) -> None:
        """Go on for another one: a service that nobody looks at is missed as soon as it would have been, and who flaps is known."""
        self._inherited, self.flapping = dict(before._arrived), dict(before.flapping)

    def load(self, connection: Connection, now: datetime) -> None:
        known = stored.load(connection)
        self.states = {sid: known.get(sid, ServiceState(service_id=sid)) for sid in self._services}
        booked = stored.hours_between(connection, self._services, hour_of(now - WINDOW), now)
        self._booked = {sid: booked.get(sid, {}) for sid in self._services}
        inherited, self._inherited = self._inherited, {}
        self._arrived = {sid: inherited.get(sid, clock.monotonic()) for sid in self._services}
        self._changed.clear()
        self._changed_hours.clear()
        self._replay(connection, now, known=inherited.keys())

    def _replay(self, connection: Connection, now: datetime, *, known: Collection[int]) -> None:
        """Find out from history who flaps, of those of whom that is not known."""
        self.flapping = {sid: self.flapping[sid] if sid in known else STEADY for sid in self._services}
        unknown = self._services.keys() - known
        if not unknown:
            return
        slowest = max((settings.interval_seconds for settings in self.settings.values()), default=0.0)
        reach = min(LONGEST_REPLAY, timedelta(seconds=REPLAYED_LOOKS * slowest))
        for check in looks.last_scheduled(connection, now - reach, limit=REPLAYED_LOOKS):
            if check.service_id in unknown:
                self._note(check)

    def take(self, checks: Iterable[Check], now: datetime, *, confirmed: Collection[int] = ()) -> list[Change]:
        """Move the states by these looks, in their order, and by the absence of others.

        A failed look at one of `confirmed` needs no confirmation: the engine has it already.
        """
        changes = [self._take_one(_not_after(check, now), confirmed) for check in checks if check.service_id in self.states]
        changes += [self._lose(sid, now) for sid in self._out_of_sight()]
        return [change for change in changes if change.event is not StatusEvent.NOTHING]

    def away_since(self, sid: int) -> datetime | None:
        """Return when a service was looked at last, if that is longer ago than a look is believed; else None."""
        state = self.states.get(sid)
        last = None if state is None else state.last_checked_at
        return last if last is not None and clock.now() - last > self._max_gaps[sid] else None

    def forget_outages_but(self, open_incidents: Collection[int], now: datetime) -> None:
        """Have it confirmed anew that a service is ill whose outage nobody has written down: it was not watched for a time."""
        for sid, state in list(self.states.items()):
            if state.status is ServiceStatus.UNHEALTHY and sid not in open_incidents:
                self.replace_state(machine.lose_sight(state, at=now).state)

    def uptimes(self, service_ids: Iterable[int]) -> dict[int, Uptime]:
        """Return the uptime of these services, as of their last look."""
        return {sid: self._uptime(sid) for sid in service_ids}

    def booked(self, sid: int) -> Mapping[datetime, Booked]:
        """Return the time of a service's last 24 hours, by its hours."""
        return self._booked.get(sid, {})

    def replace_state(self, state: ServiceState) -> None:
        """Put a state that something else than a look changed."""
        self.states[state.service_id] = state
        self._changed.add(state.service_id)

    def void_evidence(self) -> None:
        """Hold nothing that was seen so far against any present incarnation."""
        for state in list(self.states.values()):
            if state.evidence_failures:
                self.replace_state(machine.without_evidence(state))

    def save(self, connection: Connection) -> None:
        """Write what changed since the last call."""
        stored.save_hours(connection, [(sid, hour, self._booked[sid][hour]) for sid, hour in self._changed_hours])
        stored.save(connection, [(self.states[sid], self._uptime(sid)) for sid in self._changed])  # forgets hours of days ago
        stale_rollups.mark_hours(connection, {hour for _, hour in self._changed_hours})
        self._changed.clear()
        self._changed_hours.clear()

    def _take_one(self, check: Check, confirmed: Collection[int]) -> Change:
        sid = check.service_id
        before = self.states[sid]
        step = machine.advance(before, check, confirmations=0 if sid in confirmed else self.settings[sid].confirmations)
        self._arrived[sid] = clock.monotonic()
        self._note(check)
        return self._moved(before, step, check.checked_at)

    def _note(self, check: Check) -> None:
        if check.kind is CheckKind.SCHEDULED and check.status is not CheckStatus.UNKNOWN:
            before = self.flapping[check.service_id]
            self.flapping[check.service_id] = flapping.look(before, healthy=check.status is CheckStatus.HEALTHY)

    def _lose(self, sid: int, now: datetime) -> Change:
        before = self.states[sid]
        return self._moved(before, machine.lose_sight(before, at=now), now)

    def _moved(self, before: ServiceState, step: Step, at: datetime) -> Change:
        sid = before.service_id
        state = step.state
        if not machine.is_soft(state):
            self._book(before, state, at)
            state = replace(state, accounted_until=max(at, before.accounted_until or at))
        self.replace_state(state)
        return Change(service=self._services[sid], event=step.event, before=before, state=state)

    def _book(self, before: ServiceState, after: ServiceState, at: datetime) -> None:
        sid = before.service_id
        for span in spans_until(before, after, at, max_gap=self._max_gaps[sid]):
            for part in apart(span, self._maintaining.periods(sid, span.start, span.end)):
                hours = book(self._booked[sid], part)
                self._booked[sid].update(hours)
                self._changed_hours.update((sid, hour) for hour in hours)

    def _uptime(self, sid: int) -> Uptime:
        at = self.states[sid].accounted_until
        if at is None:
            return Uptime()
        booked = self._booked[sid]
        for hour in [hour for hour in booked if hour < hour_of(at - WINDOW)]:
            del booked[hour]
        return uptime(booked, at)

    def _out_of_sight(self) -> list[int]:
        now = clock.monotonic()
        if now < self._look_round_at:
            return []
        self._look_round_at = now + LOOK_ROUND_EVERY_S
        return [
            sid
            for sid, state in self.states.items()
            if state.status is not ServiceStatus.UNKNOWN and now - self._arrived[sid] > self._max_gaps[sid].total_seconds()
        ]

    def report(self, change: Change) -> None:
        """Say what changed: once it is committed, or a disk that refuses it would have it said again and again."""
        service, state = change.service, change.state
        fields = {"service": service.name, "reason": state.last_reason.value, "error": state.last_error}
        if change.event is StatusEvent.UNHEALTHY:
            self._log.warning("service_unhealthy", critical=service.critical, **fields)
        elif change.event is StatusEvent.UNKNOWN:
            self._log.warning("service_unknown", **fields)
        elif change.event is StatusEvent.FAILING:
            self._log.change("service_failing", **fields)
        else:
            self._log.change(f"service_{change.event.value}", service=service.name)


def _not_after(check: Check, now: datetime) -> Check:
    """Return a look as of `now` at the latest: it was made before the clock was set back."""
    return check if check.checked_at <= now else replace(check, checked_at=now)
