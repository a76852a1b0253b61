"""What stands now, for who is handed alerts as they are? Reads it, and decides nothing."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.alerts.maintenance import periods, standing
from healthmon.notify import alertmanager_batch
from healthmon.store import alerts, conversations, incidents, maintenances, services, silences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from healthmon.alerts.maintenance import Window
    from healthmon.config import Config
    from healthmon.model.alert import Alert
    from healthmon.model.maintenance import Maintenance
    from healthmon.model.service import Service
    from healthmon.store.connection import Connection


class Stock:
    """The alerts that there are to hand over, and all that is known of them."""

    def __init__(self, connection: Connection, *, resolved_for: timedelta) -> None:
        self._connection = connection
        self.runbooks: Mapping[str, str] = {}  # by the service's name
        self.windows: Sequence[Window] = ()  # of maintenance
        self._resolved_for = resolved_for
        self._host = socket.gethostname()

    def alerts(self, now: datetime) -> list[Alert]:
        """Return what is to be handed over: a cheap look, which is made often."""
        return alertmanager_batch.wanted(alerts.standing(self._connection, resolved_since=now - self._resolved_for))

    def standing(self, found: list[Alert], now: datetime) -> alertmanager_batch.Standing:
        """Return these alerts with all that is known of them."""
        connection = self._connection
        known = services.all_by_id(connection)
        return alertmanager_batch.Standing(
            now=now,
            host=self._host,
            alerts=found,
            services=known,
            conversations={one.service_id: one for one in conversations.open_conversations(connection)},
            incidents={one.service_id: one for one in incidents.open_incidents(connection)},
            silences=silences.not_over(connection, now=now),
            runbooks=self.runbooks,
            maintenance=self._maintenance({known[one.service_id] for one in found if one.service_id in known}, now),
        )

    def _maintenance(self, concerned: Iterable[Service], now: datetime) -> dict[str, str]:
        """Return until when and why these services are in maintenance, by name, of those that are."""
        begun = maintenances.not_over(self._connection, at=now)
        return {service.name: said for service in concerned if (said := self._maintained(service, begun, now))}

    def _maintained(self, service: Service, begun: Iterable[Maintenance], now: datetime) -> str:
        by_hand = [(one.ends_at, f"by {one.author}: {one.reason}") for one in begun if service.name in one.services and one.starts_at <= now]
        mine = [window for window in self.windows if window.is_for(service.name, service.group)]
        configured = [(until, window.name) for window in mine if (until := standing(periods(window, now, now), now).until) is not None]
        if not by_hand and not configured:
            return ""
        until, why = max((*by_hand, *configured))
        return f"until {clock.to_people(until)}, {why}"


def runbooks(config: Config) -> dict[str, str]:
    return {service.name: service.runbook_url for service in config.services if service.runbook_url is not None}
