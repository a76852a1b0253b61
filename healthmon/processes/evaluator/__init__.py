"""The only writer of states, alerts and incidents, and the one that plans and judges heals.

Each step takes what is new in the inbox, moves the state machines and opens incidents, in the transaction that empties
the inbox: a crash leaves either all of it or nothing. What follows from the states (judging, closing, planning) is a
transaction of its own, and would follow again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import applied, clock
from healthmon.failpoints import reach
from healthmon.history.buckets import edges_us
from healthmon.log import Log
from healthmon.processes.doorbell import ring
from healthmon.processes.evaluator.clocks import Clocks
from healthmon.processes.evaluator.depending import Depending
from healthmon.processes.evaluator.holding import Holding
from healthmon.processes.evaluator.judging import Judging
from healthmon.processes.evaluator.learning import Learning
from healthmon.processes.evaluator.maintaining import Maintaining
from healthmon.processes.evaluator.outages import Outages
from healthmon.processes.evaluator.planning import Planning
from healthmon.processes.evaluator.quarantining import Quarantining
from healthmon.processes.evaluator.reporting import Reporting
from healthmon.processes.evaluator.requesting import Requesting
from healthmon.processes.evaluator.verdicts import Verdicts
from healthmon.processes.evaluator.watching import Watching
from healthmon.status.machine import StatusEvent
from healthmon.status.uptime import hour_of
from healthmon.store import checks, configurations, facts, services, stale_rollups, tallies
from healthmon.store.opening import open_for_working
from healthmon.store.sentinel import Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from healthmon.config import Config
    from healthmon.model.service import Service
    from healthmon.processes.doorbell import Doorbell
    from healthmon.store.checks import InboxEntry
    from healthmon.store.connection import Connection

PROGRAM = "evaluator"
NOTIFIER, HEALER = "notifier", "healer"
BATCH = 1_000
FALLBACK_POLL_S = 5.0
LOADED_FACT = "evaluator_loaded_at"


def make(config: Config) -> Callable[[Doorbell], Evaluator]:
    """Return what makes the evaluator once its role is held."""
    def evaluator(_doorbell: Doorbell) -> Evaluator:
        connection = open_for_working(config.paths.database)
        made = Evaluator(config, connection, Log(PROGRAM))
        made.follow(config)  # it may have been applied while no evaluator ran
        return made

    return evaluator


class Evaluator:
    """One step is one batch of the inbox and everything that follows from it."""

    def __init__(self, config: Config, connection: Connection, log: Log) -> None:
        self._paths = config.paths
        self._connection = connection
        self._log = log
        self._mark = Mark(config.paths)
        self._loaded = False
        self._next_due = 0.0  # monotonic
        self._commits_seen = -1
        self._clocks = Clocks(log)
        self._put_together(config, services.by_name(connection), held_since=clock.now())

    def _put_together(self, config: Config, found: Mapping[str, Service], *, held_since: datetime) -> None:
        log = self._log
        known = [(found[settings.name], settings) for settings in config.enabled_services() if settings.name in found]
        self._edges = {service.service_id: edges_us(settings.expected_response_time) for service, settings in known}
        self._maintaining = Maintaining(known, config.alerting.maintenance)
        self._watching = Watching(known, self._maintaining, log)
        self._outages = Outages(known, config.self_healing, log)
        self._judging = Judging(known, config.self_healing, log)
        self._depending = Depending(known)
        self._holding = Holding()
        self._quarantining = Quarantining(self._outages, log)
        self._planning = Planning(
            known,
            config.self_healing,
            self._maintaining,
            log,
            depending=self._depending,
            holding=self._holding,
            quarantining=self._quarantining,
            started_at=held_since,
        )
        self._requesting = Requesting(
            [service for service, _ in known], self._planning.situations, self._holding, self._judging, self._quarantining
        )
        self._reporting = Reporting(
            config, known, self._maintaining, log, depending=self._depending, requesting=self._requesting
        )
        self._verdicts = Verdicts(known)
        self._learning = Learning()

    def follow(self, config: Config) -> bool:
        """Judge by another configuration from now on. What is known is in the database, and is read again with the next step.

        A service that is gone is closed with that; one that is new begins unknown. The start of the agent stays when it was.
        """
        present = applied.read(self._paths)
        found = services.sync(self._connection, [(one.name, one.group, one.critical) for one in config.enabled_services()], now=clock.now())
        if present is not None:
            configurations.enter(self._connection, present.row)
        watching, planning = self._watching, self._planning
        self._put_together(config, found, held_since=planning.held_since)
        self._planning.succeed(planning)
        if self._loaded:  # else it is what somebody committed no more, or nobody read yet
            self._watching.succeed(watching)
        self._loaded = False
        return True

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
        surprise = self._clocks.look(self._connection)
        if surprise is not None:
            self._loaded = False
        if surprise is not None and surprise.is_evidence_void:
            self._planning.hold_from(clock.now())
        self._load()
        now = clock.now()
        if surprise is not None and surprise.is_evidence_void:
            self._watching.void_evidence()
        commits = checks.commits_elsewhere(self._connection)
        entries = checks.read_inbox(self._connection, limit=BATCH)
        if commits != self._commits_seen:
            self._hear_verdicts(now)
            self._learning.refresh(self._connection)
        is_due = clock.monotonic() >= self._next_due
        if entries or is_due:
            self._take(entries, now)
        if len(entries) == BATCH:
            return 0.0  # what is decided now would rest on half of what is known
        if entries or is_due or commits != self._commits_seen:
            if self._depending.refresh(self._connection):
                self._reporting.note_all()
            wait_s = min(FALLBACK_POLL_S, self._heal(now), self._report(now))
            self._next_due = clock.monotonic() + wait_s
        self._commits_seen = commits
        return max(0.0, self._next_due - clock.monotonic())

    def _hear_verdicts(self, now: datetime) -> None:
        self._verdicts.refresh(self._connection, self._watching.states, now)
        for program in self._verdicts.programs_to_wake():
            ring(self._paths.doorbell(program))

    def _take(self, entries: list[InboxEntry], now: datetime) -> None:
        """Move the states by one batch, and open the incidents that follow."""
        looks = [entry.check for entry in entries if entry.check is not None]
        changes = self._watching.take(looks, now, confirmed=self._verdicts.standing)
        if not entries and not changes:
            return
        self._reporting.note(looks, changes)
        is_ill = any(change.event is StatusEvent.UNHEALTHY for change in changes)
        # What an illness leads to is decided in a durable transaction right after this one, which makes this one durable, too:
        # nothing that anybody sees stands between them, and a flush of the disk is what a restart waits for longest.
        will_be_flushed = is_ill and len(entries) < BATCH
        with self._connection.transaction(durable=bool(changes) and not will_be_flushed):
            self._learning.note(self._connection, looks)
            self._outages.open_new(self._connection, changes, now)
            self._watching.save(self._connection)
            if entries:
                tallies.count(self._connection, looks, self._edges)
                stale_rollups.mark_hours(self._connection, {hour_of(look.checked_at) for look in looks})
                checks.delete_inbox_until(self._connection, entries[-1].inbox_id)
            reach("evaluator.before_commit")
        reach("evaluator.after_commit")
        for change in changes:
            self._watching.report(change)
        if is_ill:
            ring(self._paths.doorbell(HEALER))  # it keeps what the container said last
        if looks:
            self._mark.note(max(look.checked_at for look in looks))

    def _heal(self, now: datetime) -> float:
        """Judge what was done, close what is over, plan what is next; return the seconds until time may change it."""
        if not self._outages.open and not self._judging.open and not self._judging.following and not self._planning.is_in_storm:
            return FALLBACK_POLL_S
        connection, watching = self._connection, self._watching
        with connection.transaction(durable=True):
            self._judging.judge(connection, now)
            needless = self._planning.withdraw_needless(connection, watching, self._judging.open, now)
            unfinished = self._judging.open.keys() - needless
            self._outages.close_recovered(connection, watching.states, unfinished, now)
            until_s = self._planning.plan(connection, watching, self._outages, self._judging, now)
            watching.save(connection)
            reach("planner.before_commit")
        reach("planner.after_commit")
        for program in self._planning.programs_to_wake() | self._judging.programs_to_wake():
            ring(self._paths.doorbell(program))
        return until_s

    def _report(self, now: datetime) -> float:
        """Apply the rules, and queue what people are told; return the seconds until time may change something."""
        if self._reporting.report(self._connection, self._watching, self._outages, now):
            ring(self._paths.doorbell(NOTIFIER))
        for program in self._reporting.programs_to_wake():
            ring(self._paths.doorbell(program))
        if self._requesting.take_news():
            ring(self._paths.doorbell(HEALER))
            return 0.0  # what healing does now is another
        return self._reporting.due_s(now)

    def _load(self) -> None:
        if self._loaded:
            return
        now = clock.now()
        self._maintaining.load(self._connection, now)
        self._holding.load(self._connection, now)
        self._watching.load(self._connection, now)
        with self._connection.transaction(durable=True):
            self._outages.load(self._connection, now)
            self._watching.forget_outages_but(self._outages.open, now)
            self._watching.save(self._connection)
            facts.note_time(self._connection, facts.HEALING_HELD_SINCE, self._planning.held_since)
            facts.note_time(self._connection, LOADED_FACT, now)  # writes: on a full disk, no work is done before this goes well
        self._judging.load(self._connection)
        self._planning.load(self._connection)
        with self._connection.transaction(durable=True):
            self._reporting.load(self._connection, now, self._watching.away_since)
        self._next_due = 0.0
        self._loaded = True
