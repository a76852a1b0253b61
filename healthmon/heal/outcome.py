"""What became of a restart whose answer never came? Only a later look can tell, and only after its time is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.model.target import TargetState

if TYPE_CHECKING:
    from healthmon.model.heal import Heal
    from healthmon.model.target import Target

AFTER_STOP = timedelta(seconds=30)  # the engine may need 12 s of its own after the kill


class Outcome(StrEnum):
    HAPPENED = "happened"
    NOT_YET = "not_yet"
    STOPPED_ONLY = "stopped_only"  # our restart stopped it and never started it: starting it finishes our own work
    NEVER = "never"


def read(heal: Heal, target: Target, now: datetime) -> Outcome:
    """Read from a look what became of an issued heal."""
    over_at = (heal.issued_at or heal.planned_at) + timedelta(seconds=heal.stop_timeout_s) + AFTER_STOP
    if target.incarnation != heal.incarnation:
        return Outcome.HAPPENED
    if now < over_at:
        return Outcome.NOT_YET
    return Outcome.STOPPED_ONLY if target.state is TargetState.EXITED else Outcome.NEVER
