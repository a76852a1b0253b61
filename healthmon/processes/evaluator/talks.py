"""The part of the evaluator that keeps the conversations which are open: one for each service of which something is to be told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.model.alert import rank
from healthmon.status.uptime import WINDOW
from healthmon.store import conversations, services

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from healthmon.model.alert import AlertSeverity
    from healthmon.model.conversation import Conversation
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.alerting import Alerting
    from healthmon.store.connection import Connection


class Talks:
    """In memory as in the database, once `save` has written what `put` changed. `open` is by service_id."""

    def __init__(self, service_ids: Iterable[int]) -> None:
        self._watched = frozenset(service_ids)
        self.open: dict[int, Conversation] = {}
        self._unasked: set[int] = set()  # by service, those about rules that are no more
        self._told_at: dict[int, datetime] = {}  # by service, the end of its last outage that was told
        self._changed: set[int] = set()

    def load(self, connection: Connection, now: datetime, alerting: Alerting) -> list[tuple[Conversation, Service]]:
        """Read what is open; return what people were told of services that are not watched any more, to be ended with a word."""
        known = services.all_by_id(connection)
        self.open, left = {}, []
        for one in conversations.open_conversations(connection):
            if one.service_id in self._watched:
                self.open[one.service_id] = one
            elif one.announced_at is not None and one.service_id in known:
                left.append((one, known[one.service_id]))
            else:
                conversations.save(connection, replace(one, closed_at=now))
        self._unasked = {sid for sid, one in self.open.items() if one.alert_types and not alerting.knows_any(sid, one.alert_types)}
        self._told_at = conversations.outages_told_since(connection, now - WINDOW)
        self._changed.clear()
        return left

    def take_in(  # noqa: PLR0913  an alert's own facts
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
        one = self.open.get(sid)
        if one is None:
            self.open[sid] = conversations.begin(connection, sid, severity=severity, alert_types=types, alert_id=number, started_at=started_at, now=now)
        elif not set(types) <= set(one.alert_types) or rank(severity) > rank(one.severity):
            after = replace(one, severity=max(one.severity, severity, key=rank), alert_types=tuple(dict.fromkeys((*one.alert_types, *types))))
            self.put(replace(after, alert_id=one.alert_id or number, started_at=min(one.started_at, started_at)))
        if types:
            self._unasked.discard(sid)

    def put(self, conversation: Conversation) -> None:
        """Have a conversation be as it is now."""
        if self.open.get(conversation.service_id) != conversation:
            self.open[conversation.service_id] = conversation
            self._changed.add(conversation.service_id)

    def told_at(self, sid: int) -> datetime | None:
        """Return when the last outage of a service that people were told of was over, of the last day."""
        return self._told_at.get(sid)

    def removed(self, alerting: Alerting) -> Collection[int]:
        """Return the services about which people were told by rules that are no more, and nothing else has begun meanwhile."""
        return {sid for sid in self._unasked & self.open.keys() if not alerting.has_state(sid)}

    def save(self, connection: Connection) -> bool:
        """Write what changed; return whether a conversation was closed."""
        before = len(self.open)
        for sid in self._changed:
            one = self.open[sid]
            conversations.save(connection, one)
            if one.is_outage and one.closed_at is not None and one.announced_at is not None:
                self._told_at[sid] = one.closed_at
        self._changed.clear()
        self.open = {sid: one for sid, one in self.open.items() if one.closed_at is None}
        self._unasked &= self.open.keys()
        return len(self.open) < before
