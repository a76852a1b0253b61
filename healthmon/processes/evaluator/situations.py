"""How does each service stand before the healing policy? Puts together what its decisions rest on; decides nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.heal.learning import REMEMBERED
from healthmon.heal.order import Turn
from healthmon.heal.signature import signature
from healthmon.heal.situation import Situation
from healthmon.heal.storm import Census, explains, standing, take_census
from healthmon.store import heals, quarantines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.heal.settings import HealSettings
    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident
    from healthmon.model.quarantine import Quarantine
    from healthmon.model.service import Service
    from healthmon.model.storm import Storm
    from healthmon.processes.evaluator.depending import Depending
    from healthmon.processes.evaluator.holding import Holding
    from healthmon.processes.evaluator.maintaining import Maintaining
    from healthmon.processes.evaluator.moment import Moment
    from healthmon.store.connection import Connection


class Situations:
    """The evaluator asks it to act, a command to explain: both get the same situation of the same service."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        services: Iterable[tuple[Service, ServiceSettings]],
        settings: HealSettings,
        *,
        depending: Depending,
        maintaining: Maintaining,
        holding: Holding,
        held_since: datetime,
    ) -> None:
        self._services = {service.service_id: (service, configured) for service, configured in services}
        self._settings = {sid: settings.for_service(configured.heal) for sid, (_, configured) in self._services.items()}
        self._depending = depending
        self._maintaining = maintaining
        self._holding = holding
        self.held_since = held_since  # the agent's start, or when it lost count of the time

    def of(self, connection: Connection, sid: int, incident: Incident | None, moment: Moment) -> Situation:
        """Return how one service stands; `incident` is its open one."""
        _, configured = self._services[sid]
        held = None if incident is None else quarantines.of_service(connection, sid)
        return Situation(
            now=moment.now,
            settings=self._settings[sid],
            confirmations=configured.confirmations,
            evidence_max_age=timedelta(seconds=configured.retry_interval_seconds + configured.timeout_seconds),
            state=moment.states[sid],
            incident=incident,
            target=moment.target(sid),
            target_problem=moment.target_problem(sid),
            history=moment.under_way(sid) if incident is None else moment.history(connection, incident),
            host=tuple(moment.host),
            agent_started_at=self.held_since,
            engine_returned_at=moment.engine_returned_at,
            unhealthy_dependencies=self._ill_dependencies(sid, moment),
            unhealthy_services=len(moment.unhealthy),
            watched_services=len(moment.states),
            is_engine_away=moment.is_engine_away(sid),
            host_pressure=moment.host_pressure,
            storm=moment.storm,
            learned_grace_s=moment.learned_grace_s(connection, sid),
            renewal=moment.renewal(sid),
            foreign_starts=moment.foreign_starts(connection, sid),
            maintenance_until=self._maintaining.standing(sid, moment.now).until,
            hold=self._holding.of(sid, moment.now),
            quarantine=held,
            same_failure=() if incident is None else self._same_failure(connection, sid, held, moment),
            queued_ahead=moment.queued,
        )

    def by_urgency(self, open_incidents: Mapping[int, Incident], moment: Moment) -> list[Incident]:
        """Return the open incidents in the order in which they get what there is for few."""
        return [open_incidents[turn.service_id] for turn in sorted(self._turns(open_incidents, moment), key=Turn.urgency)]

    def by_harmlessness(self, connection: Connection, open_incidents: Mapping[int, Incident], moment: Moment) -> Iterator[Situation]:
        """Yield how the ill stand, in the order in which they are tried in a storm."""
        for turn in sorted(self._turns(open_incidents, moment), key=Turn.harmlessness):
            yield self.of(connection, turn.service_id, open_incidents[turn.service_id], moment)

    def meet(self, storm: Storm, connection: Connection, open_incidents: Mapping[int, Incident], moment: Moment) -> list[Heal]:
        """Take a storm into the moment: which service is tried next in it. Return what was restarted in it."""
        made = moment.since(storm.began_at)
        moment.storm = standing(storm, made, self.by_harmlessness(connection, open_incidents, moment), moment.now)
        return made

    def census(self, moment: Moment) -> Census:
        """Count the ill services, and those that neither a person's hand nor an ill dependency explains."""
        explained = {sid for sid in moment.unhealthy if self._is_explained(sid, moment)}
        counted = [moment.states[sid] for sid in moment.unhealthy - explained if not self._is_worked_on(sid, moment)]
        return take_census(counted, watched=len(moment.states), explained=len(explained), now=moment.now)

    def _turns(self, open_incidents: Mapping[int, Incident], moment: Moment) -> list[Turn]:
        roots = frozenset(other for sid in moment.unhealthy for other in self._depending.watched[sid])
        return [
            Turn(critical=self._services[sid][1].critical, is_root=sid in roots, since=incident.started_at, service_id=sid)
            for sid, incident in open_incidents.items()
        ]

    def _same_failure(self, connection: Connection, sid: int, held: Quarantine | None, moment: Moment) -> tuple[Heal, ...]:
        key = signature(moment.states[sid], moment.target(sid)).key
        after = held.last_heal_id if held is not None and held.rearmed_by is not None else 0
        return tuple(heals.of_failure(connection, sid, key, after=after, since=moment.now - REMEMBERED))

    def _ill_dependencies(self, sid: int, moment: Moment) -> tuple[str, ...]:
        ill = [self._services[other][0].name for other in self._depending.watched[sid] if other in moment.ill_or_healing]
        troubles = self._depending.troubles(sid, moment.states[sid])
        return (*ill, *(f"{one.name} {one.trouble}" for one in troubles))

    def _is_explained(self, sid: int, moment: Moment) -> bool:
        """Tell whether something that a service depends on is ill, or has just failed a look."""
        depended = (moment.states[other] for other in self._depending.watched[sid])
        return any(map(explains, depended)) or bool(self._depending.troubles(sid, moment.states[sid]))

    def _is_worked_on(self, sid: int, moment: Moment) -> bool:
        return moment.is_hands_off(sid) or self._maintaining.standing(sid, moment.now).until is not None
