"""How much room does the database take, and how does it give back what it does not need?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.errors import StoreBusyError
from healthmon.store.row import integer

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The pages of a database. `free` ones hold nothing and are used again first."""

    page_bytes: int
    pages: int
    free: int
    gives_back: bool  # made so that free pages can be given back one by one

    @property
    def size_bytes(self) -> int:
        return self.pages * self.page_bytes


def measure(connection: Connection) -> Space:
    return Space(
        page_bytes=_number(connection, "page_size"),
        pages=_number(connection, "page_count"),
        free=_number(connection, "freelist_count"),
        gives_back=_number(connection, "auto_vacuum") == 2,  # noqa: PLR2004  incremental
    )


def give_back(connection: Connection, pages: int) -> None:
    """Give some free pages at the end of the file back to the disk, moving what lies behind them."""
    with connection.transaction(durable=False):
        connection.rows(f"PRAGMA incremental_vacuum({pages})")


def wal_bytes(path: Path) -> int:
    """Return the size of the `-wal`. Only its name is asked about: to open and close it would drop SQLite's locks."""
    with suppress(FileNotFoundError):
        return path.with_name(path.name + "-wal").stat().st_size
    return 0


def checkpoint(connection: Connection, *, truncate: bool) -> bool:
    """Write the `-wal` into the database, as far as nobody reads from it; return whether all of it was.

    With `truncate` it waits for readers, as long as the connection waits for locks, and makes the `-wal` empty.
    """
    mode = "TRUNCATE" if truncate else "PASSIVE"
    try:
        found = connection.row(f"PRAGMA wal_checkpoint({mode})")
    except StoreBusyError:
        return False
    return found is not None and found[0] == 0 and found[1] == found[2]


def _number(connection: Connection, pragma: str) -> int:
    found = connection.row(f"PRAGMA {pragma}")
    return 0 if found is None else integer(found[0])
