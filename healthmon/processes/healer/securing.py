"""The part of the healer that keeps how an ill service and its container look, before a restart erases it.

Best effort: an engine that does not tell delays a restart by five seconds and prevents none.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.errors import HealthmonError
from healthmon.model.forensics import ForensicsMoment
from healthmon.processes.healer.examining import LIMIT_S, Examination
from healthmon.store import forensics
from healthmon.store.forensics import Wanted
from healthmon.store.opening import open_for_working

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from healthmon.heal.engine import Engine
    from healthmon.log import Log
    from healthmon.model.heal import Heal
    from healthmon.store.connection import Connection

FRESH = timedelta(minutes=10)  # what a container says later is not about how it fell ill
SAME_MOMENT = timedelta(seconds=10)  # what was kept of a run so shortly before its restart is not asked for again
AT_ONCE = 4
AGAIN_S = 60.0
CLOSE_S = 1.0


class Securing:
    """Each bundle is made in a thread of its own: neither the healer's loop nor another service waits for it."""

    def __init__(
        self,
        docker: Engine,
        database: Path,
        depends_on: Mapping[int, Collection[str]],
        log: Log,
        *,
        on_kept: Callable[[], None],
    ) -> None:
        self._docker = docker
        self._database = database
        self._depends_on = depends_on
        self._log = log
        self._on_kept = on_kept
        self._under_way: dict[Wanted, threading.Thread] = {}
        self._tried_s: dict[Wanted, float] = {}  # monotonic: what a full disk refuses is not asked for again and again

    def follow(self, depends_on: Mapping[int, Collection[str]]) -> None:
        """Take in what services depend on from now on; what is under way goes on."""
        self._depends_on = depends_on

    def secure(self, connection: Connection) -> None:
        """Begin to keep what is wanted. Never waits."""
        self._under_way = {wanted: thread for wanted, thread in self._under_way.items() if thread.is_alive()}
        if self._docker.reachable_since is None:
            return
        found = forensics.wanted(connection, since=clock.now() - FRESH)
        self._tried_s = {wanted: at_s for wanted, at_s in self._tried_s.items() if wanted in found}
        for wanted in found:
            if len(self._under_way) >= AT_ONCE:
                break
            if wanted not in self._under_way and clock.monotonic() >= self._tried_s.get(wanted, -AGAIN_S) + AGAIN_S:
                self._tried_s[wanted] = clock.monotonic()
                thread = threading.Thread(target=self._run, args=(wanted,), name="securing", daemon=True)
                self._under_way[wanted] = thread
                thread.start()

    def before(self, heal: Heal, connection: Connection) -> None:
        """Keep what this restart is about to erase, unless that has just been done. Waits five seconds at most."""
        if self._docker.reachable_since is None or heal.incarnation.target_id.startswith("supervisor:"):
            return
        until_s = clock.monotonic() + LIMIT_S
        for wanted, thread in list(self._under_way.items()):
            if wanted.service_id == heal.service_id:
                thread.join(max(0.0, until_s - clock.monotonic()))
        kept_at = forensics.newest_of_run(connection, heal.service_id, heal.incarnation)
        if kept_at is not None and timedelta(0) <= clock.now() - kept_at <= SAME_MOMENT:
            return
        wanted = Wanted(
            service_id=heal.service_id,
            incident_id=heal.incident_id,
            heal_id=heal.heal_id,
            moment=ForensicsMoment.BEFORE_RESTART,
            incarnation=heal.incarnation,
        )
        self._keep(wanted, connection, limit_s=max(0.0, until_s - clock.monotonic()))

    def close(self) -> None:
        """Leave behind what still waits for an engine."""
        until_s = clock.monotonic() + CLOSE_S
        for thread in list(self._under_way.values()):
            thread.join(max(0.0, until_s - clock.monotonic()))

    def _run(self, wanted: Wanted) -> None:
        try:
            connection = open_for_working(self._database)
            try:
                self._keep(wanted, connection, limit_s=LIMIT_S)
            finally:
                connection.close()
        except HealthmonError as error:
            self._log.warning("forensics_lost", moment=wanted.moment.value, error=str(error))
        except Exception:  # noqa: BLE001  one bundle's bug is not the others'
            self._log.exception("forensics_failed", moment=wanted.moment.value)
        finally:
            self._on_kept()

    def _keep(self, wanted: Wanted, connection: Connection, *, limit_s: float) -> None:
        examination = Examination(
            wanted, engine=self._docker, database=self._database, depends_on=self._depends_on, log=self._log
        )
        found = examination.make(limit_s=limit_s)
        with connection.transaction(durable=False):
            forensics.keep(connection, found)
        missing = [one.name for one in found.parts if one.problem]
        self._log.info("forensics_kept", moment=wanted.moment.value, took_s=found.took_s, missing=", ".join(missing))
