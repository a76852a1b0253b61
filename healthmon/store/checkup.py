"""Is a database whole? SQLite's own check, on a connection of its own that writes nothing, for a bounded time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from healthmon import clock

if TYPE_CHECKING:
    from pathlib import Path

STEPS_BETWEEN_LOOKS = 1_000  # of SQLite's virtual machine, between two looks at the clock
BUSY_TIMEOUT_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What was found: nothing, when `problem` is empty; and whether all of the file was looked at in the time."""

    problem: str = ""
    finished: bool = True


def examine(path: Path, *, limit_s: float) -> Checkup:
    """Read a database through for at most `limit_s`. About 1 s for 1 GiB that is in memory.

    Read-only, so that not even closing it writes: a checkpoint would mix a healthy `-wal` into a damaged file. Raises
    apsw.Error for what prevents a look at all, such as a lock.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        deadline = clock.monotonic() + limit_s
        connection.set_progress_handler(lambda: clock.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
        found = str(connection.execute("PRAGMA quick_check(1)").fetchall()[0][0])
    except apsw.InterruptError:
        return Checkup(finished=False)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return Checkup(problem=str(error))
    finally:
        connection.close()
    return Checkup(problem="" if found == "ok" else found.replace("\n", " "))
