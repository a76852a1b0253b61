"""How is a container, or a supervised program, in the words in which people are told?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.target import TargetHealth, TargetState

if TYPE_CHECKING:
    from healthmon.model.target import Target

KILLED = 137  # 128 and SIGKILL: by the kernel when out of memory, or by who stopped it and lost patience


def condition(target: Target) -> str:
    """Return what goes on after the target's name: `exited with code 1`, `is paused`."""
    if target.state is TargetState.RUNNING:
        since = "" if target.started_at is None else f" since {clock.to_people(target.started_at)}"
        return f"runs{since}{_health(target.health)}"
    if target.state in {TargetState.EXITED, TargetState.DEAD, TargetState.RESTARTING}:
        how = "restarts again and again, last exit" if target.state is TargetState.RESTARTING else "exited"
        person = ", stopped by a person" if target.stopped_by_person and not target.oom_killed else ""
        return f"{how} with code {target.exit_code}{person or _killed(target.exit_code, oom_killed=target.oom_killed)}"
    return "was never started" if target.state is TargetState.CREATED else f"is {target.state.value}"


def _health(health: TargetHealth) -> str:
    if health is TargetHealth.UNKNOWN:
        return ", of which its own health check says nothing that counts now"
    return "" if health is TargetHealth.NONE else f", {health.value} by its own health check"


def ended(exit_code: int, *, oom_killed: bool) -> str:
    """Return how a run ended that is over."""
    return f"ended with code {exit_code}{_killed(exit_code, oom_killed=oom_killed)}"


def _killed(exit_code: int, *, oom_killed: bool) -> str:
    if oom_killed:
        return ", killed for lack of memory"
    return ", killed" if exit_code == KILLED else ""
