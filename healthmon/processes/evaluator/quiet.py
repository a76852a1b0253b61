"""The part of the evaluator that knows what nobody is to be told of now: for a silence, or because people work on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.alerts.silences import covered, mistaken, silenced_by
from healthmon.model.silence import Silence
from healthmon.notify import wording
from healthmon.store import alerts, silences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.alerts.maintenance import Standing
    from healthmon.alerts.silences import Possible
    from healthmon.model.operator_action import OperatorAction
    from healthmon.processes.evaluator.maintaining import Maintaining
    from healthmon.store.connection import Connection

SHOWN_CHARS = 120


class Quiet:
    """The silences that hold or will, in memory as in the database; maintenance is known elsewhere, and asked for here."""

    def __init__(self, maintaining: Maintaining, possible: Possible) -> None:
        self._maintaining = maintaining
        self._possible = possible
        self._silences: list[Silence] = []

    def load(self, connection: Connection, now: datetime) -> None:
        self._silences = silences.not_over(connection, now=now)

    def silenced_until(self, labels: Mapping[str, str], now: datetime) -> datetime | None:
        """Return so long a silence keeps an alert with these labels quiet; None if none does."""
        silence = silenced_by(self._silences, labels, now)
        return None if silence is None else silence.ends_at

    def maintenance(self, sid: int, now: datetime) -> Standing:
        """Return how a service stands to maintenance, as people have it by now."""
        return self._maintaining.standing(sid, now)

    def begin(self, connection: Connection, action: OperatorAction, now: datetime) -> str:
        """Silence what a person wants silenced; return what came of it."""
        if action.until is None or action.until <= now:
            return "refused: its end is past"
        possible = replace(self._possible, own_types=alerts.types_of_ourselves(connection))
        quiet = covered(action.matchers, possible)
        if not quiet:
            return f"refused: it would silence nothing: {mistaken(action.matchers, possible)}"
        silence = Silence(
            silence_id=0,
            matchers=action.matchers,
            starts_at=now,
            ends_at=action.until,
            author=action.author,
            reason=action.reason,
        )
        silence_id = silences.add(connection, silence)
        self.load(connection, now)
        return f"silence {silence_id} of {wording.listed(quiet, limit=SHOWN_CHARS)} holds until {clock.to_people(action.until)}: {', '.join(action.matchers)}"

    def end(self, connection: Connection, action: OperatorAction, now: datetime) -> str:
        ended = silences.end(connection, action.silence_id or 0, at=now)
        self.load(connection, now)
        return f"silence {action.silence_id} is over" if ended else f"refused: there is no silence {action.silence_id} to end"
