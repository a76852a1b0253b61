"""Where is it kept how each service is, and how long it was what?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.memo import Memo
from healthmon.model.check import CheckReason
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import Booked, Uptime
from healthmon.store.row import (
    integer,
    integer_or_none,
    real,
    real_or_none,
    sql_time,
    text,
    text_or_none,
    time,
    time_or_none,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import apsw

    from healthmon.store.connection import Connection


def load(connection: Connection) -> dict[int, ServiceState]:
    """Return the state of every service that has one."""
    return {sid: state for sid, (state, _) in load_with_uptimes(connection).items()}


def uptimes(connection: Connection) -> dict[int, Uptime]:
    """Return the uptime of every service that has a state, as it was last computed."""
    return {sid: uptime for sid, (_, uptime) in load_with_uptimes(connection).items()}


def load_with_uptimes(connection: Connection, known: Memo[tuple[ServiceState, Uptime]] | None = None) -> dict[int, tuple[ServiceState, Uptime]]:
    """Return both. Who asks again and again lends a memo."""
    rows = connection.rows(
        """
        SELECT service_id, status, previous_status, status_since, last_checked_at, last_healthy_at, last_reason,
               last_error, last_response_time_s, consecutive_failures, streak_started_at, streak_confirmations,
               unknown_looks, evidence_failures, evidence_started_at, evidence_last_at, accounted_until, last_status_code,
               uptime_percentage, uptime_coverage
        FROM service_states
        """,
    )
    read = (known or Memo()).of
    return {integer(row[0]): read(row[0], _state_and_uptime, row) for row in rows}


def save(connection: Connection, changed: Sequence[tuple[ServiceState, Uptime]]) -> None:
    """Write states; belongs into the transaction that takes their checks from the inbox."""
    connection.change_many(
        """
        INSERT OR REPLACE INTO service_states (
            service_id, status, previous_status, status_since, last_checked_at, last_healthy_at, last_reason,
            last_error, last_response_time_s, consecutive_failures, streak_started_at, streak_confirmations,
            unknown_looks, evidence_failures, evidence_started_at, evidence_last_at, accounted_until,
            uptime_percentage, uptime_coverage, last_status_code)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [_row(state, uptime) for state, uptime in changed],
    )


def hours_between(
    connection: Connection,
    service_ids: Iterable[int],
    since: datetime,
    until: datetime,
) -> dict[int, dict[datetime, Booked]]:
    """Return, for each of these services, the booked time of every hour that starts at or after `since`, up to `until`.

    What lies beyond `until` was booked by a clock that was ahead.
    """
    rows = connection.rows(
        """
        SELECT service_id, hour, healthy_s, unhealthy_s, unknown_s, maintenance_s FROM service_hours
        WHERE hour BETWEEN ? AND ?
        """,
        clock.to_sql(since),
        clock.to_sql(until),
    )
    found: dict[int, dict[datetime, Booked]] = {service_id: {} for service_id in service_ids}
    for row in rows:
        hours = found.get(integer(row[0]))
        if hours is not None:
            hours[time(row[1])] = booked_time(row[2:])
    return found


def save_hours(connection: Connection, booked: Sequence[tuple[int, datetime, Booked]]) -> None:
    """Write the time of whole hours as it is known now; belongs into the transaction of `save`.

    What the keeper has counted in the same hour stays.
    """
    connection.change_many(
        """
        INSERT INTO service_hours (service_id, hour, healthy_s, unhealthy_s, unknown_s, maintenance_s)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET healthy_s = excluded.healthy_s, unhealthy_s = excluded.unhealthy_s,
                                  unknown_s = excluded.unknown_s, maintenance_s = excluded.maintenance_s
        """,
        [
            (service_id, clock.to_sql(hour), hours.healthy_s, hours.unhealthy_s, hours.unknown_s, hours.maintenance_s)
            for service_id, hour, hours in booked
        ],
    )


def add_hours(connection: Connection, booked: Sequence[tuple[int, datetime, Booked]]) -> None:
    """Write the time of hours of which none is booked yet."""
    connection.change_many(
        """
        INSERT INTO service_hours (service_id, hour, healthy_s, unhealthy_s, unknown_s)
        VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET healthy_s = excluded.healthy_s, unhealthy_s = excluded.unhealthy_s, unknown_s = excluded.unknown_s
        WHERE healthy_s + unhealthy_s + unknown_s + maintenance_s = 0
        """,
        [(service_id, clock.to_sql(hour), time.healthy_s, time.unhealthy_s, time.unknown_s) for service_id, hour, time in booked],
    )


def add_last_healthy(connection: Connection, service_id: int, at: datetime | None) -> None:
    """Remember when a service was healthy last, of which that is not known."""
    if at is not None:
        save_new = "UPDATE service_states SET last_healthy_at = ? WHERE service_id = ? AND last_healthy_at IS NULL"
        connection.change(save_new, clock.to_sql(at), service_id)


def booked_time(row: Sequence[apsw.SQLiteValue]) -> Booked:
    """Return the time that stands in a row as healthy_s, unhealthy_s, unknown_s, maintenance_s."""
    return Booked(healthy_s=real(row[0]), unhealthy_s=real(row[1]), unknown_s=real(row[2]), maintenance_s=real(row[3]))


def _state_and_uptime(row: tuple[apsw.SQLiteValue, ...]) -> tuple[ServiceState, Uptime]:
    return _state(row), Uptime(percentage=real_or_none(row[18]), coverage=real_or_none(row[19]) or 0.0)


def _row(state: ServiceState, uptime: Uptime) -> tuple[apsw.SQLiteValue, ...]:
    return (
        state.service_id,
        state.status.value,
        None if state.previous_status is None else state.previous_status.value,
        sql_time(state.status_since),
        sql_time(state.last_checked_at),
        sql_time(state.last_healthy_at),
        state.last_reason.value,
        state.last_error,
        state.last_response_time_s,
        state.consecutive_failures,
        sql_time(state.streak_started_at),
        state.streak_confirmations,
        state.unknown_looks,
        state.evidence_failures,
        sql_time(state.evidence_started_at),
        sql_time(state.evidence_last_at),
        sql_time(state.accounted_until),
        uptime.percentage,
        uptime.coverage,
        state.last_status_code,
    )


def _state(row: tuple[apsw.SQLiteValue, ...]) -> ServiceState:
    previous = text_or_none(row[2])
    return ServiceState(
        service_id=integer(row[0]),
        status=ServiceStatus(text(row[1])),
        previous_status=None if previous is None else ServiceStatus(previous),
        status_since=time_or_none(row[3]),
        last_checked_at=time_or_none(row[4]),
        last_healthy_at=time_or_none(row[5]),
        last_reason=CheckReason(text(row[6])),
        last_error=text_or_none(row[7]),
        last_response_time_s=real_or_none(row[8]),
        consecutive_failures=integer(row[9]),
        streak_started_at=time_or_none(row[10]),
        streak_confirmations=integer(row[11]),
        unknown_looks=integer(row[12]),
        evidence_failures=integer(row[13]),
        evidence_started_at=time_or_none(row[14]),
        evidence_last_at=time_or_none(row[15]),
        accounted_until=time_or_none(row[16]),
        last_status_code=integer_or_none(row[17]),
    )
