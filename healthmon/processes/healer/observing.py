"""The part of the healer that publishes what each service's container looks like."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.failpoints import reach
from healthmon.heal import docker_stops
from healthmon.heal.labels import stop_timeout_s
from healthmon.heal.matching import Match, MatchProblem
from healthmon.heal.network_sharers import sharers
from healthmon.model.target import TargetChange, TargetKind, TargetState
from healthmon.processes.healer.depending import Depending
from healthmon.processes.healer.finding import Finder, Finding
from healthmon.store import facts, network_sharers, services, target_starts, targets
from healthmon.store.target_starts import Start
from healthmon.store.targets import TargetReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.heal.engine import Engine
    from healthmon.heal.settings import DiscoverySettings
    from healthmon.log import Log
    from healthmon.model.network_sharer import NetworkSharer
    from healthmon.model.target import Target
    from healthmon.store.connection import Connection

RUNS = frozenset({TargetState.RUNNING, TargetState.PAUSED})


class Observing:
    """Writes only what changed: with quiet containers a look costs a listing and nothing else."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        wanted: Iterable[ServiceSettings],
        labels: DiscoverySettings,
        *,
        docker: Engine,
        supervisor: Engine,
        connection: Connection,
        log: Log,
    ) -> None:
        self._connection = connection
        self._finder = Finder(docker=docker, supervisor=supervisor, log=log)
        self.follow(wanted, labels)
        self._docker = docker
        self._log = log
        self._published: dict[int, TargetReport] = {}
        self._newest: dict[int, TargetReport] = {}  # by service, the last that told of a target
        self._stopped: dict[int, Target] = {}  # by service, what a person stopped, as it was told first
        self._depending = Depending(connection, log)
        self._sharers: list[NetworkSharer] = []
        self._published_sharers: list[NetworkSharer] | None = None  # what an earlier healer left
        self._returned_at: datetime | None = None
        self._remember(targets.load(connection))

    def follow(self, wanted: Iterable[ServiceSettings], labels: DiscoverySettings) -> None:
        """Look after these from now on; `labels` are those that may say how long a stop may take. What is remembered of a service stays, also when it is gone and comes back."""
        configured = list(wanted)
        self._labels = labels
        self.ids = services.ids(self._connection, [(one.name, one.group, one.critical) for one in configured])
        self._names = {service_id: name for name, service_id in self.ids.items()}
        self._finder.follow(configured)

    def observe(self) -> bool:
        """Look at everything; return whether anything changed."""
        return self._publish(self._finder.look())

    def glance(self) -> bool:
        """Look at the containers that events told of; return whether anything changed."""
        return self._publish(self._finder.glance())

    @property
    def found(self) -> dict[str, Match]:
        """What was found last of each service."""
        return self._finder.found

    @property
    def found_at(self) -> datetime:
        return self._finder.found_at

    @property
    def seen(self) -> list[Target] | None:
        """All containers, once all were seen, and while their engine answers."""
        return self._finder.seen

    @property
    def is_blind(self) -> bool:
        """Whether an engine that is needed did not answer the last look."""
        return self._finder.is_blind

    def _publish(self, findings: list[Finding]) -> bool:
        reports = self._reports(findings)
        changed = {sid: report for sid, report in reports.items() if self._is_news(sid, report)}
        returned_at = self._docker.returned_at
        has_sharers = self._sharers != self._published_sharers
        if not changed and returned_at == self._returned_at and not self._depending.has_news and not has_sharers:
            return False
        with self._connection.transaction(durable=False):
            targets.publish(self._connection, changed)
            if started := self._started(changed):
                target_starts.note(self._connection, started, now=clock.now())
            if self._depending.has_news:
                self._depending.publish(self._connection, clock.now())
            if has_sharers:
                network_sharers.publish(self._connection, self._sharers)
            if returned_at is not None:
                facts.note_time(self._connection, facts.ENGINE_RETURNED_AT, returned_at)
        reach("healer.published")
        self._depending.published()
        self._published_sharers = self._sharers
        self._returned_at = returned_at
        self._published |= changed
        self._remember(changed)
        for sid, report in changed.items():
            self._report(sid, report)
        return True

    def _reports(self, findings: list[Finding]) -> dict[int, TargetReport]:
        for finding in findings:
            if finding.seen is not None:
                targets = self._targets(finding.matches)
                self._depending.look(targets, finding.seen, finding.at)
                self._sharers = sharers(targets, finding.seen)
        return {
            self.ids[service]: self._told(self.ids[service], found, finding.at)
            for finding in findings
            for service, found in finding.matches.items()
        }

    def _started(self, reports: Mapping[int, TargetReport]) -> dict[int, Start]:
        """Return the starts of targets that were made started that ran, or were something else, when they were seen before."""
        found = {}
        for sid, report in reports.items():
            before, after = self._newest.get(sid), report.target
            known = None if before is None else before.target
            if known is not None and after is not None and after.started_at and after.incarnation != known.incarnation:
                found[sid] = Start(at=after.started_at, image_id=after.image_id)
        return found

    def _targets(self, matches: Mapping[str, Match]) -> dict[int, Target]:
        return {self.ids[service]: found.target for service, found in matches.items() if found.target is not None}

    def _told(self, sid: int, found: Match, now: datetime) -> TargetReport:
        """Return what is told of one service: what was found, and what is still known from before."""
        if found.target is None:
            is_away = found.problem is MatchProblem.ENGINE_UNREACHABLE
            return TargetReport(observed_at=now, matched_by=found.matched_by, problem=found.text, engine_away=is_away)
        change, changed_at = _change(self._newest.get(sid), found.target)
        return TargetReport(
            observed_at=now,
            target=_still_stopped(self._timed(found.target), self._stopped.get(sid), now),
            matched_by=found.matched_by,
            matched_since=self._matched_since(sid, found.target, now),
            change=change,
            changed_at=changed_at or (now if change else None),
        )

    def _timed(self, target: Target) -> Target:
        timeout_s = stop_timeout_s(target, self._labels)
        return target if timeout_s == target.stop_timeout_s else replace(target, stop_timeout_s=timeout_s)

    def _matched_since(self, sid: int, target: Target, now: datetime) -> datetime | None:
        """Return since when a target is the service's: failures from before speak of another one."""
        before = self._newest.get(sid)
        if before is None:
            return None
        same = before.target is not None and before.target.incarnation.target_id == target.incarnation.target_id
        return before.matched_since if same else now

    def _remember(self, reports: dict[int, TargetReport]) -> None:
        """Keep what was last told of each service's target, over times in which there is none."""
        for sid, report in reports.items():
            target = report.target
            if target is None:
                if report.problem not in self._finder.problems:  # an engine that does not answer says nothing of containers
                    self._newest.setdefault(sid, report)
                continue
            self._newest[sid] = report
            before = self._stopped.pop(sid, None)
            if target.stopped_by_person and target.kind is TargetKind.DOCKER:
                same = before is not None and before.incarnation == target.incarnation
                self._stopped[sid] = before if before is not None and same else target

    def _is_news(self, sid: int, report: TargetReport) -> bool:
        before = self._published.get(sid)
        if before is None or (before.matched_by, before.problem) != (report.matched_by, report.problem):
            return True
        return not _is_as_before(before.target, report.target)

    def _report(self, sid: int, report: TargetReport) -> None:
        target = report.target
        if target is None:
            self._log.info("target_missing", service=self._names[sid], problem=report.problem)
            return
        self._log.info(
            "target_seen",
            service=self._names[sid],
            target=target.name,
            matched_by=report.matched_by,
            state=target.state.value,
            started=target.incarnation.started,
            stopped_by_person=target.stopped_by_person,
        )


def _still_stopped(target: Target, before: Target | None, now: datetime) -> Target:
    """Carry over that a person stopped this run: the engine remembers its last 256 events, and we those since our start.

    A run that goes on for long after a signal was not stopped by it.
    """
    if before is None or before.incarnation != target.incarnation:
        return target
    if target.state in RUNS and (now - before.observed_at).total_seconds() > docker_stops.UNDER_WAY_S:
        return target
    return replace(target, stopped_by_person=True)


def _change(before: TargetReport | None, target: Target) -> tuple[TargetChange | None, datetime | None]:
    """Return what is another than before, if anything is, and since when. A start made it so."""
    known = None if before is None else before.target
    if before is None or known is None:
        return None, None
    if known.image_id != target.image_id:
        return TargetChange.IMAGE, target.started_at
    if known.config_hash != target.config_hash:
        return TargetChange.CONFIGURATION, target.started_at
    return before.change, before.changed_at


def _is_as_before(before: Target | None, after: Target | None) -> bool:
    if before is None or after is None:
        return before is after
    return replace(after, observed_at=before.observed_at) == before
