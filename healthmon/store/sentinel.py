"""Was there a database here before, and how far did its history reach?

A file beside the locks says so, because a database that is empty, missing or older than it should be looks like that of
a first run. It holds no secret: which database, since when, which file, and the newest check that is known to be in it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import StoreUnavailableError

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.paths import Paths

NOTE_EVERY_S = 10.0
UNKNOWN = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """What is known of a database. `inode` is which file it is, where that can be said."""

    created_at: datetime
    written_until: datetime | None = None
    inode: int = UNKNOWN


def read(paths: Paths) -> Sentinel | None:
    """Return what was left about the database at this path; None when it is the first here, as far as one can know."""
    try:
        text = paths.sentinel.read_text(encoding="utf-8")
        own_inode = paths.sentinel.stat().st_ino
    except FileNotFoundError:
        return None
    try:
        found = json.loads(text)
        if found["database"] != _name(paths):
            return None
        return Sentinel(
            created_at=clock.from_sql(found["created_at"]),
            written_until=clock.from_sql(found["written_until"]) if found["written_until"] else None,
            # In a directory that was copied every file is another, the sentinel itself too: no database was replaced.
            inode=found["inode"] if found["own_inode"] == own_inode else UNKNOWN,
        )
    except (ValueError, KeyError, TypeError):
        return None  # cut by a power failure: nothing can be said


def write(paths: Paths, sentinel: Sentinel) -> None:
    """Replace what is known. Raises StoreUnavailableError when the disk refuses it."""
    unfinished = paths.sentinel.with_name(f".{paths.sentinel.name}.new")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(
                {
                    "database": _name(paths),
                    "created_at": clock.to_sql(sentinel.created_at),
                    "written_until": clock.to_sql(sentinel.written_until) if sentinel.written_until else "",
                    "inode": sentinel.inode,
                    "own_inode": os.fstat(file.fileno()).st_ino,
                },
                file,
            )
        unfinished.replace(paths.sentinel)
    except OSError as error:
        raise StoreUnavailableError(f"cannot write {paths.sentinel}: {error.strerror}; is the disk full?") from error


class Mark:
    """Notes from time to time how far the history reaches: a hint, whose loss costs only a warning that is not given."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._note_at = 0.0  # monotonic

    def note(self, until: datetime) -> None:
        """Note that checks up to `until` are committed; a few times a minute at most."""
        now = clock.monotonic()
        if now < self._note_at:
            return
        self._note_at = now + NOTE_EVERY_S
        with suppress(StoreUnavailableError, OSError):
            known = read(self._paths)
            if known is not None:
                write(self._paths, replace(known, written_until=until))


def _name(paths: Paths) -> str:
    """Return the database's path from the data directory, so that both can be moved together."""
    return os.path.relpath(paths.database.absolute(), paths.data_dir.absolute())
