"""The part of the watchdog that measures what our processes use, and writes it down when it can."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import HealthmonError, StoreBusyError
from healthmon.settings import is_our_program
from healthmon.store import process_samples
from healthmon.store.connection import open_for_writing
from healthmon.watch import host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.config import Config
    from healthmon.log import Log
    from healthmon.model.process import ProcessSample
    from healthmon.store.connection import Connection
    from healthmon.watch.supervisor_rpc import ProgramInfo

BUSY_TIMEOUT_MS = 100  # the watchdog waits for nobody's lock


class Sampling:
    """Measures every `sample_seconds`."""

    def __init__(self, config: Config, log: Log) -> None:
        self._database = config.paths.database
        self._every_s = config.watchdog.sample_seconds
        self._log = log
        self._connection: Connection | None = None
        self._sample_at = clock.monotonic()
        self._problem = ""

    def follow(self, config: Config) -> None:
        if config.watchdog.sample_seconds != self._every_s:
            self._every_s = config.watchdog.sample_seconds
            self._sample_at = min(self._sample_at, clock.monotonic() + self._every_s)

    def sample_when_due(self, programs: Iterable[ProgramInfo], now: float) -> list[ProcessSample]:
        """Return new samples of our programs among these, of supervisord and of all together; none when it is not time yet.

        What else runs under our supervisord is a service that we watch, and no cost of ours.
        """
        if now < self._sample_at:
            return []
        self._sample_at = now + self._every_s
        running = [program for program in programs if program.pid > 0]
        names = {program.pid: program.name for program in running if is_our_program(program.name)}
        names |= {os.getppid(): "supervisord", os.getpid(): "watchdog"}
        strangers = [program.pid for program in running if program.pid not in names]
        samples = host.sample_tree(os.getppid(), names, without=strangers, at=clock.now())
        self._write(samples)
        return samples

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, samples: list[ProcessSample]) -> None:
        try:
            if self._connection is None:
                self._connection = open_for_writing(self._database, busy_timeout_ms=BUSY_TIMEOUT_MS, patience_s=0.0)
            process_samples.append(self._connection, samples)
        except HealthmonError as error:  # as told by its log: the watchdog itself needs no database
            self._say(str(error))
            if not isinstance(error, StoreBusyError):
                self.close()  # a file that was deleted: the next sample looks whether there is one again
        else:
            self._problem = ""

    def _say(self, problem: str) -> None:
        """Say once that samples are not written, until they are: a deleted database has two texts, and one cause."""
        if not self._problem:
            self._log.warning("samples_not_written", error=problem)
        self._problem = problem
