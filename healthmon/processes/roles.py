"""How is there never more than one of anything? A lock a role, held for as long as its process lives."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthmon.log import Log

LOCK_RETRY_S = 0.2
LOCK_COMPLAIN_S = 30.0


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


def keep(path: Path, lock: int) -> int | None:
    """Return the lock that the file at `path` stands for: `lock` itself, or a new one where that file was removed.

    None when another process has it by now; `lock` is still open then. Raises OSError when the file cannot be made again.
    """
    with suppress(FileNotFoundError):
        if os.path.samestat(path.stat(), os.fstat(lock)):
            return lock
    again = try_lock(path)
    if again is not None:
        os.close(lock)
    return again


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


def hold_role(path: Path, records: Log, *, go_on: Callable[[], bool]) -> int | None:
    """Wait until no other process has our role: after a `kill -9` of supervisord its workers may outlive it a moment.

    Return the lock's descriptor, or None when `go_on`, which is asked before each try, said no first.
    """
    complain_at = time.monotonic() + 1.0
    while go_on():
        lock = try_lock(path)
        if lock is not None:
            return lock
        if time.monotonic() >= complain_at:
            records.warning("role_taken", lock=str(path), holder=path.read_text().strip())
            complain_at = time.monotonic() + LOCK_COMPLAIN_S
        time.sleep(LOCK_RETRY_S)
    return None
