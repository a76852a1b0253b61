"""The part of the evaluator that has said what is to be said of each outage: whose fault it is, to whom, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.alerts.doubt import doubted_until, named_in_doubt_until
from healthmon.alerts.following import Known, follow
from healthmon.notify.batches import routed
from healthmon.notify.decision import NotifyDecision, NotifyVerdict
from healthmon.notify.grouping import Grouping, first_wait
from healthmon.notify.policy import decide
from healthmon.notify.talk import Talk
from healthmon.processes.evaluator.addressing import Addressing
from healthmon.processes.evaluator.beginning import begin, untold_roots
from healthmon.processes.evaluator.events import Events
from healthmon.processes.evaluator.leaving import say_farewell
from healthmon.processes.evaluator.posting import Posting
from healthmon.processes.evaluator.relating import NO_TIES, causes, flapping, ties
from healthmon.processes.evaluator.talks import Talks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime, timedelta

    from healthmon.alerts.rule import Rule
    from healthmon.config import ServiceSettings
    from healthmon.log import Log
    from healthmon.model.alert import Alert
    from healthmon.model.conversation import Conversation
    from healthmon.model.operator_action import OperatorAction
    from healthmon.model.service import Service
    from healthmon.notify.routes import Routing
    from healthmon.processes.evaluator.alerting import Alerting
    from healthmon.processes.evaluator.depending import Depending
    from healthmon.processes.evaluator.quiet import Quiet
    from healthmon.processes.evaluator.relating import Causes
    from healthmon.processes.evaluator.scene import Scene
    from healthmon.processes.evaluator.wording import Wording
    from healthmon.store.connection import Connection

NEVER_S = 3_600.0


class Telling:
    """Brings the open conversations up to what is known, and decides about each."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        services: Iterable[tuple[Service, ServiceSettings]],
        *,
        grouping: Grouping,
        routing: Routing,
        wording: Wording,
        depending: Depending,
        quiet: Quiet,
        log: Log,
    ) -> None:
        known = list(services)
        self._ids = {service.name: service.service_id for service, _ in known}
        self._names = {sid: name for name, sid in self._ids.items()}
        self._depending = depending
        self._quiet = quiet
        self._grouping = grouping
        self._addressing = Addressing(known, routing, quiet)
        self._escalation = routing.escalation
        self._events = Events(self._addressing, wording, wait=grouping.wait)
        self._posting = Posting(self._ids, wording, log)
        self._talks = Talks(self._names)
        self._left: list[tuple[Conversation, Service]] = []  # told of, and their services are not watched any more
        self._removed: Collection[int] = ()  # by service, those that are over only because nothing asks for them any more
        self._ties = NO_TIES
        self._to_look_at: set[int] = set()

    def load(self, connection: Connection, now: datetime, alerting: Alerting) -> None:
        """Read what an earlier evaluator has left open."""
        self._left = self._talks.load(connection, now, alerting)
        self._removed = ()
        self._events.load(connection, self._names)

    def hear(self, rule: Rule, alert: Alert) -> None:
        """Take in that an alert fires."""
        self._events.hear(rule, alert)

    def acknowledge(self, action: OperatorAction, now: datetime) -> str:
        """Take in that a person has seen the outage of a service; return what came of it."""
        sid = self._ids.get(action.service or "")
        before = None if sid is None else self._talks.open.get(sid)
        if before is None or before.over_at is not None:
            return f"refused: there is no outage of {action.service} to acknowledge"
        if action.until is not None and action.until <= now:
            return "refused: its end is past"
        self._talks.put(
            replace(
                before,
                acknowledged_at=now,
                acknowledged_by=action.author,
                acknowledgement=action.reason,
                acknowledged_until=action.until,
            ),
        )
        until = "it is over" if action.until is None else clock.to_people(action.until)
        return f"{action.service} is acknowledged by {action.author} until {until}"

    def to_look_at(self) -> set[int]:
        """Return, once, the services that have to be looked at before what depends on them is spoken of."""
        found, self._to_look_at = self._to_look_at, set()
        return found

    def services(self) -> set[int]:
        """Return the services that are spoken of."""
        return set(self._talks.open)

    def is_about(self, service_ids: Collection[int]) -> bool:
        """Tell whether something new of one of these services may have to be said."""
        related = {*self._talks.open, *(other for sid, one in self._talks.open.items() for other in (*self._depending.watched[sid], *self._named(one)))}
        return not related.isdisjoint(service_ids)

    def misses(self, service_ids: Iterable[int], scene: Scene, alerting: Alerting) -> bool:
        """Tell whether one of these services is ill, has an alert, and is not spoken of: the alert is left from before."""
        return any(sid in scene.incidents and sid not in self._talks.open and alerting.firing(sid) for sid in service_ids)

    def say(self, connection: Connection, scene: Scene, alerting: Alerting) -> tuple[bool, float]:
        """Queue what is to be said now; return whether that was anything, and the seconds until time alone changes it."""
        has_left = self._say_farewell(connection, scene.now)
        has_events, wait_s = self._events.say(connection, scene.now)
        waits = [] if wait_s is None else [wait_s]
        self._begin(connection, scene, alerting)
        if self._talks.open:
            self._follow(connection, scene, alerting)
        announced = [one.announced_at for one in self._talks.open.values() if one.announced_at is not None]
        wait = first_wait(self._grouping, announced, scene.now)
        decisions = {sid: self._decide(one, wait, scene, alerting) for sid, one in self._talks.open.items()}
        has_said = self._send(connection, decisions, scene, alerting)
        for sid, decision in decisions.items():
            if decision.verdict is NotifyVerdict.CLOSE:
                self._talks.put(replace(self._talks.open[sid], closed_at=scene.now))
        waits += [(decision.until - scene.now).total_seconds() for decision in decisions.values() if decision.until is not None]
        if self._talks.save(connection) and self._begin(connection, scene, alerting):  # what is over left something that is not
            waits.append(self._grouping.wait.total_seconds())
        return (has_left or has_events or has_said) and self._addressing.reaches_anybody, min(waits, default=NEVER_S)

    def _say_farewell(self, connection: Connection, now: datetime) -> bool:
        """Say the last word about services that are not watched any more; return whether there was any."""
        left, self._left = self._left, []
        say_farewell(connection, left, self._addressing, self._posting, now)
        return bool(left)

    def _begin(self, connection: Connection, scene: Scene, alerting: Alerting) -> bool:
        """Have every service spoken of of which something holds; return whether one is new."""
        new = begin(connection, self._talks, scene, alerting)
        self._look_at_what_they_depend_on(new)
        return bool(new)

    def _begin_with_roots(self, connection: Connection, scene: Scene, alerting: Alerting, found: Causes) -> None:
        for root, severity in untold_roots(self._talks, scene, found):
            if not self._addressing.is_quiet(root, severity, scene.now, alerting):
                self._talks.take_in(connection, root, severity, scene.now, alert=None, started_at=scene.incidents[root].started_at)
                self._look_at_what_they_depend_on((root,))

    def _look_at_what_they_depend_on(self, service_ids: Iterable[int]) -> None:
        self._to_look_at.update(other for sid in service_ids for other in self._depending.watched[sid])

    def _follow(self, connection: Connection, scene: Scene, alerting: Alerting) -> None:
        """Bring every conversation up to what is known now."""
        found = causes(scene, self._depending)
        self._begin_with_roots(connection, scene, alerting, found)
        muted = {sid for sid, one in self._talks.open.items() if self._addressing.is_quiet(sid, one.severity, scene.now, alerting)}
        self._ties = ties(found, self._talks.open, muted, self._names)
        self._removed = self._talks.removed(alerting)
        ended = {sid: at for sid in self._talks.open if (at := self._quiet.maintenance(sid, scene.now).ended_at) is not None}
        known = Known(
            now=scene.now,
            incidents=scene.incidents,
            flapping=flapping(scene),
            firing={sid for sid in self._talks.open if alerting.firing(sid)},
            removed=self._removed,
            roots=found.roots,
            speaking=self._ties.speaking,
            muted=muted,
            maintenance_ended=ended,
        )
        for sid, after in follow(self._talks.open, known).items():
            before = self._talks.open[sid]
            if after.root_service_id is None and before.root_service_id is not None:
                self._to_look_at.add(sid)
            if before.over_at is None:
                self._to_look_at |= self._named(after) & scene.incidents.keys()
            self._talks.put(after)

    def _decide(self, conversation: Conversation, wait: timedelta, scene: Scene, alerting: Alerting) -> NotifyDecision:
        sid = conversation.service_id
        depended = [scene.states[other] for other in self._depending.watched[sid] if other in scene.states]
        return decide(
            Talk(
                now=scene.now,
                grouping=self._grouping,
                conversation=conversation,
                first_wait=wait,
                dependents=self._ties.dependents.get(sid, ()),
                maintained_until=self._quiet.maintenance(sid, scene.now).until,
                silenced_until=self._addressing.silenced_until(sid, conversation.severity, scene.now, alerting),
                is_removed=sid in self._removed,
                escalation=self._escalation,
                doubted_until=doubted_until(conversation, scene.states[sid], depended),
                named_in_doubt_until=named_in_doubt_until(conversation, [scene.states[other] for other in self._named(conversation) if other in scene.states]),
            ),
        )

    def _named(self, conversation: Conversation) -> set[int]:
        """Return, of an outage that is over, the services that it was told to make ill."""
        return set() if conversation.over_at is None else {self._ids[name] for name in conversation.told_dependents if name in self._ids}

    def _send(self, connection: Connection, decisions: Mapping[int, NotifyDecision], scene: Scene, alerting: Alerting) -> bool:
        """Queue what is decided; return whether that was anything."""
        under: dict[int, list[Conversation]] = {}
        for one in self._talks.open.values():
            if one.root_service_id is not None and one.announced_at is None:
                under.setdefault(one.root_service_id, []).append(one)
        where = {sid: self._addressing.channels_for(self._talks.open[sid], decision, scene.now, under=under.get(sid, ())) for sid, decision in decisions.items()}
        due = routed(decisions, where)
        for batch in due:
            told = [(self._talks.open[sid], decisions[sid].reason) for sid in batch.members]
            for one in self._posting.post(connection, batch, told, scene, alerting, self._ties):
                taken = tuple(step.after_minutes for step in decisions[one.service_id].steps)
                self._talks.put(replace(one, escalated=(*one.escalated, *taken)))
        return bool(due)
