"""What is known of why a service is ill, in the words and the order in which people are told?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.condition import condition
from healthmon.model.target import TargetKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from healthmon.model.status import ServiceState
    from healthmon.model.target import Target

LOG_CHARS = 280

Facts = tuple[tuple[str, str], ...]


def cause(state: ServiceState, target: Target | None, target_problem: str) -> Facts:
    """Return what is known, each with its name: what the last look found, and how the container is."""
    return tuple(_known(state, target, target_problem))


def newest(lines: Sequence[str]) -> str:
    """Join log lines for one line of a message. Where not all fit, the newest are the ones that tell."""
    told = ""
    for line in reversed(lines):
        longer = f"{line} | {told}" if told else line
        if told and len(longer) > LOG_CHARS:
            break
        told = longer
    return told


def _known(state: ServiceState, target: Target | None, target_problem: str) -> Iterator[tuple[str, str]]:
    if state.last_error is not None:
        yield "last check", f"{state.last_reason.value}: {state.last_error}"
    if state.last_healthy_at is not None:
        yield "last healthy", clock.to_people(state.last_healthy_at)
    if target is None:
        if target_problem:
            yield "container", target_problem
        return
    yield _kind(target), f"{target.name} {condition(target)}"
    if target.restart_count:
        yield "engine's restarts", f"{target.restart_count} by its restart policy {target.restart_policy}"
    if target.error:
        yield "engine's error", target.error


def _kind(target: Target) -> str:
    return "container" if target.kind is TargetKind.DOCKER else "program"
