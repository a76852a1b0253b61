"""Records in systemd's journal, with a socket in journald's place; the real one is on the fresh machine."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from healthmon import log_journal
from healthmon.log import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.settimeout(0)
        yield listening


def record(level: int, text: str = "2026-11-28T06:00:00.000Z WARNING evaluator incident_opened service=x") -> logging.LogRecord:
    return logging.LogRecord("healthmon", level, __file__, 1, text, None, None)


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (SHOWN, 6), (logging.WARNING, 4), (logging.ERROR, 3), (logging.CRITICAL, 2)],
)
def test_a_record_has_its_priority_and_not_its_time(tmp_path: Path, journald: socket.socket, level: int, priority: int) -> None:
    handler = log_journal.JournalHandler(tmp_path / "socket")
    handler.emit(record(level))
    handler.close()
    wanted = [f"PRIORITY={priority}", "SYSLOG_IDENTIFIER=healthmon", "MESSAGE=WARNING evaluator incident_opened service=x", ""]
    assert journald.recv(4_096).decode().split("\n") == wanted


def test_a_journal_that_takes_nothing_costs_a_moment_once_and_is_written_to_again(
    tmp_path: Path,
    journald: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_journal, "PAUSE_S", 0.3)
    handler = log_journal.JournalHandler(tmp_path / "socket")
    began = time.monotonic()
    for _ in range(2_000):
        handler.emit(record(logging.INFO))
    assert time.monotonic() - began < 5 * log_journal.WAIT_S
    while True:
        try:
            journald.recv(4_096)
        except BlockingIOError:
            break
    time.sleep(0.3)
    handler.emit(record(logging.INFO, "t again"))
    assert b"MESSAGE=again" in journald.recv(4_096)
    handler.close()


def test_the_journal_is_written_to_where_our_stderr_or_our_supervisords_leads_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "stderr").open("wb") as stderr:
        found = os.fstat(stderr.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        inner = "import healthmon.log_journal as j; print(j.is_wanted(), j.marked('x'))"
        ask = [sys.executable, "-c", inner]
        outer = f"import subprocess, sys; sys.exit(subprocess.run({ask!r}, stderr=subprocess.PIPE).returncode)"
        itself = subprocess.run(ask, env=environment, stdout=subprocess.PIPE, stderr=stderr, check=True)
        child = subprocess.run([sys.executable, "-c", outer], env=environment, stdout=subprocess.PIPE, stderr=stderr, check=True)
        stranger = subprocess.run(ask, env=environment, capture_output=True, check=True)
    assert (itself.stdout, child.stdout, stranger.stdout) == (b"True <3>x\n", b"True x\n", b"False x\n")
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    assert not log_journal.is_wanted()
