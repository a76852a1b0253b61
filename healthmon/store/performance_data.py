"""What did the command of each service measure last?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.performance import Performance
from healthmon.store.row import integer, real, real_or_none, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.store.connection import Connection


def note(connection: Connection, measured: Mapping[int, tuple[datetime, Iterable[Performance]]]) -> None:
    """Write what was measured instead of what was there, by service_id."""
    with connection.transaction(durable=False):
        connection.change_many("DELETE FROM performance_data WHERE service_id = ?", [(service_id,) for service_id in measured])
        connection.change_many(
            "INSERT INTO performance_data VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (service_id, one.label, one.value, one.unit, one.warning, one.critical, one.minimum, one.maximum, clock.to_sql(at))
                for service_id, (at, values) in measured.items()
                for one in values
            ],
        )


def of_services(connection: Connection, service_ids: Iterable[int]) -> dict[int, list[Performance]]:
    """Return what was measured of these services, in the order of the labels."""
    rows = connection.rows(
        """
        SELECT service_id, label, value, unit, warning, critical, minimum, maximum
        FROM performance_data
        WHERE service_id IN (SELECT value FROM json_each(?))
        ORDER BY service_id, label
        """,
        json.dumps(list(service_ids)),
    )
    found: dict[int, list[Performance]] = {}
    for service_id, label, value, unit, warning, critical, minimum, maximum in rows:
        measured = Performance(
            label=text(label),
            value=real(value),
            unit=text(unit),
            warning=text(warning),
            critical=text(critical),
            minimum=real_or_none(minimum),
            maximum=real_or_none(maximum),
        )
        found.setdefault(integer(service_id), []).append(measured)
    return found
