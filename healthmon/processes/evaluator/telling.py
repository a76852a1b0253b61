"""The part of the evaluator that keeps a conversation about each outage, and queues what is to be said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.alerts.dependencies import roots
from healthmon.alerts.speaking import speakers
from healthmon.model.alert import HEALING_QUARANTINED, Alert, AlertSeverity
from healthmon.model.notification import Notification, NotificationKind
from healthmon.model.status import ServiceStatus
from healthmon.notify.batches import routed
from healthmon.notify.policy import Grouping, NotifyDecision, NotifyVerdict, Talk, decide, rank
from healthmon.processes.evaluator.addressing import Addressing
from healthmon.processes.evaluator.wording import Background
from healthmon.status import machine
from healthmon.status.uptime import WINDOW
from healthmon.store import conversations, forensics, heals, outbox, target_starts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from healthmon.alerts.rule import Rule
    from healthmon.alerts.speaking import Speaker
    from healthmon.config import ServiceSettings
    from healthmon.log import Log
    from healthmon.model.container_dependency import ContainerDependency
    from healthmon.model.conversation import Conversation
    from healthmon.model.notification import Affected
    from healthmon.model.operator_action import OperatorAction
    from healthmon.model.service import Service
    from healthmon.model.status import ServiceState
    from healthmon.notify.batches import Batch
    from healthmon.notify.routes import Routing
    from healthmon.processes.evaluator.alerting import Alerting
    from healthmon.processes.evaluator.depending import Depending
    from healthmon.processes.evaluator.obeying import Obeying
    from healthmon.processes.evaluator.scene import Scene
    from healthmon.processes.evaluator.wording import Wording
    from healthmon.store.connection import Connection

NEVER_S = 3_600.0
LIFETIME = timedelta(hours=24)  # of a delivery: what nobody took within it is parked
STARTS_WITHIN = timedelta(hours=1)
DOUBT_MAX = timedelta(seconds=60)  # so long what an ill service depends on has the first word


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
        self._wording = wording
        self._log = log
        self._open: dict[int, Conversation] = {}
        self._told_at: dict[int, datetime] = {}  # by service, the end of its last outage that was told
        self._because: dict[int, ContainerDependency] = {}  # by service, what it speaks for all that depend on it
        self._dependents: dict[int, tuple[str, ...]] = {}  # by service, the names of those that are ill because of it
        self._events: list[Alert] = []  # of severity info: told once, with the next say
        self._to_look_at: set[int] = set()
        self._changed: set[int] = set()

    def load(self, connection: Connection, now: datetime) -> None:
        """Read what is open, and close what is about services that are not watched any more."""
        self._open = {}
        for one in conversations.open_conversations(connection):
            if one.service_id in self._names:
                self._open[one.service_id] = one
            else:
                conversations.save(connection, replace(one, closed_at=now))
        self._told_at = conversations.outages_told_since(connection, now - WINDOW)
        self._events.clear()
        self._changed.clear()

    def hear(self, rule: Rule, alert: Alert) -> None:
        """Take in that an alert fires: of severity info, it is over by the time that it is told."""
        if alert.severity is AlertSeverity.INFO and not rule.is_about_recovery:
            self._events.append(alert)

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
        told_events = self._queue_events(connection, scene, obeying)
        self._begin(connection, scene, alerting)
        if not self._open:
            return told_events, NEVER_S
        self._follow(scene, alerting, obeying)
        decisions = {sid: self._decide(one, scene, alerting, obeying) for sid, one in self._open.items()}
        due = routed(decisions, {sid: self._addressing.channels_for(self._open[sid], decision, scene.now) for sid, decision in decisions.items()})
        for batch in due:
            self._queue(connection, batch, scene, alerting)
            self._note_steps(batch, decisions)
        for sid, decision in decisions.items():
            if decision.verdict is NotifyVerdict.CLOSE:
                self._put(replace(self._open[sid], closed_at=scene.now))
        waits = [(decision.until - scene.now).total_seconds() for decision in decisions.values() if decision.until is not None]
        if self._save(connection) and self._begin(connection, scene, alerting):  # what is over left something that is not
            waits.append(self._grouping.wait.total_seconds())
        return told_events or (bool(due) and self._addressing.reaches_anybody), min(waits, default=NEVER_S)

    def _begin(self, connection: Connection, scene: Scene, alerting: Alerting) -> bool:
        """Have a conversation about every service of which something holds now, and each know all of it; return whether one is new."""
        before = len(self._open)
        for sid, rule, firing in alerting.live():
            if sid in self._open or not self._is_told_already(sid, rule, scene):
                self._take_in(connection, sid, firing.rule, firing.severity, firing.alert_id, scene.now)
        for sid, incident in scene.incidents.items():
            if incident.quarantined_at is not None:
                self._take_in(connection, sid, HEALING_QUARANTINED, AlertSeverity.CRITICAL, 0, scene.now)
        return len(self._open) > before

    def _is_told_already(self, sid: int, rule: Rule, scene: Scene) -> bool:
        """Tell whether a rule only looks back at an outage that is over, and that people were told of."""
        told_at = self._told_at.get(sid)
        return told_at is not None and sid not in scene.incidents and scene.now - told_at < rule.lag

    def _take_in(self, connection: Connection, sid: int, alert_type: str, severity: AlertSeverity, alert_id: int, now: datetime) -> None:  # noqa: PLR0913, PLR0917  an alert's own facts
        one = self._open.get(sid)
        if one is None:
            alert = Alert(service_id=sid, alert_type=alert_type, severity=severity, message="", triggered_at=now, alert_id=alert_id)
            self._open[sid] = conversations.begin(connection, alert, service_id=sid)
            self._to_look_at.update(self._depending.watched[sid])
        elif alert_type not in one.alert_types or rank(severity) > rank(one.severity):
            types = tuple(dict.fromkeys((*one.alert_types, alert_type)))
            self._put(replace(one, severity=max(one.severity, severity, key=rank), alert_types=types))

    def _follow(self, scene: Scene, alerting: Alerting, obeying: Obeying) -> None:
        """Bring every conversation up to what is known now."""
        ill = {sid for sid, state in scene.states.items() if state.status is ServiceStatus.UNHEALTHY} | scene.incidents.keys()
        flapping = {sid for sid, one in scene.flapping.items() if one.is_flapping}
        depends_on, troubles = self._depending.graph(scene.states)
        found = roots(depends_on, ill | flapping | troubles.keys())
        muted = {sid for sid, one in self._open.items() if self._addressing.is_quiet(one, scene.now, alerting, obeying)}
        speaking = speakers(self._open, found, muted)
        self._because = {speaker.service_id: troubles[key] for key, speaker in speaking.items()}
        for sid, before in list(self._open.items()):
            incident = scene.incidents.get(sid)
            after = replace(before, is_outage=before.is_outage or incident is not None)
            after = replace(after, flapping_at=(before.flapping_at or scene.now) if sid in flapping else None)
            is_over = sid not in flapping and (incident is None if after.is_outage else not alerting.firing(sid))
            after = replace(after, over_at=(after.over_at or scene.now) if is_over else None)
            if incident is not None and incident.quarantined_at is not None:
                after = replace(after, urgent_at=incident.quarantined_at)
            root = found.get(sid)
            if isinstance(root, str):
                speaker = speaking[root]
                root = speaker.service_id if speaker.service_id != sid else None
                after = after if root else replace(after, severity=speaker.severity)
            root = root if root in self._open and root not in muted else None
            if root is None and before.root_service_id is not None:
                after = replace(after, released_at=scene.now)
                self._to_look_at.add(sid)
            after = _released(after, obeying.maintenance(sid, scene.now).ended_at)
            self._put(replace(after, root_service_id=root))
        self._dependents = self._by_root(found, speaking)
        self._share_severities()

    def _share_severities(self) -> None:
        """Have who speaks for others be as bad as the worst of them."""
        for one in list(self._open.values()):
            root = None if one.root_service_id is None else self._open.get(one.root_service_id)
            if root is not None and rank(one.severity) > rank(root.severity):
                self._put(replace(root, severity=one.severity))

    def _decide(self, conversation: Conversation, scene: Scene, alerting: Alerting, obeying: Obeying) -> NotifyDecision:
        doubted_until = max(conversation.opened_at, conversation.released_at or conversation.opened_at) + DOUBT_MAX
        return decide(
            Talk(
                now=scene.now,
                grouping=self._grouping,
                conversation=conversation,
                dependents=len(self._under(conversation.service_id)),
                is_in_maintenance=obeying.maintenance(conversation.service_id, scene.now).until is not None,
                is_silenced=self._addressing.is_silenced(conversation, scene.now, alerting, obeying),
                is_acknowledged=conversation.is_acknowledged(scene.now),
                escalation=self._escalation,
                doubted_until=doubted_until if self._is_in_doubt(conversation, scene.states) else None,
            ),
        )

    def _is_in_doubt(self, conversation: Conversation, states: Mapping[int, ServiceState]) -> bool:
        """Tell whether something that a service depends on has just failed, was not looked at since, or is ill and not told yet."""
        own, released_at = states[conversation.service_id], conversation.released_at
        if released_at is not None and (own.last_checked_at is None or own.last_checked_at < released_at):
            return True  # what it waited for has recovered, and it was not looked at since
        depended = [states[other] for other in self._depending.watched[conversation.service_id] if other in states]
        return any(
            machine.is_soft(state)
            or state.last_checked_at is None
            or state.last_checked_at < conversation.opened_at
            or (state.status is ServiceStatus.UNHEALTHY and state.service_id not in self._open)
            for state in depended
        )

    def _queue_events(self, connection: Connection, scene: Scene, obeying: Obeying) -> bool:
        """Queue what fired and is over at once; return whether there was any of it."""
        events, self._events = self._events, []
        loud = [one for one in events if not self._addressing.is_event_quiet(one, scene.now, obeying)]
        where = {one.alert_id: self._addressing.route(one.service_id or 0, one.severity, scene.now) for one in loud}
        for channels in dict.fromkeys(where.values()):
            message = Notification(
                kind=NotificationKind.EVENT,
                severity=AlertSeverity.INFO,
                created_at=scene.now,
                host=self._wording.host,
                affected=tuple(self._wording.event(one) for one in loud if where[one.alert_id] == channels),
            )
            outbox.enqueue(connection, message, channels, lifetime=LIFETIME)
        return bool(loud) and self._addressing.reaches_anybody

    def _queue(self, connection: Connection, batch: Batch, scene: Scene, alerting: Alerting) -> None:
        told = [self._open[sid] for sid in batch.members]
        message = Notification(
            kind=batch.kind,
            severity=max((one.severity for one in told), key=rank),
            created_at=scene.now,
            host=self._wording.host,
            affected=tuple(self._affected(connection, one, scene, alerting) for one in told),
        )
        notification_id = outbox.enqueue(connection, message, batch.channels, lifetime=LIFETIME)
        for one in told:
            because = self._because.get(one.service_id)
            after = one if because is None else replace(one, because_of=f"{because.name} {because.trouble}")
            self._put(_told(after, scene.now, dependents=len(self._under(one.service_id)), channels=batch.channels))
        names = ", ".join(self._names[one.service_id] for one in told)
        self._log.info("notification_queued", kind=batch.kind.value, services=names, notification=notification_id)

    def _note_steps(self, batch: Batch, decisions: Mapping[int, NotifyDecision]) -> None:
        for sid in batch.members:
            taken = tuple(step.after_minutes for step in decisions[sid].steps)
            if taken:
                self._put(replace(self._open[sid], escalated=(*self._open[sid].escalated, *taken)))

    def _affected(self, connection: Connection, conversation: Conversation, scene: Scene, alerting: Alerting) -> Affected:
        sid = conversation.service_id
        incident = scene.incidents.get(sid) or scene.latest.get(sid)
        made = [] if incident is None or not conversation.is_outage else heals.of_incident(connection, incident.incident_id)
        background = Background(
            made=made,
            last_lines=() if incident is None else forensics.last_lines(connection, incident.incident_id),
            starts=target_starts.count(connection, sid, since=scene.now - STARTS_WITHIN),
            dependents=self._under(sid),
            because=self._because.get(sid),
        )
        return self._wording.affected(conversation, alerting.firing(sid), scene, background)

    def _under(self, root: int) -> tuple[str, ...]:
        return self._dependents.get(root, ())

    def _by_root(self, roots_of: Mapping[int, int | str], speaking: Mapping[str, Speaker]) -> dict[int, tuple[str, ...]]:
        """Return the names of all that are ill because of another, spoken of or not, by that one: once a step."""
        found: dict[int, list[str]] = {}
        for sid, root in roots_of.items():
            speaker = speaking[root].service_id if isinstance(root, str) and root in speaking else root
            if isinstance(speaker, int) and sid != speaker and sid in self._names:
                found.setdefault(speaker, []).append(self._names[sid])
        return {root: tuple(names) for root, names in found.items()}

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
        return len(self._open) < before


def _released(conversation: Conversation, ended_at: datetime | None) -> Conversation:
    """Take in when the last maintenance ended: what is ill then is waited for anew."""
    held_until = conversation.released_at or conversation.opened_at
    return conversation if ended_at is None or ended_at <= held_until else replace(conversation, released_at=ended_at)


def _told(conversation: Conversation, now: datetime, *, dependents: int, channels: tuple[str, ...]) -> Conversation:
    return replace(
        conversation,
        announced_at=conversation.announced_at or now,
        announced_severity=conversation.severity,
        notified_at=now,
        told_dependents=dependents,
        told_channels=tuple(dict.fromkeys((*conversation.told_channels, *channels))),
        told_flapping=conversation.flapping_at is not None,
        closed_at=now if conversation.over_at is not None else None,
    )
