"""The part of the evaluator that keeps a conversation about each outage, and has said what is to be said of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.alerts.doubt import doubted_until
from healthmon.alerts.following import Known, follow
from healthmon.model.alert import HEALING_QUARANTINED, AlertSeverity
from healthmon.model.notification import NotificationKind
from healthmon.notify.batches import Batch, routed
from healthmon.notify.policy import Grouping, NotifyDecision, NotifyVerdict, Talk, decide, first_wait, rank
from healthmon.processes.evaluator.addressing import Addressing
from healthmon.processes.evaluator.events import Events
from healthmon.processes.evaluator.posting import Posting
from healthmon.processes.evaluator.relating import NO_TIES, causes, flapping, ties
from healthmon.status.uptime import WINDOW
from healthmon.store import conversations, services

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
    from healthmon.processes.evaluator.obeying import Obeying
    from healthmon.processes.evaluator.relating import Causes
    from healthmon.processes.evaluator.scene import Scene
    from healthmon.processes.evaluator.wording import Wording
    from healthmon.store.connection import Connection

NEVER_S = 3_600.0


class Telling:
    """The open conversations, in memory as in the database."""

    def __init__(  # noqa: PLR0913  one collaborator each
        self,
        services: Iterable[tuple[Service, ServiceSettings]],
        *,
        grouping: Grouping,
        routing: Routing,
        wording: Wording,
        depending: Depending,
        log: Log,
    ) -> None:
        known = list(services)
        ids = {service.name: service.service_id for service, _ in known}
        self._depending = depending
        self._ids = ids
        self._names = {sid: name for name, sid in ids.items()}
        self._grouping = grouping
        self._addressing = Addressing(known, routing)
        self._escalation = routing.escalation
        self._events = Events(self._addressing, wording, wait=grouping.wait)
        self._posting = Posting(ids, wording, log)
        self._open: dict[int, Conversation] = {}
        self._left: list[tuple[Conversation, Service]] = []  # told of, and their services are not watched any more
        self._unasked: set[int] = set()  # by service, those about rules that are no more
        self._removed: set[int] = set()  # those of them about which nothing else has begun meanwhile
        self._told_at: dict[int, datetime] = {}  # by service, the end of its last outage that was told
        self._ties = NO_TIES
        self._to_look_at: set[int] = set()
        self._changed: set[int] = set()

    def load(self, connection: Connection, now: datetime, alerting: Alerting) -> None:
        """Read what is open. Of services that are not watched any more, only what people were told of has to be ended with a word."""
        known = services.all_by_id(connection)
        self._open, self._left = {}, []
        for one in conversations.open_conversations(connection):
            if one.service_id in self._names:
                self._open[one.service_id] = one
            elif one.announced_at is not None and one.service_id in known:
                self._left.append((one, known[one.service_id]))
            else:
                conversations.save(connection, replace(one, closed_at=now))
        self._unasked = {sid for sid, one in self._open.items() if one.alert_types and not alerting.knows_any(sid, one.alert_types)}
        self._removed = set()
        self._told_at = conversations.outages_told_since(connection, now - WINDOW)
        self._events.load(connection, self._names)
        self._changed.clear()

    def hear(self, rule: Rule, alert: Alert) -> None:
        """Take in that an alert fires."""
        self._events.hear(rule, alert)

    def acknowledge(self, action: OperatorAction, now: datetime) -> str:
        """Take in that a person has seen the outage of a service; return what came of it."""
        sid = self._ids.get(action.service or "")
        before = None if sid is None else self._open.get(sid)
        if before is None or before.over_at is not None:
            return f"refused: there is no outage of {action.service} to acknowledge"
        if action.until is not None and action.until <= now:
            return "refused: its end is past"
        self._put(
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
        return set(self._open)

    def is_about(self, service_ids: Collection[int]) -> bool:
        """Tell whether something new of one of these services may have to be said."""
        related = {*self._open, *(other for sid in self._open for other in self._depending.watched[sid])}
        return not related.isdisjoint(service_ids)

    def misses(self, service_ids: Iterable[int], scene: Scene, alerting: Alerting) -> bool:
        """Tell whether one of these services is ill, has an alert, and is not spoken of: the alert is left from before."""
        return any(sid in scene.incidents and sid not in self._open and alerting.firing(sid) for sid in service_ids)

    def say(self, connection: Connection, scene: Scene, alerting: Alerting, obeying: Obeying) -> tuple[bool, float]:
        """Queue what is to be said now; return whether that was anything, and the seconds until time alone changes it."""
        has_left = self._say_farewell(connection, scene.now)
        has_events, wait_s = self._events.say(connection, obeying, scene.now)
        waits = [] if wait_s is None else [wait_s]
        self._begin(connection, scene, alerting)
        if self._open:
            self._follow(connection, scene, alerting, obeying)
        announced = [one.announced_at for one in self._open.values() if one.announced_at is not None]
        wait = first_wait(self._grouping, announced, scene.now)
        decisions = {sid: self._decide(one, wait, scene, alerting, obeying) for sid, one in self._open.items()}
        has_said = self._send(connection, decisions, scene, alerting)
        for sid, decision in decisions.items():
            if decision.verdict is NotifyVerdict.CLOSE:
                self._put(replace(self._open[sid], closed_at=scene.now))
        waits += [(decision.until - scene.now).total_seconds() for decision in decisions.values() if decision.until is not None]
        if self._save(connection) and self._begin(connection, scene, alerting):  # what is over left something that is not
            waits.append(self._grouping.wait.total_seconds())
        return (has_left or has_events or has_said) and self._addressing.reaches_anybody, min(waits, default=NEVER_S)

    def _say_farewell(self, connection: Connection, now: datetime) -> bool:
        """Tell who was told of the outage of a service that it is not watched any more; return whether there was any."""
        left, self._left = self._left, []
        where = {one.service_id: self._addressing.those_told(one) for one, _ in left}
        for channels in dict.fromkeys(where.values()):
            members = [(one, service) for one, service in left if where[one.service_id] == channels]
            batch = Batch(kind=NotificationKind.REMOVED, members=tuple(one.service_id for one, _ in members), channels=channels)
            self._posting.post_farewell(connection, batch, members, now)
        for one, _ in left:
            conversations.save(connection, replace(one, over_at=one.over_at or now, notified_at=now, closed_at=now))
        return bool(left)

    def _begin(self, connection: Connection, scene: Scene, alerting: Alerting) -> bool:
        """Have a conversation about every service of which something holds now, and each know all of it; return whether one is new."""
        before = len(self._open)
        for sid, rule, firing in alerting.live():
            if sid in self._open or not self._is_told_already(sid, rule, scene):
                self._take_in(connection, sid, firing.severity, scene.now, alert=(firing.rule, firing.alert_id), started_at=firing.started_at)
        for sid, incident in scene.incidents.items():
            if incident.quarantined_at is not None:
                self._take_in(connection, sid, AlertSeverity.CRITICAL, scene.now, alert=(HEALING_QUARANTINED, 0), started_at=incident.started_at)
        return len(self._open) > before

    def _begin_with_roots(self, connection: Connection, scene: Scene, alerting: Alerting, obeying: Obeying, found: Causes) -> None:
        """Have a conversation about what an untold one is ill because of, too, though no rule has fired for that yet: it is told first."""
        for one in list(self._open.values()):
            root = found.roots.get(one.service_id)
            if not isinstance(root, int) or root in self._open or root not in scene.incidents or one.announced_at is not None:
                continue
            if not self._addressing.is_quiet(root, one.severity, scene.now, alerting, obeying):
                self._take_in(connection, root, one.severity, scene.now, alert=None, started_at=scene.incidents[root].started_at)

    def _is_told_already(self, sid: int, rule: Rule, scene: Scene) -> bool:
        """Tell whether a rule only looks back at an outage that is over, and that people were told of."""
        told_at = self._told_at.get(sid)
        return told_at is not None and sid not in scene.incidents and scene.now - told_at < rule.lag

    def _take_in(  # noqa: PLR0913  an alert's own facts
        self,
        connection: Connection,
        sid: int,
        severity: AlertSeverity,
        now: datetime,
        *,
        alert: tuple[str, int] | None,
        started_at: datetime,
    ) -> None:
        """Have what holds of a service spoken of; `alert` is the type and number of the alert that says so, if one does."""
        types, number = ((alert[0],), alert[1]) if alert else ((), 0)
        one = self._open.get(sid)
        if one is None:
            self._open[sid] = conversations.begin(connection, sid, severity=severity, alert_types=types, alert_id=number, started_at=started_at, now=now)
            self._to_look_at.update(self._depending.watched[sid])
        elif not set(types) <= set(one.alert_types) or rank(severity) > rank(one.severity):
            after = replace(one, severity=max(one.severity, severity, key=rank), alert_types=tuple(dict.fromkeys((*one.alert_types, *types))))
            self._put(replace(after, alert_id=one.alert_id or number, started_at=min(one.started_at, started_at)))
        if types:
            self._unasked.discard(sid)

    def _follow(self, connection: Connection, scene: Scene, alerting: Alerting, obeying: Obeying) -> None:
        """Bring every conversation up to what is known now."""
        found = causes(scene, self._depending)
        self._begin_with_roots(connection, scene, alerting, obeying, found)
        muted = {sid for sid, one in self._open.items() if self._addressing.is_quiet(sid, one.severity, scene.now, alerting, obeying)}
        self._ties = ties(found, self._open, muted, self._names)
        self._removed = {sid for sid in self._unasked & self._open.keys() if not alerting.has_state(sid)}
        ended = {sid: at for sid in self._open if (at := obeying.maintenance(sid, scene.now).ended_at) is not None}
        known = Known(
            now=scene.now,
            incidents=scene.incidents,
            flapping=flapping(scene),
            firing={sid for sid in self._open if alerting.firing(sid)},
            removed=self._removed,
            roots=found.roots,
            speaking=self._ties.speaking,
            muted=muted,
            maintenance_ended=ended,
        )
        for sid, after in follow(self._open, known).items():
            if after.root_service_id is None and self._open[sid].root_service_id is not None:
                self._to_look_at.add(sid)
            self._put(after)

    def _decide(self, conversation: Conversation, wait: timedelta, scene: Scene, alerting: Alerting, obeying: Obeying) -> NotifyDecision:
        sid = conversation.service_id
        depended = [scene.states[other] for other in self._depending.watched[sid] if other in scene.states]
        return decide(
            Talk(
                now=scene.now,
                grouping=self._grouping,
                conversation=conversation,
                first_wait=wait,
                dependents=self._ties.dependents.get(sid, ()),
                maintained_until=obeying.maintenance(sid, scene.now).until,
                silenced_until=self._addressing.silenced_until(sid, conversation.severity, scene.now, alerting, obeying),
                is_removed=sid in self._removed,
                escalation=self._escalation,
                doubted_until=doubted_until(conversation, scene.states[sid], depended),
            ),
        )

    def _send(self, connection: Connection, decisions: Mapping[int, NotifyDecision], scene: Scene, alerting: Alerting) -> bool:
        """Queue what is decided; return whether that was anything."""
        under: dict[int, list[Conversation]] = {}
        for one in self._open.values():
            if one.root_service_id is not None and one.announced_at is None:
                under.setdefault(one.root_service_id, []).append(one)
        where = {sid: self._addressing.channels_for(self._open[sid], decision, scene.now, under=under.get(sid, ())) for sid, decision in decisions.items()}
        due = routed(decisions, where)
        for batch in due:
            told = [(self._open[sid], decisions[sid].reason) for sid in batch.members]
            for one in self._posting.post(connection, batch, told, scene, alerting, self._ties):
                taken = tuple(step.after_minutes for step in decisions[one.service_id].steps)
                self._put(replace(one, escalated=(*one.escalated, *taken)))
        return bool(due)

    def _put(self, conversation: Conversation) -> None:
        if self._open.get(conversation.service_id) != conversation:
            self._open[conversation.service_id] = conversation
            self._changed.add(conversation.service_id)

    def _save(self, connection: Connection) -> bool:
        """Write what changed; return whether a conversation was closed."""
        before = len(self._open)
        for sid in self._changed:
            one = self._open[sid]
            conversations.save(connection, one)
            if one.is_outage and one.closed_at is not None and one.announced_at is not None:
                self._told_at[sid] = one.closed_at
        self._changed.clear()
        self._open = {sid: one for sid, one in self._open.items() if one.closed_at is None}
        self._unasked &= self._open.keys()
        return len(self._open) < before
