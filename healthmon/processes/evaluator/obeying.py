"""The part of the evaluator that does what people tell us, and says what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.alerts.silences import covered, mistaken, silenced_by
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.model.silence import Silence
from healthmon.notify import wording
from healthmon.processes.evaluator import requesting
from healthmon.store import alerts, operator_actions, outcomes, silences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthmon.alerts.maintenance import Standing
    from healthmon.alerts.silences import Possible
    from healthmon.log import Log
    from healthmon.processes.evaluator.maintaining import Maintaining
    from healthmon.processes.evaluator.requesting import Requesting
    from healthmon.processes.evaluator.scene import Scene
    from healthmon.processes.evaluator.telling import Telling
    from healthmon.store.connection import Connection

SHOWN_CHARS = 120


class Obeying:
    """The silences that hold or will, in memory as in the database."""

    def __init__(self, maintaining: Maintaining, requests: Requesting, log: Log, *, possible: Possible) -> None:
        self._maintaining = maintaining
        self._requesting = requests
        self._log = log
        self._possible = possible
        self._silences: list[Silence] = []

    def load(self, connection: Connection, now: datetime) -> None:
        self._silences = silences.not_over(connection, now=now)

    def waiting(self, connection: Connection) -> list[OperatorAction]:
        """Return what people want and nobody did yet."""
        return operator_actions.waiting(connection)

    def obey(self, connection: Connection, actions: list[OperatorAction], telling: Telling, scene: Scene) -> None:
        """Do it, in the transaction that says so."""
        now = scene.now
        for action in actions:
            outcome = self._do(connection, action, telling, scene)
            operator_actions.settle(connection, action.action_id, at=now, outcome=outcome)
            self._log.change("operator_action", kind=action.kind.value, by=action.author, outcome=outcome)
        if actions:
            self.load(connection, now)

    def silenced_until(self, labels: Mapping[str, str], now: datetime) -> datetime | None:
        """Return so long a silence keeps an alert with these labels quiet; None if none does."""
        silence = silenced_by(self._silences, labels, now)
        return None if silence is None else silence.ends_at

    def maintenance(self, sid: int, now: datetime) -> Standing:
        """Return how a service stands to maintenance, as people have it by now."""
        return self._maintaining.standing(sid, now)

    def _do(self, connection: Connection, action: OperatorAction, telling: Telling, scene: Scene) -> str:
        now = scene.now
        if action.kind in requesting.KINDS:
            return self._requesting.do(connection, action, scene)
        if action.kind is OperatorActionKind.ACKNOWLEDGE:
            outcome = telling.acknowledge(action, now)
            return outcome if outcome.startswith("refused") else outcome + self._requesting.acknowledged(connection, action, now)
        if action.kind is OperatorActionKind.SILENCE:
            return self._silence(connection, action, now)
        if action.kind is OperatorActionKind.MAINTENANCE:
            return self._maintaining.begin(connection, action, now)
        if action.kind is OperatorActionKind.END_MAINTENANCE:
            return self._maintaining.end(connection, action, now)
        if action.kind is OperatorActionKind.FALSE_ALARM:
            return self._mark_false(connection, action, now)
        ended = silences.end(connection, action.silence_id or 0, at=now)
        return f"silence {action.silence_id} is over" if ended else f"refused: there is no silence {action.silence_id} to end"

    def _mark_false(self, connection: Connection, action: OperatorAction, now: datetime) -> str:
        marked = outcomes.mark_false(connection, action.alert_id or 0, by=action.author, reason=action.reason, at=now)
        number = action.alert_id
        return f"alert {number} counts as false" if marked else f"refused: there is no alert {number}"

    def _silence(self, connection: Connection, action: OperatorAction, now: datetime) -> str:
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
        return f"silence {silence_id} of {wording.listed(quiet, limit=SHOWN_CHARS)} holds until {clock.to_people(action.until)}: {', '.join(action.matchers)}"
