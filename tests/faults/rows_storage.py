"""Faults of the database itself: F41, F42, D3, F45."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.containers import wait_for
from tests.faults.disks import (
    LOST,
    DiskAgent,
    assert_starts_again,
    assert_unharmed,
    beside,
    wait_until_current,
    watching,
)
from tests.faults.harness import CannotRunError, row, since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path



def _zero_header(path: Path) -> None:
    _overwrite(path, 0, bytes(100))


def _overwrite(path: Path, at: int, what: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(what)


def _random_pages(path: Path) -> None:
    """Spoil what the tables lie in; page 1, which says that they are there, stays whole."""
    _overwrite(path, 4_096, os.urandom(path.stat().st_size - 4_096))


def _text(path: Path) -> None:
    path.write_text("this is a shopping list\n" * 200)


def _half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _emptied(path: Path) -> None:
    os.truncate(path, 0)


DAMAGES = (_zero_header, _random_pages, _text, _half, _emptied)


@row("F41", "a start on a disk that is read-only: refused with one clear line", bound_s=10, in_ci=False)
def read_only_start() -> float:
    with watching(tmpfs="size=16m") as host:
        host.stop()
        with _remounted(host.paths.data_dir):
            began = time.monotonic()
            _assert_refused(host, str(host.paths.data_dir), codes={2})
            took = since(began)
        assert_starts_again(host)
        return took


@row("F42", "a database damaged, cut or emptied while stopped: refused with one clear line, and left as it is", bound_s=15)
def damaged_database() -> float:
    worst = 0.0
    with watching() as host:
        host.stop()
        assert host.rows("PRAGMA integrity_check") == [("ok",)]
        kept = host.paths.database.read_bytes()
        for damage in DAMAGES:
            host.paths.database.write_bytes(kept)
            damage(host.paths.database)
            before = host.paths.database.read_bytes()
            began = time.monotonic()
            _assert_refused(host, str(host.paths.database), codes={2, 3})
            worst = max(worst, since(began))
            assert host.paths.database.read_bytes() == before, f"{damage.__name__}: the file was changed"
        host.paths.database.write_bytes(kept)
        assert_starts_again(host)
        assert host.rows(LOST) == [], "a history was called lost that is not"
    return worst


@row("F42-wal", "the database is damaged after a kill of everything: its -wal is not mixed in before that is noticed", bound_s=15, in_ci=False)
def damaged_after_a_crash() -> float:
    with watching() as host:
        host.stop()
        assert_starts_again(host)  # so that not all of it stands in the -wal
        host.kill_everything()
        database, wal = host.paths.database, beside(host, "-wal")
        assert wal.stat().st_size > 0
        _random_pages(database)
        before = database.read_bytes(), wal.read_bytes()
        began = time.monotonic()
        _assert_refused(host, str(database), codes={3})
        took = since(began)
        assert (database.read_bytes(), wal.read_bytes()) == before, "the files were changed"
        host.before.is_spoilt = True  # by the row
        return took


@row("D3", "nothing but SQLite opens the database's files: closing them would drop its locks", bound_s=60)
def opened_by_sqlite_alone() -> float:
    """SQLite, and nobody else here, opens with O_NOFOLLOW. The one other is the making of a new, empty file."""
    if shutil.which("strace") is None:
        raise CannotRunError("there is no strace")
    began = time.monotonic()
    with watching() as host:
        host.stop()
        host.paths.database.unlink()
        host.before.may_forget = True
        trace = host.paths.data_dir / "trace"
        host.prefix = ("strace", "-D", "-f", "-o", str(trace), "-e", "trace=open,openat,openat2,creat")
        host.start()
        host.wait_until_running()
        wait_until_current(host, timeout_s=20)
        host.stop()
        opened = [line for line in trace.read_text().splitlines() if f"{host.paths.database.name}" in line and " = -1" not in line]
        assert len(opened) > len(host.programs), "the trace does not show what was opened"
        strange = [line for line in opened if "O_NOFOLLOW" not in line and "O_EXCL" not in line]
        assert not strange, f"not SQLite's: {strange[0]}"
    return since(began)


@row("F45", "another program holds the lock for 8 s: probing goes on in memory, nothing is lost", bound_s=5, alone=True)
def foreign_lock() -> float:
    return _hold_lock(8.0)


@row("F45-60", "another program holds the lock for 60 s: probing goes on in memory, nothing is lost", bound_s=5, in_ci=False)
def long_foreign_lock() -> float:
    return _hold_lock(60.0)


def _hold_lock(seconds: float) -> float:
    with watching() as host:
        before = host.pids()
        holder = sqlite3.connect(host.paths.database, timeout=10, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        stored = holder.execute("SELECT count(*) FROM health_checks").fetchone()[0]
        time.sleep(seconds)  # the fault itself
        holder.execute("ROLLBACK")
        holder.close()
        began = time.monotonic()
        wait_for(lambda: host.checks() >= stored + 2 * (seconds - 3), timeout_s=15, what="the checks made meanwhile")
        took = since(began)
        assert host.log("evaluator").count(" cannot_work ") == 1, "it was not said once"
        assert_unharmed(host, before)
        return took


def _assert_refused(host: DiskAgent, name: str, *, codes: set[int]) -> None:
    told = host.ask("run")
    assert told.returncode in codes, f"it ended with {told.returncode}: {told.stderr}"
    said = [line for line in told.stderr.splitlines() if "configuration" not in line]
    assert len(said) == 1, f"it said {len(said)} lines: {said}"
    assert name in said[0], f"it does not name {name}: {said[0]}"


@contextmanager
def _remounted(directory: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(directory)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(directory)], check=True)
