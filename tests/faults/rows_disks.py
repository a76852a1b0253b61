"""Faults of the disk under a healthy database: F35, F36, F38, F39, F40."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from tests.containers import wait_for
from tests.faults.disks import CONTROL, DiskAgent, assert_unharmed, failing, filled, wait_until_current, watching
from tests.faults.harness import row, since

if TYPE_CHECKING:
    from pathlib import Path

FULL_S = 3.0
SLOW_S = 20.0
READ_ONLY_S = 15.0
STORED_AND_COUNTED = """
    SELECT (SELECT count(*) FROM health_checks WHERE service_name = 'ill') - (SELECT count(*) FROM inbox JOIN services
            USING (service_id) WHERE service_name = 'ill'), consecutive_failures
    FROM service_status WHERE service_name = 'ill'
"""  # of the service that always fails: what the evaluator has not taken yet is not counted yet
WRITERS = ("evaluator", "probe-core", "healer")


@row("F35", "the disk is full: said at once and once, read and probed on, all stored when there is space", bound_s=30)
def full_disk() -> float:
    with watching(tmpfs="size=16m") as host:
        before = host.pids()
        with filled(host.paths.data_dir):
            said_after_s = _wait_until_said(host, "database_away", "cannot_work")
            time.sleep(FULL_S)  # the fault itself
            _assert_answers(host)
        return max(said_after_s, _recover(host, before, "database_away"))


@row("F36", "the disk has no inode left: the work goes on, and only what needs a new file waits", bound_s=30, in_ci=False)
def no_inodes() -> float:
    with watching(tmpfs="size=64m,nr_inodes=400") as host:
        before = host.pids()
        made: list[Path] = []
        try:
            while True:
                made.append(host.paths.data_dir / f"inode-{len(made)}")
                made[-1].touch()
        except OSError:
            made.pop()
        time.sleep(FULL_S)  # the fault itself
        _assert_answers(host)
        for path in made:
            path.unlink()
        return _recover(host, before)


@row("F38", "a flush of the disk fails: that transaction only, and never asked again on the same file", bound_s=30, in_ci=False)
def failing_flush() -> float:
    with watching(fickle=True) as host:
        before = host.pids()
        trace = host.paths.data_dir / "trace"
        with failing([before["evaluator"]], "fdatasync,fsync:error=EIO:when=2+3", trace):
            began = time.monotonic()
            wait_for(lambda: host.log("evaluator").count("disk I/O error") >= 1, timeout_s=30, what="it to be said")
            wait_for(lambda: trace.read_text().count("(INJECTED)") >= 3, timeout_s=30, what="three failures")
        _assert_not_flushed_again(trace.read_text())
        took = max(since(began), _recover(host, before, programs=("evaluator",)))
        host.stop()
        [(stored, counted)] = host.rows(STORED_AND_COUNTED)
        assert stored == counted, f"{stored} checks are stored, {counted} were counted"
        return took


@row("F39", "each flush of the disk takes 2 s: probing keeps its schedule", bound_s=30, in_ci=False)
def slow_disk() -> float:
    with watching(fickle=True) as host:
        before = host.pids()
        pids, trace = [before[name] for name in WRITERS], host.paths.data_dir / "trace"
        with failing(pids, "fdatasync,fsync:delay_exit=2000000", trace):
            time.sleep(SLOW_S)  # the fault itself
        assert trace.read_text().count("(DELAYED)") >= SLOW_S / 4, "hardly any flush was slow"
        return _recover(host, before)


@row("F40", "the disk refuses every write for 15 s, as one that is read-only: said, not taken for damage", bound_s=30, in_ci=False)
def read_only_disk() -> float:
    """A file system cannot be made read-only under files that are open for writing: each write is refused instead."""
    with watching() as host:
        before = host.pids()
        files = [host.paths.database, host.paths.database.with_name(host.paths.database.name + "-wal")]
        refused = "pwrite64,ftruncate,fdatasync,fsync:error=EROFS"
        with failing([before[name] for name in WRITERS], refused, host.paths.data_dir / "trace", *files):
            said_after_s = _wait_until_said(host, "database_away", "cannot_work")
            time.sleep(READ_ONLY_S)  # the fault itself
            _assert_answers(host)
            assert "cannot be read as a database" not in host.said(), "a healthy database was called damaged"
        return max(said_after_s, _recover(host, before, "database_away"))


def _wait_until_said(host: DiskAgent, *events: str) -> float:
    began = time.monotonic()
    wait_for(lambda: all(event in host.said() for event in events), timeout_s=40, what=f"{' and '.join(events)} to be said")
    return since(began)


def _assert_answers(host: DiskAgent) -> None:
    told = host.ask("status")
    assert told.returncode in {0, 1}, f"`healthmon status` ended with {told.returncode}: {told.stderr.strip()}"
    assert CONTROL in told.stdout, "`healthmon status` does not show the services"


def _recover(host: DiskAgent, before: dict[str, int], *kept: str, programs: tuple[str, ...] = ()) -> float:
    """Wait until all is well again; return how long it took. What could not be written to the logs is in them now."""
    began = time.monotonic()
    wait_until_current(host, timeout_s=40)
    wait_for(lambda: all("works_again" in host.log(program) for program in programs), timeout_s=30, what="all to work")
    took = since(began)
    for event in kept:
        assert host.log("probe-core").count(event) == 1, f"{event} stands {host.log('probe-core').count(event)} times in the log"
    assert_unharmed(host, before)
    return took


def _assert_not_flushed_again(trace: str) -> None:
    """Of a file whose flush failed, the next thing must be that it is closed."""
    failed: set[tuple[str, str]] = set()
    for line in trace.splitlines():
        match = re.match(r"(\d+) +(fdatasync|fsync|close)\((\d+)", line)
        if match is None:
            continue
        pid, call, descriptor = match.groups()
        assert call == "close" or (pid, descriptor) not in failed, f"flushed again after it failed: {line}"
        if "(INJECTED)" in line:
            failed.add((pid, descriptor))
        elif call == "close":
            failed.discard((pid, descriptor))
