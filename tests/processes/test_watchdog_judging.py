"""What the watchdog does with what it hears and sees, with a clock and a supervisord that are the test's."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.log import Log
from healthmon.processes.directories import prepare_directories
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.programs import names
from healthmon.processes.watchdog import ASK_EVERY_S, LOOK_EVERY_S, Watchdog
from healthmon.store.opening import create_or_open, open_for_reading
from healthmon.watch.host import is_stopped
from healthmon.watch.policy import ProgramState
from healthmon.watch.supervisor_rpc import ProgramInfo
from tests.builders import a_config
from tests.containers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Supervisord:
    """Answers as it is told, and notes what it is asked for."""

    def __init__(self, **states: ProgramState) -> None:
        self.states = states
        self.pids = {name: 2**22 + number for number, name in enumerate(states, 1)}  # no process has such a pid
        self.started: list[str] = []
        self.asked = 0

    def programs(self) -> list[ProgramInfo]:
        self.asked += 1
        return [ProgramInfo(name=name, state=state, pid=self.pids[name]) for name, state in self.states.items()]

    def start(self, name: str) -> None:
        self.started.append(name)


class Watch:
    """A watchdog whose time, supervisord and kills are the test's."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        self.config = a_config(directory, {"name": "s", "url": "http://127.0.0.1:1/"}, watchdog={"sample_seconds": 60, **settings})
        prepare_directories(self.config.paths)
        self.now = 1_000.0
        self.kills: list[tuple[int, int]] = []
        monkeypatch.setattr(clock, "monotonic", lambda: self.now)
        monkeypatch.setattr(os, "kill", lambda pid, number: self.kills.append((pid, number)))
        self.doorbell = Doorbell()
        self.watchdog = Watchdog(self.config, self.doorbell, Log("watchdog"))
        self.supervisord = Supervisord(evaluator=ProgramState.RUNNING, healer=ProgramState.RUNNING)
        self.watchdog._rpc = self.supervisord  # type: ignore[assignment]

    def beat(self, *names: str, flags: int = 0) -> None:
        for name in names:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(OSError):
                sender.sendto(f"{name} {self.supervisord.pids[name]} {flags} 1".encode(), str(self.config.paths.heartbeats))

    def live(self, seconds: float, *beating: str, flags: int = 0) -> None:
        """Let time pass, a step and a beat of these each second."""
        for _ in range(int(seconds)):
            self.now += 1
            self.beat(*beating, flags=flags)
            self.watchdog.step()


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    made = Watch(tmp_path, monkeypatch)
    yield made
    made.watchdog.close()
    made.doorbell.close()


def test_one_that_is_silent_is_killed_and_told_once_until_it_had_time_to_go(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    watch.live(60, "evaluator", "healer")
    assert watch.kills == []
    watch.live(40, "evaluator")
    assert watch.kills == [(watch.supervisord.pids["healer"], signal.SIGKILL)]
    assert [message.split()[:2] for message in caplog.messages if "process_unwell" in message] == [["watchdog", "ALERT"]]


def test_supervisord_is_asked_seldom_while_everybody_is_heard_and_at_every_look_when_somebody_is_not(watch: Watch) -> None:
    everybody = [name for name in names(watch.config) if name != "watchdog"]
    watch.supervisord = Supervisord(**dict.fromkeys(everybody, ProgramState.RUNNING))
    watch.watchdog._rpc = watch.supervisord  # type: ignore[assignment]
    watch.live(30, *everybody)
    before = watch.supervisord.asked
    watch.live(60, *everybody)
    assert watch.supervisord.asked - before <= 60 / ASK_EVERY_S + 1  # and once for a sample
    watch.live(10, *everybody[1:])
    before = watch.supervisord.asked
    watch.live(10, *everybody[1:])
    assert watch.supervisord.asked - before == 10 / LOOK_EVERY_S
    watch.supervisord.pids[everybody[0]] += 1_000
    watch.live(5, *everybody)
    before = watch.supervisord.asked
    watch.live(10, *everybody)
    assert watch.supervisord.asked - before <= 1


def test_a_supervisord_that_is_frozen_is_asked_at_the_next_look(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = [name for name in names(watch.config) if name != "watchdog"]
    watch.supervisord = Supervisord(**dict.fromkeys(everybody, ProgramState.RUNNING))
    watch.watchdog._rpc = watch.supervisord  # type: ignore[assignment]
    watch.live(30, *everybody)
    sleeper = subprocess.Popen(["sleep", "60"])
    monkeypatch.setattr(os, "getppid", lambda: sleeper.pid)
    try:
        subprocess.run(["kill", "-STOP", str(sleeper.pid)], check=True)  # os.kill is the test's
        wait_for(lambda: is_stopped(sleeper.pid), what="a process that is frozen")
        before = watch.supervisord.asked
        watch.live(2 * LOOK_EVERY_S, *everybody)
        assert watch.supervisord.asked - before == 2
    finally:
        subprocess.run(["kill", "-KILL", str(sleeper.pid)], check=True)
        sleeper.wait()
    assert not is_stopped(sleeper.pid)


@pytest.mark.parametrize("slept_s", [14, 20, 3_600])
def test_who_slept_itself_kills_nobody_that_is_alive(watch: Watch, slept_s: float) -> None:
    watch.live(60, "evaluator", "healer")
    watch.now += slept_s
    watch.live(60, "evaluator", "healer")
    assert watch.kills == []
    watch.live(40, "evaluator")
    assert len(watch.kills) == 1


def test_where_heartbeats_cannot_arrive_nobody_is_hung_and_the_way_is_made_again(
    watch: Watch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch.live(60, "evaluator", "healer")
    shutil.rmtree(watch.config.paths.runtime)
    watch.live(4)
    watch.live(60, "evaluator", "healer")
    assert watch.kills == []
    assert [message.split()[1] for message in caplog.messages if "files_removed" in message] == ["ALERT"]
    watch.live(40, "evaluator")
    assert len(watch.kills) == 1


def test_while_the_way_cannot_be_made_again_nobody_is_killed(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    watch.live(60, "evaluator", "healer")
    shutil.rmtree(watch.config.paths.runtime)
    watch.config.paths.runtime.write_text("in the way")
    watch.live(200, "evaluator", "healer")
    assert watch.kills == []
    assert len([message for message in caplog.messages if "files_removed" in message]) == 1


def test_one_that_stays_given_up_is_one_alert_and_tried_for_ever(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    watch.supervisord.states["healer"] = ProgramState.FATAL
    watch.live(600, "evaluator")
    assert len(watch.supervisord.started) >= 10
    assert set(watch.supervisord.started) == {"healer"}
    assert len([message for message in caplog.messages if "process_unwell" in message]) == 1


def test_one_that_ends_again_and_again_is_one_alert_until_it_is_well(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    def flap(times: int) -> None:
        for _ in range(times):
            watch.supervisord.pids["healer"] += 10
            watch.live(6, "evaluator", "healer")
            watch.supervisord.states["healer"] = ProgramState.BACKOFF
            watch.live(6, "evaluator")
            watch.supervisord.states["healer"] = ProgramState.RUNNING

    def alerts() -> int:
        return len([message for message in caplog.messages if "ends again and again" in message])

    flap(3)
    assert alerts() == 0
    flap(8)
    assert alerts() == 1
    watch.live(700, "evaluator", "healer")
    flap(6)
    assert alerts() == 2
    assert watch.kills == []


def test_samples_are_taken_as_often_as_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(tmp_path, monkeypatch, sample_seconds=1)
    create_or_open(tmp_path / "health_monitoring.db").close()
    watch.live(10, "evaluator", "healer")
    connection = open_for_reading(tmp_path / "health_monitoring.db")
    watch.watchdog.close()
    watch.doorbell.close()
    [(rounds,)] = connection.rows("SELECT count(*) FROM process_samples WHERE program = 'total'")
    connection.close()
    assert rounds == 10
