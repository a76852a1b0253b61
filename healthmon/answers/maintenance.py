"""Which services are in maintenance now, and until when? By windows of the configuration, or begun by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.alerts.maintenance import periods, standing, windows
from healthmon.store import maintenances

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.store.connection import Connection


def active(connection: Connection, config: Config, now: datetime) -> dict[str, datetime]:
    """Return, by name, until when each service that is in maintenance is."""
    begun = [(one.services, (one.starts_at, one.ends_at)) for one in maintenances.not_over(connection, at=now)]
    recurring = [(window, periods(window, now, now)) for window in windows(config.alerting.maintenance)]
    found = {}
    for service in config.enabled_services():
        mine = [period for names, period in begun if service.name in names]
        mine += [period for window, times in recurring if window.is_for(service.name, service.group) for period in times]
        until = standing(mine, now).until
        if until is not None:
            found[service.name] = until
    return found
