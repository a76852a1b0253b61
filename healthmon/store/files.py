"""Are the files at the database's path still those that are open?

A file that somebody deleted or replaced stays open in the processes that use it: they would go on to write what nobody
ever reads. A `-wal` or `-shm` that was deleted is worse: the next process makes new ones, and two sets of processes
write one database without seeing each other's locks.

Only their names are asked about: to open and close one of the files would drop SQLite's locks on it.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from healthmon.errors import StoreError, StoreGoneError, StoreReplacedError, StoreUnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Identity = tuple[int, int]  # st_dev and st_ino: which file it is, whatever its path

BESIDE = ("-wal", "-shm")


class Files:
    """The files of one connection, as they were when it was opened. Raises StoreError when there is no database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        self._database = identity(self._name)
        if self._database is None:
            raise missing(path)
        self._beside: dict[str, Identity] = {}

    def note_beside(self) -> None:
        """Remember which `-wal` and `-shm` SQLite has opened: after the first statement that read anything."""
        for suffix in BESIDE:
            found = identity(self._name + suffix)
            if found is not None:
                self._beside[suffix] = found

    def require_in_place(self) -> None:
        """Raise StoreGoneError for a database that is not there now, StoreReplacedError for one that is another."""
        found = identity(self._name)
        if found is None:
            raise StoreGoneError(
                f"{self.path} was deleted or moved away while in use: put it back, or stop healthmon and start it again,"
                " which begins a new one",
            )
        if found != self._database:
            raise StoreReplacedError(f"{self.path} was replaced while in use: what uses it starts again on what is there now")

    def beside_lost(self) -> str | None:
        """Return which of the files beside the database is not the one that is open; None when all are."""
        for suffix, known in self._beside.items():
            if identity(self._name + suffix) != known:
                return suffix
        return None

    def put_aside(self) -> None:
        """Take what belongs to the database that was replaced out of the way of the one at its path now.

        SQLite would take the old `-wal` for the new database's and mix the two. Nobody loses anything by it: who has the
        old ones open still keeps them, and SQLite deletes nothing beside a database that was moved.
        """
        with alone_in(self.path.parent):
            for suffix, known in self._beside.items():
                if identity(self._name + suffix) == known:
                    put_aside(self.path, suffix)


def identity(name: str) -> Identity | None:
    """Return which file lies at a path, None when there is none. At every statement, so without a Path's cost."""
    try:
        found = os.stat(name)  # noqa: PTH116  as above
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreUnavailableError(f"{name} cannot be looked at: {error.strerror}; is its disk gone?") from error
    return found.st_dev, found.st_ino


def missing(path: Path) -> StoreError:
    return StoreGoneError(
        f"there is no database at {path}: put it back if it was moved or deleted, or let `healthmon run` make a new one",
    )


def put_aside(path: Path, suffix: str) -> None:
    """Take a file beside the database out of its way; a `-wal` is kept, for it may hold what is nowhere else."""
    beside = path.with_name(path.name + suffix)
    with suppress(FileNotFoundError):
        if suffix == "-wal" and beside.stat().st_size:
            beside.replace(path.with_name(path.name + suffix + ".of-replaced"))
        else:
            beside.unlink()


def take_place(path: Path, other: Path) -> None:
    """Put another database in the place of the one at `path`, and what belongs to that one out of its way."""
    with alone_in(path.parent):
        for suffix in BESIDE:
            put_aside(path, suffix)
        other.replace(path)


def make_directory(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the directory {path.parent} for the database: {error.strerror}") from error


def require_writable(path: Path) -> None:
    directory = path.parent
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write into {directory}, where the database lies: check its owner and mode")


def make_private(path: Path) -> None:
    """Make the file, for its owner alone, where there is none yet; SQLite's own files beside it follow its mode.

    Only a new file may be opened by other means than SQLite: closing it would drop SQLite's locks on an older one.
    What a deleted database left behind goes first: who still has that one open would share its `-shm` with the new one.
    """
    with alone_in(path.parent):
        if path.exists():
            return
        for leftover in BESIDE:
            path.with_name(path.name + leftover).unlink(missing_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Keep others that would make a database there waiting. Raises StoreUnavailableError for what the disk refuses."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreUnavailableError(f"cannot make a database in {directory}: {error.strerror}; is the disk full?") from error
