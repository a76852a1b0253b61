"""Every SQL query of the user's document, in the sqlite3 shell that operators have, while checks are being written."""

from __future__ import annotations

import subprocess
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import Uptime
from healthmon.store import alerts, checks, services, states
from healthmon.store.opening import create_or_open, open_for_writing
from tests import needs
from tests.builders import a_check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection

TRENDS = """
SELECT service_name,
       AVG(response_time) as avg_response_time,
       MAX(response_time) as max_response_time,
       COUNT(*) as checks_count
FROM health_checks
WHERE timestamp > datetime('now', '-24 hours')
GROUP BY service_name
ORDER BY avg_response_time DESC;"""
UPTIME = """
SELECT service_name,
       COUNT(*) as total_checks,
       SUM(CASE WHEN status = 'healthy' THEN 1 ELSE 0 END) as healthy_checks,
       ROUND(SUM(CASE WHEN status = 'healthy' THEN 1 ELSE 0 END) * 100.0 / COUNT(*), 2) as uptime_percentage
FROM health_checks
WHERE timestamp > datetime('now', '-7 days')
GROUP BY service_name
ORDER BY uptime_percentage ASC;"""
ALERTS = """
SELECT service_name, alert_type, severity, message, triggered_at
FROM alerts
WHERE triggered_at > datetime('now', '-24 hours')
ORDER BY triggered_at DESC;"""
OVERALL = """
SELECT
  ROUND(AVG(CASE WHEN current_status = 'healthy' THEN 100.0 ELSE 0.0 END), 2) as overall_health_percentage,
  COUNT(*) as total_services,
  SUM(CASE WHEN current_status = 'healthy' THEN 1 ELSE 0 END) as healthy_services
FROM service_status;"""
CRITICAL = """
SELECT
  service_name,
  uptime_percentage,
  consecutive_failures,
  last_healthy
FROM service_status
WHERE service_name IN ('interpreter', 'orchestrator', 'doc_store', 'prompt_store', 'analysis_service', 'llm_gateway')
ORDER BY uptime_percentage ASC;"""
DELETE = "DELETE FROM health_checks WHERE timestamp < datetime('now', '-7 days');"

NAMES = ("interpreter", "orchestrator", "frontend")
NOISE = "noise"  # the service whose checks are written all the while
DAY, WEEK = timedelta(days=1), timedelta(days=7)
MARGIN = timedelta(seconds=90)  # as long as this test may take


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [(name, "core", True) for name in (*NAMES, NOISE)], now=datetime.now(UTC))
    yield opened
    opened.close()


@pytest.fixture
def writing(database: Connection) -> Iterator[threading.Event]:
    """Write checks of another service as fast as they can be, until the test is over."""
    stop, wrote = threading.Event(), threading.Event()

    def write() -> None:
        connection = open_for_writing(database.path)
        while not stop.is_set():
            checks.append(connection, [a_check(at=datetime.now(UTC), service_id=4)])
            wrote.set()
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert wrote.wait(10)
    yield wrote
    stop.set()
    thread.join()


def shell(database: Connection, sql: str) -> list[list[str]]:
    """Run one statement as an operator does. Debian's shell waits for nobody's lock unless it is told to."""
    command = [needs.program("sqlite3", package="sqlite3"), "-cmd", ".timeout 10000", str(database.path), sql]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split("|") for line in done.stdout.splitlines()]


def test_the_history_queries_count_exactly_what_lies_inside_their_window(
    database: Connection,
    writing: threading.Event,
) -> None:
    now = datetime.now(UTC)
    times = [now - age for age in (timedelta(0), timedelta(hours=1), DAY - MARGIN, DAY + MARGIN, WEEK - MARGIN, WEEK + MARGIN)]
    times += [(now - DAY).replace(hour=0, minute=0, second=1), now.replace(hour=0, minute=0, second=1)]
    reasons = [CheckReason.OK if n % 3 else CheckReason.STATUS for n in range(len(times))]
    seconds = [0.1 * (n + 1) for n in range(len(times))]
    rows = list(zip(times, reasons, seconds, strict=True))
    for at, reason, response_time_s in rows:
        checks.append(database, [a_check(reason, at=at, response_time_s=response_time_s)])
        checks.append(database, [a_check(at=at, kind=CheckKind.RECHECK, response_time_s=9.0)])
        checks.append(database, [a_check(CheckReason.NO_NETWORK, at=at, response_time_s=None)])

    day = [seconds for at, _, seconds in rows if now - at < DAY]
    [trend] = [row for row in shell(database, TRENDS) if row[0] != NOISE]
    assert trend[0] == "interpreter"
    assert [float(cell) for cell in trend[1:]] == pytest.approx([sum(day) / len(day), max(day), len(day)])

    week = [reason for at, reason, _ in rows if now - at < WEEK]
    healthy = week.count(CheckReason.OK)
    [uptime] = [row for row in shell(database, UPTIME) if row[0] != NOISE]
    expected = [len(week), healthy, round(100 * healthy / len(week), 2)]
    assert [float(cell) for cell in uptime[1:]] == pytest.approx(expected)
    assert writing.is_set()


def test_the_delete_takes_what_is_old_and_nothing_else(database: Connection, writing: threading.Event) -> None:
    now = datetime.now(UTC)
    kept, gone = [now - WEEK + MARGIN, now], [now - WEEK - MARGIN, now - 2 * WEEK]
    checks.append(database, [a_check(at=at) for at in kept + gone])
    before = len(database.rows("SELECT 1 FROM inbox WHERE service_id = 1"))
    assert shell(database, DELETE) == []
    left = database.rows("SELECT count(*), min(timestamp) FROM health_checks WHERE service_name = 'interpreter'")
    assert left == [(len(kept), min(kept).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds"))]
    assert len(database.rows("SELECT 1 FROM inbox WHERE service_id = 1")) == before
    assert writing.is_set()


def test_the_alert_query_shows_the_last_day_newest_first(database: Connection, writing: threading.Event) -> None:
    now = datetime.now(UTC)
    ages = {"old": DAY + MARGIN, "edge": DAY - MARGIN, "new": timedelta(minutes=1)}
    for name, age in ages.items():
        alert = Alert(
            service_id=1,
            alert_type=name,
            severity=AlertSeverity.CRITICAL,
            message=f"{name} alert",
            triggered_at=now - age,
        )
        alerts.fire(database, alert)
    assert [row[:4] for row in shell(database, ALERTS)] == [
        ["interpreter", "new", "critical", "new alert"],
        ["interpreter", "edge", "critical", "edge alert"],
    ]
    assert writing.is_set()


def test_the_status_queries_tell_the_present(database: Connection, writing: threading.Event) -> None:
    now = datetime.now(UTC)
    sick = ServiceState(
        service_id=2,
        status=ServiceStatus.UNHEALTHY,
        last_healthy_at=now - DAY,
        consecutive_failures=7,
    )
    well = ServiceState(service_id=1, status=ServiceStatus.HEALTHY, last_healthy_at=now)
    with database.transaction(durable=True):
        states.save(database, [(well, Uptime(percentage=99.5, coverage=100.0)), (sick, Uptime(percentage=12.5, coverage=50.0))])
    assert shell(database, OVERALL) == [["25.0", "4", "1"]]
    rows = shell(database, CRITICAL)
    assert [row[:3] for row in rows] == [["orchestrator", "12.5", "7"], ["interpreter", "99.5", "0"]]
    assert rows[0][3].startswith((now - DAY).strftime("%Y-%m-%d %H:%M:%S"))
    assert writing.is_set()


@pytest.mark.parametrize("statement", ["VACUUM;", "ANALYZE;"])
def test_maintenance_works_beside_the_agent(database: Connection, writing: threading.Event, statement: str) -> None:
    assert shell(database, statement) == []
    assert database.rows("PRAGMA integrity_check") == [("ok",)]
    assert writing.is_set()


def test_a_backup_by_the_shell_holds_the_history(database: Connection, writing: threading.Event, tmp_path: Path) -> None:
    checks.append(database, [a_check(at=datetime.now(UTC))])
    copy = tmp_path / "health_monitoring_backup.db"
    assert shell(database, f".backup {copy}") == []
    restored = open_for_writing(copy)
    assert restored.rows("SELECT count(*) FROM health_checks WHERE service_name = 'interpreter'") == [(1,)]
    restored.close()
    assert writing.is_set()
