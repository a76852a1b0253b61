"""How did each rule do: how often did it fire, and what did people make of it?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.alert import AlertSeverity
from healthmon.store.row import integer, text, time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection

SHORT_S = 300.0  # over before a person has read of it


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReview:
    """`false` are those of which a person said that they were about nothing. Of the rest, and of those that nobody acknowledged,
    `short` were over within five minutes: the next to suspect; `ignored` lasted longer, and are over. Those that were taken out
    of the configuration are neither.
    """

    alert_type: str
    severity: str
    fired: int
    firing: int
    acknowledged: int
    false: int
    short: int
    ignored: int
    median_minutes: float | None

    def document(self) -> dict[str, str | int | float | None]:
        return asdict(self)


def per_rule(connection: Connection, *, now: datetime, since: datetime) -> list[RuleReview]:
    """Return what became of each rule's alerts since `since`, the one that fired most often first."""
    rows = connection.rows(
        """
        SELECT a.alert_type, a.severity, a.triggered_at, a.resolved_at, a.removed,
               EXISTS (SELECT 1 FROM conversations AS c
                       WHERE c.service_id = a.service_id AND c.acknowledged_at IS NOT NULL
                         AND c.opened_at <= coalesce(a.resolved_at, ?2) AND coalesce(c.closed_at, ?2) >= a.triggered_at),
               EXISTS (SELECT 1 FROM false_alarms AS f WHERE f.alert_id = a.alert_id)
        FROM alert_log AS a WHERE a.triggered_at >= ?1 ORDER BY a.alert_type, a.alert_id
        """,
        clock.to_sql(since),
        clock.to_sql(now),
    )
    found = [_review(str(name), list(group)) for name, group in groupby(rows, key=lambda row: row[0])]
    return sorted(found, key=lambda review: (-review.fired, review.alert_type))


def _review(alert_type: str, rows: Sequence[tuple[apsw.SQLiteValue, ...]]) -> RuleReview:
    ended = [(_seconds(row), bool(row[5] or row[6])) for row in rows if row[3] is not None and not row[4]]
    severity = text(rows[-1][1])
    unseen = [seconds for seconds, is_seen in ended if not is_seen and severity != AlertSeverity.INFO.value]
    short = sum(seconds < SHORT_S for seconds in unseen)
    return RuleReview(
        alert_type=alert_type,
        severity=severity,
        fired=len(rows),
        firing=sum(row[3] is None for row in rows),
        acknowledged=sum(integer(row[5]) for row in rows),
        false=sum(integer(row[6]) for row in rows),
        short=short,
        ignored=len(unseen) - short,
        median_minutes=round(median(seconds for seconds, _ in ended) / 60, 1) if ended else None,
    )


def _seconds(row: tuple[apsw.SQLiteValue, ...]) -> float:
    return max(0.0, (time(row[3]) - time(row[2])).total_seconds())
