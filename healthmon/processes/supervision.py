"""What must be before supervisord may start our programs, and how is it run then?

One agent works on a directory. What every supervisord, ours or the stock one, and its programs find there is written
before the first of them starts; when something stands in the way, nothing is started.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import struct
import sys
from typing import TYPE_CHECKING

from setproctitle import setproctitle

from healthmon import clock, log
from healthmon.errors import UsageError
from healthmon.processes import entry, loop, programs, roles, supervisord
from healthmon.processes.console import Console, Screen
from healthmon.store import services, start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.paths import Paths
    from healthmon.processes.programs import Program
    from healthmon.processes.supervisord import Main

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
    "healthmon.processes.keeper",
    "healthmon.processes.notifier",
    "healthmon.processes.prober",
    "healthmon.processes.watchdog",
)


def run(config: Config, wanted: Sequence[Program], *, introduce: Callable[[], None], main: Main = entry.main) -> int:
    """Be the supervisord of `wanted` until told to stop; `introduce` is called when nothing stands in the way.

    `main` is what runs in a fork, with the words after `healthmon`. Raises HealthmonError, having started nothing,
    when something stands in the way.
    """
    os.umask(0o077)
    lock = prepare(config, wanted)
    introduce()
    console = Console(config.paths.console, Screen(sys.stderr.fileno()).show)
    ground = Ground(config.paths, wanted, console, lock)
    try:
        preload()
        setproctitle("healthmon: supervisord")
        return supervisord.supervise(programs.conf_file(config.paths), console, main, keep=ground.keep)
    finally:
        _settle_database(config)
        ground.close()


class Ground:
    """The files that a running agent stands on, as far as they are not its processes' own."""

    def __init__(self, paths: Paths, wanted: Sequence[Program], console: Console, lock: int) -> None:
        self._paths = paths
        self._wanted = tuple(wanted)
        self._console = console
        self._lock = lock
        self._is_ours = True

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
        if not all((self._paths.programs / f"{program.name}.conf").exists() for program in self._wanted):
            programs.write(self._paths, self._wanted)
        return True

    def close(self) -> None:
        self._console.close()
        if self._is_ours:
            self._paths.console.unlink(missing_ok=True)
        os.close(self._lock)


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


def _settle_database(config: Config) -> None:
    """Leave a database behind that is one file."""
    log.set_up_file(config.paths.log(AGENT), level=config.log_level, stream=sys.stderr)
    start.settle(config.paths, log.Log(AGENT))
    log.close()


def _sync_database(config: Config) -> None:
    log.set_up_file(config.paths.log(AGENT), level=config.log_level, stream=sys.stderr)
    try:
        connection = start.begin(config.paths, log.Log(AGENT))
        try:
            wanted = [(service.name, service.group, service.critical) for service in config.enabled_services()]
            services.sync(connection, wanted, now=clock.now())
        finally:
            connection.close()
    finally:
        log.close()  # before the first fork
