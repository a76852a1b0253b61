"""What does history cost: bytes a check, the document's queries, report and dashboard, ingest, a day's pruning?

Beside the earlier script's plain table, with and without its best index, in the same run. Times are medians over rounds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import histories  # beside this file

from healthmon import clock
from healthmon.answers.report import read_dashboard, read_report
from healthmon.config import Config
from healthmon.errors import StoreBusyError
from healthmon.log import Log
from healthmon.model.check import Check, CheckKind, CheckReason, Outcome
from healthmon.processes.keeper.counting import Counting
from healthmon.processes.keeper.pruning import Pruning
from healthmon.status.uptime import hour_of
from healthmon.store import checks, retention, rollups, services, space, stale_rollups
from healthmon.store.connection import create_or_open, open_for_reading, open_for_writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.store.connection import Connection

SERVICES, DAYS = 17, 30
WRITERS, RATE, BATCH = 4, 20_000, 250
QUERIES = {
    "24 hours": """SELECT service_name, AVG(response_time) as avg_response_time, MAX(response_time) as max_response_time, COUNT(*) as checks_count
FROM health_checks WHERE timestamp > datetime('now', '-24 hours') GROUP BY service_name ORDER BY avg_response_time DESC;""",
    "7 days": """SELECT service_name, COUNT(*) as total_checks, SUM(CASE WHEN status = 'healthy' THEN 1 ELSE 0 END) as healthy_checks,
ROUND(SUM(CASE WHEN status = 'healthy' THEN 1 ELSE 0 END) * 100.0 / COUNT(*), 2) as uptime_percentage
FROM health_checks WHERE timestamp > datetime('now', '-7 days') GROUP BY service_name ORDER BY uptime_percentage ASC;""",
}
Results = dict[str, Any]


def size_and_queries(directory: Path, rounds: int, days: float) -> Results:
    """Return bytes a check, and what the document's queries take in the sqlite3 shell."""
    paths = {name: directory / f"{name}.db" for name in ("ours", "plain with index", "plain")}
    connection = histories.ours(paths["ours"], SERVICES, days)
    histories.plain(paths["plain with index"], paths["ours"], index=True)
    histories.plain(paths["plain"], paths["ours"], index=False)
    rows = _count(connection)
    connection.close()
    found: Results = {"checks": rows, "bytes a check": {name: round(path.stat().st_size / rows, 1) for name, path in paths.items()}}
    for query, sql in QUERIES.items():
        took: dict[str, list[float]] = {name: [] for name in paths}
        for _ in range(rounds):
            for name, path in paths.items():
                took[name].append(_in_shell(path, sql))
        found[f"{query}, ms in the sqlite3 shell"] = {name: round(statistics.median(one), 1) for name, one in took.items()}
    return found


def answers(directory: Path, rounds: int) -> Results:
    """Return what report and dashboard take, by how many services there are and how many days of history."""
    found: Results = {}
    for count in (SERVICES, 1_000):
        for days in (3, 90):
            path = directory / f"answers-{count}-{days}.db"
            connection = histories.ours(path, count, min(days, 30) if count == SERVICES else 2 / 24)
            histories.hours_only(connection, count, days)
            connection.close()
            reading = open_for_reading(path)
            config = _config(directory, count)
            found[f"{count} services, {days} days"] = {
                "report ms": _median_ms(lambda: json.dumps(read_report(reading, config)), rounds),  # noqa: B023  called at once
                "dashboard ms": _median_ms(lambda: json.dumps(read_dashboard(reading, config)), rounds),  # noqa: B023  as above
            }
            reading.close()
    return found


def ingest(directory: Path, seconds: float) -> Results:
    """Return how four writers did, with an evaluator that empties the inbox and a keeper beside them."""
    path = directory / "ingest.db"
    connection = create_or_open(path)
    services.sync(connection, [(f"service_{number:04}", "bench", False) for number in range(1_000)], now=datetime.now(UTC))
    context = multiprocessing.get_context("fork")
    said: multiprocessing.Queue[Results] = context.Queue()
    stop = context.Event()
    connection.close()
    helpers = [context.Process(target=one, args=(path, stop)) for one in (_drain, _keep)]
    writers = [context.Process(target=_write, args=(path, number, seconds, said)) for number in range(WRITERS)]
    for process in (*helpers, *writers):
        process.start()
    told = [said.get(timeout=seconds + 120) for _ in writers]
    for process in writers:
        process.join()
    stop.set()
    for process in helpers:
        process.join(30)
    connection = open_for_reading(path)
    stored = _count(connection)
    connection.close()
    commits = sorted(took for one in told for took in one["commits"])
    written = sum(one["written"] for one in told)
    return {
        "writers": WRITERS,
        "seconds": round(max(one["took"] for one in told), 1),
        "checks a second": round(written / max(one["took"] for one in told)),
        "commit p50 ms": round(1_000 * commits[len(commits) // 2], 2),
        "commit p99 ms": round(1_000 * commits[int(len(commits) * 0.99)], 2),
        "commit max ms": round(1_000 * commits[-1], 1),
        "database is locked": sum(one["locked"] for one in told),
        "lost": written - stored,
        "wal MiB at the end": round(space.wal_bytes(path) / 2**20, 1),
    }


def pruning(directory: Path) -> Results:
    """Return how much a prober's commits are delayed while a day of 1,000 services is deleted."""
    path = directory / "pruning.db"
    connection = create_or_open(path)
    services.sync(connection, [(f"service_{number:04}", "bench", False) for number in range(1_000)], now=datetime.now(UTC))
    _fill_old_day(connection)
    config = _config(directory, SERVICES)
    context = multiprocessing.get_context("fork")
    said: multiprocessing.Queue[list[float]] = context.Queue()
    stop = context.Event()
    before = _count(connection)
    prober = context.Process(target=_probe, args=(path, stop, said))
    prober.start()
    began = time.monotonic()
    kind = retention.KINDS["checks"][0]
    work = Pruning(config, connection, Log("bench"))
    retention.note_reached(connection, kind, retention.oldest(connection, kind) or datetime.now(UTC))
    work._lived_at = clock.boottime() - 86_400  # noqa: SLF001  a day of it at once, which the agent spreads over the day
    while (pause_s := work.step()) < 60:  # noqa: PLR2004  the pause between two passes
        time.sleep(pause_s)
    took = time.monotonic() - began
    stop.set()
    delays = sorted(said.get(timeout=30))
    prober.join(30)
    left = _count(connection)
    connection.close()
    return {
        "deleted": before - left,
        "seconds": round(took, 1),
        "a prober's commit p50 ms": round(1_000 * delays[len(delays) // 2], 2),
        "a prober's commit p99 ms": round(1_000 * delays[int(len(delays) * 0.99)], 2),
        "a prober's commit max ms": round(1_000 * delays[-1], 1),
    }


def _write(path: Path, number: int, seconds: float, said: multiprocessing.Queue[Results]) -> None:
    connection = open_for_writing(path)
    commits: list[float] = []
    written = locked = 0
    pause_s = BATCH * WRITERS / RATE
    began = time.monotonic()
    sequence = 0
    while (elapsed := time.monotonic() - began) < seconds:
        now = clock.now()
        batch = [_look(1 + number * 250 + (sequence + one) % 250, now) for one in range(BATCH)]
        sequence += BATCH
        started = time.monotonic()
        try:
            checks.append(connection, batch)
            written += len(batch)
        except StoreBusyError:
            locked += 1
        commits.append(time.monotonic() - started)
        due = began + pause_s * len(commits)
        time.sleep(max(0.0, due - time.monotonic()))
    connection.close()
    said.put({"commits": commits, "written": written, "locked": locked, "took": elapsed})


def _probe(path: Path, stop: Any, said: multiprocessing.Queue[list[float]]) -> None:
    """Commit as a prober of 1,000 services does: a tenth of a second's checks at a time."""
    connection = open_for_writing(path)
    delays = []
    while not stop.is_set():
        now = clock.now()
        started = time.monotonic()
        checks.append(connection, [_look(one + 1, now) for one in range(4)])
        delays.append(time.monotonic() - started)
        time.sleep(0.1)
    connection.close()
    said.put(delays)


def _drain(path: Path, stop: Any) -> None:
    """Empty the inbox as the evaluator does."""
    connection = open_for_writing(path)
    while True:
        entries = checks.read_inbox(connection, limit=1_000)
        if entries:
            with connection.transaction(durable=False):
                stale_rollups.mark_hours(connection, {hour_of(entry.check.checked_at) for entry in entries if entry.check is not None})
                checks.delete_inbox_until(connection, entries[-1].inbox_id)
        elif stop.is_set():
            break
        else:
            time.sleep(0.05)
    connection.close()


def _keep(path: Path, stop: Any) -> None:
    connection = open_for_writing(path, busy_timeout_ms=500)
    counting = Counting(connection)
    while not stop.is_set():
        try:
            counting.step()
            if space.wal_bytes(path) > 2 * 2**20:
                space.checkpoint(connection, truncate=False)
        except StoreBusyError:
            pass
        time.sleep(0.2)
    connection.close()


def _look(service_id: int, at: datetime) -> Check:
    outcome = Outcome(reason=CheckReason.OK, response_time_s=0.0123, status_code=200)
    return Check(service_id=service_id, kind=CheckKind.SCHEDULED, checked_at=at, outcome=outcome)


def _fill_old_day(connection: Connection) -> None:
    """Put a day of checks of 1,000 services every 30 s where it has just come of age."""
    begin = datetime.now(UTC) - timedelta(days=31)
    with connection.transaction(durable=False):
        connection.rows(
            """
            WITH RECURSIVE tick (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM tick WHERE n < 2879)
            INSERT INTO checks SELECT strftime('%Y-%m-%d %H:%M:%f', ?1, '+' || (n * 30) || ' seconds'), service_id, 0, 0, 1, 12345, 200, NULL, NULL
            FROM tick CROSS JOIN services
            """,
            clock.to_sql(begin),
        )
        rollups.facts.note_time(connection, stale_rollups.COUNTED_UNTIL, datetime.now(UTC))


def _config(directory: Path, count: int) -> Config:
    listed = [
        {"name": f"service_{number:04}", "url": "http://localhost:1/", "interval_seconds": 30, "timeout_seconds": 10, "retry_interval_seconds": 2}
        for number in range(count)
    ]
    return Config.model_validate_json(json.dumps({"services": listed, "data_dir": str(directory)}))


def _in_shell(path: Path, sql: str) -> float:
    """Return the milliseconds that a query takes in Debian's shell, as its own timer says."""
    done = subprocess.run(["sqlite3", str(path)], input=f".timer on\n{sql}\n", capture_output=True, text=True, check=True)  # noqa: S603, S607  ours
    [line] = [line for line in done.stdout.splitlines() if line.startswith("Run Time: real")]
    return 1_000 * float(line.split()[3])


def _median_ms(work: Callable[[], object], rounds: int) -> float:
    took = []
    for _ in range(max(5, rounds)):
        started = time.perf_counter()
        work()
        took.append(1_000 * (time.perf_counter() - started))
    return round(statistics.median(took), 1)


def _count(connection: Connection) -> int:
    found = connection.row("SELECT count(*) FROM checks")
    return 0 if found is None else int(str(found[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--days", type=float, default=DAYS, help="of checks, for sizes and queries")
    parser.add_argument("--seconds", type=float, default=60, help="of ingest")
    parser.add_argument("--only", choices=("size", "answers", "ingest", "pruning"))
    parser.add_argument("--json", type=Path, help="write the results here, too")
    options = parser.parse_args()
    parts: dict[str, Callable[[Path], Results]] = {
        "size": lambda directory: size_and_queries(directory, options.rounds, options.days),
        "answers": lambda directory: answers(directory, options.rounds),
        "ingest": lambda directory: ingest(directory, options.seconds),
        "pruning": pruning,
    }
    known = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    load = os.getloadavg()[0]
    for name, part in parts.items():
        if options.only in {None, name}:
            with tempfile.TemporaryDirectory() as directory:
                known[name] = part(Path(directory)) | {"load average before": round(load, 1)}
            print(name, json.dumps(known[name], indent=2))
    known |= {"python": platform.python_version(), "sqlite": apsw.sqlite_lib_version(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    if options.json:
        options.json.write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    main()
