"""How does what the earlier script has stored come into our database? Its checks, its alerts and when each was last healthy.

Again and again, if need be: what is there already is not entered twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from healthmon import clock
from healthmon.errors import UsageError
from healthmon.history import earlier
from healthmon.model.check import Check, CheckKind, CheckStatus
from healthmon.status.uptime import hour_of
from healthmon.store import checks, migrate, services, shape, stale_rollups, states
from healthmon.store.row import real_or_none, text
from healthmon.store.trust import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime, tzinfo
    from pathlib import Path

    from healthmon.store.connection import Connection

PAGE = 1_000
GROUP = "default"
_CHECKS = ("service_name", "status", "response_time", "status_code", "error_message", "timestamp")


@dataclass(slots=True, kw_only=True)
class Imported:
    """How much was taken over, and how much could not be."""

    services: int = 0
    checks: int = 0
    alerts: int = 0
    unreadable: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


class Earlier:
    """The earlier script's database, or one of ours of before the first release, read only. Raises UsageError for another file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise UsageError(f"there is no file {path}")
        try:
            self._db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            missing = set(_CHECKS) - self.columns("health_checks")
        except apsw.Error as error:
            raise translated(error, path) from error
        if missing or self._is_present():
            self.close()
            raise UsageError(f"{path} is not the earlier script's database: {_wrong(missing)}")

    def close(self) -> None:
        self._db.close()

    def columns(self, table: str) -> set[str]:
        """Return the columns of a table; none when there is no such table."""
        return {str(row[0]) for row in self._db.execute("SELECT name FROM pragma_table_info(?)", (table,))}

    def names(self) -> list[str]:
        """Return the services of which there are checks or alerts."""
        asked = ["SELECT service_name FROM health_checks", *(["SELECT service_name FROM alerts"] if self.columns("alerts") else [])]
        return sorted({str(row[0]) for row in self._db.execute(" UNION ".join(asked)) if row[0]})

    def looks(self, name: str) -> Iterator[tuple[apsw.SQLiteValue, ...]]:
        """Return status, response_time, status_code, error_message and timestamp of one service's checks, oldest first."""
        sql = "SELECT status, response_time, status_code, error_message, timestamp FROM health_checks WHERE service_name = ? ORDER BY timestamp"
        yield from self._db.execute(sql, (name,))

    def alerts(self) -> list[tuple[apsw.SQLiteValue, ...]]:
        """Return service_name, alert_type, severity, message, triggered_at and resolved_at of all alerts."""
        known = self.columns("alerts")
        if not {"service_name", "alert_type", "triggered_at"} <= known:
            return []
        wanted = ("service_name", "alert_type", "severity", "message", "triggered_at", "resolved_at")
        asked = ", ".join(column if column in known else "NULL" for column in wanted)
        return self._db.execute(f"SELECT {asked} FROM alerts ORDER BY triggered_at").fetchall()  # noqa: S608  our names

    def _is_present(self) -> bool:
        """Tell whether it is one of ours, which can be used as it is. One of before the first release has the script's views."""
        if not self._db.pragma("application_id"):
            return False
        has_number = self._db.pragma("user_version") == migrate.SCHEMA_VERSION
        return not (has_number and shape.difference(self._db.execute(shape.LISTING), migrate.schema_sql()))


def take_over(connection: Connection, source: Earlier, *, zone: tzinfo, now: datetime, said: Callable[[str], None]) -> Imported:
    """Enter all that the earlier database holds, in small transactions; `said` is called with each service's name."""
    done = Imported()
    ids = _service_ids(connection, source.names(), now)
    done.services = len(ids)
    for name, service_id in ids.items():
        said(name)
        _take_looks(connection, service_id, source.looks(name), done, zone)
    _take_alerts(connection, source.alerts(), ids, done, zone)
    return done


def _service_ids(connection: Connection, names: list[str], now: datetime) -> dict[str, int]:
    """Return the services' ids. One that is not configured is entered as one that was removed: its history stays."""
    known = {service.name for service in services.all_by_id(connection).values()}
    with connection.transaction(durable=True):
        connection.change_many(
            "INSERT INTO services (service_name, group_name, critical, removed_at) VALUES (?, ?, 0, ?)",
            [(name, GROUP, clock.to_sql(now)) for name in names if name not in known],
        )
    found = {service.name: service.service_id for service in services.all_by_id(connection).values()}
    return {name: found[name] for name in names}


def _take_looks(connection: Connection, service_id: int, rows: Iterable[tuple[apsw.SQLiteValue, ...]], done: Imported, zone: tzinfo) -> None:
    seen: list[tuple[datetime, CheckStatus]] = []
    waiting: list[Check] = []
    for row in rows:
        check = _check(service_id, row, zone)
        if check is None:
            done.unreadable += 1
            continue
        seen.append((check.checked_at, check.status))
        waiting.append(check)
        if len(waiting) == PAGE:
            done.checks += checks.enter(connection, waiting)
            waiting = []
    done.checks += checks.enter(connection, waiting)
    if not seen:
        return
    seen.sort(key=lambda look: look[0])  # times with a T come after those with a space, as texts
    done.oldest = min(seen[0][0], done.oldest or seen[0][0])
    done.newest = max(seen[-1][0], done.newest or seen[-1][0])
    with connection.transaction(durable=False):
        states.add_hours(connection, [(service_id, hour, time) for hour, time in earlier.booked(seen).items()])
        stale_rollups.mark_hours(connection, {hour_of(at) for at, _ in seen})
        states.add_last_healthy(connection, service_id, max((at for at, status in seen if status is CheckStatus.HEALTHY), default=None))


def _check(service_id: int, row: tuple[apsw.SQLiteValue, ...], zone: tzinfo) -> Check | None:
    status, response_time, status_code, error_message, timestamp = row
    at = earlier.moment(str(timestamp), zone)
    if at is None or status is None:
        return None
    code = int(status_code) if isinstance(status_code, (int, float)) else None
    seconds = real_or_none(response_time) if isinstance(response_time, (int, float)) else None
    error = None if error_message is None else str(error_message)
    return Check(service_id=service_id, kind=CheckKind.SCHEDULED, checked_at=at, outcome=earlier.outcome(text(status), seconds, code, error))


def _take_alerts(connection: Connection, rows: list[tuple[apsw.SQLiteValue, ...]], ids: dict[str, int], done: Imported, zone: tzinfo) -> None:
    """Enter alerts, all as over: what fires now the agent finds out for itself."""
    with connection.transaction(durable=True):
        for name, alert_type, word, message, triggered, resolved in rows:
            at = earlier.moment(str(triggered), zone)
            if at is None or name not in ids:
                done.unreadable += 1
                continue
            ended = earlier.moment(str(resolved), zone) if resolved else None
            done.alerts += connection.change(
                """
                INSERT INTO alert_log (service_id, alert_type, severity, message, started_at, triggered_at, resolved_at)
                SELECT ?1, ?2, ?3, ?4, ?5, ?5, ?6
                WHERE NOT EXISTS (SELECT 1 FROM alert_log WHERE triggered_at = ?5 AND service_id = ?1 AND alert_type = ?2)
                """,
                ids[str(name)],
                str(alert_type),
                earlier.severity(str(word)).value,
                str(message or ""),
                clock.to_sql(at),
                clock.to_sql(max(at, ended or done.newest or at)),
            )


def _wrong(missing: set[str]) -> str:
    return f"its health_checks lacks {', '.join(sorted(missing))}" if missing else "it is one of healthmon's"
