"""What do the hours and the days of many services in a range add up to? Of a thousand services and a month, fifty thousand rows.

So rows are added up as they come, column by column, and their histograms are read when somebody asks for a percentile of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.history.rollups import HIGH, MEDIAN, Counted, ranges, share_inside
from healthmon.history.together import Together
from healthmon.status.uptime import HOUR, Booked, hour_of
from healthmon.store import facts
from healthmon.store.rollups import ASKED_HOURS, Rollup
from healthmon.store.stale_rollups import DAYS_UNTIL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from healthmon.store.connection import Connection

    Row = tuple[Any, ...]  # STRICT columns

_CHECKS = "checks, healthy_checks, answers, sum_us, minimum_us, maximum_us, histogram, p50_us, p95_us"
_HOURS = f"""
    {ASKED_HOURS}
    SELECT service_id, healthy_s, unhealthy_s, unknown_s, maintenance_s, {_CHECKS}, hour < ?4
    FROM asked CROSS JOIN json_each(?1) AS wanted CROSS JOIN service_hours USING (hour) WHERE service_id = wanted.value
"""  # noqa: S608  our columns
_DAYS = f"""
    SELECT service_id, healthy_s, unhealthy_s, unknown_s, maintenance_s, {_CHECKS}, 0
    FROM json_each(?1) AS wanted CROSS JOIN service_days WHERE service_id = wanted.value AND day >= ?2 AND day < ?3
"""  # noqa: S608  our columns


def added_up(
    connection: Connection, service_ids: Iterable[int], since: datetime, until: datetime, uncounted: Mapping[int, Counted]
) -> dict[int, Rollup]:
    """Return what the rollups that touch [since, until) add up to, with the checks that are in none of them yet.

    The booked time of the first hour counts by its part inside.
    """
    rows: dict[int, list[Row]] = {service_id: [] for service_id in service_ids}
    wanted = json.dumps(list(rows))
    pieces = ranges(since, until, days_until=facts.noted_time(connection, DAYS_UNTIL))
    for sql, piece in ((_HOURS, pieces.hours_before), (_DAYS, pieces.days), (_HOURS, pieces.hours_after)):
        more = (clock.to_sql(since),) if sql is _HOURS else ()
        for row in connection.rows(sql, wanted, *map(clock.to_sql, piece), *more):
            rows[row[0]].append(row)  # type: ignore[index]  # STRICT: an integer
    share = share_inside(hour_of(since), HOUR, since, hour_of(since) + HOUR)
    return {service_id: _rollup(found, share, uncounted.get(service_id)) for service_id, found in rows.items()}


def _rollup(rows: list[Row], share: float, uncounted: Counted | None) -> Rollup:
    if uncounted is not None:
        rows.append(_row(uncounted))
    if not rows:
        return Rollup(time=Booked(), checks=Counted())
    _, healthy, unhealthy, unknown, maintenance, checks, healthy_checks, answers, sums, least, most, texts, medians, highs, cut = zip(*rows, strict=True)
    shares = [share if is_cut else 1.0 for is_cut in cut]
    return Rollup(
        time=Booked(
            healthy_s=_weighed(healthy, shares),
            unhealthy_s=_weighed(unhealthy, shares),
            unknown_s=_weighed(unknown, shares),
            maintenance_s=_weighed(maintenance, shares),
        ),
        checks=Counted(
            checks=sum(checks),
            healthy_checks=sum(healthy_checks),
            answers=sum(answers),
            sum_us=sum(sums),
            minimum_us=min((one for one in least if one is not None), default=None),
            maximum_us=max((one for one in most if one is not None), default=None),
            histogram=Together([{} if text is None else text for text in texts], answers, medians, highs),
        ),
    )


def _row(of: Counted) -> Row:
    known = (of.percentile_us(MEDIAN), of.percentile_us(HIGH))
    return (0, 0.0, 0.0, 0.0, 0.0, of.checks, of.healthy_checks, of.answers, of.sum_us, of.minimum_us, of.maximum_us, of.histogram, *known, 0)


def _weighed(seconds: Sequence[float], shares: Sequence[float]) -> float:
    return sum(map(float.__mul__, seconds, shares))
