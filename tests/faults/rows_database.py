"""What people do to the database while the agent uses it: copies over it, and the sqlite3 shell. F43-cp, F43-shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from tests.containers import wait_for
from tests.faults.disks import wait_until_current, watching
from tests.faults.harness import CannotRunError, row, since

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.disks import DiskAgent

ROUNDS = int(os.environ.get("ROUNDS", "1000"))
STATEMENTS = (
    "DELETE FROM health_checks WHERE timestamp < datetime('now', '-7 days');",
    "VACUUM;",
    "ANALYZE;",
    ".backup copy.db",
)


@row("F43-cp", "a backup is copied over the database in use: told, it is used from then on, nothing is mixed", bound_s=30)
def copied_over() -> float:
    with watching() as host:
        backup, until = _backed_up(host)
        began = time.monotonic()
        subprocess.run(["cp", str(backup), str(host.paths.database)], check=True)
        wait_for(lambda: "database_replaced" in host.log("keeper"), timeout_s=25, what="the keeper to say so")
        wait_until_current(host, timeout_s=25)
        took = since(began)
        _assert_only(host, until)
        return took


@row("F43-cp-restart", "the document's restore: `cp` over the database in use, then a restart at once: nothing is mixed", bound_s=30)
def copied_over_and_restarted() -> float:
    with watching() as host:
        backup, until = _backed_up(host)
        began = time.monotonic()
        subprocess.run(["cp", str(backup), str(host.paths.database)], check=True)
        host.stop()
        host.start()
        host.wait_until_running()
        wait_until_current(host, timeout_s=25)
        took = since(began)
        _assert_only(host, until)
        return took


def _backed_up(host: DiskAgent) -> tuple[Path, str]:
    """Make a backup, and live on for a while; return it, and until when it reaches. What came later will be gone."""
    host.before.may_forget = True
    backup = host.paths.data_dir / "copy.db"
    done = host.ask("db", "backup", str(backup))
    assert done.returncode == 0, done.stderr
    until = str(host.rows("SELECT max(timestamp) FROM health_checks")[0][0])
    wait_for(lambda: len(host.rows(f"SELECT 1 FROM health_checks WHERE timestamp > '{until}'")) > 5, timeout_s=20, what="checks after the backup")
    return backup, until


def _assert_only(host: DiskAgent, until: str) -> None:
    """What was in the backup is there, what came after it until the fault is not, and the database is whole."""
    assert host.rows("PRAGMA integrity_check") == [("ok",)]
    begun = str(host.rows("SELECT min(timestamp) FROM checks")[0][0])
    assert begun < until, "what was in the backup is gone"
    newest_before, oldest_after = (
        host.rows(f"SELECT max(timestamp) FROM checks WHERE timestamp <= '{until}'")[0][0],
        host.rows(f"SELECT min(timestamp) FROM checks WHERE timestamp > '{until}'")[0][0],
    )
    gap = host.rows(f"SELECT (julianday('{oldest_after}') - julianday('{newest_before}')) * 86400")[0][0]
    assert float(str(gap)) > 2.5, f"there is history of the time that the backup does not know: a gap of {gap} s only"


@row("F43-shell", f"the document's DELETE, VACUUM, ANALYZE and .backup, {ROUNDS} times each, by Debian's shell beside the agent", bound_s=280, in_ci=False)
def shell_beside_the_agent() -> float:
    """What this old SQLite (3.40) may do to a WAL database is a narrow race; here it is tried, not disproved."""
    if shutil.which("sqlite3") is None:
        raise CannotRunError("there is no sqlite3")
    with watching() as host:
        before = host.pids()
        began = time.monotonic()
        for _ in range(ROUNDS):
            for statement in STATEMENTS:
                _in_shell(host, statement)
        took = since(began)
        wait_until_current(host, timeout_s=20)
        assert host.pids() == before, "somebody was replaced"
        assert host.rows("PRAGMA integrity_check") == [("ok",)]
        longest = host.rows(
            "SELECT max(gap) FROM (SELECT (julianday(timestamp) - julianday(lag(timestamp) OVER (PARTITION BY service_id ORDER BY timestamp)))"
            " * 86400 AS gap FROM checks WHERE kind = 0)",
        )
        assert float(str(longest[0][0])) < 3, f"a check is missing: there is a gap of {longest[0][0]} s"
        return took


def _in_shell(host: DiskAgent, statement: str) -> None:
    done = subprocess.run(
        ["sqlite3", "-cmd", ".timeout 20000", str(host.paths.database), statement],
        cwd=host.paths.data_dir,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{statement} ended with {done.returncode}: {done.stderr}"
