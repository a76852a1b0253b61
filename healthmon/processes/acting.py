"""How does the agent hear what a person wants, and the person what came of it? For the command line and the page."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.processes.doorbell import ring
from healthmon.processes.programs import EVALUATOR
from healthmon.processes.roles import is_held
from healthmon.store import operator_actions
from healthmon.store.opening import open_for_writing

if TYPE_CHECKING:
    from healthmon.model.operator_action import OperatorAction
    from healthmon.paths import Paths

PATIENCE_S = 5.0
LOOK_EVERY_S = 0.02
REFUSED = "refused: "


class ActStatus(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    WAITING = "waiting"  # the agent has not answered yet: it is written down, and will be done
    NO_AGENT = "no_agent"  # it is written down, and done when one starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What came of an act, and what the agent said to it; empty where it has not."""

    status: ActStatus
    words: str = ""


def act(paths: Paths, action: OperatorAction) -> Acted:
    """Write an act down, and wait a little for what comes of it. Raises StoreError when it cannot be written."""
    connection = open_for_writing(paths.database)
    try:
        action_id = operator_actions.add(connection, action)
        ring(paths.doorbell(EVALUATOR))
        if not is_held(paths.lock(EVALUATOR)):
            return Acted(status=ActStatus.NO_AGENT)
        until = clock.monotonic() + PATIENCE_S
        while (outcome := operator_actions.outcome(connection, action_id)) is None and clock.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
    finally:
        connection.close()
    if outcome is None:
        return Acted(status=ActStatus.WAITING)
    if outcome.startswith(REFUSED):
        return Acted(status=ActStatus.REFUSED, words=outcome.removeprefix(REFUSED))
    return Acted(status=ActStatus.DONE, words=outcome)
