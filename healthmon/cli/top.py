"""`healthmon top`: how everything is, live, until `q`."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from healthmon import clock
from healthmon.answers import live, overview
from healthmon.cli.context import Context, open_database
from healthmon.cli.terminal import PIPE_WIDTH, a_console, styled
from healthmon.cli.top_frame import OLD_S, Known, frame
from healthmon.cli.top_keys import Choice, pressed
from healthmon.cli.top_line import Tone
from healthmon.errors import EXIT_FINE, EXIT_NOT_HEALTHY, HealthmonError
from healthmon.history.report import OverallHealth
from healthmon.processes.roles import is_held
from healthmon.store.checks import commits_elsewhere
from healthmon.web.views.problems import problems

if TYPE_CHECKING:
    from healthmon.config import Config
    from healthmon.store.connection import Connection

LOOK_EVERY_S = 0.25  # whether anybody wrote: 20 µs
REST = 9.0  # of the time at least nine parts are rest, however long a look takes
ANEW_AFTER_S = 2.0  # what changes by the mere passing of time
SIGNALLED = 128  # and its number: what a shell says of who ended by a signal
INTERVALS = 3  # of the service that is asked most often: no check for longer is strange
STYLES = {Tone.HEALTHY: "green", Tone.UNHEALTHY: "bold red", Tone.WARNING: "bold yellow", Tone.STRONG: "bold", Tone.QUIET: "dim"}


@click.command("top")
@click.pass_obj
def command(context: Context) -> int:
    """Show how everything is and what is done about it, live: the worst first. In a pipe it is shown once.

    Keys: q ends it, / filters by name or group, f by status, s sorts, p pauses, arrows scroll.
    """
    sight = Sight(context.config)
    try:
        sight.look()  # what cannot be read is said while there is a terminal to say it on
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return _once(sight)
        return _live(sight)
    finally:
        sight.close()


class Sight:
    """What is known, brought up to date when somebody wrote. The database may be away, or another one, at any time."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._runbooks: dict[str, str] = {}
        often_s = min((one.interval_seconds for one in config.enabled_services()), default=0.0)
        self._fresh_s = max(OLD_S, INTERVALS * often_s)
        self._connection: Connection | None = None
        self._commits = -1
        self._read = live.Known()
        self._looked_at_s = self._took_s = 0.0
        self.known: Known | None = None

    def look(self) -> None:
        """Look, whatever it costs. Raises StoreError, or UsageError while there is no database."""
        began_s = clock.monotonic()
        connection = self._opened()
        with connection.snapshot():
            self._commits = commits_elsewhere(connection)
            standing = overview.read(connection, self._config, self._read)
        self.known = Known(
            standing=standing,
            problems=problems(standing, self._runbooks),
            is_watched=is_held(self._config.paths.lock("evaluator")),
            fresh_s=self._fresh_s,
        )
        self._looked_at_s, self._took_s = clock.monotonic(), clock.monotonic() - began_s

    def look_if_due(self) -> Known:
        """Look when there is news, or it was long ago; what goes wrong is said in what is known."""
        assert self.known is not None  # noqa: S101  `look` came first
        since_s = clock.monotonic() - self._looked_at_s
        if since_s < REST * self._took_s:
            return self.known
        try:
            if since_s >= ANEW_AFTER_S or commits_elsewhere(self._opened()) != self._commits:
                self.look()
        except HealthmonError as error:
            self.close()
            self.known = _troubled(self.known, str(error))
            self._looked_at_s = clock.monotonic()
        return self.known

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> Connection:
        if self._connection is None:
            self._connection = open_database(self._config.paths)
        return self._connection


def _live(sight: Sight) -> int:
    from healthmon.cli.top_screen import Ended, opened  # noqa: PLC0415  curses is for terminals

    choice = Choice()
    try:
        with opened() as screen:
            while not choice.has_ended:
                known = sight.known if choice.is_paused and sight.known is not None else sight.look_if_due()
                width, height = screen.size
                screen.show(frame(known, choice, width=width, height=height, now=clock.now()))
                key = screen.key(LOOK_EVERY_S)
                if key:
                    choice = pressed(choice, key)
    except Ended as ended:
        return EXIT_FINE if ended.number == signal.SIGINT else SIGNALLED + ended.number
    return EXIT_FINE


def _once(sight: Sight) -> int:
    """Show it once, whole, and plain where nobody sees colours. The exit code is that of `status`."""
    assert sight.known is not None  # noqa: S101  `look` came first
    console = a_console()
    width = console.width if console.is_terminal else PIPE_WIDTH
    for line in frame(sight.known, Choice(), width=width, height=None, now=clock.now()):
        console.print(*(styled(text, STYLES.get(tone, "")) for text, tone in line), sep="", soft_wrap=True)
    return EXIT_FINE if sight.known.standing.report.overall is OverallHealth.HEALTHY else EXIT_NOT_HEALTHY


def _troubled(known: Known, trouble: str) -> Known:
    return replace(known, trouble=trouble)
