"""What is known of why a service is ill, in the words and the order in which people are told?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.model.target import TargetHealth, TargetKind, TargetState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.model.status import ServiceState
    from healthmon.model.target import Target

Facts = tuple[tuple[str, str], ...]

KILLED = 137  # 128 and SIGKILL: by the kernel when out of memory, or by who stopped it and lost patience


def cause(state: ServiceState, target: Target | None, target_problem: str) -> Facts:
    """Return what is known, each with its name: what the last look found, and how the container is."""
    return tuple(_known(state, target, target_problem))


def _known(state: ServiceState, target: Target | None, target_problem: str) -> Iterator[tuple[str, str]]:
    if state.last_error is not None:
        yield "last check", f"{state.last_reason.value}: {state.last_error}"
    if state.last_healthy_at is not None:
        yield "last healthy", clock.to_people(state.last_healthy_at)
    if target is None:
        if target_problem:
            yield "container", target_problem
        return
    yield _kind(target), f"{target.name} {_condition(target)}"
    if target.restart_count:
        yield "engine's restarts", f"{target.restart_count} by its restart policy {target.restart_policy}"
    if target.error:
        yield "engine's error", target.error


def _kind(target: Target) -> str:
    return "container" if target.kind is TargetKind.DOCKER else "program"


def _condition(target: Target) -> str:
    if target.state is TargetState.RUNNING:
        since = "" if target.started_at is None else f" since {clock.to_people(target.started_at)}"
        return f"runs{since}{_health(target.health)}"
    if target.state in {TargetState.EXITED, TargetState.DEAD, TargetState.RESTARTING}:
        how = "restarts again and again, last exit" if target.state is TargetState.RESTARTING else "exited"
        return f"{how} with code {target.exit_code}{_why(target)}"
    return f"is {target.state.value}"


def _health(health: TargetHealth) -> str:
    return "" if health is TargetHealth.NONE else f", {health.value} by its own health check"


def _why(target: Target) -> str:
    if target.oom_killed:
        return ", killed for lack of memory"
    if target.stopped_by_person:
        return ", stopped by a person"
    return ", killed" if target.exit_code == KILLED else ""
