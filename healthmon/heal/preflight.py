"""May a planned restart still be made? Asked of a look taken the moment before the call."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from healthmon.heal.gave_up import engine_gave_up
from healthmon.model.heal import HealAction
from healthmon.model.target import TargetNetwork, TargetState

if TYPE_CHECKING:
    from healthmon.heal.settings import HealSettings
    from healthmon.model.heal import Heal
    from healthmon.model.target import Target


PLAN_MAX_AGE = timedelta(seconds=60)


class DropReason(StrEnum):
    STALE_PLAN = "stale_plan"  # planned before we were stopped: its evidence is of another time
    ANOTHER_INCARNATION = "another_incarnation"  # somebody restarted or replaced it: the evidence is void
    ANOTHER_TARGET = "another_target"  # it is not what the healer itself finds to be the service's: whoever wrote the plan
    UNTOUCHABLE = "untouchable"
    STOPPED_BY_PERSON = "stopped_by_person"
    PAUSED = "paused"
    ENGINE_RESTARTING = "engine_restarting"
    NOT_RUNNING = "not_running"
    PROVIDER_STOPPED = "provider_stopped"  # the container whose network it uses does not run
    NEEDS_RECREATE = "needs_recreate"  # or is gone
    RUNNING_AGAIN = "running_again"
    GONE = "gone"
    ENGINE_UNREACHABLE = "engine_unreachable"
    ENGINE_SETTLING = "engine_settling"  # planned while it was away, or before it was known that it had been
    SWITCHED_OFF = "switched_off"
    DRY_RUN = "dry_run"
    NOT_CONFIGURED = "not_configured"  # the service is in the configuration no more, or disabled there


SHARED_IN_VAIN = {
    TargetNetwork.PROVIDER_STOPPED: DropReason.PROVIDER_STOPPED,
    TargetNetwork.PROVIDER_GONE: DropReason.NEEDS_RECREATE,
}


def unwanted(settings: HealSettings | None) -> DropReason | None:
    """Return why no restart is wanted by the settings of the heal's service; None are those of one not configured."""
    if settings is None:
        return DropReason.NOT_CONFIGURED
    if not settings.switched_on:
        return DropReason.SWITCHED_OFF
    return DropReason.DRY_RUN if settings.dry_run else None


def unsettled(returned_at: datetime | None, settings: HealSettings | None, now: datetime) -> DropReason | None:
    """Return why the engine, which came back at `returned_at`, must be left alone; None when it has settled.

    A time that lies in the future is one of a clock that was set back.
    """
    if returned_at is None or settings is None:
        return None
    settles = timedelta(seconds=settings.engine_settle_seconds)
    return DropReason.ENGINE_SETTLING if timedelta(0) <= now - returned_at < settles else None


def objection(heal: Heal, target: Target, now: datetime) -> DropReason | None:
    """Return why the restart must not be made, or None when it may."""
    if now - heal.planned_at > PLAN_MAX_AGE:
        return DropReason.STALE_PLAN
    if target.incarnation != heal.incarnation:
        return DropReason.ANOTHER_INCARNATION
    if target.untouchable:
        return DropReason.UNTOUCHABLE
    if target.stopped_by_person:
        return DropReason.STOPPED_BY_PERSON
    if target.state is TargetState.PAUSED:
        return DropReason.PAUSED
    if target.state is TargetState.RESTARTING:
        return DropReason.ENGINE_RESTARTING
    if target.network in SHARED_IN_VAIN:  # it would be stopped, and could not be started
        return SHARED_IN_VAIN[target.network]
    if heal.action is HealAction.START:
        return None if engine_gave_up(target) else DropReason.RUNNING_AGAIN
    return None if target.state is TargetState.RUNNING else DropReason.NOT_RUNNING
