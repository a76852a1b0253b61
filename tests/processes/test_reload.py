"""Is a file applied while everything runs, all of it or nothing? With real processes, a real target, and its own count."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from healthmon import applied
from healthmon.paths import Paths
from healthmon.store import facts
from healthmon.store.connection import open_for_reading
from healthmon.watch.policy import ProgramState
from healthmon.watch.supervisor_rpc import SupervisorRpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEALTHMON = (sys.executable, "-P", "-m", "healthmon")
TOP = Path(__file__).parents[2]
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
        self.source.with_suffix(".new").write_text(text, encoding="utf-8")
        self.source.with_suffix(".new").replace(self.source)

    def start(self) -> subprocess.Popen[bytes]:
        with (self.directory / "said").open("wb") as said:
            command = [*HEALTHMON, "--config", str(self.source), "run"]
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


@pytest.fixture
def host() -> Iterator[Host]:
    target = Target()
    with tempfile.TemporaryDirectory(prefix="hm-") as directory:  # pytest's own is too long for the path of a socket
        found = Host(Path(directory).resolve(), target)
        found.write("core/a", "agents/b")
        found.start()
        try:
            found.wait_for_groups("core", "agents")
            yield found
        finally:
            found.end()
            target.close()


def test_services_and_groups_come_and_go_and_nobody_else_notices(host: Host) -> None:
    """Of the services that stay no look is missed, and of the groups that stay no process is started anew."""
    wait_for(lambda: len(host.target.asked["a"]) > 3, seconds=10)
    began, before = time.monotonic(), host.pids()

    host.write("core/a", "core/ill", "agents/b")  # a service more
    assert "added: ill" in host.reload().stdout
    assert host.pids() == before
    wait_for(lambda: host.rows("SELECT 1 FROM incidents WHERE resolved_at IS NULL"), seconds=15)

    host.write("core/a", "core/ill2", "agents/b", "new/c")  # one has another name, and a group is new
    said = host.reload().stdout
    assert ("added: ill2, c" in said, "removed: ill" in said) == (True, True)
    with_new = host.wait_for_groups("core", "agents", "new")
    assert {name: with_new[name] for name in before} == before
    wait_for(lambda: host.rows("SELECT 1 FROM incidents WHERE resolution = 'removed'"), seconds=5)
    wait_for(lambda: host.target.asked["c"] and host.target.asked["ill2"], seconds=5)
    asked = len(host.target.asked["ill"])

    host.write("new/a", "agents/b", "new/c")  # a group is gone, and a service of it is in another
    host.reload()
    without = host.wait_for_groups("agents", "new")
    assert without == {name: pid for name, pid in with_new.items() if name != "probe-core"}
    assert host.rows("SELECT service_name FROM service_status ORDER BY 1") == [("a",), ("b",), ("c",)]

    host.agent.send_signal(signal.SIGHUP)
    number = host.number()
    wait_for(lambda: host.number() > number, seconds=5)
    assert host.pids() == without
    time.sleep(2 * EVERY_S)
    assert len(host.target.asked["ill"]) == asked
    gap_s = host.target.longest_gap_s("b", began)
    assert gap_s < 2 * EVERY_S, f"b was not looked at for {gap_s:.2f} s"
    assert host.target.longest_gap_s("a", began) < 2 * EVERY_S + 2, "a has a new process, which has its first looks within 2 s"


def test_many_reloads_at_once_end_in_the_last_one(host: Host) -> None:
    before, began = host.pids(), time.monotonic()

    def write_and_reload(number: int) -> int:
        if number % 2:
            host.write("core/a", "agents/b", f"extra/n{number}")
        else:
            host.write("core/a", f"core/n{number}", "agents/b")
        host.agent.send_signal(signal.SIGHUP)
        return host.healthmon("reload").returncode if number % 10 == 0 else 0

    with ThreadPoolExecutor(4) as pool:
        codes = []
        for number in range(100):
            codes.append(pool.submit(write_and_reload, number))
            time.sleep(0.1)
        assert {one.result() for one in codes} == {0}
    host.write("core/a", "agents/b", "last/z")
    host.reload()
    found = host.wait_for_groups("core", "agents", "last")
    assert {name: found[name] for name in before} == before
    assert host.rows("SELECT service_name FROM service_status ORDER BY 1") == [("a",), ("b",), ("z",)]
    assert sorted(path.stem for path in host.paths.programs.glob("*.conf")) == sorted(found)
    assert host.target.longest_gap_s("b", began) < 2 * EVERY_S
    wait_for(lambda: host.target.asked["z"], seconds=5)


def test_a_file_that_is_refused_changes_nothing_and_is_told_everywhere(host: Host) -> None:
    before, number = host.pids(), host.number()
    host.source.write_text('{"services": [{"nam": "x"}]}', encoding="utf-8")
    done = host.healthmon("reload")
    assert done.returncode == 2
    assert "config.json:1:16: services[0].nam" in done.stderr
    assert "nothing was changed" in done.stderr
    assert (host.pids(), host.number()) == (before, number)
    for verb in ("status", "report"):
        told = host.healthmon(verb)
        assert "the file cannot be used" in told.stderr
        assert f"the agent goes on with configuration {number}" in told.stderr
        assert "a" in told.stdout
    connection = open_for_reading(host.paths.database)
    assert "services[0].nam" in str(facts.noted(connection, facts.CONFIGURATION_REFUSED))
    connection.close()
    alert = "SELECT message FROM alerts WHERE alert_type = 'configuration_refused' AND resolved_at IS NULL"
    wait_for(lambda: "services[0].nam" in str(host.rows(alert)), seconds=5)
    host.agent.send_signal(signal.SIGHUP)
    log = host.paths.log("watchdog")
    wait_for(lambda: "ALERT type=configuration_refused" in log.read_text(encoding="utf-8"), seconds=5)
    victim = host.pids()["probe-core"]
    os.kill(victim, signal.SIGKILL)  # who starts anew works with what is applied, and not with the file
    wait_for(lambda: host.pids().get("probe-core") not in {None, victim}, seconds=10)
    host.write("core/a", "agents/b")
    host.reload()
    wait_for(lambda: not host.rows(alert), seconds=5)
    assert "goes on with" not in host.healthmon("status").stderr


POINTS = ("reload.read", "reload.checked", "reload.applied", "reload.programs_written", "reload.added", "reload.stopped", "reload.converged")


def test_a_reload_that_is_killed_anywhere_leaves_the_old_or_the_new_and_soon_all_of_it(host: Host) -> None:
    """Its work, done where it can be killed; what the watchdog finds then, it brings to an end."""
    work = f"""
from pathlib import Path
from healthmon.paths import Paths
from healthmon.processes import following
from healthmon.processes.watchdog.reloading import _reload
_reload(following.begin(Paths(data_dir=Path({str(host.directory)!r}), database=Path("x"))).paths, "t")
"""
    groups = ("core", "agents")
    for turn, point in enumerate(POINTS):
        wanted = ("core", f"turn{turn}")
        before = host.number()
        host.write("core/a", f"turn{turn}/b")
        host.rpc.stop("watchdog")
        wait_for(lambda: "watchdog" not in host.pids(), seconds=10)
        environment = {**host.environment, "HEALTHMON_FAILPOINT": point}
        done = subprocess.run([sys.executable, "-P", "-c", work], cwd=host.directory, env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL, (point, done.stderr)
        is_applied = host.number() > before
        assert is_applied == (turn >= 2), point
        groups = wanted if is_applied else groups
        core = host.pids()["probe-core"]
        host.rpc.start("watchdog")
        assert host.wait_for_groups(*groups)["probe-core"] == core
        assert {path.stem for path in host.paths.programs.glob("probe-*.conf")} == {f"probe-{group}" for group in groups}
