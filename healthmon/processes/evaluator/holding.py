"""The part of the evaluator that knows which services people hold back from restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.hold import Hold
from healthmon.store import holds

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.operator_action import OperatorAction
    from healthmon.store.connection import Connection


class Holding:
    """The holds that stand, in memory as in the database."""

    def __init__(self) -> None:
        self._standing: dict[int, Hold] = {}

    def load(self, connection: Connection, now: datetime) -> None:
        self._standing = holds.standing(connection, at=now)

    def of(self, sid: int, now: datetime) -> Hold | None:
        hold = self._standing.get(sid)
        return hold if hold is not None and hold.ends_at > now else None

    def begin(self, connection: Connection, sid: int, action: OperatorAction, until: datetime, now: datetime) -> None:
        """Hold it from now on, in place of what holds it."""
        hold = Hold(hold_id=0, service_id=sid, starts_at=now, ends_at=until, author=action.author, reason=action.reason)
        holds.add(connection, hold)
        self.load(connection, now)

    def end(self, connection: Connection, sid: int, now: datetime) -> bool:
        """Return whether there was something to end."""
        ended = holds.end(connection, sid, at=now)
        self.load(connection, now)
        return ended
