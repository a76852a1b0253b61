"""Takes care of the database: counts hours and days, deletes what is old, writes the `-wal` back, makes backups.

Everything in small pieces, each a step of its own: the probes write into the same database, and wait for nobody's lock
for long. Nothing depends on it at once; while it does not run, history is only read more slowly and grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.log import Log
from healthmon.processes.keeper.backing_up import BackingUp
from healthmon.processes.keeper.counting import Counting
from healthmon.processes.keeper.pruning import Pruning
from healthmon.processes.keeper.tidying import Tidying
from healthmon.store.opening import open_for_working

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from healthmon.config import Config
    from healthmon.processes.doorbell import Doorbell
    from healthmon.store.connection import Connection

    class Duty(Protocol):
        """One thing that is to be done from time to time."""

        def step(self) -> float:
            """Do a small piece when it is time; return the seconds until there is more."""


PROGRAM = "keeper"
BUSY_TIMEOUT_MS = 500  # while it waits to empty the `-wal`, nobody else can write


def make(config: Config) -> Callable[[Doorbell], Keeper]:
    """Return what makes the keeper once its role is held."""
    return lambda _doorbell: Keeper(config, open_for_working(config.paths.database, busy_timeout_ms=BUSY_TIMEOUT_MS), Log(PROGRAM))


class Keeper:
    """One step is a piece of every duty that has something to do."""

    def __init__(self, config: Config, connection: Connection, log: Log) -> None:
        self._connection = connection
        self._backing_up = BackingUp(config, log)
        self._duties: tuple[Duty, ...] = (
            Tidying(config.paths, connection, log),
            Counting(connection),
            Pruning(config, connection, log),
            self._backing_up,
        )

    def step(self) -> float:
        """Go on with what is due; return the seconds until there is more."""
        return min(duty.step() for duty in self._duties)

    def follow(self, _config: Config) -> bool:
        return False  # to begin anew costs nothing: what is done is in the database

    def is_busy(self) -> bool:
        return False

    def close(self) -> None:
        self._backing_up.close()
        self._connection.close()
