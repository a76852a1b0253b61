"""Does the demo do what it tells, and leave nothing? As a person starts it: one command, a real supervisord."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import psutil
import pytest

from tests.containers import require_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOP = Path(__file__).parents[2]
DEMO = (sys.executable, "-P", "-m", "healthmon", "demo")


class Demo:
    """One demo, and every process that it had."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [*DEMO, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(TOP)},
        )
        self.seen: set[psutil.Process] = set()

    def look(self) -> set[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            self.seen.update(psutil.Process(self.process.pid).children(recursive=True))
        return self.seen

    def read_until(self, words: str) -> str:
        """Read what it says until `words` come; the test's timeout bounds the wait."""
        assert self.process.stdout is not None
        told = ""
        for line in self.process.stdout:
            told += line
            self.look()
            if words in line:
                return told
        raise AssertionError(f"it ended without saying {words!r}: {told}")

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        for process in self.seen:
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture
def start() -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def start_one(*words: str) -> Demo:
        started.append(Demo(*words))
        return started[-1]

    yield start_one
    for demo in started:
        demo.end()


def wait_until_gone(processes: set[psutil.Process], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while left := [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


def test_the_demo_ends_well_and_leaves_nothing(start: Callable[..., Demo]) -> None:
    demo = start("--until-healed", "--seconds-until-ill", "1")
    told = demo.read_until("Everything is stopped")
    assert demo.process.wait(10) == 0
    for words in ("All 17 are healthy", "doc_store is made ill", "doc_store is unhealthy", "demo-doc_store was restarted", "our restart healed it"):
        assert words in told
    assert told.count("Decided to restart") == 1
    assert len(demo.seen) > 17
    wait_until_gone(demo.seen, seconds=1)


def test_ctrl_c_ends_all_of_it_within_seconds(start: Callable[..., Demo]) -> None:
    demo = start("--seconds-until-ill", "600")
    demo.read_until("All 17 are healthy")
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(5) == 0
    assert len(demo.seen) > 17
    wait_until_gone(demo.seen, seconds=1)


def test_a_killed_demo_takes_everything_along(start: Callable[..., Demo]) -> None:
    with tempfile.TemporaryDirectory(prefix="hm-", ignore_cleanup_errors=True) as directory:
        demo = start("--seconds-until-ill", "600", "--data-dir", directory)
        demo.read_until("All 17 are healthy")
        demo.process.kill()
        wait_until_gone(demo.seen, seconds=10)


def test_the_demo_with_containers_ends_well_and_removes_them(start: Callable[..., Demo]) -> None:
    engine = engine_or_skip()
    demo = start("--docker", "--until-healed", "--seconds-until-ill", "1")
    told = demo.read_until("Everything is stopped")
    assert demo.process.wait(10) == 0
    assert "our restart healed it" in told
    mine: dict[str, str | list[str] | bool] = {"label": f"healthmon.demo={demo.process.pid}"}
    assert engine.containers.list(all=True, filters=mine) == []
    assert engine.networks.list(filters=mine) == []
    engine.close()


def engine_or_skip() -> docker.DockerClient:
    require_docker()
    return docker.DockerClient(base_url="unix:///var/run/docker.sock")
