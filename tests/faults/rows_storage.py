"""Faults of the database and its disk: F42, F43, F45."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

from tests.containers import wait_for
from tests.faults.harness import agent, row, since

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.harness import Agent

LOCKED_S = 20.0


def _zero_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))




def _text(path: Path) -> None:
    path.write_text("this is a shopping list\n" * 200)


DAMAGES = {"zeroed header": _zero_header, "text": _text}


@row("F42", "a database damaged while stopped: refused with one clear line, and left as it is", bound_s=10)
def damaged_database() -> float:
    worst = 0.0
    for name, damage in DAMAGES.items():
        with agent() as host:
            wait_for(partial(_has_checks, host), timeout_s=20, what="some checks")
            host.stop()
            damage(host.paths.database)
            before = host.paths.database.read_bytes()
            began = time.monotonic()
            done = _run(host)
            worst = max(worst, since(began))
            assert done.returncode in {2, 3}, f"{name}: it ended with {done.returncode}"
            said = [line for line in done.stderr.splitlines() if "configuration" not in line]
            assert len(said) == 1, f"{name}: it said {len(said)} lines"
            assert str(host.paths.database) in said[0], f"{name}: it does not name the file"
            assert host.paths.database.read_bytes() == before, f"{name}: the file was changed"
            _text(host.paths.database)
            host.paths.database.unlink()
            host.start()
            host.wait_until_running()
    return worst


def _has_checks(host: Agent) -> bool:
    return host.checks() > 2


def _run(host: Agent) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        host.command("run"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=host.paths.data_dir,
    )


@row("F43", "the database is deleted under live processes: noticed, said, nothing written into the void", bound_s=30)
def deleted_database() -> float:
    with agent() as host:
        wait_for(lambda: host.checks() > 2, timeout_s=20, what="some checks")
        began = time.monotonic()
        for path in host.paths.data_dir.glob("health_monitoring.db*"):
            path.unlink()
        names = ("evaluator", "probe-core")
        wait_for(lambda: all("deleted or replaced" in host.log(name) for name in names), timeout_s=40, what="all to notice")
        took = since(began)
        assert not host.paths.database.exists(), "somebody made a new database silently"
        host.stop()
        host.start()
        host.wait_until_running()
        wait_for(lambda: host.checks() > 2, timeout_s=20, what="checks in a new database")
        host.assert_sound()
        return took


@row("F45", "another program holds the lock for 20 s: probing goes on in memory, nothing is lost", bound_s=5)
def foreign_lock() -> float:
    with agent() as host:
        wait_for(lambda: host.checks() > 2, timeout_s=20, what="some checks")
        before = host.pids()
        holder = sqlite3.connect(host.paths.database, timeout=10, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        stored = holder.execute("SELECT count(*) FROM health_checks").fetchone()[0]
        time.sleep(LOCKED_S)  # the fault itself
        holder.execute("ROLLBACK")
        holder.close()
        began = time.monotonic()
        wait_for(lambda: host.checks() >= stored + LOCKED_S - 3, timeout_s=15, what="the checks made meanwhile")
        took = since(began)
        assert host.pids() == before, "workers ended over a lock"
        assert host.rows("SELECT count(*) FROM inbox")[0][0] < 10, "the evaluator does not follow"
        host.assert_sound()
        return took
