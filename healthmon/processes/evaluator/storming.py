"""The part of the evaluator that follows storms, over any crash. When there is one is decided in heal/storm.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal import storm as policy
from healthmon.model.alert import HEALING_STORM, Alert, AlertSeverity
from healthmon.store import alerts, storms

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.heal.settings import HealSettings
    from healthmon.heal.storm import Census
    from healthmon.log import Log
    from healthmon.model.storm import Storm
    from healthmon.store.connection import Connection


class Storming:
    """The open storm, in memory as in the database."""

    def __init__(self, settings: HealSettings, log: Log) -> None:
        self._is_on = settings.storm_guard and settings.switched_on
        self._log = log
        self.storm: Storm | None = None

    def load(self, connection: Connection) -> None:
        self.storm = storms.open_one(connection)

    def follow(self, connection: Connection, census: Census, now: datetime) -> None:
        """Take in how many are ill."""
        before = self.storm
        after = policy.weather(before, census, now) if self._is_on else None
        if before is None and after is not None:
            self.storm = replace(after, storm_id=storms.begin(connection, after))
            self._tell(connection, self.storm)
        elif before is not None and after != before:
            after = after or replace(before, ended_at=now)  # it was switched off meanwhile
            storms.save(connection, after)
            self.storm = None if after.ended_at is not None else after
            if self.storm is None:
                alerts.resolve(connection, None, HEALING_STORM, at=now)
                self._log.change("storm_ended", lasted_s=(now - after.began_at).total_seconds(), ill=after.ill, watched=after.watched)

    def _tell(self, connection: Connection, storm: Storm) -> None:
        first = clock.to_people(storm.began_at + policy.FIRST_AFTER)
        message = f"{storm.ill} of {storm.watched} services are unhealthy at once: nothing is restarted but one of them, not before {first}"
        alert = Alert(service_id=None, alert_type=HEALING_STORM, severity=AlertSeverity.CRITICAL, message=message, triggered_at=storm.began_at)
        alerts.fire(connection, alert)
        self._log.error("ALERT", type=HEALING_STORM, severity=alert.severity.value, message=message)
