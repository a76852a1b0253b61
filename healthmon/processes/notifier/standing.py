"""What stands now, for who is handed alerts as they are? Reads it, and decides nothing."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from healthmon.notify import alertmanager_batch
from healthmon.store import alerts, conversations, incidents, services, silences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from healthmon.config import Config
    from healthmon.model.alert import Alert
    from healthmon.store.connection import Connection


class Stock:
    """The alerts that there are to hand over, and all that is known of them."""

    def __init__(self, connection: Connection, *, resolved_for: timedelta) -> None:
        self._connection = connection
        self.runbooks: Mapping[str, str] = {}  # by the service's name
        self._resolved_for = resolved_for
        self._host = socket.gethostname()

    def alerts(self, now: datetime) -> list[Alert]:
        """Return what is to be handed over: a cheap look, which is made often."""
        return alertmanager_batch.wanted(alerts.standing(self._connection, resolved_since=now - self._resolved_for))

    def standing(self, found: list[Alert], now: datetime) -> alertmanager_batch.Standing:
        """Return these alerts with all that is known of them."""
        connection = self._connection
        return alertmanager_batch.Standing(
            now=now,
            host=self._host,
            alerts=found,
            services=services.all_by_id(connection),
            conversations={one.service_id: one for one in conversations.open_conversations(connection)},
            incidents={one.service_id: one for one in incidents.open_incidents(connection)},
            silences=silences.not_over(connection, now=now),
            runbooks=self.runbooks,
        )


def runbooks(config: Config) -> dict[str, str]:
    return {service.name: service.runbook_url for service in config.services if service.runbook_url is not None}
