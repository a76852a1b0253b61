"""The part of the healer that asks what containers use, in a thread of its own: older engines take a second for each."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineError, HealthmonError
from healthmon.heal.docker_usage import Reading, cpu_percent, memory_percent
from healthmon.model.target import Incarnation, Target, TargetKind, TargetState
from healthmon.model.usage import Usage
from healthmon.store import container_usage, targets
from healthmon.store.opening import open_for_working

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.heal.engine import Engine
    from healthmon.log import Log
    from healthmon.store.connection import Connection

EVERY_S = 30.0
SOON_S = 5.0  # while nothing is matched yet, or not all has numbers
SOON_ROUNDS = 6  # so often in a row: what never has any is asked with the others
AT_ONCE = 8  # calls
CLOSE_S = 1.0


class Measuring:
    """Publishes what each service's container uses, every 30 seconds."""

    def __init__(self, database: Path, docker: Engine, log: Log, *, every_s: float = EVERY_S) -> None:
        self._database = database
        self._docker = docker
        self._log = log
        self._every_s = every_s
        self._before: dict[Incarnation, Reading] = {}
        self._said = ""
        self._incomplete = 0  # rounds in a row
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="container-usage", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End the thread; one that waits for a frozen engine is left behind after a second."""
        self._closing.set()
        self._thread.join(CLOSE_S)

    def measure(self, connection: Connection) -> None:
        """Look at everything once, and publish it. What has no numbers, or does not answer, is not known."""
        reports = targets.load(connection).items()
        wanted = {sid: report.target for sid, report in reports if report.target is not None and _runs(report.target)}
        seen = self._read({target.incarnation for target in wanted.values()})
        found = {sid: self._usage(target.incarnation, seen) for sid, target in wanted.items() if target.incarnation in seen}
        if found or self._before:
            with connection.transaction(durable=False):
                container_usage.publish(connection, found)
        self._before = seen
        self._incomplete = 0 if wanted and found.keys() == wanted.keys() else self._incomplete + 1

    def _read(self, runs: set[Incarnation]) -> dict[Incarnation, Reading]:
        ordered = list(runs)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="stats") as pool:
            readings = pool.map(self._read_one, ordered)
            return {run: reading for run, reading in zip(ordered, readings, strict=True) if reading is not None}

    def _read_one(self, run: Incarnation) -> Reading | None:
        try:
            return None if self._closing.is_set() else self._docker.read_usage(run.target_id)
        except EngineError as error:
            self._say(str(error))
            return None

    def _usage(self, run: Incarnation, seen: dict[Incarnation, Reading]) -> Usage:
        before, now = self._before.get(run), seen[run]
        cpu = None if before is None else cpu_percent(before, now)
        return Usage(observed_at=clock.now(), memory_percent=memory_percent(now), cpu_percent=cpu)

    def _run(self) -> None:
        pause_s = 0.0
        while not self._closing.wait(pause_s):
            try:
                self._round()
            except HealthmonError as error:
                self._say(str(error))
            except Exception:  # noqa: BLE001  a bug in figures must not be the end of all figures
                self._log.exception("usage_failed")
            soon = not self._before or 0 < self._incomplete <= SOON_ROUNDS
            pause_s = min(self._every_s, SOON_S) if soon else self._every_s

    def _round(self) -> None:
        connection = open_for_working(self._database)
        try:
            self.measure(connection)
        finally:
            connection.close()

    def _say(self, trouble: str) -> None:
        """Say it once in a row."""
        if self._said != trouble:
            self._said = trouble
            self._log.warning("usage_unknown", error=trouble)


def _runs(target: Target) -> bool:
    return target.kind is TargetKind.DOCKER and target.state is TargetState.RUNNING
