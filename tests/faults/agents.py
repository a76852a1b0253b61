"""What can a row do to a running healthmon, and what can it ask it? `with agent(services) as host:` runs one."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import psutil

from healthmon.paths import Paths
from healthmon.watch.policy import ProgramState
from healthmon.watch.supervisor_rpc import SupervisorRpc
from tests.containers import wait_for
from tests.faults import invariants
from tests.faults.harness import TOP
from tests.faults.signs import Signs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

STOPS_WITHIN_S = 30
WRONG_QUERY = "no such (column|function)|syntax error|wrong number of arguments|ambiguous"  # a table may not be there yet


class Agent:
    """A real `healthmon run` in a directory of its own, and what can be done to it."""

    module = "healthmon"  # a control puts a build with a planted bug here
    prefix: tuple[str, ...] = ()  # what it is started under
    bugs_are_expected = False  # a row that has them makes that known

    def __init__(
        self,
        directory: Path,
        services: list[dict[str, Any]],
        *,
        environment: Mapping[str, str] = MappingProxyType({}),
        **settings: Any,
    ) -> None:
        self._environment = environment
        self.paths = Paths(data_dir=directory, database=directory / "health_monitoring.db")
        self.source = directory / "config.json"
        clocks = {"check_interval_seconds": 1, "timeout_seconds": 0.8, "retry_interval_seconds": 0.2}
        plain = {"data_dir": str(directory), "services": services, "web": {"enabled": False}, **clocks}
        self.source.write_text(json.dumps(plain | settings))
        self.rpc = SupervisorRpc(self.paths.supervisor_socket)
        self.programs = ("evaluator", "healer", "keeper", "notifier", "watchdog", *{f"probe-{s.get('group', 'default')}" for s in services})
        self.programs += ("web",) * json.loads(self.source.read_text())["web"].get("enabled", True)
        self.services = [str(service["name"]) for service in services]
        self.before = invariants.Before()
        self.signs = Signs()
        self.process = self.start()

    @property
    def said_file(self) -> Path:
        """Where its stderr is kept."""
        return self.paths.data_dir / "said"

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start it, or start it again."""
        with self.said_file.open("ab") as said:
            self.process = subprocess.Popen(
                [*self.prefix, *self.command("run")],
                cwd=self.paths.data_dir,
                env=self._environ(**environment),
                stderr=said,
            )
        return self.process

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", self.module, "--config", str(self.source), *words]

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command that ends by itself, of this build."""
        return subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.paths.data_dir,
            env=self._environ(),
        )

    def tell(self, *words: str) -> str:
        """Have a person say something, and return what came of it, also where a busy machine took its time."""
        done = self.ask(*words)
        if "has not answered yet" not in done.stderr:
            return (done.stdout or done.stderr.splitlines()[-1].removeprefix("healthmon: ")).strip()
        newest = "SELECT outcome FROM operator_actions WHERE outcome IS NOT NULL AND action_id = (SELECT max(action_id) FROM operator_actions)"
        [[outcome]] = wait_for(lambda: self.rows(newest), timeout_s=60, what="an answer of the agent")
        return str(outcome).removeprefix("refused: ")

    def _environ(self, **environment: str) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(TOP), "NOTIFY_SOCKET": self.signs.address, **self._environment, **environment}

    def ctl(self, *words: str, may_fail: bool = False) -> None:
        """Do something with `healthmon ctl`, as an operator would."""
        done = self.ask("ctl", *words)
        assert may_fail or done.returncode == 0, f"ctl {' '.join(words)} ended with {done.returncode}: {done.stdout} {done.stderr}"

    def pids(self) -> dict[str, int]:
        """Return the programs that run now, with their pids."""
        with suppress(Exception):
            return {info.name: info.pid for info in self.rpc.programs() if info.state is ProgramState.RUNNING}
        return {}

    def wait_until_running(self, timeout_s: float = 30) -> None:
        wait_for(lambda: set(self.programs) <= set(self.pids()), timeout_s=timeout_s, what="all programs to run")

    def log(self, name: str) -> str:
        with suppress(FileNotFoundError):
            return self.paths.log(name).read_text(errors="replace")
        return ""

    def lives_cut_short(self, program: str) -> int:
        """Count the processes that began and have not ended in good order; one that lives is among them."""
        return self.log(program).count(f" {program} started ") - self.log(program).count(f" {program} stopped ")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database, as an operator would. Where there is no database, or it does not answer, there are no rows.

        A query that is wrong must not read as one that found nothing: what should find nothing would always pass.
        """
        try:
            with closing(sqlite3.connect(f"file:{self.paths.database}?mode=ro", uri=True, timeout=5)) as connection:
                return connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            if re.search(WRONG_QUERY, str(error)):
                raise AssertionError(f"the row asks the database wrongly: {error}") from None
            return []

    def checks(self) -> int:
        found = self.rows("SELECT count(*) FROM health_checks")
        return int(found[0][0]) if found else 0

    def wait_for_checks(self, *, above: int, what: str = "probing to go on", timeout_s: float = 20) -> None:
        """Wait until more checks are stored than that."""
        wait_for(lambda: self.checks() > above, timeout_s=timeout_s, what=what)

    def statuses(self) -> dict[str, str]:
        return dict(self.rows("SELECT service_name, current_status FROM service_status"))

    def wait_until_all(self, status: str, *, timeout_s: float = 20) -> None:
        """Wait until every service has this status."""
        wanted = dict.fromkeys(self.services, status)
        wait_for(lambda: self.statuses() == wanted, timeout_s=timeout_s, what=f"every service to be {status}")

    def wait_until_replaced(self, *names: str, before: Mapping[str, int], timeout_s: float = 60) -> None:
        """Wait until these programs are other processes than `before`."""
        what = f"{', '.join(names)} to be replaced"
        wait_for(lambda: all(self.pids().get(name, before[name]) != before[name] for name in names), timeout_s=timeout_s, what=what)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.before.remember(self.paths.database)
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.kill_everything()
                raise AssertionError(f"it did not stop within {STOPS_WITHIN_S} s") from None

    def kill_everything(self) -> None:
        """End all of it as a power cut would, but for what is in the page cache: no process gets to see another one die."""
        everything = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        _do_to(everything, psutil.Process.suspend)
        self.before.remember(self.paths.database)
        _do_to(everything, psutil.Process.kill)
        self.process.wait(10)
        psutil.wait_procs(everything, timeout=10)

    def assert_sound(self) -> None:
        """What must hold after every row: one of each, and a database without a scratch."""
        self.wait_until_running()
        assert self.rows("PRAGMA integrity_check") == [("ok",)], "the database is damaged"


def _do_to(processes: Iterable[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            act(process)


@contextmanager
def held(host: Agent) -> Iterator[None]:
    """Have a row do what it likes to an agent; end it whatever happens, and hold the invariants of every row."""
    try:
        host.wait_until_running()
        host.before.sizes = invariants.sizes(host.pids().values())
        yield
        invariants.judge_running(host, host.before, host.programs)
    finally:
        host.stop()
        host.signs.close()
    invariants.judge_left(host, host.before, host.programs, bugs_are_expected=host.bugs_are_expected)


@contextmanager
def agent(services: list[dict[str, Any]] | None = None, *, kind: type[Agent] = Agent, **settings: Any) -> Iterator[Agent]:
    """Run an agent for the length of a block. `environment` is that of all its processes, the rest its configuration."""
    wanted = services if services is not None else [{"name": "s", "url": "http://127.0.0.1:1/", "group": "core"}]
    with tempfile.TemporaryDirectory(prefix="hm-", ignore_cleanup_errors=True) as directory:
        started = kind(Path(directory), wanted, **settings)
        with held(started):
            yield started
