"""The part of the evaluator that knows which services are in maintenance."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.alerts.maintenance import NO_MAINTENANCE, Period, Standing, Window, periods, standing, windows
from healthmon.model.heal import HealState
from healthmon.model.maintenance import Maintenance
from healthmon.status.uptime import WINDOW
from healthmon.store import heals, maintenances

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.alerts.settings import MaintenanceSettings
    from healthmon.config import ServiceSettings
    from healthmon.model.operator_action import OperatorAction
    from healthmon.model.service import Service
    from healthmon.store.connection import Connection

LATE = timedelta(hours=1)  # so long it is remembered that one has ended
AHEAD = timedelta(hours=6)  # so far the windows are read at a time


class Maintaining:
    """The windows of the file, and what people began: in memory as in the database."""

    def __init__(self, services: Iterable[tuple[Service, ServiceSettings]], settings: Iterable[MaintenanceSettings]) -> None:
        known = list(services)
        self._ids = {service.name: service.service_id for service, _ in known}
        configured = windows(settings)
        self._members = {
            one: frozenset(service.service_id for service, own in known if one.is_for(service.name, own.group)) for one in configured
        }
        self._windows = {sid: tuple(one for one in configured if sid in self._members[one]) for sid in frozenset().union(*self._members.values())}
        self._read: dict[Window, tuple[datetime, datetime, list[Period]]] = {}
        self._begun: dict[int, list[Period]] = {}

    def load(self, connection: Connection, now: datetime) -> None:
        self._begun = defaultdict(list)
        for one in maintenances.not_over(connection, at=now - WINDOW):
            for name in one.services:
                if name in self._ids:
                    self._begun[self._ids[name]].append((one.starts_at, one.ends_at))

    def periods(self, sid: int, since: datetime, until: datetime) -> list[Period]:
        """Return the times of maintenance of a service that touch this time."""
        if sid not in self._windows and sid not in self._begun:
            return []
        configured = [period for window in self._windows.get(sid, ()) for period in self._periods(window, since, until)]
        return [(start, end) for start, end in (*configured, *self._begun.get(sid, ())) if start <= until and end > since]

    def standing(self, sid: int, now: datetime) -> Standing:
        found = self.periods(sid, now - LATE, now)
        return standing(found, now) if found else NO_MAINTENANCE

    def services_now(self, now: datetime) -> frozenset[int]:
        """Return the services that are in maintenance."""
        found = {sid for sid, begun in self._begun.items() if standing(begun, now).until is not None}
        for window, members in self._members.items():
            if standing(self._periods(window, now, now), now).until is not None:
                found |= members
        return frozenset(found)

    def begin(self, connection: Connection, action: OperatorAction, now: datetime) -> str:
        """Do what a person wants; return what came of it. No restart that is planned is made any more."""
        strangers = [name for name in action.services if name not in self._ids]
        if strangers or not action.services:
            return f"refused: {', '.join(strangers) or 'nothing'} is not watched by the agent"
        if action.until is None or action.until <= now:
            return "refused: its end is past"
        maintenance = Maintenance(
            maintenance_id=0,
            services=action.services,
            starts_at=now,
            ends_at=action.until,
            author=action.author,
            reason=action.reason,
        )
        maintenance_id = maintenances.add(connection, maintenance)
        self.load(connection, now)
        self._drop_plans(connection, {self._ids[name] for name in action.services}, now)
        return f"maintenance {maintenance_id} of {', '.join(action.services)} until {clock.to_people(action.until)}"

    def end(self, connection: Connection, action: OperatorAction, now: datetime) -> str:
        ended = maintenances.end(connection, action.maintenance_id or 0, at=now)
        self.load(connection, now)
        number = action.maintenance_id
        return f"maintenance {number} is over" if ended else f"refused: there is no maintenance {number} to end"

    def _drop_plans(self, connection: Connection, service_ids: set[int], now: datetime) -> None:
        for heal in heals.open_heals(connection):
            if heal.service_id in service_ids and heal.state is HealState.PLANNED:
                heals.close(connection, heal, HealState.DROPPED, at=now, detail="the service is in maintenance")

    def _periods(self, window: Window, since: datetime, until: datetime) -> list[Period]:
        """Return the times of a window, and read ahead: this is asked with every look."""
        start, end, found = self._read.get(window, (until, since, []))
        if since < start or until > end:
            start, end = since - LATE, until + AHEAD
            found = periods(window, start, end)
            self._read[window] = (start, end, found)
        return found
