"""Thirty days of a thousand services, as the agent would have left them; and one second of their life more.

Rows are put in by SQL: by way of the evaluator a month of them takes hours.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.history import histogram
from healthmon.history.buckets import edges_us
from healthmon.history.rollups import HIGH, MEDIAN, Counter, day_of
from healthmon.model.check import CheckReason
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.processes.keeper.counting import SETTLED
from healthmon.processes.keeper.summing import Summing
from healthmon.status.uptime import Uptime, hour_of
from healthmon.store import facts, incidents, states, tallies, targets
from healthmon.store.stale_rollups import COUNTED_UNTIL, DAYS_UNTIL
from healthmon.store.targets import TargetReport
from tests.builders import a_check, a_target

if TYPE_CHECKING:
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection
    from tests.web.sites import Site

DAYS = 30
COUNTED_AGO = timedelta(minutes=5)  # the keeper comes as often
RAW = timedelta(hours=2)  # of single checks; what is older is asked of the hours
EVERY_S = 30
HOUR_S = 3_600
KINDS = 500  # of hours: none is like the one before it


def a_second(database: Connection, count: int, chance: random.Random) -> None:
    """Let a second go by: so many services were looked at, and found as they were."""
    looked = chance.sample(range(1, count + 1), max(1, count // EVERY_S))
    with database.transaction(durable=False):
        states.save(database, [(_state(chance, one), Uptime(percentage=100 - chance.random(), coverage=100.0)) for one in looked])
        tallies.count(database, [a_check(service_id=one, response_time_s=chance.random()) for one in looked], dict.fromkeys(looked, edges_us(2.0)))


def fill(site: Site, count: int) -> None:
    """Give every service a state, a container, hours of 30 days, and the checks of the last two hours."""
    chance, now = random.Random(1), clock.now()  # noqa: S311  the same figures every time, no secret
    database = site.database
    ids = range(1, count + 1)
    with database.transaction(durable=False):
        states.save(database, [(_state(chance, one), Uptime(percentage=100 - chance.random(), coverage=100.0)) for one in ids])
        targets.publish(database, {one: TargetReport(observed_at=now, target=a_target(name=f"container_{one}")) for one in ids})
        hours = [_hour(chance) for _ in range(KINDS)]
        for hour in range(24 * DAYS):
            start = clock.to_sql(hour_of(now) - timedelta(hours=hour))
            database.change_many(
                """
                INSERT INTO service_hours (service_id, hour, healthy_s, checks, healthy_checks, answers, sum_us, minimum_us, maximum_us,
                                           histogram, p50_us, p95_us)
                VALUES (?, ?, 3600, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [(one, start, *chance.choice(hours)) for one in ids],
            )
        _add_up_days(database, now)
        database.change_many("INSERT INTO service_percentiles VALUES (?, ?, 90000, 400000, 800000)", [(one, clock.to_sql(now)) for one in ids])
        facts.note_time(database, COUNTED_UNTIL, now - COUNTED_AGO)
        tallies.count(database, [a_check(service_id=one, response_time_s=chance.random()) for one in ids], dict.fromkeys(ids, edges_us(2.0)))
        for _ in range(200):
            service_id, at = chance.choice(ids), now - timedelta(hours=chance.random() * 24 * DAYS)
            database.change(
                "INSERT INTO incidents (service_id, started_at, detected_at, episode_started_at, reason, resolved_at, resolution)"
                " VALUES (?1, ?2, ?2, ?2, 'status', ?2, 'recovered')",
                service_id,
                clock.to_sql(at),
            )
        for one in (one for one in ids if one % 50 == 1):
            facts_of: dict[str, Any] = {"started_at": now, "detected_at": now, "episode_started_at": now}
            incidents.open_incident(database, one, reason=CheckReason.STATUS, error_message="expected 200, got 503", **facts_of)
        database.change_many(
            "INSERT INTO checks (timestamp, service_id, kind, status, response_time_us) VALUES (?, ?, 0, 1, ?)",
            [
                (clock.to_sql(now - timedelta(seconds=age + one / count * EVERY_S)), one, chance.randint(1_000, 900_000))
                for age in range(0, int(RAW.total_seconds()), EVERY_S)
                for one in ids
            ],
        )
    Summing(database, settled=SETTLED).bring_up_to_date(now)
    database.rows("ANALYZE")


def _add_up_days(database: Connection, now: datetime) -> None:
    """Have the whole days beside their hours, as the keeper adds them up; its histograms are those of one hour, which no answer here reads."""
    database.change(
        """
        INSERT INTO service_days (service_id, day, healthy_s, unhealthy_s, unknown_s, maintenance_s, checks, healthy_checks, answers, sum_us,
                                  minimum_us, maximum_us, histogram, p50_us, p95_us)
        SELECT service_id, substr(hour, 1, 10) || ' 00:00:00.000', sum(healthy_s), sum(unhealthy_s), sum(unknown_s), sum(maintenance_s),
               sum(checks), sum(healthy_checks), sum(answers), sum(sum_us), min(minimum_us), max(maximum_us), max(histogram), avg(p50_us), avg(p95_us)
        FROM service_hours WHERE hour < ? GROUP BY service_id, 2
        """,
        clock.to_sql(day_of(now)),
    )
    facts.note_time(database, DAYS_UNTIL, day_of(now))


def _hour(chance: random.Random) -> tuple[apsw.SQLiteValue, ...]:
    counter = Counter()
    for look in range(HOUR_S // EVERY_S):
        counter.add(healthy=look > 0, response_time_us=chance.randint(1_000, 900_000))
    found = counter.counted()
    return (
        *(found.checks, found.healthy_checks, found.answers, found.sum_us, found.minimum_us, found.maximum_us),
        *(histogram.encode(found.histogram), found.percentile_us(MEDIAN), found.percentile_us(HIGH)),
    )


def _state(chance: random.Random, service_id: int) -> ServiceState:
    is_ill = service_id % 50 == 1
    return ServiceState(
        service_id=service_id,
        status=ServiceStatus.UNHEALTHY if is_ill else ServiceStatus.HEALTHY,
        status_since=clock.now() - timedelta(hours=1),
        last_checked_at=clock.now(),
        last_healthy_at=clock.now(),
        last_reason=CheckReason.STATUS if is_ill else CheckReason.OK,
        last_error="expected 200, got 503" if is_ill else None,
        last_response_time_s=chance.random(),
    )
