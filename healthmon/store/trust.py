"""What does an error of SQLite's mean: for the caller, and for whether its connection can be used any further?

An answer of a failing disk is not the last word: SQLite calls a healthy database malformed when a read fails, and after
a failed flush nobody knows what the kernel has dropped. So a connection that was told either is closed, opened anew
and, before damage is believed, checked.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import apsw

from healthmon import clock
from healthmon.errors import StoreBusyError, StoreDamagedError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.store.checkup import Checkup

DAMAGE_BELIEVED_S = 60.0  # before it is looked at again: somebody may mend it
BUSY_ERRORS = (apsw.BusyError, apsw.LockedError, apsw.ProtocolError)
DISK_ERRORS = (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError)
DAMAGE_ERRORS = (apsw.CorruptError, apsw.NotADBError)


class Doubt(Enum):
    """Why a connection is not used any more as it is."""

    NONE = auto()
    DISK = auto()  # it was told of a failure of the disk
    DAMAGE = auto()  # it was told that the database is damaged


class Trust:
    """What one connection was told. `doubt` says whether it can go on."""

    def __init__(self, path: Path) -> None:
        self.doubt = Doubt.NONE
        self._path = path
        self._vouched: bool | None = None  # read and found whole; None: nothing is known; False: accused, not cleared
        self._damage = ""
        self._damage_stands_until = 0.0  # monotonic

    def vouch(self) -> None:
        """Take the first statement that went well for a sign that the database can be read: damage would be news."""
        if self._vouched is None:
            self._vouched = True

    def failed(self, error: apsw.Error) -> StoreError:
        """Return in our words what SQLite said, and remember what it means for the connection."""
        if isinstance(error, DAMAGE_ERRORS):
            return self._accused(str(error))
        if isinstance(error, DISK_ERRORS) and self.doubt is Doubt.NONE:
            self.doubt = Doubt.DISK
        return translated(error, self._path)

    def require_worth_a_try(self) -> None:
        """Raise StoreDamagedError when damage was found a short while ago: a check costs too much for every step."""
        if self.doubt is Doubt.DAMAGE and clock.monotonic() < self._damage_stands_until:
            raise damaged(self._path, self._damage)

    def examined(self, found: Checkup) -> None:
        """Take what a check of the whole file, by a connection of its own, found. Raises StoreDamagedError for damage."""
        if found.problem:
            raise self._believe(found.problem)
        self._vouched = found.finished

    def _accused(self, damage: str) -> StoreError:
        if not self._vouched:
            return self._believe(damage)
        self.doubt = Doubt.DAMAGE
        return StoreUnavailableError(f"{self._path} could not be read ({damage}): it is opened anew and checked before that is believed")

    def _believe(self, damage: str) -> StoreDamagedError:
        self.doubt = Doubt.DAMAGE
        self._damage = damage
        self._damage_stands_until = clock.monotonic() + DAMAGE_BELIEVED_S
        return damaged(self._path, damage)


def damaged(path: Path, damage: str) -> StoreDamagedError:
    return StoreDamagedError(
        f"{path} cannot be read as a database ({damage}): stop healthmon, then see what `sqlite3 {path} .recover` saves, or put"
        " a backup in its place",
    )


def translated(error: apsw.Error, path: Path) -> StoreError:
    if isinstance(error, BUSY_ERRORS):
        return StoreBusyError(f"another program holds the lock of {path}")
    if isinstance(error, (apsw.FullError, *DISK_ERRORS)):
        return StoreUnavailableError(f"{path} cannot be used now: {error}; is its disk full, read-only or gone?")
    if isinstance(error, apsw.SQLError) and str(error).startswith("no such"):
        return StoreError(f"{path} is not as this healthmon knows it ({error}): `healthmon db check` says what it is")
    return StoreError(f"{path}: {error}")
