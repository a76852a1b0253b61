"""The database over long readers, chaos, floods, backups and upgrades: F44, F46-chaos, F47, F48, F49."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from healthmon.errors import EXIT_USAGE
from healthmon.processes.keeper.tidying import ALERT_BYTES, TRUNCATE_BYTES
from healthmon.store import space
from tests.containers import wait_for
from tests.faults.agents import agent, held
from tests.faults.disks import DiskAgent, newest_age_s, wait_until_current, watching
from tests.faults.harness import TOP, row, since
from tests.faults.neighbours import Well, assert_never_unhealthy
from tests.faults.notes import figures
from tests.hostile import Server, request_of

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.faults.agents import Agent

CROWD, READING_S = 40, 20.0
OFTEN: dict[str, Any] = {"interval_seconds": 0.4, "timeout_seconds": 0.4}
CHAOS_S = 60.0
QUICK: dict[str, Any] = {"interval_seconds": 0.2, "timeout_seconds": 0.2}
BACKUPS = 5
STEPS, FIRST_STEP = 4, 2
FLOODING, FLOOD_S, LONGEST_TEXT = 20, 15.0, 2_048
# Of a service that always fails: what is stored, but for what the evaluator has not taken yet, is what was counted.
COUNTED_ONCE = """
SELECT (SELECT count(*) FROM health_checks WHERE service_name = 'ill') - (SELECT count(*) FROM inbox JOIN services
        USING (service_id) WHERE service_name = 'ill'), consecutive_failures
FROM service_status WHERE service_name = 'ill'
"""


@row("F44", f"a reader keeps the log of the database pinned for {READING_S:g} s: nobody waits for it, and the log is written back after it", bound_s=10, in_ci=False)
def long_reader() -> float:
    with Well() as well, agent([well.service(f"s{number}", **OFTEN) for number in range(CROWD)]) as host:
        host.wait_for_checks(above=CROWD)
        before = host.pids()
        with closing(sqlite3.connect(f"file:{host.paths.database}?mode=ro", uri=True, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM checks").fetchall()
            until, oldest_s = time.monotonic() + READING_S, 0.0
            while time.monotonic() < until:
                oldest_s = max(oldest_s, newest_age_s(host))
                time.sleep(0.2)
            grown = space.wal_bytes(host.paths.database)
            reader.execute("ROLLBACK")
        began = time.monotonic()
        wait_for(lambda: space.wal_bytes(host.paths.database) < max(grown / 2, TRUNCATE_BYTES), timeout_s=20, what="the log to be written back")
        took = since(began)
        assert oldest_s < 3, f"no check was stored for {oldest_s:.1f} s"
        assert grown < ALERT_BYTES or "wal_large" in host.log("keeper"), f"the log grew to {grown >> 20} MiB, and nobody said so"
        assert host.pids() == before, "somebody ended"
        assert_never_unhealthy(host)
        host.assert_sound()
        figures(log_mib=round(grown / 2**20, 1))
        return took


@row("F46-chaos", f"{CHAOS_S:g} s of chaos (a day's, shortened): a process is killed every second while four write: each check counts once", bound_s=30, in_ci=False)
def chaos() -> float:
    kills = 0
    with watching(fickle=True) as host:
        until = time.monotonic() + CHAOS_S
        while time.monotonic() < until:
            pids = host.pids()
            if pids:
                os.kill(random.choice(list(pids.values())), signal.SIGKILL)
                kills += 1
            time.sleep(random.uniform(0.5, 1.5))
        began = time.monotonic()
        host.wait_until_running(timeout_s=60)
        wait_until_current(host, timeout_s=30)
        took = since(began)
        host.stop()
        [(stored, counted)] = host.rows(COUNTED_ONCE)
        assert stored == counted, f"{stored} checks are stored, {counted} were counted"
        host.start()
        host.assert_sound()
        figures(kills=kills, checks=host.checks())
        return took


@row("F47", f"{BACKUPS} backups are made while it is written to: each is whole, of one moment, and an agent goes on from it elsewhere", bound_s=30, in_ci=False)
def backup_while_writing() -> float:
    worst = 0.0
    with watching(fickle=True) as host:
        folder = host.paths.data_dir.parent
        for number in range(BACKUPS):
            copy = folder / f"copy-{number}.db"
            began = time.monotonic()
            done = host.ask("db", "backup", str(copy))
            worst = max(worst, since(began))
            assert done.returncode == 0, f"`db backup` ended with {done.returncode}: {done.stderr}"
            _assert_of_one_moment(copy)
        before = host.checks()
        _goes_on_from(copy, folder / "elsewhere", host)
        assert host.checks() > before, "nothing was stored meanwhile"
        host.assert_sound()
    return worst


def _assert_of_one_moment(copy: Path) -> None:
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the copy is damaged"
        [(stored, counted)] = connection.execute(COUNTED_ONCE).fetchall()
    assert stored == counted, f"the copy is not of one moment: {stored} checks are stored, {counted} were counted"


def _goes_on_from(copy: Path, data: Path, host: DiskAgent) -> None:
    data.mkdir()
    shutil.copy(copy, data / host.paths.database.name)
    other = DiskAgent(data, [{"name": "well", "url": "http://127.0.0.1:1/", "group": "core"}])
    with held(other):
        before = other.checks()
        other.wait_for_checks(above=before)


@row("F48", f"an upgrade of the database is killed in each of its {STEPS} steps; then a newer one is met: old or new, never between, and refused", bound_s=10)
def killed_upgrade() -> float:
    with watching() as host:
        host.stop()
        for step in range(FIRST_STEP, FIRST_STEP + STEPS):
            done = _upgrade(host.paths.database, killed_in=step)
            assert done == -signal.SIGKILL, f"the upgrade ended with {done}, and was not killed"
            assert _version(host.paths.database) == (1, [], "ok"), f"killed in step {step}, it stays between"
        began = time.monotonic()
        assert _upgrade(host.paths.database, killed_in=0) == 0, "the upgrade cannot be made any more"
        took = since(began)
        names = [f"step_{step}" for step in range(FIRST_STEP, FIRST_STEP + STEPS)]
        assert _version(host.paths.database) == (FIRST_STEP + STEPS - 1, names, "ok"), "the upgrade is not whole"
        host.start()
        assert host.process.wait(20) == EXIT_USAGE, "an older healthmon starts on a newer database"
        assert "written by a newer version" in host.said(), "it does not say why it does not start"
        return took


UPGRADE = """
import os, signal, sys
from pathlib import Path
from healthmon.store import migrate
from healthmon.store.connection import Connection
import apsw

def step(number):
    if number == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return f"CREATE TABLE step_{number} (a); INSERT INTO step_{number} VALUES (1);"

migrate.bring_up_to_date(Connection(Path(sys.argv[1]), flags=apsw.SQLITE_OPEN_READWRITE), to=int(sys.argv[3]), step=step)
"""


def _upgrade(database: Path, *, killed_in: int) -> int:
    """Take the database through steps that are planted, for there is none yet, by the code that will take it through real ones."""
    words = [sys.executable, "-c", UPGRADE, str(database), str(killed_in), str(FIRST_STEP + STEPS - 1)]
    return subprocess.run(words, cwd=TOP, check=False, timeout=30).returncode


def _version(database: Path) -> tuple[int, list[str], str]:
    with closing(sqlite3.connect(database)) as connection:
        [(version,)] = connection.execute("PRAGMA user_version")
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'step_%' ORDER BY name")]
        [(integrity,)] = connection.execute("PRAGMA integrity_check")
    return version, tables, integrity


def _floods(connection: socket.socket, server: Server) -> None:
    """Answer a mebibyte of lines and control characters, with a status that is none."""
    request_of(connection, server)
    line = "".join(random.choices("ab \x1b[31m<script>\r\u202e\0", k=90)).encode()
    body = (line + b"\n") * 11_000
    connection.sendall(b"HTTP/1.1 500 " + line.replace(b"\r", b"")[:80] + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@row("F49", f"{FLOODING} services answer five times a second with a mebibyte of garbage: each row stays small, and so does the database", bound_s=4, in_ci=False)
def flood_of_rows() -> float:
    with Well() as well, Server(_floods) as flood:
        loud = [{"name": f"loud-{number}", "url": flood.url, "group": "loud", **QUICK, "expect": {"body": "never"}} for number in range(FLOODING)]
        with agent([well.service(), *loud]) as host:
            host.wait_for_checks(above=FLOODING)
            stored, size = host.checks(), _bytes(host)
            before = host.pids()
            time.sleep(FLOOD_S)  # the fault itself
            made, grown = host.checks() - stored, _bytes(host) - size
            [(longest,)] = host.rows("SELECT max(length(CAST(error_message AS BLOB))) FROM checks")
            assert longest <= LONGEST_TEXT, f"{longest} bytes were stored of one answer"
            assert made > FLOOD_S * FLOODING, f"only {made} checks were made"
            assert host.pids() == before, "somebody ended"
            assert_never_unhealthy_but(host, "loud-")
            figures(bytes_a_check=round(grown / made))
            assert grown / made < LONGEST_TEXT, f"{grown / made:.0f} bytes were kept of each check"
            host.assert_sound()
            return newest_age_s(host)


def _bytes(host: Agent) -> int:
    files = (host.paths.database, host.paths.database.with_name(host.paths.database.name + "-wal"))
    return sum(path.stat().st_size for path in files)


def assert_never_unhealthy_but(host: Agent, prefix: str) -> None:
    wrong = host.rows(f"SELECT service_name FROM service_status WHERE current_status <> 'healthy' AND service_name NOT LIKE '{prefix}%'")
    assert not wrong, f"{wrong[0][0]} suffers for its neighbours"
