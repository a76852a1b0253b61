"""In what does our supervisord differ from the stock one?

`supervisorctl` works on it as ever. The differences:

- A program of ours runs in a fork of this process, which has loaded every library already, instead of a Python that
  is executed anew. Measured with nine idle workers: 129 MiB (PSS) in all, against 278 MiB.
- Signals wake its poll loop, which otherwise sleeps up to a second before it starts, reaps or stops anything; while
  nothing is under way it sleeps longer. At the end all programs are stopped at once, not one after the other.
- It shows what happens to whoever sits in front of it.
- SIGHUP has the configuration applied anew, and no process started anew for it; it stops all of it in good order when it
  says that our terminal was closed.
- When somebody removes its socket, or other files that the agent stands on, it puts them back.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from supervisor.http import deferring_http_channel
from supervisor.loggers import Handler
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import ServerOptions
from supervisor.poller import Poller
from supervisor.states import ProcessStates, SupervisorStates
from supervisor.supervisord import Supervisor

from healthmon import clock
from healthmon.errors import EXIT_FINE, HealthmonError, UsageError
from healthmon.processes import programs
from healthmon.processes.console import Console, Reader
from healthmon.processes.forked import SIGNALS, own_signals, run_here
from healthmon.processes.hangup import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supervisor.process import Subprocess

    from healthmon.processes.forked import Main

    HangUp = Callable[[], bool]  # has the configuration applied anew; False when nobody hears it yet
    Keep = Callable[[], bool]  # puts back what somebody removed; False when another agent has the directory

KEEP_EVERY_S = 4.0  # and so often its loop goes round at least: listeners are promised an event every five seconds
AT_REST = frozenset({ProcessStates.RUNNING, ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL})  # until something happens


def supervise(conf: Path, console: Console, main: Main, *, keep: Keep, hang_up: HangUp) -> int:
    """Run supervisord, and run it again with what its files say then when it is told to reload.

    `keep` is called every few seconds, and `hang_up` when a SIGHUP arrived, until it returns True.
    """
    asyncore.socket_map[console.fileno()] = console
    bell = _SignalBell()
    terminal = Terminal()
    first = True
    while True:
        options = _Options(bell, main, terminal)
        options.realize(["-n", "-s", "-c", str(conf)], doc="")
        options.first, options.test, first = first, False, False
        _say_in_log(options)
        with suppress(asyncore.ExitNow):  # how supervisord ends
            _Supervisor(options, keep, hang_up).main()
        options.close_httpservers()
        with suppress(OSError):  # its disk is full: what it did not take is lost
            options.close_logger()
        if options.mood < SupervisorStates.RESTARTING:
            return EXIT_FINE


def _say_in_log(options: ServerOptions) -> None:
    """Have supervisord's own log take what its server prints elsewhere, such as that a client is gone."""

    def log_info(_channel: object, message: str, kind: str = "info") -> None:
        say = options.logger.info if kind == "info" else options.logger.warn
        say(f"{kind}: {message}")

    asyncore.dispatcher.log_info = asyncore.dispatcher.log = log_info
    Handler.handleError = _ignore_refusal


def _ignore_refusal(_handler: Handler) -> None:
    """Print no traceback for each record that a full disk refuses; the stream keeps the last 8 KiB of them."""


class _SignalBell(Reader):
    """Ends the sleep of supervisord's poll loop: Python itself writes to it when a signal arrives."""

    def __init__(self) -> None:
        ours, self._ringing_end = socket.socketpair(type=socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        super().__init__(ours)
        asyncore.socket_map[self.fileno()] = self

    def listen_to_signals(self) -> None:
        signal.set_wakeup_fd(self._ringing_end.fileno(), warn_on_full_buffer=False)

    def ring(self) -> None:
        with suppress(BlockingIOError):  # it rings already
            self._ringing_end.send(b"\0")


class _Poller(Poller):  # type: ignore[misc]  # supervisor has no types
    """Sleeps as long as nothing is to be done, not for a second: each round of the loop costs half a millisecond."""

    patience_s: Callable[[], float]

    def poll(self, timeout: float) -> tuple[list[int], list[int]]:
        found: tuple[list[int], list[int]] = super().poll(max(timeout, self.patience_s()))
        return found


class _Supervisor(Supervisor):  # type: ignore[misc]  # supervisor has no types
    def __init__(self, options: _Options, keep: Keep, hang_up: HangUp) -> None:
        super().__init__(options)
        self._keep = keep
        self._hang_up = hang_up
        self._keep_at = clock.monotonic() + KEEP_EVERY_S
        options.poller.patience_s = self._patience_s

    def _patience_s(self) -> float:
        """Return for how long nothing has to be done that no signal, no client and no program's word wakes us for."""
        if self.options.mood != SupervisorStates.RUNNING or self.options.hung_up:
            return 0.0
        if any(isinstance(one, deferring_http_channel) for one in asyncore.socket_map.values()):
            return 0.0  # what a client waits for is looked at again and again
        if not all(is_at_rest(process) for group in self.process_groups.values() for process in group.processes.values()):
            return 0.0
        return self._keep_at - clock.monotonic()

    def ordered_stop_groups_phase_1(self) -> None:
        """Tell all programs to stop at once: together they take as long as the slowest."""
        for group in self.stop_groups:
            group.stop_all()

    def tick(self, now: float | None = None) -> None:
        super().tick(now)
        if self.options.hung_up and self.options.mood == SupervisorStates.RUNNING:
            self.options.hung_up = not self._hang_up()
        if clock.monotonic() >= self._keep_at and self.options.mood == SupervisorStates.RUNNING:
            self._keep_at = clock.monotonic() + KEEP_EVERY_S
            with suppress(OSError, HealthmonError):  # it is tried again, and the watchdog says what is wrong
                self._keep_ground()

    def _keep_ground(self) -> None:
        if not self._keep():
            self.options.logger.critical("another agent has this directory now: stopping")
            self.options.unlink_socketfiles = self.options.unlink_pidfile = False  # they are its files
            self.options.mood = SupervisorStates.SHUTDOWN
            return
        if self.options.open_socket_again():
            self.options.logger.info("our socket was removed, and is put back")
        log = Path(self.options.logfile)
        if log.parent.is_dir() and log.is_absolute() and not log.exists():
            self.options.reopenlogs()
            for group in self.process_groups.values():
                group.reopenlogs()
            self.options.logger.info("our log was removed, and is begun anew")


def is_at_rest(process: Subprocess) -> bool:
    """Tell whether a program stays as it is until something happens, so that nobody has to look at it before."""
    will_begin = process.state == ProcessStates.STOPPED and process.config.autostart and not process.laststart
    return process.state in AT_REST and not will_begin


class _Options(ServerOptions):  # type: ignore[misc]  # supervisor has no types
    """What supervisord asks the operating system for, where ours differs."""

    def __init__(self, bell: _SignalBell, main: Main, terminal: Terminal) -> None:
        super().__init__()
        self._main = main
        self._bell = bell
        self._pid = os.getpid()
        self._hang_up = signal.getsignal(signal.SIGHUP)
        self._terminal = terminal
        self.poller = _Poller(self)
        self.hung_up = False  # SIGHUP came, and nobody has heard of it yet
        self.httpservers: list[tuple[dict[str, Any], Any]] = []

    def usage(self, message: str) -> NoReturn:
        raise UsageError(f"supervisord: {message}")

    def openhttpservers(self, supervisord: _Supervisor) -> None:
        super().openhttpservers(supervisord)
        self._served = supervisord

    def open_socket_again(self) -> bool:
        """Listen anew where our socket was removed; return whether it was. Raises when that cannot be done."""
        if all(Path(config["file"]).exists() for config, _ in self.httpservers if config["family"] == socket.AF_UNIX):
            return False
        old = self.httpservers
        self.openhttpservers(self._served)
        new, self.httpservers = self.httpservers, old
        self.close_httpservers()
        self.httpservers = new
        return True

    def cleanup_fds(self) -> None:
        """Close nothing on a reload: the lock, the console and the bell must stay open."""

    def setsignals(self) -> None:
        super().setsignals()
        if self._hang_up == signal.SIG_IGN:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
        else:
            signal.signal(signal.SIGHUP, self._take_hang_up)  # the stock one would start every program anew
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # it has no meaning here, and by default would end us
        self._bell.listen_to_signals()
        self._bell.ring()

    def _take_hang_up(self, _number: int, frame: object) -> None:
        if self._terminal.was_closed():
            self.signal_receiver.receive(signal.SIGTERM, frame)
        else:
            self.hung_up = True

    def waitpid(self) -> tuple[int | None, int | None]:
        """Reap a child, and look again at once: what died is started again in the next turn of the loop."""
        pid, status = super().waitpid()
        if pid:
            self._bell.ring()
        return pid, status

    def fork(self) -> int:
        """Fork with signals held back: until `execve` the child would take one for supervisord's, and lose it."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid != 0:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid

    def execve(self, filename: str, argv: list[str], env: Mapping[str, str]) -> NoReturn:
        """Become the program: ours here and now, in the fork of what is loaded; any other as usual."""
        if tuple(argv[: len(programs.OURS)]) != programs.OURS:
            own_signals()
            os.execve(filename, argv, env)  # noqa: S606  what a supervisor is for; no shell is wanted
        run_here(self._main, argv[len(programs.OURS) - 1 :], env, parent=self._pid)
