"""Did restarts help: per service, and per failure that they were made for?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import integer, text

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class HealReview:
    """The restarts of one service for one failure. `made` are those of which the outcome is known, `verified` those that helped.

    `would_restart` are a dry run's, `needless` those, real or not, that would have been over by themselves.
    """

    service_name: str
    failure: str
    made: int
    verified: int
    failed: int
    needless: int
    would_restart: int
    by_people: int

    @property
    def success_percentage(self) -> float | None:
        return round(100.0 * self.verified / self.made, 1) if self.made else None

    def document(self) -> dict[str, str | int | float | None]:
        return {**asdict(self), "success_percentage": self.success_percentage}


def per_failure(connection: Connection, *, since: datetime) -> list[HealReview]:
    """Return what became of the restarts since `since`, of whom most was restarted first."""
    rows = connection.rows(
        """
        SELECT s.service_name, max(h.failure),
               sum(h.state IN ('verified', 'failed')), sum(h.state = 'verified'), sum(h.state = 'failed'),
               sum(coalesce(h.needless, 0)), sum(h.state = 'would_restart'), sum(h.asked_by IS NOT NULL)
        FROM heals AS h JOIN services AS s ON s.service_id = h.service_id
        WHERE h.planned_at >= ? AND h.state NOT IN ('planned', 'dropped', 'gone')
        GROUP BY h.service_id, h.signature
        ORDER BY count(*) DESC, s.service_name
        """,
        clock.to_sql(since),
    )
    return [
        HealReview(
            service_name=text(row[0]),
            failure=text(row[1]),
            made=integer(row[2]),
            verified=integer(row[3]),
            failed=integer(row[4]),
            needless=integer(row[5]),
            would_restart=integer(row[6]),
            by_people=integer(row[7]),
        )
        for row in rows
    ]
