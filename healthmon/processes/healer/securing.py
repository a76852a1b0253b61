"""The part of the healer that keeps what a container said last when its service falls ill, before anything is restarted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import EngineError
from healthmon.heal.docker_logs import last_lines
from healthmon.model.forensics import Forensics
from healthmon.store import forensics

if TYPE_CHECKING:
    from healthmon.heal.engine import Engine
    from healthmon.log import Log
    from healthmon.store.connection import Connection

FRESH = timedelta(minutes=10)  # what a container says later is not about how it fell ill
BEGIN_FOR_S = 3.0  # none is begun later in one step: with the 5 s that the last may take, a step is bounded


class Securing:
    """Best effort, once an incident: an engine that does not tell delays a restart by seconds and prevents none."""

    def __init__(self, docker: Engine, connection: Connection, log: Log) -> None:
        self._docker = docker
        self._connection = connection
        self._log = log

    def secure(self) -> bool:
        """Keep what is wanted; return whether anything was."""
        if self._docker.reachable_since is None:
            return False
        now = clock.now()
        wanted = forensics.wanted(self._connection, since=now - FRESH)
        until_s = clock.monotonic() + BEGIN_FOR_S
        kept = 0
        for incident_id, target_id in wanted:
            if clock.monotonic() >= until_s:
                break
            found = Forensics(incident_id=incident_id, taken_at=now, target_id=target_id, last_lines=self._last_lines(target_id))
            with self._connection.transaction(durable=False):
                forensics.keep(self._connection, found)
            kept += 1
        return bool(kept)

    def _last_lines(self, target_id: str) -> tuple[str, ...]:
        """Return none for what the engine does not tell: a log driver may keep nothing, a container be gone."""
        try:
            return last_lines(self._docker.read_logs(target_id))
        except EngineError as error:
            self._log.info("no_last_lines", target=target_id[:12], error=str(error))
            return ()
