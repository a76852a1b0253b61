"""How is a fault row run, timed and told? `PASS F06 bound=45s got=28.1s (n=3)`.

A row injects one fault into the real system and returns how long it took until all was as promised; what was not is an
AssertionError. Rows whose means are missing (root, Docker) say so and are skipped, never passed.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from healthmon.paths import Paths
from healthmon.watch.policy import ProgramState
from healthmon.watch.supervisor_rpc import SupervisorRpc
from tests.containers import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TOP = Path(__file__).parents[2]


class CannotRunError(Exception):
    """This machine lacks what a row needs."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the fault matrix. `run` returns the seconds that the promise speaks of."""

    name: str
    about: str
    bound_s: float
    run: Callable[[], float]
    in_ci: bool = True


ROWS: dict[str, Row] = {}


def row(name: str, about: str, *, bound_s: float, in_ci: bool = True) -> Callable[[Callable[[], float]], Callable[[], float]]:
    """Enter a function into the matrix."""

    def enter(run: Callable[[], float]) -> Callable[[], float]:
        ROWS[name] = Row(name=name, about=about, bound_s=bound_s, run=run, in_ci=in_ci)
        return run

    return enter


def enter_all() -> None:
    """Enter the rows of every file here that is named for them."""
    for path in sorted(Path(__file__).parent.glob("rows_*.py")):
        importlib.import_module(f"tests.faults.{path.stem}")


@dataclass(frozen=True, kw_only=True)
class Result:
    row: Row
    seconds: tuple[float, ...]
    problem: str = ""
    skipped: str = ""
    whole_s: float = 0.0  # a round, with all that is built up and taken down

    @property
    def passed(self) -> bool:
        return not self.problem and not self.skipped

    def __str__(self) -> str:
        if self.skipped:
            return f"SKIP {self.row.name} {self.row.about}: {self.skipped}"
        if self.problem:
            return f"FAIL {self.row.name} {self.row.about}: {self.problem}"
        return f"PASS {self.row.name} bound={self.row.bound_s:g}s got={max(self.seconds):.1f}s (n={len(self.seconds)}) {self.row.about}"


def run(one: Row, *, rounds: int) -> Result:
    """Run a row some times, and hold the slowest against its bound."""
    seconds: list[float] = []
    began = time.monotonic()
    try:
        seconds.extend(one.run() for _ in range(rounds))
    except CannotRunError as error:
        return Result(row=one, seconds=(), skipped=str(error))
    except AssertionError as error:
        return Result(row=one, seconds=tuple(seconds), problem=(str(error).splitlines() or ["?"])[0])
    except Exception as error:  # noqa: BLE001  one row that breaks must not keep the others from being run and told
        traceback.print_exc()
        return Result(row=one, seconds=tuple(seconds), problem=f"the row broke: {error!r}"[:300])
    worst = max(seconds)
    late = f"took {worst:.1f} s, more than {one.bound_s:g} s" if worst > one.bound_s else ""
    return Result(row=one, seconds=tuple(seconds), problem=late, whole_s=since(began) / rounds)


class Agent:
    """A real `healthmon run` in a directory of its own, and what can be done to it."""

    module = "healthmon"  # a control puts a build with a planted bug here

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
        self.source.write_text(json.dumps({"data_dir": str(directory), "services": services, **clocks, **settings}))
        self.rpc = SupervisorRpc(self.paths.supervisor_socket)
        self.programs = ("evaluator", "healer", "notifier", "watchdog", *{f"probe-{s.get('group', 'default')}" for s in services})
        self.process = self.start()

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start it, or start it again."""
        with (self.paths.data_dir / "said").open("ab") as said:
            self.process = subprocess.Popen(
                self.command("run"),
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

    def _environ(self, **environment: str) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(TOP), **self._environment, **environment}

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

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database, as an operator would."""
        with suppress(sqlite3.Error):
            connection = sqlite3.connect(f"file:{self.paths.database}?mode=ro", uri=True, timeout=5)
            try:
                return connection.execute(sql).fetchall()
            finally:
                connection.close()
        return []

    def checks(self) -> int:
        found = self.rows("SELECT count(*) FROM health_checks")
        return int(found[0][0]) if found else 0

    def statuses(self) -> dict[str, str]:
        return dict(self.rows("SELECT service_name, current_status FROM service_status"))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(30)

    def assert_sound(self) -> None:
        """What must hold after every row: one of each, and a database without a scratch."""
        self.wait_until_running()
        assert self.rows("PRAGMA integrity_check") == [("ok",)], "the database is damaged"


@contextmanager
def agent(services: list[dict[str, Any]] | None = None, *, kind: type[Agent] = Agent, **settings: Any) -> Iterator[Agent]:
    """Run an agent for the length of a block. `environment` is that of all its processes, the rest its configuration."""
    wanted = services or [{"name": "s", "url": "http://127.0.0.1:1/", "group": "core"}]
    with tempfile.TemporaryDirectory(prefix="hm-", ignore_cleanup_errors=True) as directory:
        started = kind(Path(directory), wanted, **settings)
        try:
            started.wait_until_running()
            yield started
        finally:
            started.stop()


@contextmanager
def planted(module: str) -> Iterator[None]:
    """Have the agents of a block be a build with a bug in it: what a row must catch."""
    before, Agent.module = Agent.module, module
    try:
        yield
    finally:
        Agent.module = before


def since(began: float) -> float:
    return time.monotonic() - began
