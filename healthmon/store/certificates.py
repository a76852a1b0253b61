"""When does the certificate of each service expire?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.store.connection import Connection


def note(connection: Connection, expiries: Mapping[int, datetime]) -> None:
    """Write what the probes saw, by service_id."""
    with connection.transaction(durable=False):
        connection.change_many(
            "INSERT OR REPLACE INTO certificates (service_id, expires_at) VALUES (?, ?)",
            [(service_id, clock.to_sql(at)) for service_id, at in expiries.items()],
        )


def of_services(connection: Connection, service_ids: Iterable[int]) -> dict[int, datetime]:
    """Return when the certificates of these services expire, as far as it is known."""
    found = {sid: connection.row("SELECT expires_at FROM certificates WHERE service_id = ?", sid) for sid in service_ids}
    return {sid: time(row[0]) for sid, row in found.items() if row is not None}
