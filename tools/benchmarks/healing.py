"""What does `tools/bench heal` work with: containers, an observer of the engine's events and requests, an agent, and its peer?"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker as library
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.containers import LABEL, Docker  # noqa: E402  after the path that it needs
from tests.faults.engine_faults import Exchange, passed  # noqa: E402  as above
from tests.faults.engine_proxy import EngineProxy  # noqa: E402  as above

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENGINE = Path("/var/run/docker.sock")
POLL_S = 5.0  # docker-autoheal's AUTOHEAL_INTERVAL
CHECKS = ("--health-interval", "1s", "--health-retries", "1", "--health-timeout", "5s")
STAYS = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done")
EAGER = {
    "enabled": True,
    "restart_unhealthy_services": True,
    "restart_cooldown_minutes": 0,
    "max_restart_attempts": 1000,
    "host_budget_per_10_minutes": 1000,
    "host_budget_per_hour": 1000,
    "min_unhealthy_seconds": 0,
    "start_grace_seconds": 0,
    "startup_hold_seconds": 0,
    "engine_settle_seconds": 0,
    "first_healthy_hold_seconds": 0,
    "reset_after_minutes": 0,
    "storm_guard": False,
}


class Events:
    """The second observer: what the engine says that happened, and when, by its own clock."""

    def __init__(self, docker: Docker) -> None:
        self._lock = threading.Lock()
        self._seen: list[tuple[str, str, float]] = []
        command = ["docker", "events", "--filter", f"label={LABEL}={docker.session}", "--format", "{{json .}}"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own words
        threading.Thread(target=self._read, daemon=True).start()
        time.sleep(0.5)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            event = json.loads(line)
            with self._lock:
                self._seen.append((event["Actor"]["ID"], event["Action"], event["timeNano"] / 1e9))

    def first(self, container: str, action: str, *, since: float) -> float | None:
        with self._lock:
            return next((at for who, what, at in self._seen if who == container and what == action and at >= since), None)

    def wait(self, container: str, action: str, *, since: float, timeout_s: float = 60.0) -> float:
        deadline = time.monotonic() + timeout_s
        while (at := self.first(container, action, since=since)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {action} of {container[:12]} within {timeout_s} s")
            time.sleep(0.005)
        return at

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(5)


class Requests:
    """A proxy before the engine that notes when a restart is asked for."""

    def __init__(self, path: Path) -> None:
        self._came: list[tuple[float, str]] = []
        self._proxy = EngineProxy(path, ENGINE)
        self._proxy.break_("/restart", self._note)
        self.host = self._proxy.host

    def _note(self, exchange: Exchange) -> None:
        self._came.append((time.time(), exchange.line))
        passed(exchange)

    def restart(self, container: str, *, since: float) -> float:
        """Return when the first restart of a container was asked for; it was."""
        return next(at for at, line in self._came if container in line and at >= since)

    def close(self) -> None:
        self._proxy.close()


class Bench:
    """Containers, an observer, and a directory that makes them ill: the health checks look for a file in it."""

    def __init__(self, directory: Path) -> None:
        self.docker = Docker()
        self.directory = directory
        self.events = Events(self.docker)
        self.requests = Requests(directory / "engine.sock")

    def checked(self, flag: str, *options: str, command: tuple[str, ...] = STAYS) -> tuple[str, str]:
        """Run a container that is ill while the file `flag` is there; return its name and id."""
        name = self.docker.name()
        mount = ("--volume", f"{self.directory}:/flags:ro")
        return name, self.docker.run(*command, options=(*mount, "--health-cmd", f"test ! -f /flags/{flag}", *CHECKS, *options), name=name)

    def flag(self, name: str) -> Path:
        return self.directory / name

    def close(self) -> None:
        self.events.close()
        self.requests.close()
        self.docker.close()


@contextlib.contextmanager
def agent(services: list[dict[str, Any]], directory: Path, *, host: str = f"unix://{ENGINE}", **self_healing: Any) -> Iterator[Path]:
    """Run healthmon as people do, and return its directory when all services are healthy."""
    data = Path(tempfile.mkdtemp(dir=directory))
    config = data / "config.json"
    settings = {"data_dir": str(data), "alert_rules": [], "web": {"enabled": False}, "services": services, "self_healing": EAGER | self_healing}
    config.write_text(json.dumps(settings))
    command = [sys.executable, "-P", "-m", "healthmon", "--config", str(config), "run"]
    environment = {**os.environ, "DOCKER_HOST": host}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=(data / "stderr").open("w"), env=environment)  # noqa: S603  our own words
    try:
        wait_for(lambda: healthy(data) == len(services), f"all services to be healthy, see {data}")
        yield data
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def wait_for(done: Callable[[], object], what: str, timeout_s: float = 90.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s} s for {what}")
        time.sleep(0.1)


def query(data: Path, sql: str) -> list[tuple[Any, ...]]:
    import apsw  # noqa: PLC0415  the only user

    with contextlib.closing(apsw.Connection(str(data / "health_monitoring.db"), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return connection.execute(sql).fetchall()


def healthy(data: Path) -> int:
    try:
        return int(query(data, "SELECT count(*) FROM service_states WHERE status = 'healthy'")[0][0])
    except Exception:  # noqa: BLE001  there is no database yet
        return 0


def is_healer(process: psutil.Process, data: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.cwd() == str(data) and "healer" in " ".join(process.cmdline())
    return False


@contextlib.contextmanager
def autoheal(host: str) -> Iterator[None]:
    """Work as docker-autoheal does at its defaults: every 5 seconds list what is unhealthy, restart one after the other."""
    client, ending = library.APIClient(base_url=host, version="1.41"), threading.Event()
    client.headers["Connection"] = "close"  # the proxy takes one request a connection

    def loop() -> None:
        while not ending.is_set():
            for found in client.containers(filters={"health": "unhealthy", "label": LABEL}):
                client.restart(found["Id"], timeout=10)
            ending.wait(POLL_S)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        client.close()


@contextlib.contextmanager
def coming_and_going(bench: Bench, came: list[str]) -> Iterator[None]:
    """Run one container after the other that ends at once, about one each second; note their names in `came`."""
    ending = threading.Event()

    def loop() -> None:
        while not ending.is_set():
            began = time.monotonic()
            came.append(name := bench.docker.name())
            bench.docker.cli("rm", "--force", bench.docker.run("true", name=name))
            ending.wait(max(0.0, began + 1.0 - time.monotonic()))

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
