"""An agent whose file is edited while it runs, and a target that counts how often it is asked for each service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from healthmon import applied
from healthmon.paths import Paths
from healthmon.store.opening import open_for_reading
from healthmon.watch.policy import ProgramState
from healthmon.watch.supervisor_rpc import SupervisorRpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEALTHMON = (sys.executable, "-P", "-m", "healthmon")
TOP = Path(__file__).parents[1]
EVERY_S = 0.5
ALWAYS = {"evaluator", "healer", "keeper", "notifier", "watchdog"}


class Target:
    """Answers every service, and notes when it was asked for which."""

    def __init__(self) -> None:
        self.asked: dict[str, list[float]] = defaultdict(list)
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                target.asked[self.path.strip("/")].append(time.monotonic())
                self.send_response(500 if self.path.startswith("/ill") else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def longest_gap_s(self, name: str, since: float) -> float:
        times = [since, *(at for at in self.asked[name] if at > since), time.monotonic()]
        return max(later - earlier for earlier, later in pairwise(times))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Host:
    """An agent, its file, and who asks it."""

    def __init__(self, directory: Path, target: Target) -> None:
        self.directory = directory
        self.source = directory / "config.json"
        self.paths = Paths(data_dir=directory, database=directory / "health_monitoring.db")
        self.target = target
        self.rpc = SupervisorRpc(self.paths.supervisor_socket)
        self.environment = {**os.environ, "PYTHONPATH": str(TOP)}

    def write(self, *services: str, **settings: Any) -> None:
        """Have the file name these services, `group/name` each."""
        entries = []
        for one in services:
            group, name = one.split("/")
            entries.append({"name": name, "url": f"{self.target.url}/{name}", "group": group})
        clocks = {"check_interval_seconds": EVERY_S, "timeout_seconds": 0.4, "retry_interval_seconds": 0.1}
        text = json.dumps({"data_dir": str(self.directory), "services": entries, "web": {"enabled": False}, **clocks, **settings})
        new = self.source.with_suffix(f".{threading.get_ident()}")  # several write at once
        new.write_text(text, encoding="utf-8")
        new.replace(self.source)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.directory / "said").open("wb") as said:
            command = [*HEALTHMON, "--config", str(self.source), "run", *words]
            self.agent = subprocess.Popen(
                command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=self.environment
            )
        return self.agent

    def healthmon(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*HEALTHMON, "--config", str(self.source), *words],
            cwd=self.directory,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def reload(self) -> subprocess.CompletedProcess[str]:
        done = self.healthmon("reload")
        assert done.returncode == 0, done.stderr
        return done

    def pids(self) -> dict[str, int]:
        with suppress(Exception):
            return {one.name: one.pid for one in self.rpc.programs() if one.state is ProgramState.RUNNING}
        return {}

    def wait_for_groups(self, *groups: str) -> dict[str, int]:
        wanted = ALWAYS | {f"probe-{group}" for group in groups}
        wait_for(lambda: set(self.pids()) == wanted, seconds=30)
        return self.pids()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = open_for_reading(self.paths.database)
        try:
            return connection.rows(sql)
        finally:
            connection.close()

    def number(self) -> int:
        return applied.require(self.paths).number

    def end(self) -> None:
        family = [] if self.agent.poll() is not None else psutil.Process(self.agent.pid).children(recursive=True)
        self.agent.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.agent.wait(20)
        self.agent.kill()
        self.agent.wait()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def wait_for(condition: Callable[[], object], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.05)


@contextmanager
def reloading(**environment: str) -> Iterator[Host]:
    """Run an agent with one service in each of two groups."""
    target = Target()
    with tempfile.TemporaryDirectory(prefix="hm-") as directory:  # pytest's own is too long for the path of a socket
        found = Host(Path(directory).resolve(), target)
        found.environment |= environment
        found.write("core/a", "agents/b")
        found.start()
        try:
            found.wait_for_groups("core", "agents")
            yield found
        finally:
            found.end()
            target.close()
