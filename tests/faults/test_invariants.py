"""The invariants of every row see what they are there for: each is shown something that breaks it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.paths import Paths
from healthmon.store import deliveries, outbox
from healthmon.store.opening import create_or_open
from tests.builders import a_notification
from tests.faults import invariants, notes
from tests.faults.invariants import Before, judge_left, judge_running
from tests.faults.signs import Signs
from tests.faults.telling import DAY
from tests.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection

ALERT = "INSERT INTO alert_log (alert_type, severity, message, started_at, triggered_at) VALUES ('a', 'critical', 'm', '2026-11-28', '2026-11-28')"


@dataclass
class Left:
    """What an agent is to the invariants."""

    paths: Paths
    source: Path
    signs: Signs
    process: subprocess.Popen[bytes]
    running: dict[str, int] = field(default_factory=dict)

    def pids(self) -> dict[str, int]:
        return self.running


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Left]:
    paths = Paths(data_dir=tmp_path, database=tmp_path / "health_monitoring.db")
    (tmp_path / "config.json").write_text("{}")
    signs = Signs()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield Left(paths, tmp_path / "config.json", signs, process)
    process.kill()
    process.wait()
    signs.close()


@pytest.fixture
def database(left: Left) -> Iterator[Connection]:
    made = create_or_open(left.paths.database)
    yield made
    made.close()


def change(database: Connection, sql: str) -> None:
    with database.transaction(durable=True):
        database.change(sql)


def send(database: Connection) -> None:
    with database.transaction(durable=True):
        outbox.enqueue(database, a_notification(), ["webhook"], lifetime=DAY)
        deliveries.sent(database, 1, proof="200", now=clock.now())


def test_an_alert_that_was_committed_and_is_gone_is_lost_and_counted(left: Left, database: Connection) -> None:
    told = Before()
    change(database, ALERT)
    told.remember(left.paths.database)
    judge_left(left, told, ())
    change(database, "DELETE FROM alert_log")
    notes.take_counts()
    with pytest.raises(AssertionError, match="1 committed alerts or messages are lost"):
        judge_left(left, told, ())
    assert notes.take_counts() == {"alerts": 1, "messages": 0, "lost": 1}


def test_a_row_that_takes_history_away_loses_nothing_of_ours(left: Left, database: Connection) -> None:
    told = Before(may_forget=True)
    change(database, ALERT)
    told.remember(left.paths.database)
    change(database, "DELETE FROM alert_log")
    judge_left(left, told, ())


def test_a_message_that_is_marked_as_sent_and_never_came_is_lost(left: Left, database: Connection) -> None:
    with Receiver() as receiver:
        left.source.write_text(json.dumps({"alerting": {"webhook_notifications": {"enabled": True, "url": receiver.url}}}))
        judge_left(left, Before(), ())
        send(database)
        with pytest.raises(AssertionError, match="their receiver has none of them"):
            judge_left(left, Before(), ())


def test_a_bug_that_a_process_met_is_seen(left: Left) -> None:
    left.paths.log("evaluator").parent.mkdir()
    left.paths.log("evaluator").write_text("2026 INFO evaluator fine\nTraceback (most recent call last):\n")
    judge_left(left, Before(), ("healer",))
    judge_left(left, Before(), ("evaluator",), bugs_are_expected=True)
    with pytest.raises(AssertionError, match="evaluator met a bug"):
        judge_left(left, Before(), ("evaluator",))


def test_a_heart_that_does_not_beat_is_seen(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "SETTLES_WITHIN_S", 0.2)
    monkeypatch.setattr(invariants, "HUNG_AFTER_S", 0.2)
    with pytest.raises(AssertionError, match="every heart to beat"):
        judge_running(left, Before(), ())
    _say(left, "WATCHDOG=1\nSTATUS=healer: no heartbeat for 26 s")
    with pytest.raises(AssertionError, match="every heart to beat"):
        judge_running(left, Before(), ())


def test_files_that_are_not_given_back_are_seen(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "SETTLES_WITHIN_S", 0.2)
    _say(left, "WATCHDOG=1\nSTATUS=8 processes, all well")
    told = Before(sizes=invariants.sizes([os.getpid()]))
    judge_running(left, told, ())
    kept = [socket.socket() for _ in range(invariants.MORE_FILES + 1)]
    with pytest.raises(AssertionError, match="files and threads to be given back"):
        judge_running(left, told, ())
    for one in kept:
        one.close()


def _say(left: Left, words: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(words.encode(), "\0" + left.signs.address[1:])
