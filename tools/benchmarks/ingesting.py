"""How many checks can four writers commit a second, beside an evaluator that empties the inbox and a keeper?

Beside it, in the same run, what the machine gives: the same writers on the earlier script's bare table, with SQLite's own
waiting, and nobody else. Each at a tenth more than is promised (at the pace itself no more than that could be shown), and as fast as
it goes.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import apsw

from healthmon import clock
from healthmon.errors import StoreBusyError
from healthmon.model.check import Check, CheckKind, CheckReason, Outcome
from healthmon.processes.keeper.counting import Counting
from healthmon.status.uptime import hour_of
from healthmon.store import checks, services, space, stale_rollups
from healthmon.store.opening import create_or_open, open_for_working

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.queues import Queue
    from pathlib import Path

    Commit = Callable[[list[Check]], None]

WRITERS, RATE, BATCH = 4, 22_000, 250
UNPACED_S = 10.0
CONTEXT = multiprocessing.get_context("fork")
BARE = "CREATE TABLE health_checks (service_name TEXT, status TEXT, response_time REAL, status_code INTEGER, error_message TEXT, timestamp TEXT)"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One way to store checks: how it is made, how a writer commits into it, who else works on it, how its rows are counted."""

    make: Callable[[Path], None]
    opened: Callable[[Path], Commit]
    beside: tuple[Callable[[Path, Any], None], ...]
    table: str


def measure(directory: Path, seconds: float) -> dict[str, Any]:
    """Return how four writers did."""
    ours = Side(make=_make_ours, opened=_ours, beside=(_drain, _keep), table="checks")
    bare = Side(make=_make_bare, opened=_bare, beside=(), table="health_checks")
    found = {}
    for name, side, length_s, rate in (
        ("ours, paced", ours, seconds, RATE),
        ("bare table, paced", bare, seconds / 4, RATE),
        ("ours, unpaced", ours, UNPACED_S, None),
        ("bare table, unpaced", bare, UNPACED_S, None),
    ):
        found[name] = _run(side, directory / f"{name}.db", length_s, rate)
        print(name, found[name], flush=True)
    return found


def _run(side: Side, path: Path, seconds: float, rate: int | None) -> dict[str, Any]:
    side.make(path)
    said: Queue[dict[str, Any]] = CONTEXT.Queue()
    stop = CONTEXT.Event()
    helpers = [CONTEXT.Process(target=one, args=(path, stop)) for one in side.beside]
    writers = [CONTEXT.Process(target=_write, args=(side, path, number, seconds, rate, said)) for number in range(WRITERS)]
    for process in (*helpers, *writers):
        process.start()
    told = [said.get(timeout=seconds + 120) for _ in writers]
    for process in writers:
        process.join()
    stop.set()
    for process in helpers:
        process.join(30)
    [[stored]] = apsw.Connection(str(path)).execute(f"SELECT count(*) FROM {side.table}")  # noqa: S608  our own names
    commits = sorted(took for one in told for took in one["commits"])
    written, took = sum(one["written"] for one in told), max(one["took"] for one in told)
    return {
        "asked for": rate,
        "seconds": round(took, 1),
        "checks a second": round(written / took),
        "commit p50 ms": round(1_000 * commits[len(commits) // 2], 2),
        "commit p99 ms": round(1_000 * commits[int(len(commits) * 0.99)], 2),
        "commit max ms": round(1_000 * commits[-1], 1),
        "database is locked": sum(one["locked"] for one in told),
        "lost": written - stored,
    }


def _write(side: Side, path: Path, number: int, seconds: float, rate: int | None, said: Queue[dict[str, Any]]) -> None:  # noqa: PLR0913, PLR0917  of a process
    commit = side.opened(path)
    pause_s = 0.0 if rate is None else BATCH * WRITERS / rate
    commits: list[float] = []
    written = locked = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        now = clock.now()
        batch = [_look(1 + number * BATCH + one, now) for one in range(BATCH)]
        started = time.monotonic()
        try:
            commit(batch)
            written += len(batch)
        except StoreBusyError:
            locked += 1
        commits.append(time.monotonic() - started)
        time.sleep(max(0.0, began + pause_s * len(commits) - time.monotonic()))
    said.put({"commits": commits, "written": written, "locked": locked, "took": elapsed})


def _make_ours(path: Path) -> None:
    connection = create_or_open(path)
    services.sync(connection, [(f"service_{number:04}", "bench", False) for number in range(1_000)], now=datetime.now(UTC))
    connection.close()


def _ours(path: Path) -> Commit:
    connection = open_for_working(path)
    return lambda batch: checks.append(connection, batch)


def _make_bare(path: Path) -> None:
    made = apsw.Connection(str(path))
    made.execute("PRAGMA journal_mode = WAL").fetchall()
    made.execute(BARE)
    made.close()


def _bare(path: Path) -> Commit:
    opened = apsw.Connection(str(path))
    opened.set_busy_timeout(2_000)
    opened.execute("PRAGMA synchronous = NORMAL")

    def commit(batch: list[Check]) -> None:
        rows = [(f"service_{one.service_id}", "healthy", one.outcome.response_time_s, 200, None, clock.to_sql(one.checked_at)) for one in batch]
        try:
            opened.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            raise StoreBusyError(str(path)) from None
        opened.executemany("INSERT INTO health_checks VALUES (?, ?, ?, ?, ?, ?)", rows)
        opened.execute("COMMIT")

    return commit


def _drain(path: Path, stop: Any) -> None:
    """Empty the inbox as the evaluator does."""
    connection = open_for_working(path)
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
    connection = open_for_working(path, busy_timeout_ms=500)
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
