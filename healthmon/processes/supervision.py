"""What must be before supervisord may start our programs, and how is it run then?

One agent works on a directory. What every supervisord, ours or the stock one, and its programs find there is written
before the first of them starts; when something stands in the way, nothing is started.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from functools import partial
from typing import TYPE_CHECKING

from setproctitle import setproctitle

from healthmon import applied, clock, log
from healthmon import config as configuration
from healthmon.errors import UsageError
from healthmon.model.alert import CONFIGURATION_REFUSED
from healthmon.person import person
from healthmon.processes import configuring, entry, programs, refusing, reload_line, roles, sharing, supervisord
from healthmon.processes.console import Console, Screen
from healthmon.processes.directories import prepare_directories
from healthmon.store import configurations, services, start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from healthmon.applied import Applied
    from healthmon.config import Config
    from healthmon.paths import Paths
    from healthmon.processes.configuring import Resumed
    from healthmon.processes.forked import Main
    from healthmon.processes.programs import Program
    from healthmon.store.connection import Connection

AGENT = "agent"


def run(  # noqa: PLR0913  one fact each
    source: Path,
    *,
    introduce: Callable[[Config], None],
    watched: Sequence[Program] = (),
    without: Sequence[str] = (),
    main: Main = entry.main,
    resumed: Resumed | None = None,
) -> int:
    """Be the supervisord of what the file at `source` asks for until told to stop.

    `introduce` is called when nothing stands in the way. `watched` are programs that it runs beside ours, `without`
    those of ours that run elsewhere, `main` is what runs in a fork, with the words after `healthmon`, and `resumed` counts
    instead of the file. Raises HealthmonError, having started nothing, when something stands in the way.
    """
    os.umask(0o077)
    paths = configuration.load(source).paths if resumed is None else resumed.config.paths
    lock = take_ground(paths)
    try:
        _, config = write_down(paths, source, watched, without=without, resumed=resumed)
    except BaseException:
        os.close(lock)
        raise
    introduce(config)
    console = Console(paths.console, Screen(sys.stderr.fileno()).show)
    ground = Ground(paths, watched, console, lock)
    try:
        sharing.prepare(paths)
        setproctitle("healthmon: supervisord")
        return supervisord.supervise(programs.conf_file(paths), console, main, keep=ground.keep, hang_up=partial(ask_to_reload, paths))
    finally:
        _settle_database(config)
        ground.close()


def ask_to_reload(paths: Paths) -> bool:
    """Have the watchdog apply the file anew, for whoever sent us SIGHUP; return whether it heard of it."""
    return reload_line.tell(paths.reload_socket, author="SIGHUP")


class Ground:
    """The files that a running agent stands on, as far as they are not its processes' own."""

    def __init__(self, paths: Paths, watched: Sequence[Program], console: Console, lock: int) -> None:
        self._paths = paths
        self._watched = tuple(watched)
        self._console = console
        self._lock = lock
        self._is_ours = True
        self._applied = applied.require(paths)
        self._seen: os.stat_result | None = None  # the file that it was read from

    def keep(self) -> bool:
        """Put back what somebody removed; return False when another agent has our directory by now.

        Raises OSError when it cannot be put back now: the directories are the watchdog's to put back.
        """
        lock = roles.keep(self._paths.lock(AGENT), self._lock)
        if lock is None:
            self._is_ours = False
            return False
        self._lock = lock
        self._console.put_back()
        self._read_again()
        wanted = (*programs.of_monitor(self._applied, self._paths), *self._watched)
        if not all((self._paths.programs / f"{program.name}.conf").exists() for program in wanted):
            programs.write(self._paths, wanted)
        return True

    def _read_again(self) -> None:
        """Take in what is applied by now, or put it back where somebody removed it."""
        try:
            seen = self._paths.applied.stat()
        except FileNotFoundError:
            applied.write(self._paths, self._applied)
            return
        if self._seen is None or (seen.st_ino, seen.st_mtime_ns) != (self._seen.st_ino, self._seen.st_mtime_ns):
            self._applied, self._seen = applied.read(self._paths) or self._applied, seen

    def close(self) -> None:
        self._console.close()
        if self._is_ours:
            self._paths.console.unlink(missing_ok=True)
        os.close(self._lock)


def take_ground(paths: Paths) -> int:
    """Have `data_dir` for ourselves. Return the descriptor of the agent's lock.

    The lock is not inherited, so it is free as soon as supervisord is gone, however it went; what its programs hold
    are locks of their own, which their successors wait for.
    """
    prepare_directories(paths)
    return _lock_agent(paths)


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


def write_down(
    paths: Paths,
    source: Path,
    watched: Sequence[Program] = (),
    *,
    without: Sequence[str] = (),
    resumed: Resumed | None = None,
) -> tuple[Applied, Config]:
    """Apply the file at `source`, or what is resumed, and write what every supervisord, ours or stock, and its programs find.

    Raises HealthmonError, having applied nothing, when that cannot be done.
    """
    programs.require_own_conf(paths)
    prepare_directories(paths)
    level = configuration.load(source).log_level if resumed is None else resumed.config.log_level
    log.set_up_file(paths.log(AGENT), level=level, stream=sys.stderr)
    try:
        connection = start.begin(paths, log.Log(AGENT))
        try:
            found, config = _apply(connection, source, without) if resumed is None else (resumed.applied, resumed.config)
            services.sync(connection, [(one.name, one.group, one.critical) for one in config.enabled_services()], now=clock.now())
            configurations.enter(connection, found.row)
        finally:
            connection.close()
        if resumed is not None:
            applied.write(paths, found)
            log.Log(AGENT).error("ALERT", type=CONFIGURATION_REFUSED, message=f"started with configuration {found.number}: {resumed.problem}")
            refusing.note(paths, "start", resumed.problem)
    finally:
        log.close()  # before the first fork
    programs.write(paths, [*programs.of_monitor(found, paths), *watched])
    programs.write_conf(paths)
    return found, config


def _apply(connection: Connection, source: Path, without: Sequence[str]) -> tuple[Applied, Config]:
    last = configurations.newest(connection)
    found = configuring.start(source, author=person(), newest=0 if last is None else last.number, without=without)
    refusing.settle(connection)
    return found


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


def _settle_database(config: Config) -> None:
    """Leave a database behind that is one file."""
    log.set_up_file(config.paths.log(AGENT), level=config.log_level, stream=sys.stderr)
    start.settle(config.paths, log.Log(AGENT))
    log.close()
