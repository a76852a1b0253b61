"""The part of the evaluator that writes what is to be said of outages, and puts it into the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.model.alert import rank
from healthmon.model.notification import Notification
from healthmon.model.status import ServiceStatus
from healthmon.notify import retry
from healthmon.notify.decision import NotifyReason
from healthmon.processes.evaluator.wording import Background
from healthmon.store import alerts, forensics, heals, outbox, target_starts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from healthmon.log import Log
    from healthmon.model.conversation import Conversation
    from healthmon.model.heal import Heal
    from healthmon.model.notification import Affected
    from healthmon.model.service import Service
    from healthmon.notify.batches import Batch
    from healthmon.processes.evaluator.alerting import Alerting
    from healthmon.processes.evaluator.relating import Ties
    from healthmon.processes.evaluator.scene import Scene
    from healthmon.processes.evaluator.wording import Wording
    from healthmon.store.connection import Connection

STARTS_WITHIN = timedelta(hours=1)


class Posting:
    """Reads what is kept of an outage, has it put into words, and queues them."""

    def __init__(self, ids: Mapping[str, int], wording: Wording, log: Log) -> None:
        """`ids` are the services' by their names."""
        self._ids = ids
        self._wording = wording
        self._log = log

    def post(self, connection: Connection, batch: Batch, told: Sequence[tuple[Conversation, NotifyReason]], scene: Scene, alerting: Alerting, ties: Ties) -> list[Conversation]:  # noqa: PLR0913, PLR0917  one step's own
        """Queue one message about these conversations; return them as they are now that this is said."""
        affected = [self._affected(connection, one, reason, scene, alerting, ties) for one, reason in told]
        said = [one for one, _ in told]
        self._queue(connection, batch, said, affected, scene.now)
        return [_told(one, scene.now, ties, channels=batch.channels) for one in said]

    def post_farewell(self, connection: Connection, batch: Batch, left: Sequence[tuple[Conversation, Service]], now: datetime) -> None:
        """Queue the last word about services that are not watched any more."""
        told = [one for one, _ in left]
        affected = [self._wording.farewell(one, service, now=now) for one, service in left]
        self._queue(connection, batch, told, affected, now)

    def _queue(self, connection: Connection, batch: Batch, told: Sequence[Conversation], affected: Sequence[Affected], now: datetime) -> None:
        message = Notification(
            kind=batch.kind,
            severity=max((one.severity for one in told), key=rank),
            created_at=now,
            host=self._wording.host,
            affected=tuple(affected),
        )
        number = outbox.enqueue(connection, message, batch.channels, lifetime=retry.LIFETIME)
        names = ", ".join(one.service for one in affected)
        self._log.info("notification_queued", kind=batch.kind.value, services=names, notification=number)

    def _affected(self, connection: Connection, one: Conversation, reason: NotifyReason, scene: Scene, alerting: Alerting, ties: Ties) -> Affected:  # noqa: PLR0913, PLR0917  one step's own
        sid = one.service_id
        incident = scene.incidents.get(sid) or scene.latest.get(sid)
        made = [] if incident is None or not one.is_outage else _own(heals.of_incident(connection, incident.incident_id))
        back = tuple(name for name in one.told_dependents if self._is_well(name, scene))
        background = Background(
            made=made,
            last_lines=() if incident is None else forensics.last_lines(connection, incident.incident_id),
            starts=target_starts.count(connection, sid, since=scene.now - STARTS_WITHIN, until=scene.now),
            dependents=ties.dependents.get(sid, ()) if one.over_at is None else back,
            not_back=() if one.over_at is None else tuple(name for name in one.told_dependents if name not in back),
            because=ties.because.get(sid),
            first=alerts.by_id(connection, one.alert_id),
            news=_news(one, reason, ties.dependents.get(sid, ())),
            is_removed=reason is NotifyReason.REMOVED,
        )
        return self._wording.affected(one, alerting.firing(sid), scene, background)

    def _is_well(self, name: str, scene: Scene) -> bool:
        state = scene.states.get(self._ids.get(name, 0))
        return state is not None and state.status is ServiceStatus.HEALTHY



def _own(made: list[Heal]) -> list[Heal]:
    """Return the restarts of the service's own target: what followed it in its network is part of them."""
    return [heal for heal in made if heal.follows is None]


def _news(one: Conversation, reason: NotifyReason, dependents: Sequence[str]) -> str:
    """Say what is new of an outage that was told before."""
    if reason is NotifyReason.WORSENED:
        return f"now {one.severity}"
    if reason is NotifyReason.NEEDS_PERSON:
        return "restarts did not help"
    if reason is NotifyReason.SPREAD:
        return f"now {', '.join(name for name in dependents if name not in one.told_dependents)}, too"
    return "it does not come and go any more, and stays ill" if reason is NotifyReason.SETTLED else ""


def _told(one: Conversation, now: datetime, ties: Ties, *, channels: tuple[str, ...]) -> Conversation:
    because = ties.because.get(one.service_id)
    named = ties.dependents.get(one.service_id, ())
    return replace(
        one,
        because_of=one.because_of if because is None else f"{because.name} {because.trouble}",
        announced_at=one.announced_at or now,
        announced_severity=one.severity,
        notified_at=now,
        told_dependents=tuple(dict.fromkeys((*one.told_dependents, *named))),
        told_channels=tuple(dict.fromkeys((*one.told_channels, *channels))),
        told_flapping=one.flapping_at is not None,
        closed_at=now if one.over_at is not None else None,
    )
