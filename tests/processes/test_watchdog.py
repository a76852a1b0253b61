"""The watchdog over real processes under real supervisord: hung, given up, frozen supervisord, samples."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.heal.pressure import BELIEVED
from healthmon.log import Log
from healthmon.model.host_pressure import HostPressure
from healthmon.paths import Paths
from healthmon.processes.watchdog import pressing
from healthmon.processes.watchdog.pressing import Pressing
from healthmon.processes.watchdog.sampling import Sampling
from healthmon.processes.watchdog.writing import Writing
from healthmon.store import facts, process_samples
from healthmon.store.opening import create_or_open, open_for_reading
from healthmon.watch import host
from healthmon.watch.heartbeat import Beat, Ear, Heart
from healthmon.watch.policy import ProgramState
from healthmon.watch.supervisor_rpc import ProgramInfo, SupervisorRpc
from tests.builders import a_config, ago
from tests.containers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[2]


class Agent:
    """healthmon running in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.paths = Paths(data_dir=directory, database=directory / "health_monitoring.db")
        settings = {
            "data_dir": str(directory),
            "services": [{"name": "s", "url": "http://127.0.0.1:1/", "group": "core"}],
            "check_interval_seconds": 1,
            "timeout_seconds": 1,
            "web": {"enabled": False},
            "watchdog": {"sample_seconds": 0.5},
        }
        source = directory / "config.json"
        source.write_text(json.dumps(settings))
        command = [sys.executable, "-P", "-m", "healthmon", "--config", str(source), "run"]
        with (directory / "said").open("wb") as said:
            environment = os.environ | {"PYTHONPATH": str(TOP)}
            self.process = subprocess.Popen(command, cwd=directory, env=environment, stderr=said)
        self.rpc = SupervisorRpc(self.paths.supervisor_socket)

    def programs(self) -> dict[str, ProgramInfo]:
        with suppress(Exception):
            return {info.name: info for info in self.rpc.programs()}
        return {}

    def pid(self, name: str) -> int:
        info = self.programs().get(name)
        return info.pid if info is not None and info.state is ProgramState.RUNNING else 0

    def wait_until_running(self) -> None:
        names = ("evaluator", "healer", "keeper", "notifier", "probe-core", "watchdog")
        wait_for(lambda: all(self.pid(name) for name in names), timeout_s=30, what="all programs to run")

    def log(self, name: str) -> str:
        with suppress(FileNotFoundError):
            return self.paths.log(name).read_text()
        return ""

    def checks(self) -> int:
        connection = open_for_reading(self.paths.database)
        [(count,)] = connection.rows("SELECT count(*) FROM health_checks")
        connection.close()
        return int(str(count))

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) == 0


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with tempfile.TemporaryDirectory(prefix="hm-") as directory:
        started = Agent(Path(directory))
        try:
            started.wait_until_running()
            yield started
        finally:
            started.stop()


def test_every_process_of_ours_is_sampled_with_history(agent: Agent) -> None:
    wanted = {"evaluator", "healer", "keeper", "notifier", "probe-core", "watchdog", "supervisord", "total"}

    def complete() -> bool:
        connection = open_for_reading(agent.paths.database)
        samples = process_samples.since(connection, ago(10 * 365 * 86_400))
        connection.close()
        return {sample.program for sample in samples} == wanted and len(samples) > len(wanted)

    wait_for(complete, timeout_s=20, what="two rounds of samples")
    connection = open_for_reading(agent.paths.database)
    samples = process_samples.since(connection, ago(10 * 365 * 86_400))
    connection.close()
    newest = {sample.program: sample for sample in samples if sample.sampled_at == samples[-1].sampled_at}
    for sample in newest.values():
        assert 0 < sample.uss_bytes <= sample.pss_bytes <= sample.rss_bytes
        assert sample.threads >= 1
        assert sample.open_files > 3
    total = newest.pop("total")
    assert total.pid == newest["supervisord"].pid == agent.process.pid
    for figure in ("rss_bytes", "pss_bytes", "uss_bytes", "threads", "open_files"):
        assert getattr(total, figure) == sum(getattr(sample, figure) for sample in newest.values())
    assert total.cpu_s > 0  # a fork's own may still be less than a tick
    assert total.cpu_s >= sum(sample.cpu_s for sample in newest.values())


def test_without_a_database_samples_are_taken_and_that_is_told_once_until_it_is_back(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = a_config(tmp_path, {"name": "s", "url": "http://127.0.0.1:1/"}, watchdog={"sample_seconds": 0.1})
    writing = Writing(config.paths.database, Log("watchdog"), trouble="samples_not_written")
    sampling = Sampling(config, writing)
    path = tmp_path / "health_monitoring.db"
    now = clock.monotonic()

    def stored_after_samples(count: int) -> int:
        nonlocal now
        for _ in range(count):
            now += 1
            assert {sample.program for sample in sampling.sample_when_due([], now)} == {"supervisord", "watchdog", "total"}
        connection = open_for_reading(path) if path.exists() else None
        if connection is None:
            return 0
        [(stored,)] = connection.rows("SELECT count(DISTINCT timestamp) FROM process_samples")
        connection.close()
        return int(str(stored))

    assert stored_after_samples(3) == 0
    assert list(tmp_path.iterdir()) == []
    assert len(caplog.messages) == 1
    create_or_open(path).close()
    assert stored_after_samples(1) == 1
    path.unlink()
    assert stored_after_samples(3) == 0
    create_or_open(path).close()
    assert stored_after_samples(1) == 1
    assert [message.split()[:2] for message in caplog.messages] == [["watchdog", "samples_not_written"]] * 2
    writing.close()


def test_a_host_that_is_short_of_something_is_told_of_until_it_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = create_or_open(tmp_path / "health_monitoring.db")
    pressing_ = Pressing(tmp_path, Writing(connection.path, Log("watchdog"), trouble="samples_not_written"), Log("watchdog"))
    calm = HostPressure(**dict.fromkeys((field.name for field in fields(HostPressure)), None))

    def told(load: float, at_s: float, memory: float = 50.0) -> str:
        monkeypatch.setattr(pressing, "read_pressure", lambda _: replace(calm, load_per_cpu=load, memory_available_percent=memory))
        pressing_.look_when_due(at_s)
        return facts.noted_pressure(connection, now=clock.now(), believed=BELIEVED)

    assert told(0.1, 100) == ""
    assert facts.noted(connection, facts.HOST_PRESSURE) is None
    assert told(9.0, 105) == ""  # a look is due every ten seconds
    assert told(9.0, 110) == "the load is 9.0 for each processor"
    assert told(12.0, 150) == "the load is 9.0 for each processor"
    assert told(12.0, 160, memory=1.0) == "the load is 9.0 for each processor, only 1.0 % of the memory is available"
    assert told(0.1, 170) == ""
    assert facts.noted_pressure(connection, now=clock.now() + 2 * BELIEVED, believed=BELIEVED) == ""
    connection.close()


def test_beats_are_heard_and_garbage_is_not(tmp_path: Path) -> None:
    ear, heart = Ear(tmp_path / "ear"), Heart("evaluator", tmp_path / "ear")
    heart.beat(is_busy=True)
    heart.beat(is_busy=True)  # too soon to be of use to anybody
    for garbage in (b"", b"x", b"evaluator -1 0 1", b"evaluator 99999999999 0 1", b"evaluator 1 0 x", b"\xff\x00 1 1 1 1", b"a" * 500):
        heart._socket.sendto(garbage, heart._path)
    assert ear.hear() == [Beat(program="evaluator", pid=os.getpid(), is_busy=True)]
    assert ear.hear() == []
    heart.beat(is_busy=False)  # news, however soon
    heart.beat(is_busy=False, number=7)  # so is another configuration
    assert ear.hear() == [Beat(program="evaluator", pid=os.getpid(), is_busy=False, number=number) for number in (0, 7)]
    ear.close()
    heart.beat(is_busy=True)  # nobody listens, nothing happens
    heart.close()


def test_nobody_ever_waits_for_a_watchdog_that_does_not_hear(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "ear")
    for number in range(1_000):
        heart = Heart("evaluator", tmp_path / "ear")
        heart.beat(is_busy=number % 2 == 0)
        heart.close()
    assert 0 < len(ear.hear()) < 1_000
    ear.close()


def test_a_tree_is_measured_with_what_its_members_started_and_without_strangers() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & wait"], start_new_session=True) as family:
        try:
            wait_for(lambda: len(host._tree(family.pid, ())) == 3, what="the children")
            first, second = host._tree(family.pid, ())[1:]
            samples = host.sample_tree(family.pid, {family.pid: "shell", first: "sleep"}, without=[second], at=clock.now())
            shell, sleep, total = samples
            assert [one.program for one in samples] == ["shell", "sleep", "total"]
            assert total.rss_bytes == shell.rss_bytes + sleep.rss_bytes
            assert host._tree(family.pid, [family.pid]) == [family.pid]
        finally:
            os.killpg(family.pid, signal.SIGKILL)
