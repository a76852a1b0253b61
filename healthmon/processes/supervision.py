"""How do all programs run under one supervisord, and what about it is ours?

It is stock supervisor, and `supervisorctl` works on it as ever, with three differences:

- A program of ours runs in a fork of this process, which has loaded every library already, instead of a Python that
  is executed anew. Measured with nine idle workers: 129 MiB (PSS) in all, against 278 MiB.
- Signals wake its poll loop, which otherwise sleeps up to a second before it starts, reaps or stops anything; and at
  the end all programs are stopped at once, not one after the other.
- It shows what happens to whoever sits in front of it.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import struct
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, TextIO

from setproctitle import setproctitle
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import ServerOptions
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

from healthmon import clock
from healthmon.errors import EXIT_FINE, UsageError
from healthmon.processes import entry, loop, programs, roles
from healthmon.processes.console import Console, Reader, Screen
from healthmon.processes.parent import die_with
from healthmon.store import connection as database
from healthmon.store import services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.paths import Paths
    from healthmon.processes.programs import Program

    Main = Callable[[Sequence[str]], int]

AGENT = "agent"
PRELOADED = (
    "apsw",
    "psutil",
    "docker",
    "pydantic",
    "requests",
    "healthmon.config",
    "healthmon.processes.evaluator",
    "healthmon.processes.healer",
    "healthmon.processes.notifier",
    "healthmon.processes.prober",
    "healthmon.processes.watchdog",
)
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2)


def run(config: Config, wanted: Sequence[Program], *, introduce: Callable[[], None], main: Main = entry.main) -> int:
    """Be the supervisord of `wanted` until told to stop; `introduce` is called when nothing stands in the way.

    `main` is what runs in a fork, with the words after `healthmon`. Raises HealthmonError, having started nothing,
    when something stands in the way.
    """
    os.umask(0o077)
    lock = prepare(config, wanted)
    introduce()
    console = Console(config.paths.console, Screen(sys.stderr.fileno()).show)
    try:
        preload()
        setproctitle("healthmon: supervisord")
        return _supervise(programs.conf_file(config.paths), console, main)
    finally:
        console.close()
        config.paths.console.unlink(missing_ok=True)
        os.close(lock)


def prepare(config: Config, wanted: Sequence[Program]) -> int:
    """Make everything ready that must be before the first program starts. Return the descriptor of the agent's lock.

    The lock is not inherited, so it is free as soon as supervisord is gone, however it went; what its programs hold
    are locks of their own, which their successors wait for.
    """
    loop.prepare_directories(config.paths)
    lock = _lock_agent(config.paths)
    try:
        write_down(config, wanted)
    except BaseException:
        os.close(lock)
        raise
    return lock


def require_idle(paths: Paths) -> None:
    """Raise UsageError when an agent, ours or under a stock supervisord, is at work on what we would write."""
    pid = running_pid(paths.supervisor_socket)
    if pid is None and not any(roles.is_held(paths.lock(role)) for role in (AGENT, programs.EVALUATOR)):
        return
    who = "another healthmon" if pid is None else f"supervisord (pid {pid})"
    raise UsageError(
        f"{who} is at work on {paths.data_dir}, and its programs would be replaced: stop it first, or set data_dir to another"
        " directory; nothing was written",
    )


def write_down(config: Config, wanted: Sequence[Program]) -> None:
    """Write what every supervisord, ours or stock, and its programs find: files, and the services in the database."""
    programs.require_own_conf(config.paths)
    loop.prepare_directories(config.paths)
    _sync_database(config)
    programs.write(config.paths, wanted)
    programs.write_conf(config.paths)


def preload() -> None:
    """Load what programs need, and keep the collector's hands off it: every page it writes to is no longer shared."""
    for module in PRELOADED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()


def running_pid(path: Path) -> int | None:
    """Return the process that serves supervisord's socket at `path`, or None when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2.0)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise UsageError(f"{path} cannot be used as supervisord's socket: {error}; set data_dir to another directory") from error
        peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", peer)[0]
    return pid


def _lock_agent(paths: Paths) -> int:
    lock = roles.try_lock(paths.lock(AGENT))
    if lock is None:
        raise _taken(paths.lock(AGENT).read_text(encoding="utf-8"), paths)
    holder = running_pid(paths.supervisor_socket)
    if holder is not None:
        os.close(lock)
        raise _taken(str(holder), paths)
    paths.supervisor_socket.unlink(missing_ok=True)
    return lock


def _taken(holder: str, paths: Paths) -> UsageError:
    """Return what to say of who holds the agent's lock: a pid, and what it is when it is not an agent."""
    pid, *verb = holder.split() or ["unknown"]
    if verb:
        return UsageError(
            f"another healthmon (pid {pid}, `{verb[0]}`) is at work on {paths.data_dir}: wait until it has ended, or end it, and try again",
        )
    return UsageError(f"another healthmon (pid {pid}) runs on {paths.data_dir}; `healthmon ctl status` shows it")


def _sync_database(config: Config) -> None:
    connection = database.create_or_open(config.paths.database)
    try:
        wanted = [(service.name, service.group, service.critical) for service in config.enabled_services()]
        services.sync(connection, wanted, now=clock.now())
    finally:
        connection.close()


def _supervise(conf: Path, console: Console, main: Main) -> int:
    """Run supervisord, and run it again with what its files say then when it is told to reload."""
    asyncore.socket_map[console.fileno()] = console
    bell = _SignalBell()
    on_terminal = any(map(os.isatty, range(3)))  # asked once: one that was closed is none any more
    first = True
    while True:
        options = _Options(bell, main, on_terminal=on_terminal)
        options.realize(["-n", "-s", "-c", str(conf)], doc="")
        options.first, options.test, first = first, False, False
        _say_in_log(options)
        with suppress(asyncore.ExitNow):  # how supervisord ends
            _Supervisor(options).main()
        options.close_httpservers()
        options.close_logger()
        if options.mood < SupervisorStates.RESTARTING:
            return EXIT_FINE


def _say_in_log(options: ServerOptions) -> None:
    """Have supervisord's own log take what its server prints elsewhere, such as that a client is gone."""

    def log_info(_channel: object, message: str, kind: str = "info") -> None:
        say = options.logger.info if kind == "info" else options.logger.warn
        say(f"{kind}: {message}")

    asyncore.dispatcher.log_info = asyncore.dispatcher.log = log_info


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


class _Supervisor(Supervisor):  # type: ignore[misc]  # supervisor has no types
    def ordered_stop_groups_phase_1(self) -> None:
        """Tell all programs to stop at once: together they take as long as the slowest."""
        for group in self.stop_groups:
            group.stop_all()


class _Options(ServerOptions):  # type: ignore[misc]  # supervisor has no types
    """What supervisord asks the operating system for, where ours differs."""

    def __init__(self, bell: _SignalBell, main: Main, *, on_terminal: bool) -> None:
        super().__init__()
        self._main = main
        self._bell = bell
        self._pid = os.getpid()
        self._hang_up = signal.getsignal(signal.SIGHUP)
        self._on_terminal = on_terminal

    def usage(self, message: str) -> NoReturn:
        raise UsageError(f"supervisord: {message}")

    def cleanup_fds(self) -> None:
        """Close nothing on a reload: the lock, the console and the bell must stay open."""

    def setsignals(self) -> None:
        super().setsignals()
        if self._hang_up == signal.SIG_IGN:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
        elif self._on_terminal:
            signal.signal(signal.SIGHUP, self._stop_on_hang_up)  # the terminal was closed
        self._bell.listen_to_signals()
        self._bell.ring()

    def _stop_on_hang_up(self, _number: int, frame: object) -> None:
        self.signal_receiver.receive(signal.SIGTERM, frame)

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
            _default_signals()
            os.execve(filename, argv, env)  # noqa: S606  what a supervisor is for; no shell is wanted
        gc.freeze()  # what was open in the parent is closed here: an object must not close a number that is ours now
        _default_signals()
        _run_here(self._main, argv[len(programs.OURS) - 1 :], env, parent=self._pid)


def _default_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _run_here(main: Main, argv: Sequence[str], env: Mapping[str, str], *, parent: int) -> NoReturn:
    """Run one of our programs in this fork and end it. supervisord has put our pipes on the descriptors 0 to 2."""
    code = 1
    try:
        die_with(parent)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = ["healthmon", *argv]
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  for as long as the process lives
        sys.stdout = _output(1)
        sys.stderr = _output(2)
        code = main(argv)
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0
    except BaseException:  # noqa: BLE001  this is the top of the process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _output(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
