"""The part of the evaluator that notes how long containers take to answer after a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.store import target_starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.model.check import Check
    from healthmon.store.connection import Connection


class Learning:
    """Knows which starts wait for their first good look."""

    def __init__(self) -> None:
        self._awaited: Mapping[int, datetime] = {}

    def refresh(self, connection: Connection) -> None:
        """Read what the healer noted."""
        self._awaited = target_starts.awaited(connection)

    def note(self, connection: Connection, looks: Iterable[Check]) -> None:
        """Note, in the transaction of these looks, which of them is the first good one after a start."""
        for look in looks:
            started_at = self._awaited.get(look.service_id)
            if look.is_good and started_at is not None and look.checked_at > started_at:
                target_starts.answered(connection, look.service_id, started_at, at=look.checked_at)
                self._awaited = {sid: at for sid, at in self._awaited.items() if sid != look.service_id}
