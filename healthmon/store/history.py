"""How was a service in any range of time, in as good as constant time? From days, hours and the checks of the last minutes.

For views: everything comes as values, none of it needs a second look. Ranges begin with the hour that holds their first
instant, and end with the one that holds their last; of time that is booked, the first hour counts by its part inside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.history.rollups import DAY, Counted, checks_of, day_of, ranges
from healthmon.status.uptime import Booked, hour_of
from healthmon.store import facts, rollups, stale_rollups
from healthmon.store.added_up import added_up
from healthmon.store.rollups import Rollup, add_up
from healthmon.store.stale_rollups import DAYS_UNTIL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from healthmon.store.connection import Connection

LONGEST_TAIL = timedelta(hours=25)  # no keeper for so long: what is older than its last count is missing, and coverage says so
NOTHING = Rollup(time=Booked(), checks=Counted())


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A stretch of time that begins at `start`, for a chart."""

    start: datetime
    rollup: Rollup


def between(connection: Connection, service_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, Rollup]:
    """Return what each of these services was in [since, until): time, checks, response times with their percentiles."""
    wanted = tuple(service_ids)
    return added_up(connection, wanted, since, until, _tail(connection, wanted, since, until))


def hourly(connection: Connection, service_id: int, since: datetime, until: datetime) -> list[Point]:
    """Return a service's hours that touch [since, until), oldest first, the present one as far as it has come."""
    return hourly_of(connection, [service_id], since, until)[service_id]


def hourly_of(connection: Connection, service_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, list[Point]]:
    """Return the same of several services: what is not counted yet is read once for all of them."""
    wanted = tuple(service_ids)
    tails = _tail(connection, wanted, since, until)
    counted = rollups.hours_of(connection, wanted, hour_of(since), until)
    return {service_id: _hourly(dict(counted[service_id]), tails.get(service_id), until) for service_id in wanted}


def _hourly(found: dict[datetime, Rollup], tail: Counted | None, until: datetime) -> list[Point]:
    if tail is not None:
        hour = hour_of(until - timedelta(microseconds=1))
        known = found.get(hour, add_up([]))
        found[hour] = replace(known, checks=checks_of([known.checks, tail]))
    return [Point(start=start, rollup=found[start]) for start in sorted(found)]


def daily(connection: Connection, service_id: int, since: datetime, until: datetime) -> list[Point]:
    """Return a service's days (of UTC) that touch [since, until), oldest first, today as far as it has come."""
    return daily_of(connection, [service_id], since, until)[service_id]


def daily_of(connection: Connection, service_ids: Iterable[int], since: datetime, until: datetime) -> dict[int, list[Point]]:
    """Return the same of several services: each day that is not added up yet is asked for once for all of them."""
    wanted = tuple(service_ids)
    last = day_of(until - timedelta(microseconds=1)) + DAY
    pieces = ranges(day_of(since), last, days_until=facts.noted_time(connection, DAYS_UNTIL))
    days = rollups.days_of(connection, wanted, *pieces.days)
    points = {service_id: [Point(start=start, rollup=rollup) for start, rollup in days[service_id]] for service_id in wanted}
    start = pieces.days[1] if pieces.days[0] < pieces.days[1] else pieces.hours_before[0]
    while start < until:
        for service_id, found in between(connection, wanted, start, min(start + DAY, until)).items():
            if found != NOTHING:
                points[service_id].append(Point(start=start, rollup=found))
        start += DAY
    return points


def _tail(connection: Connection, service_ids: tuple[int, ...], since: datetime, until: datetime) -> dict[int, Counted]:
    """Return what is not counted yet of the range."""
    counted = stale_rollups.counted_until(connection) or since
    begin = max(hour_of(since), counted, until - LONGEST_TAIL)
    return rollups.count(connection, begin, until, service_ids) if begin < until else {}
