"""What do the tests with a real Docker Engine share? One image built once, labelled containers, a second observer.

People and other programs are played by the `docker` command: the code under test never sees itself. The module is
not called `docker`, because a `conftest.py` beside it would then hide the library of that name.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LABEL = "healthmon.test"
BUSYBOX = Path("/bin/busybox")
COMMANDS = ("sh", "sleep", "true", "false", "nc", "test", "cat", "touch", "rm", "mkdir", "grep", "head", "readlink", "httpd")
STOPS_AT_ONCE = ("sh", "-c", "trap 'exit 0' TERM; trap : HUP; while :; do sleep 1000 & wait; done")
IGNORES_TERM = ("sleep", "1000")  # the kernel gives the first process of a container no default handler

T = TypeVar("T")


def require_docker() -> None:
    """Skip the test when no engine answers; fail it in CI."""
    problem = _problem()
    if problem and os.environ.get("CI"):
        pytest.fail(f"CI must have a Docker Engine: {problem}")
    if problem:
        pytest.skip(problem)


def _problem() -> str:
    if shutil.which("docker") is None:
        return "there is no docker command"
    if not BUSYBOX.exists():
        return f"there is no {BUSYBOX}: install busybox-static"
    done = subprocess.run(["docker", "version"], capture_output=True, text=True, timeout=20, check=False)
    return "" if done.returncode == 0 else f"no Docker Engine answers: {done.stderr.strip()}"


def wait_for(condition: Callable[[], T], *, timeout_s: float = 10.0, what: str = "") -> T:
    """Return the condition's value as soon as it is true."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what or condition}"
        time.sleep(0.02)
    return value


class Docker:
    """One session's image, containers and networks, all under one label; `close` removes every one.

    `host` is that of another engine than the usual one.
    """

    def __init__(self, host: str = "") -> None:
        self.environment = {**os.environ, **({"DOCKER_HOST": host} if host else {})}
        self.session = f"hm{uuid.uuid4().hex[:8]}"
        self.image = f"healthmon-test:{self.session}"
        self._begun: list[subprocess.Popen[bytes]] = []
        self._build()

    def _build(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            binaries = Path(folder, "bin")
            binaries.mkdir()
            shutil.copy(BUSYBOX, binaries / "busybox")
            for command in COMMANDS:
                (binaries / command).symlink_to("busybox")
            Path(folder, "Dockerfile").write_text(f"FROM scratch\nLABEL {LABEL}={self.session}\nCOPY bin /bin\n")
            self.cli("build", "--quiet", "--tag", self.image, folder)

    def cli(self, *arguments: str, check: bool = True, timeout_s: float = 60.0) -> str:
        """Run one docker command, as a person would."""
        done = subprocess.run(
            ["docker", *arguments], env=self.environment, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert done.returncode == 0 or not check, f"docker {arguments}: {done.stderr}"
        return done.stdout.strip()

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begin a docker command and do not wait for it; `close` does."""
        self._begun.append(
            subprocess.Popen(["docker", *arguments], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        return self._begun[-1]

    def run(self, *command: str, options: tuple[str, ...] = (), name: str = "", check: bool = True) -> str:
        """Run a container in the background; return its full id."""
        name = name or self.name()
        network = () if "--network" in options else ("--network", "none")
        self.cli("run", "--detach", "--name", name, "--label", f"{LABEL}={self.session}", *network, *options, self.image, *command, check=check)
        return str(self.inspect(name)["Id"])

    def name(self) -> str:
        return f"{self.session}-{uuid.uuid4().hex[:6]}"

    def network(self) -> str:
        """Make a bridge network for published ports."""
        name = self.name()
        self.cli("network", "create", "--label", f"{LABEL}={self.session}", name)
        return name

    def inspect(self, container: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.cli("inspect", "--type", "container", container))
        return found[0]

    def state(self, container: str) -> str:
        return str(self.inspect(container)["State"]["Status"])

    def wait_for_state(self, container: str, state: str, timeout_s: float = 15.0) -> None:
        wait_for(lambda: self.state(container) == state, timeout_s=timeout_s, what=f"{container[:12]} to be {state}")

    def close(self) -> None:
        mine = ("--filter", f"label={LABEL}={self.session}", "--quiet")
        for kind, listing in (("container", ("ps", "--all")), ("network", ("network", "ls"))):
            found = self.cli(*listing, *mine).split()
            if found:
                self.cli(kind, "rm", *(("--force",) if kind == "container" else ()), *found)
        self.cli("image", "rm", "--force", self.image)
        for process in self._begun:
            process.wait(60)


class Observer:
    """Writes down what the engine says happens to a session's containers, independently of the code under test."""

    def __init__(self, docker: Docker, folder: Path) -> None:
        self._docker = docker
        self._path = folder / f"observed-{uuid.uuid4().hex[:6]}"
        self._process: subprocess.Popen[bytes] | None = None
        self.follow()
        probe = docker.run("true", options=("--label", "healthmon.observer=1"))  # it watches once it has seen this one
        wait_for(lambda: self.actions(probe), what="the observer to see events")
        docker.cli("rm", "--force", probe)

    def follow(self) -> None:
        """Begin to watch; to be called again for an engine that was started again."""
        self.close()
        filters = ("--filter", "type=container", "--filter", f"label={LABEL}={self._docker.session}")
        with self._path.open("ab") as out:
            command = ["docker", "events", "--since", str(int(time.time())), *filters, "--format", "{{json .}}"]
            self._process = subprocess.Popen(command, env=self._docker.environment, stdout=out, stderr=subprocess.DEVNULL)

    def actions(self, container_id: str) -> list[str]:
        return [event["Action"] for event in self._events(container_id)]

    def times(self, container_id: str, action: str) -> list[float]:
        """Return when, in seconds since 1970, this was done to a container."""
        return [event["timeNano"] / 1e9 for event in self._events(container_id) if event["Action"] == action]

    def _events(self, container_id: str) -> list[dict[str, Any]]:
        lines = self._path.read_text().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in events if event["Actor"]["ID"] == container_id]

    def restarts(self, container_id: str) -> int:
        return self.actions(container_id).count("restart")

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)


def docker_session() -> Iterator[Docker]:
    """The body of a module's fixture: skip without an engine, and leave nothing behind."""
    require_docker()
    docker = Docker()
    try:
        yield docker
    finally:
        docker.close()
