"""What does every process of ours do, whatever its work? Lock its role, listen to signals, work, wait, stop.

A worker does one unit of work a call and says how long it can wait for the next one. Waiting ends early when the
doorbell rings: a datagram that another process sends after a commit. A lost ring costs only the rest of the wait.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from setproctitle import setproctitle

from healthmon import log
from healthmon.errors import EXIT_FAILED, HealthmonError, UsageError
from healthmon.processes.parent import die_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthmon.paths import Paths

LOCK_RETRY_S = 0.2
LOCK_COMPLAIN_S = 30.0
MAX_BUGS_IN_A_ROW = 10
FAILED_STEP_PAUSE_S = 1.0
MAX_WAIT_S = 60.0


class Worker(Protocol):
    """The work of one process."""

    def step(self) -> float:
        """Do one unit of work; return the seconds until there is more at the latest, 0 for at once."""

    def close(self) -> None:
        """Let go of everything, within a few seconds."""


class Doorbell:
    """Wakes its owner: from other processes by a datagram, from its own threads and signals by `ring_self`."""

    def __init__(self) -> None:
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._socket: socket.socket | None = None
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)

    def listen(self, path: Path) -> None:
        """Let other processes ring it at `path`. Only for who holds the role: the last to listen gets the rings."""
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))
        self._poll.register(self._socket, select.POLLIN)

    def ring_self(self) -> None:
        os.eventfd_write(self._wake, 1)

    def wait(self, timeout_s: float) -> None:
        """Wait until it rings or the time is over."""
        for descriptor, _ in self._poll.poll(max(0.0, timeout_s) * 1000):
            self._drain(descriptor)

    def _drain(self, descriptor: int) -> None:
        try:
            if descriptor == self._wake:
                os.eventfd_read(self._wake)
            elif self._socket is not None:
                while self._socket.recv(64):
                    pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        os.close(self._wake)
        if self._socket is not None:
            self._socket.close()


def ring(path: Path) -> None:
    """Wake the process whose doorbell is at `path`. Never waits, never fails: a lost ring costs a fallback poll."""
    # An error means that nobody runs there, or is busy enough to look anyway.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as bell, suppress(OSError):
        bell.sendto(b"!", str(path))


class Stopping:
    """Set by SIGTERM and SIGINT; wakes the loop."""

    def __init__(self, doorbell: Doorbell) -> None:
        self.requested = False
        self._doorbell = doorbell
        signal.signal(signal.SIGTERM, self._request)
        signal.signal(signal.SIGINT, self._request)

    def _request(self, _number: int, _frame: object) -> None:
        self.requested = True
        self._doorbell.ring_self()


def run(program: str, paths: Paths, *, level: str, make: Callable[[Doorbell], Worker]) -> int:
    """Run one process until it is told to stop. Return its exit code."""
    os.umask(0o077)
    setproctitle(f"healthmon: {program}")
    die_with(os.getppid())
    prepare_directories(paths)
    log.set_up_file(paths.log(program), level=level, console=paths.console)
    records = log.Log(program)
    doorbell = Doorbell()
    stopping = Stopping(doorbell)
    lock = hold_role(paths.lock(program), stopping, records)
    if lock is None:
        return 0
    try:
        doorbell.listen(paths.doorbell(program))
        return _work(make(doorbell), doorbell, stopping, records)
    except HealthmonError as error:
        records.error("stopped", error=str(error))
        return error.exit_code
    finally:
        os.close(lock)


def _work(worker: Worker, doorbell: Doorbell, stopping: Stopping, records: log.Log) -> int:
    records.info("started", pid=os.getpid())
    steps = _Steps(worker, records)
    try:
        while not stopping.requested:
            wait_s = steps.make_one()
            if steps.bugs_in_a_row >= MAX_BUGS_IN_A_ROW:
                records.error("gave_up", failed_steps=steps.bugs_in_a_row)
                return EXIT_FAILED
            if wait_s > 0:
                doorbell.wait(min(wait_s, MAX_WAIT_S))
    finally:
        worker.close()
        records.info("stopped", pid=os.getpid())
    return 0


class _Steps:
    """Outlives what may pass (said once, not once a step), and a bug for some steps; then supervisord starts us anew."""

    def __init__(self, worker: Worker, records: log.Log) -> None:
        self._worker = worker
        self._records = records
        self._trouble = ""
        self.bugs_in_a_row = 0

    def make_one(self) -> float:
        try:
            wait_s = self._worker.step()
        except HealthmonError as error:
            if error.permanent:
                raise
            self._say(str(error))
            return FAILED_STEP_PAUSE_S
        except Exception:  # noqa: BLE001  the top of the work: with its traceback, and never silently
            self.bugs_in_a_row += 1
            self._records.exception("step_failed")
            return FAILED_STEP_PAUSE_S
        self.bugs_in_a_row = 0
        self._say("")
        return wait_s

    def _say(self, trouble: str) -> None:
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            self._records.warning("cannot_work", error=trouble)
        else:
            self._records.change("works_again")


def prepare_directories(paths: Paths) -> None:
    """Make the directories of an agent. Raises UsageError when one cannot be made or written."""
    for directory in (paths.data_dir, paths.runtime, paths.programs, paths.runtime / "locks", paths.runtime / "doorbells", paths.logs):
        try:
            mode = 0o755 if directory == paths.data_dir else 0o700
            directory.mkdir(mode=mode, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the directory {directory}: {error.strerror}; set data_dir to one that is yours") from error
        if not os.access(directory, os.W_OK | os.X_OK):
            raise UsageError(f"cannot write into {directory}: check its owner and mode, or set data_dir to another")
    paths.runtime.chmod(0o700)  # whoever can reach the sockets in it can stop everything


def try_lock(path: Path) -> int | None:
    """Take the lock at `path` for as long as this process lives. Return its descriptor, or None when it is taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lock at `path`, without taking it or making the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def hold_role(path: Path, stopping: Stopping, records: log.Log) -> int | None:
    """Wait until no other process has our role: after a `kill -9` of supervisord its workers may outlive it a moment.

    Return the lock's descriptor, or None when we were told to stop first.
    """
    complain_at = time.monotonic() + 1.0
    while not stopping.requested:
        lock = try_lock(path)
        if lock is not None:
            return lock
        if time.monotonic() >= complain_at:
            records.warning("role_taken", lock=str(path), holder=path.read_text().strip())
            complain_at = time.monotonic() + LOCK_COMPLAIN_S
        time.sleep(LOCK_RETRY_S)
    return None
