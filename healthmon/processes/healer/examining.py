"""How is one bundle of evidence gathered, within its time? Whatever is slow or silent costs its own part only."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.forensics import checks_part, dependencies_part, fit, host_part, sampled_part
from healthmon.model.forensics import Forensics, Part
from healthmon.store import container_dependencies, container_usage, looks, services, states
from healthmon.store.opening import open_for_reading
from healthmon.watch.pressure import read_pressure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from healthmon.heal.engine import Engine
    from healthmon.heal.forensics import Examined
    from healthmon.log import Log
    from healthmon.store.connection import Connection
    from healthmon.store.forensics import Wanted

LIMIT_S = 5.0
SPARE_S = 0.1  # for what is worth no wait
CHECKS = 50
CHECKS_SINCE = timedelta(minutes=30)
USAGE_SINCE = timedelta(minutes=5)


class Examination:
    """One bundle in the making. The engine is asked in a thread of its own, which is left behind when time is up."""

    def __init__(self, wanted: Wanted, *, engine: Engine, database: Path, depends_on: Mapping[int, Collection[str]], log: Log) -> None:
        self._wanted = wanted
        self._engine = engine
        self._database = database
        self._depends_on = depends_on.get(wanted.service_id, ())
        self._log = log
        self._lock = threading.Lock()
        self._told: list[Part] = []
        self._last_lines: tuple[str, ...] = ()
        self._enough = threading.Event()
        self._is_over = False

    def make(self, *, limit_s: float = LIMIT_S) -> Forensics:
        """Return what can be had within the limit."""
        taken_at, begun_s = clock.now(), clock.monotonic()
        asking = threading.Thread(target=self._ask, name="forensics", daemon=True)
        asking.start()
        known = self._ask_ourselves()
        has_enough = self._enough.wait(max(0.0, begun_s + limit_s - clock.monotonic()))
        asking.join(SPARE_S if has_enough else 0.0)
        with self._lock:
            self._is_over = True
            late = [Part(name="more", problem="the engine has not answered all in time")] if asking.is_alive() else []
            parts = fit([*self._told, *late, *known])
        return Forensics(
            service_id=self._wanted.service_id,
            incident_id=self._wanted.incident_id,
            heal_id=self._wanted.heal_id,
            moment=self._wanted.moment,
            taken_at=taken_at,
            took_s=clock.monotonic() - begun_s,
            incarnation=self._wanted.incarnation,
            last_lines=self._last_lines,
            parts=parts,
        )

    def _ask(self) -> None:
        try:
            for examined in self._engine.examine(self._wanted.incarnation.target_id):
                if not self._take(examined):
                    return
        except Exception:  # noqa: BLE001  evidence is a gift: a bug in reading it must not cost what is there already
            self._log.exception("forensics_failed", target=self._wanted.incarnation.target_id[:12])
        finally:
            self._enough.set()

    def _take(self, examined: Examined) -> bool:
        """Add a part; return whether there is time for more."""
        with self._lock:
            if not self._is_over:
                self._told.append(examined.part)
                self._last_lines = examined.last_lines or self._last_lines
        if examined.is_enough:
            self._enough.set()
        return not self._is_over

    def _ask_ourselves(self) -> list[Part]:
        """Return what we know: no restart erases it, but it is shown together."""
        sid, now = self._wanted.service_id, clock.now()
        connection = open_for_reading(self._database)
        try:
            return [
                sampled_part(container_usage.load(connection, since=now - USAGE_SINCE).get(sid)),
                checks_part(looks.newest_of(connection, sid, now - CHECKS_SINCE, limit=CHECKS)),
                self._dependencies(connection),
                host_part(read_pressure(self._database.parent)),
            ]
        finally:
            connection.close()

    def _dependencies(self, connection: Connection) -> Part:
        known, seen = services.by_name(connection), states.load(connection)
        watched = {name: seen[known[name].service_id] for name in self._depends_on if name in known and known[name].service_id in seen}
        mine = [one for one in container_dependencies.load(connection) if one.service_id == self._wanted.service_id]
        return dependencies_part(watched, [one for one in mine if one.watched_by is None])
