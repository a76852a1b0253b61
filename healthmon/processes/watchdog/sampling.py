"""The part of the watchdog that measures what our processes use, and writes it down when it can."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.settings import is_our_program
from healthmon.store import process_samples
from healthmon.watch import host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.config import Config
    from healthmon.model.process import ProcessSample
    from healthmon.processes.watchdog.writing import Writing
    from healthmon.watch.supervisor_rpc import ProgramInfo



class Sampling:
    """Measures every `sample_seconds`."""

    def __init__(self, config: Config, writing: Writing) -> None:
        self._every_s = config.watchdog.sample_seconds
        self._writing = writing
        self._sample_at = clock.monotonic()

    def follow(self, config: Config) -> None:
        if config.watchdog.sample_seconds != self._every_s:
            self._every_s = config.watchdog.sample_seconds
            self._sample_at = min(self._sample_at, clock.monotonic() + self._every_s)

    def is_due(self, now: float) -> bool:
        return now >= self._sample_at

    def sample_when_due(self, programs: Iterable[ProgramInfo], now: float) -> list[ProcessSample]:
        """Return new samples of our programs among these, of supervisord and of all together; none when it is not time yet.

        What else runs under our supervisord is a service that we watch, and no cost of ours.
        """
        if not self.is_due(now):
            return []
        self._sample_at = now + self._every_s
        running = [program for program in programs if program.pid > 0]
        names = {program.pid: program.name for program in running if is_our_program(program.name)}
        names |= {os.getppid(): "supervisord", os.getpid(): "watchdog"}
        strangers = [program.pid for program in running if program.pid not in names]
        samples = host.sample_tree(os.getppid(), names, without=strangers, at=clock.now())
        self._writing.write(lambda connection: process_samples.append(connection, samples))
        return samples
