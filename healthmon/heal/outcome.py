"""What became of a restart whose answer never came? Only a later look can tell, and only after its time is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.model.heal import HealAction
from healthmon.model.target import TargetKind, TargetState

if TYPE_CHECKING:
    from healthmon.model.heal import Heal
    from healthmon.model.target import Target

AFTER_STOP = timedelta(seconds=30)  # the engine may need 12 s of its own after the kill


class Outcome(StrEnum):
    HAPPENED = "happened"
    NOT_YET = "not_yet"
    STOPPED_ONLY = "stopped_only"  # our restart stopped it and never started it: starting it finishes our own work
    STOPPED_BY_PERSON = "stopped_by_person"  # somebody else wants it stopped, whatever our restart did
    NEVER = "never"


def read(heal: Heal, target: Target, now: datetime, *, may_begin_until: datetime | None) -> Outcome:
    """Read from a look what became of an issued heal.

    `may_begin_until` is the last moment at which the engine may have begun with it: when it came back after an
    absence, for it may have kept the request over a freeze, or when we ended our wait for the answer.
    """
    issued_at = heal.issued_at or heal.planned_at
    begun_at = issued_at if may_begin_until is None else max(issued_at, may_begin_until)
    if target.incarnation != heal.incarnation and not _is_stopped_run(heal, target):
        return Outcome.HAPPENED
    if now < begun_at + longest(heal):
        return Outcome.NOT_YET
    if target.state is not TargetState.EXITED:
        return Outcome.NEVER
    if target.stopped_by_person:
        return Outcome.STOPPED_BY_PERSON
    return Outcome.STOPPED_ONLY if heal.action is HealAction.RESTART else Outcome.NEVER


def longest(heal: Heal) -> timedelta:
    """Return the longest time that a restart takes once the engine has begun with it."""
    return timedelta(seconds=heal.stop_timeout_s) + AFTER_STOP


def _is_stopped_run(heal: Heal, target: Target) -> bool:
    """Say whether a program is the run that the heal was for, stopped: supervisord then has its start, and no pid."""
    if target.kind is not TargetKind.SUPERVISOR or target.state is not TargetState.EXITED:
        return False
    start, _, _ = heal.incarnation.started.partition(":")
    return target.incarnation.target_id == heal.incarnation.target_id and target.incarnation.started == f"{start}:0"
