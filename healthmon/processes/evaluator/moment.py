"""What do all healing decisions of one step rest on? Read once, in the transaction that holds what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.heal.pressure import BELIEVED
from healthmon.heal.starting import CRASH_LOOP_WITHIN, Renewal, learned_grace_s, renewal
from healthmon.heal.storm import standing
from healthmon.model.status import ServiceStatus
from healthmon.model.target import TargetState
from healthmon.store import facts, heals, storms, target_starts, targets

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from healthmon.heal.situation import StormStanding
    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident
    from healthmon.model.status import ServiceState
    from healthmon.model.target import Target
    from healthmon.store.connection import Connection
    from healthmon.store.targets import TargetReport

HOST_WINDOW = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class Moment:
    """`host` grows with what is planned in this step, so that the next decision sees it."""

    now: datetime
    states: Mapping[int, ServiceState]
    unhealthy: frozenset[int]
    ill_or_healing: frozenset[int]  # a restart that is not verified has not cured anything yet
    reports: Mapping[int, TargetReport]
    host: list[Heal]  # the ledger of the last day, and what is open, oldest first
    engine_returned_at: datetime | None
    host_pressure: str
    storm: StormStanding | None  # for all whose turn it is not
    queued: int = 0  # services of this step that wait for their turn

    def target(self, sid: int) -> Target | None:
        report = self.reports.get(sid)
        return None if report is None else report.target

    def target_problem(self, sid: int) -> str:
        report = self.reports.get(sid)
        return "the healer has not looked yet" if report is None else report.problem or ""

    def is_engine_away(self, sid: int) -> bool:
        report = self.reports.get(sid)
        return report is not None and report.engine_away

    def is_hands_off(self, sid: int) -> bool:
        """Tell whether a service is ill because a person wants it so, or nobody of ours may touch it."""
        target = self.target(sid)
        if target is None:
            return False
        return target.stopped_by_person or target.state is TargetState.PAUSED or bool(target.untouchable)

    def history(self, connection: Connection, incident: Incident) -> tuple[Heal, ...]:
        """Return what was done in this episode, and to its target for others meanwhile, oldest first."""
        found = {heal.heal_id: heal for heal in heals.of_episode(connection, incident)}
        target = self.target(incident.service_id)
        if target is not None:
            target_id = target.incarnation.target_id
            others = heals.of_target(connection, target_id, since=incident.episode_started_at)
            found |= {heal.heal_id: heal for heal in others}
            found |= {heal.heal_id: heal for heal in self.host if heal.closed_at is None and heal.incarnation.target_id == target_id}
        return tuple(found[heal_id] for heal_id in sorted(found))

    def under_way(self, sid: int) -> tuple[Heal, ...]:
        """Return what is open of a service, or of its target for others."""
        target = self.target(sid)
        target_id = "" if target is None else target.incarnation.target_id
        found = [heal for heal in self.host if heal.closed_at is None]
        return tuple(heal for heal in found if heal.service_id == sid or heal.incarnation.target_id == target_id)

    def renewal(self, sid: int) -> Renewal | None:
        report = self.reports.get(sid)
        return None if report is None else renewal(report.change, report.changed_at, report.matched_since)

    def learned_grace_s(self, connection: Connection, sid: int) -> float:
        target = self.target(sid)
        return 0.0 if target is None else learned_grace_s(target_starts.seconds_to_answer(connection, sid, target.image_id))

    def foreign_starts(self, connection: Connection, sid: int) -> int:
        """Count the starts of a service's container lately that were not ours."""
        target, since = self.target(sid), self.now - CRASH_LOOP_WITHIN
        if target is None or target.restart_policy in {"", "no"}:
            return 0
        target_id = target.incarnation.target_id
        ours = [heal for heal in self.host if heal.incarnation.target_id == target_id and (heal.returned_at or since) > since]
        return max(0, target_starts.count(connection, sid, since=since, until=self.now) - len(ours))

    def since(self, at: datetime) -> list[Heal]:
        return [heal for heal in self.host if heal.planned_at >= at]

    def planned(self, heal: Heal) -> None:
        self.host.append(heal)


def read_moment(
    connection: Connection,
    states: Mapping[int, ServiceState],
    service_ids: Collection[int],
    open_heals: Mapping[int, Heal],
    now: datetime,
) -> Moment:
    """Read what this step's decisions rest on; `service_ids` are those that are to be decided about."""
    unhealthy = frozenset(sid for sid, state in states.items() if state.status is ServiceStatus.UNHEALTHY)
    recent = {heal.heal_id: heal for heal in (*heals.since(connection, now - HOST_WINDOW), *open_heals.values())}
    set_at = facts.noted_time(connection, facts.CLOCK_SET_AT) or now
    reports = targets.of_services(connection, service_ids)
    moment = Moment(
        now=now,
        states=states,
        unhealthy=unhealthy,
        ill_or_healing=unhealthy | open_heals.keys(),
        reports={sid: _not_in_the_future(report, now, set_at) for sid, report in reports.items()},
        host=[recent[heal_id] for heal_id in sorted(recent)],
        engine_returned_at=facts.noted_time(connection, facts.ENGINE_RETURNED_AT),
        host_pressure=facts.noted_pressure(connection, now=now, believed=BELIEVED),
        storm=None,
    )
    storm = storms.open_one(connection)
    if storm is not None:
        moment.storm = standing(storm, moment.since(storm.began_at), (), now)
    return moment


def _not_in_the_future(report: TargetReport, now: datetime, set_at: datetime) -> TargetReport:
    """A start that lies ahead was before the clock was set back, nobody knows how long: at the latest then."""
    if report.matched_since is not None and report.matched_since > now:
        report = replace(report, matched_since=set_at)
    if report.changed_at is not None and report.changed_at > now:
        report = replace(report, changed_at=set_at)
    target = report.target
    if target is None or target.started_at is None or target.started_at <= now:
        return report
    return replace(report, target=replace(target, started_at=set_at))
