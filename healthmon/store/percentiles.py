"""How did each service answer in the last 24 hours, as it was counted last? So that nobody merges a thousand histograms for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import integer, real

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.history.rollups import Counted
    from healthmon.store.connection import Connection


def save(connection: Connection, found: Mapping[int, Counted], *, until: datetime) -> None:
    """Write how each service answered in the 24 hours before `until`, in place of what was there."""
    rows = [(service_id, clock.to_sql(until), *map(one.percentile_us, (50, 95, 99))) for service_id, one in found.items() if one.answers]
    with connection.transaction(durable=False):
        connection.change("DELETE FROM service_percentiles")
        connection.change_many(
            "INSERT INTO service_percentiles (service_id, counted_until, p50_us, p95_us, p99_us) VALUES (?, ?, ?, ?, ?)",
            rows,
        )


def load(connection: Connection) -> dict[int, tuple[float, float]]:
    """Return the median and the 95th percentile of each service's answers in the 24 hours before the last count, in microseconds."""
    rows = connection.rows("SELECT service_id, p50_us, p95_us FROM service_percentiles")
    return {integer(row[0]): (real(row[1]), real(row[2])) for row in rows}
