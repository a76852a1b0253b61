"""The part of the watchdog that tells the evaluator when the host is short of something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.pressure import shortages
from healthmon.store import facts
from healthmon.watch.pressure import read_pressure

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.log import Log
    from healthmon.processes.watchdog.writing import Writing

LOOK_EVERY_S = 10.0  # the kernel's figure is of so long
SAY_EVERY_S = 30.0  # while it lasts: who reads it does not believe an old word


class Pressing:
    """Writes when it begins and ends, and now and then while it lasts: a host that is well costs three small reads."""

    def __init__(self, directory: Path, writing: Writing, log: Log) -> None:
        self._directory = directory
        self._writing = writing
        self._log = log
        self._look_at = 0.0
        self._say_at = 0.0
        self._told: dict[str, str] = {}

    def look_when_due(self, now: float) -> None:
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        found = shortages(read_pressure(self._directory))
        told = {**found, **self._told} if found else {}  # the same words as long as it lasts: the numbers are different each time
        if told == self._told and (not told or now < self._say_at):
            return
        said, at = ", ".join(told.values()), clock.now()
        if self._writing.write(lambda connection: facts.note_pressure(connection, said, at)):
            if told != self._told:
                self._log.change("host_pressure" if said else "host_pressure_over", detail=said or None)
            self._told, self._say_at = told, now + SAY_EVERY_S
