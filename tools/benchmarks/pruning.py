"""By how much does it delay a look that a day of 1,000 services' checks is deleted?

A real agent looks at 1,000 services every ten seconds: for a time beside nothing, then while the keeper does its passes, then
while `healthmon db prune` deletes the whole day at once. How late a look began is told by the grid of its own service.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from asked import a_target  # beside this file
from products import until_ended

from healthmon import clock
from healthmon.history.rollups import day_of
from healthmon.status.uptime import hour_of
from healthmon.store import facts, retention, services, stale_rollups
from healthmon.store.opening import create_or_open

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SERVICES, GROUPS, EVERY_S, INTERVAL_S = 1_000, 4, 30, 10.0
DATABASE = "health_monitoring.db"
SETTLE_S, WINDOW_S = 25.0, 30.0
PASSES = 3
PRUNE_S = 150.0
MAX_LATE_MS = 100


def measure(directory: Path) -> dict[str, Any]:
    """Return how late looks began, with and without."""
    path = _old_day(directory)
    with a_target() as target:
        config = _configuration(directory, f"http://127.0.0.1:{target.ports[0]}/pruning")
        words = [sys.executable, "-P", "-m", "healthmon", "--config", str(config)]
        with until_ended([subprocess.Popen([*words, "run"], stderr=subprocess.DEVNULL)]):  # noqa: S603  our own words
            time.sleep(SETTLE_S)
            windows = {"beside nothing": _window(lambda: time.sleep(WINDOW_S))}
            windows["beside the keeper's passes"] = _window(lambda: _passes(words))
            due = _old_rows(path)
            windows["beside db prune"] = _window(lambda: _prune(words))
            left = _old_rows(path)
            windows["beside keepers that find nothing to delete"] = _window(lambda: _passes(words))
            time.sleep(2)
        late = _lateness(path)
    found: dict[str, Any] = {"deleted by db prune": due - left, "left": left}
    for name, (since, until) in windows.items():
        mine = sorted(ms for at, ms in late if since <= at < until)
        found[name] = {
            "seconds": round(until - since, 1),
            "looks": len(mine),
            "late p50 ms": _share(mine, 0.5),
            "p99": _share(mine, 0.99),
            "p99.9": _share(mine, 0.999),
            "max": mine[-1],
            f"later than {MAX_LATE_MS} ms": sum(ms > MAX_LATE_MS for ms in mine),
        }
    return found


def _prune(words: list[str]) -> None:
    """Delete the whole day at once; what is not deleted in the time is told."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run([*words, "db", "prune", "--yes"], check=True, capture_output=True, timeout=PRUNE_S)  # noqa: S603  ours


def _passes(words: list[str]) -> None:
    """Have the keeper begin anew: its first pass goes over twenty minutes of history, like one that is ten minutes late."""
    for _ in range(PASSES):
        subprocess.run([*words, "ctl", "restart", "keeper"], check=True, capture_output=True)  # noqa: S603  ours
        time.sleep(WINDOW_S / PASSES)


def _window(work: Any) -> tuple[float, float]:
    began = time.time()
    work()
    return began, time.time()


def _old_day(directory: Path) -> Path:
    """Make a database with a day of checks of all services that has just come of age."""
    path = directory / DATABASE
    connection = create_or_open(path)
    now = datetime.now(UTC)
    services.sync(connection, [(f"s{n}", f"g{n % GROUPS}", False) for n in range(SERVICES)], now=now)
    begin = day_of(now) - timedelta(days=31)
    for hour in range(24):
        with connection.transaction(durable=False):
            connection.rows(
                """
                WITH RECURSIVE tick (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM tick WHERE n + 1 < ?2)
                INSERT INTO checks
                SELECT strftime('%Y-%m-%d %H:%M:%f', ?1, '+' || (n * ?3) || ' seconds'), service_id, 0, 0, 1, 12345, 200, NULL, NULL
                FROM tick CROSS JOIN services
                """,
                clock.to_sql(begin + timedelta(hours=hour)),
                3_600 // EVERY_S,
                EVERY_S,
            )
    with connection.transaction(durable=False):
        facts.note_time(connection, stale_rollups.COUNTED_UNTIL, hour_of(now))
    retention.note_reached(connection, retention.KINDS["checks"][0], begin)
    connection.close()
    return path


def _configuration(directory: Path, base: str) -> Path:
    listed = [{"name": f"s{n}", "url": f"{base}/s/{n}", "group": f"g{n % GROUPS}"} for n in range(SERVICES)]
    path = directory / "health_monitoring_config.json"
    path.write_text(json.dumps({"check_interval_seconds": INTERVAL_S, "data_dir": str(directory), "services": listed, "web": {"enabled": False}}))
    return path


def _old_rows(path: Path) -> int:
    return int(_asked(path, "SELECT count(*) FROM checks WHERE timestamp < datetime('now', '-30 days')")[0][0])


def _lateness(path: Path) -> list[tuple[float, float]]:
    """Return of each scheduled look when it began, and how many milliseconds after the earliest place on its grid."""
    looks: defaultdict[int, list[float]] = defaultdict(list)
    for sid, timestamp in _asked(path, "SELECT service_id, timestamp FROM checks WHERE kind = 0 AND timestamp > datetime('now', '-1 hour')"):
        looks[sid].append(clock.from_sql(timestamp).timestamp())
    return [one for times in looks.values() for one in _late(times[1:])]  # the first stands off the grid


def _late(times: Iterable[float]) -> Iterator[tuple[float, float]]:
    """Yield each time with its distance from the grid; the earliest of all of them is on it, be it just before a turn."""
    known = list(times)
    phase = known[0]
    off = [(at - phase + INTERVAL_S / 2) % INTERVAL_S - INTERVAL_S / 2 for at in known]
    yield from ((at, round(1_000 * (one - min(off)), 1)) for at, one in zip(known, off, strict=True))


def _asked(path: Path, sql: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(sql).fetchall()


def _share(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]
