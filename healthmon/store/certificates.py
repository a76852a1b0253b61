"""When does the certificate of each service expire?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import integer, time

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
    wanted = json.dumps(list(service_ids))
    rows = connection.rows("SELECT service_id, expires_at FROM certificates WHERE service_id IN (SELECT value FROM json_each(?))", wanted)
    return {integer(row[0]): time(row[1]) for row in rows}
