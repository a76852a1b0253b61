"""Has the present container had its time to start, and has it shown that it can run?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.decision import HealDecision, HealReason, Passed, hold, needs_person, wait_until
from healthmon.heal.gave_up import engine_gave_up
from healthmon.heal.starting import CRASH_LOOP_STARTS, grace
from healthmon.model.target import TargetChange

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation

NEW = {TargetChange.IMAGE: "a new image", TargetChange.CONFIGURATION: "a new configuration", None: "another container"}


def grace_is_over(situation: Situation) -> HealDecision | Passed:
    target = situation.target
    if target is None or target.started_at is None or engine_gave_up(target):
        return Passed()
    until = target.started_at + grace(situation.settings, target, situation.learned_grace_s)
    return wait_until(until, situation.now, HealReason.START_GRACE, afterwards=f"runs since {clock.to_people(target.started_at)}")


def was_healthy_once(situation: Situation) -> HealDecision | Passed:
    """What is new may be migrating its data: it is given time, and what then never ran is not mended by a restart."""
    new, patience_s = situation.renewal, situation.settings.first_healthy_hold_seconds
    if new is None or not patience_s:
        return Passed()
    healthy_at = situation.state.last_healthy_at
    if healthy_at is not None and healthy_at >= new.since:
        return Passed(detail=f"healthy since it is {NEW[new.change]}")
    until = new.since + timedelta(seconds=patience_s)
    if new.change is not None and until <= situation.now:
        return needs_person(HealReason.NEVER_HEALTHY, f"{NEW[new.change]} since {clock.to_people(new.since)}")
    waiting = wait_until(until, situation.now, HealReason.NOT_YET_HEALTHY, afterwards=f"{NEW[new.change]} for long enough")
    return waiting if isinstance(waiting, Passed) else HealDecision(
        verdict=waiting.verdict, reason=waiting.reason, detail=NEW[new.change], until=waiting.until
    )


def no_crash_loop(situation: Situation) -> HealDecision | Passed:
    """One that its engine, or somebody else, starts again and again has its restarts."""
    starts = situation.foreign_starts
    if starts < CRASH_LOOP_STARTS:
        return Passed(detail=f"{starts} starts by others in 10 minutes")
    return hold(HealReason.CRASH_LOOP, f"{starts} starts by others in 10 minutes")
