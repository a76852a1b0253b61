"""The demo as a person sees it: everything healthy, one service ill, what the monitor does about it, what to look at."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from healthmon import clock
from healthmon.demo import story
from healthmon.demo.ecosystem import PATIENT
from healthmon.errors import HealthmonError, UsageError
from healthmon.store.opening import open_for_reading
from healthmon.web.settings import url

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.demo.agent import Agent
    from healthmon.demo.ecosystem import Ecosystem
    from healthmon.store.connection import Connection

LOOK_EVERY_S = 0.2
READY_S = 60.0
HEALED_S = 120.0


class Show:
    """Tells one person what goes on. `source` is the demo's configuration file."""

    def __init__(self, config: Config, source: Path, ecosystem: Ecosystem, agent: Agent) -> None:
        self._config = config
        self._source = source
        self._ecosystem = ecosystem
        self._agent = agent
        self._screen = Console(highlight=False, soft_wrap=True)
        self._look = story.NOTHING_YET

    def play(self, *, seconds_until_ill: float, until_healed: bool) -> None:
        """Show all of it, and keep on until interrupted, or with `until_healed` until the illness is over."""
        started = time.monotonic()
        self._introduce()
        connection = self._open()
        try:
            self._wait_until_healthy(connection, started)
            self._go_on(connection, seconds=seconds_until_ill)
            self._make_ill(connection)
            if not until_healed:
                self._suggest()
                self._go_on(connection, seconds=float("inf"))
        finally:
            connection.close()

    def _introduce(self) -> None:
        count = len(self._ecosystem.members)
        groups = [f"{group}: {', '.join(service.name for service in members)}" for group, members in self._config.groups().items()]
        title = f"healthmon watches {count} small services, started for this demo"
        self._frame(title, [*groups, f"page: {url(self._config.web)}"])

    def _open(self) -> Connection:
        while True:
            self._agent.require_running()
            try:
                return open_for_reading(self._config.paths.database)
            except UsageError:
                time.sleep(LOOK_EVERY_S)  # the agent is about to make it

    def _wait_until_healthy(self, connection: Connection, started: float) -> None:
        count = len(self._ecosystem.members)
        while self._news(connection).healthy < count:
            if time.monotonic() - started > READY_S:
                raise HealthmonError(f"after {READY_S:.0f} s only {self._look.healthy} of {count} services are healthy: see {self._config.paths.logs}")
            time.sleep(LOOK_EVERY_S)
        self._tell(story.Line(at=clock.now(), mood=story.Mood.GOOD, text=f"All {count} are healthy, {time.monotonic() - started:.1f} s after the start."))

    def _make_ill(self, connection: Connection) -> None:
        ill_at = clock.now()
        done = self._ecosystem.make_ill(PATIENT)
        self._tell(story.Line(at=ill_at, mood=story.Mood.BAD, text=f"{PATIENT} is made ill: {done}. The monitor is not told."))
        deadline = time.monotonic() + HEALED_S
        while not (healed := list(self._news(connection).healed())):
            if time.monotonic() > deadline:
                raise HealthmonError(f"{PATIENT} was not healed within {HEALED_S:.0f} s: see {self._config.paths.logs}")
            time.sleep(LOOK_EVERY_S)
        incident, heal = healed[0]
        moments = {
            "detected": incident.detected_at,
            "restarted": heal.returned_at,
            "healthy again": incident.resolved_at,
            "proven": heal.closed_at,
        }
        self._frame(f"{PATIENT}, counted from the moment it fell ill", [f"{what} after {_seconds(ill_at, at)}" for what, at in moments.items()])

    def _go_on(self, connection: Connection, *, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._news(connection)
            time.sleep(LOOK_EVERY_S)

    def _news(self, connection: Connection) -> story.Look:
        self._agent.require_running()
        before, self._look = self._look, story.look(connection)
        for line in story.tell(before, self._look):
            self._tell(line)
        return self._look

    def _suggest(self) -> None:
        command = f"{_command()} --config {shlex.quote(str(self._source))}"
        database = shlex.quote(str(self._config.paths.database))
        query = "SELECT timestamp, status, response_time FROM health_checks WHERE service_name = 'doc_store' ORDER BY timestamp DESC LIMIT 10"
        self._say(f"It goes on until Ctrl-C. Meanwhile look at {url(self._config.web)}, or in another terminal:", style="bold")
        for words, what in (
            (f"{command} status", "all services at a glance"),
            (f"{command} report", "the same as JSON"),
            (f"{command} dashboard", "with what happened over time"),
            (f"{command} ctl status", "the processes; `ctl tail evaluator` shows a log"),
            (f'sqlite3 {database} "{query}"', "the history"),
        ):
            self._say(f"  # {what}", style="dim")
            self._say(f"  {words}")

    def _tell(self, line: story.Line) -> None:
        at = line.at.astimezone().strftime("%H:%M:%S")
        if not self._screen.is_terminal:
            self._say(f"{at} ● {line.text}")
            return
        row = Table.grid(padding=(0, 1))  # so that a long text goes on below itself
        row.add_row(Text(at, "dim"), Text("●", line.mood.value), Text(line.text))
        self._screen.print(row, soft_wrap=False)

    def _frame(self, title: str, lines: list[str]) -> None:
        if self._screen.is_terminal:
            self._screen.print(Panel(Text("\n".join(lines)), title=title, title_align="left", border_style="cyan", expand=False), soft_wrap=False)
            return
        self._say(f"{title}:")
        for line in lines:
            self._say(f"  {line}")

    def _say(self, text: str, style: str = "") -> None:
        self._screen.print(Text(text, style=style))


def _seconds(since: datetime, until: datetime | None) -> str:
    return "?" if until is None else f"{(until - since).total_seconds():.1f} s"


def _command() -> str:
    """Return how a person types `healthmon` here."""
    called = Path(sys.argv[0])
    if called.name != "healthmon":
        return f"{shlex.quote(sys.executable)} -m healthmon"
    found = shutil.which("healthmon")
    return "healthmon" if found is not None and Path(found).samefile(called) else shlex.quote(str(called.absolute()))
