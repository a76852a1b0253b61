"""The part of the keeper that notices that another database was put in the place of the one in use, and says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import HealthmonError, StoreReplacedError
from healthmon.model.alert import DATABASE_REPLACED, Alert, AlertSeverity
from healthmon.store import alerts, files, looks, sentinel, space, watermark
from healthmon.store.inspection import inspect
from healthmon.store.sentinel import UNKNOWN

if TYPE_CHECKING:
    from healthmon.log import Log
    from healthmon.paths import Paths
    from healthmon.store.connection import Connection

INSPECT_S = 15.0


class Guarding:
    """Knows by its mark which file is ours."""

    def __init__(self, paths: Paths, connection: Connection, log: Log) -> None:
        self._paths = paths
        self._connection = connection
        self._log = log
        self._marks: tuple[str, ...] = ()
        self._written: tuple[int, int] | None = None
        self._is_written_back = False  # the file has the newest mark
        self._meet()

    def write_back(self, *, truncate: bool) -> None:
        """Have the `-wal` written into the file, under a new mark, unless the file is not ours any more.

        While somebody reads, not all of it can be: then the file may still have an earlier mark, and gets no newer one.
        """
        self.look()
        if self._is_written_back:
            self._marks = self._marks[-1:]
            self._mark()
        self._is_written_back = space.checkpoint(self._connection, truncate=False)
        if self._is_written_back and truncate:  # it would wait for who reads, and keep everybody from writing meanwhile
            space.checkpoint(self._connection, truncate=True)
        self._written = space.written(self._paths.database)

    def _mark(self) -> None:
        mark = watermark.new()
        self._marks = (*self._marks, mark)
        watermark.remember(self._paths.marks, self._marks)
        watermark.put(self._connection, mark)

    def look(self) -> None:
        """Look whether the file was written by somebody who does not know SQLite; what was put there takes its place then."""
        written = space.written(self._paths.database)
        if written in {None, self._written}:
            return
        path = self._paths.database
        found = [watermark.on_disk(path), watermark.on_disk(path)]  # twice: one may fall into somebody's checkpoint
        if None in found:
            return  # the next look tells
        if any(mark in self._marks for mark in found):
            self._written = written
        else:
            self._take_over()

    def _take_over(self) -> None:
        """Make what was copied over the file a file of its own, and begin anew on it, as all of us do: nothing is mixed."""
        path = self._paths.database
        taken = path.with_name(f".{path.name}.taken")
        try:
            watermark.take_out(path, taken)
            inspect(taken, limit_s=INSPECT_S)
        except HealthmonError as error:
            taken.unlink(missing_ok=True)
            self._alert(f"another file was copied over {path} while it is in use, and cannot be used ({error}): stop healthmon, and restore a backup")
            self._written = space.written(path)
            return
        files.take_place(path, taken)
        self._alert(f"another database was copied over {path} while it was in use: it is used from now on; what was not in the file is kept in {path.name}-wal.of-replaced")
        raise StoreReplacedError(f"{path} was copied over while in use: what uses it starts again on what is there now")

    def _alert(self, message: str) -> None:
        self._log.error("ALERT", type=DATABASE_REPLACED, message=message)

    def _meet(self) -> None:
        """Tell, once, that this is another file than the agent began with, and mark it."""
        known = sentinel.read(self._paths)
        inode = self._paths.database.stat().st_ino
        if known is not None and known.inode not in {UNKNOWN, inode}:
            newest = looks.newest_at(self._connection)
            reached = "nothing" if newest is None else f"checks until {clock.to_iso(newest)}"
            message = f"another database was put in the place of {self._paths.database} while healthmon was running: it holds {reached}"
            alert = Alert(service_id=None, alert_type=DATABASE_REPLACED, severity=AlertSeverity.WARNING, message=message, triggered_at=clock.now())
            if alerts.note_event(self._connection, alert, unless_since=clock.now()):
                self._alert(message)
            sentinel.write(self._paths, replace(known, inode=inode, written_until=newest))
        found = {watermark.on_disk(self._paths.database), watermark.current(self._connection)}
        self._marks = tuple(mark for mark in found if mark is not None)
        self._mark()
        self.write_back(truncate=False)
