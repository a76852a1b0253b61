"""The only writer of states, alerts and incidents, and the one that plans and judges heals.

Each step takes what is new in the inbox, moves the state machines, opens and closes incidents, judges and plans heals,
and writes all of it in the transaction that empties the inbox: a crash anywhere leaves either all of it or nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.log import Log
from healthmon.processes.doorbell import ring
from healthmon.processes.evaluator.judging import Judging
from healthmon.processes.evaluator.outages import Outages
from healthmon.processes.evaluator.planning import Planning
from healthmon.processes.evaluator.watching import Watching
from healthmon.store import checks, facts, services
from healthmon.store.connection import open_for_writing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.processes.doorbell import Doorbell
    from healthmon.store.checks import InboxEntry
    from healthmon.store.connection import Connection

PROGRAM = "evaluator"
BATCH = 1_000
FALLBACK_POLL_S = 5.0


def make(config: Config) -> Callable[[Doorbell], Evaluator]:
    """Return what makes the evaluator once its role is held."""
    return lambda _doorbell: Evaluator(config, open_for_writing(config.paths.database), Log(PROGRAM))


class Evaluator:
    """One step is one batch of the inbox and everything that follows from it."""

    def __init__(self, config: Config, connection: Connection, log: Log) -> None:
        self._paths = config.paths
        self._connection = connection
        found = services.by_name(connection)
        watched = {settings.name: settings for settings in config.enabled_services()}
        known = [(found[name], settings) for name, settings in watched.items() if name in found]
        self._watching = Watching(known, log)
        self._outages = Outages(known, config.self_healing, log)
        self._judging = Judging(known, config.self_healing, log)
        self._planning = Planning(known, config.self_healing, log, started_at=clock.now())
        self._loaded = False
        self._next_due = 0.0  # monotonic

    def step(self) -> float:
        """Evaluate what is new; return the seconds until time alone may change something."""
        try:
            return self._step()
        except BaseException:
            self._loaded = False  # what is in memory may be ahead of the database now
            raise

    def is_busy(self) -> bool:
        return False

    def close(self) -> None:
        self._connection.close()

    def _step(self) -> float:
        self._load()
        entries = checks.read_inbox(self._connection, limit=BATCH)
        if entries or time.monotonic() >= self._next_due:
            until = self._evaluate(entries, clock.now())
            self._next_due = time.monotonic() + until
        return 0.0 if len(entries) == BATCH else max(0.0, self._next_due - time.monotonic())

    def _evaluate(self, entries: list[InboxEntry], now: datetime) -> float:
        """Take one batch, in one transaction; return the seconds until the next look without a doorbell."""
        durable = self._is_eventful(entries)
        with self._connection.transaction(durable=durable):
            events = self._watching.take([entry.check for entry in entries if entry.check is not None], now)
            self._outages.open_new(self._connection, events, now)
            until_s = self._heal(now)
            self._watching.save(self._connection)
            if entries:
                checks.delete_inbox_until(self._connection, entries[-1].inbox_id)
        self._wake_others()
        return min(FALLBACK_POLL_S, until_s)

    def _heal(self, now: datetime) -> float:
        """Judge what was done, close what is over, plan what is next."""
        connection, watching = self._connection, self._watching
        self._judging.judge(connection, now)
        needless = self._planning.withdraw_needless(connection, watching, self._judging.open, now)
        unfinished = self._judging.open.keys() - needless
        self._outages.close_recovered(connection, watching.states, unfinished, now)
        return self._planning.plan(connection, watching, self._outages.open, now)

    def _wake_others(self) -> None:
        for group in self._judging.groups_to_wake():
            ring(self._paths.doorbell(f"probe-{group}"))
        if self._planning.healer_to_wake():
            ring(self._paths.doorbell("healer"))

    def _is_eventful(self, entries: list[InboxEntry]) -> bool:
        """Tell whether this transaction may hold what has to survive a power cut: anything but good news as usual."""
        calm = self._watching.all_healthy and not self._outages.open and not self._judging.open
        return not (calm and all(entry.check is not None and entry.check.is_good for entry in entries))

    def _load(self) -> None:
        if self._loaded:
            return
        with self._connection.transaction(durable=False):
            facts.note_time(self._connection, facts.AGENT_STARTED_AT, clock.now())
        self._watching.load(self._connection, clock.now())
        self._outages.load(self._connection)
        self._loaded = True
