"""How did each rule do: how often did it fire, and what did people make of it?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.store.row import integer, text, time, time_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection

SHORT_S = 300.0  # over before a person has read of it


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReview:
    """`short` are those that nobody acknowledged and that were over within five minutes: the first to suspect."""

    alert_type: str
    severity: str
    fired: int
    firing: int
    acknowledged: int
    short: int
    median_minutes: float | None

    def document(self) -> dict[str, str | int | float | None]:
        return asdict(self)


def per_rule(connection: Connection, *, now: datetime, since: datetime) -> list[RuleReview]:
    """Return what became of each rule's alerts since `since`, the one that fired most often first."""
    rows = connection.rows(
        """
        SELECT a.alert_type, a.severity, a.triggered_at, a.resolved_at,
               EXISTS (SELECT 1 FROM conversations AS c
                       WHERE c.service_id = a.service_id AND c.acknowledged_at IS NOT NULL
                         AND c.opened_at <= coalesce(a.resolved_at, ?2) AND coalesce(c.closed_at, ?2) >= a.triggered_at)
        FROM alert_log AS a WHERE a.triggered_at >= ?1 ORDER BY a.alert_type, a.alert_id
        """,
        clock.to_sql(since),
        clock.to_sql(now),
    )
    found = [_review(str(name), list(group)) for name, group in groupby(rows, key=lambda row: row[0])]
    return sorted(found, key=lambda review: (-review.fired, review.alert_type))


def _review(alert_type: str, rows: Sequence[tuple[apsw.SQLiteValue, ...]]) -> RuleReview:
    ended = [(time(row[3]) - time(row[2])).total_seconds() for row in rows if time_or_none(row[3]) is not None]
    severity = text(rows[-1][1])
    short = [row for row in rows if row[3] is not None and not row[4] and (time(row[3]) - time(row[2])).total_seconds() < SHORT_S]
    return RuleReview(
        alert_type=alert_type,
        severity=severity,
        fired=len(rows),
        firing=len(rows) - len(ended),
        acknowledged=sum(integer(row[4]) for row in rows),
        short=0 if severity == "info" else len(short),
        median_minutes=round(median(ended) / 60, 1) if ended else None,
    )
