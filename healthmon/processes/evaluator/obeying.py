"""The part of the evaluator that does what people tell us, and says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.operator_action import OperatorActionKind
from healthmon.processes.evaluator import requesting
from healthmon.store import operator_actions, outcomes

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.log import Log
    from healthmon.model.operator_action import OperatorAction
    from healthmon.processes.evaluator.maintaining import Maintaining
    from healthmon.processes.evaluator.quiet import Quiet
    from healthmon.processes.evaluator.requesting import Requesting
    from healthmon.processes.evaluator.scene import Scene
    from healthmon.processes.evaluator.telling import Telling
    from healthmon.store.connection import Connection


class Obeying:
    """Knows whose work each act is."""

    def __init__(self, quiet: Quiet, maintaining: Maintaining, requests: Requesting, telling: Telling, log: Log) -> None:
        self._quiet = quiet
        self._maintaining = maintaining
        self._requesting = requests
        self._telling = telling
        self._log = log

    def obey(self, connection: Connection, actions: list[OperatorAction], scene: Scene) -> None:
        """Do it, in the transaction that says so."""
        for action in actions:
            outcome = self._do(connection, action, scene)
            operator_actions.settle(connection, action.action_id, at=scene.now, outcome=outcome)
            self._log.change("operator_action", kind=action.kind.value, by=action.author, outcome=outcome)

    def _do(self, connection: Connection, action: OperatorAction, scene: Scene) -> str:
        now = scene.now
        if action.kind in requesting.KINDS:
            return self._requesting.do(connection, action, scene)
        if action.kind is OperatorActionKind.ACKNOWLEDGE:
            outcome = self._telling.acknowledge(action, now)
            return outcome if outcome.startswith("refused") else outcome + self._requesting.acknowledged(connection, action, now)
        if action.kind is OperatorActionKind.SILENCE:
            return self._quiet.begin(connection, action, now)
        if action.kind is OperatorActionKind.MAINTENANCE:
            return self._maintaining.begin(connection, action, now)
        if action.kind is OperatorActionKind.END_MAINTENANCE:
            return self._maintaining.end(connection, action, now)
        if action.kind is OperatorActionKind.FALSE_ALARM:
            return _mark_false(connection, action, now)
        return self._quiet.end(connection, action, now)


def _mark_false(connection: Connection, action: OperatorAction, now: datetime) -> str:
    marked = outcomes.mark_false(connection, action.alert_id or 0, by=action.author, reason=action.reason, at=now)
    number = action.alert_id
    return f"alert {number} counts as false" if marked else f"refused: there is no alert {number}"
