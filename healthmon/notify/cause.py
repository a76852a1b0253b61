"""What is known of why a service is ill, in the words and the order in which people are told?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.condition import condition, ended
from healthmon.model.target import TargetChange, TargetKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from healthmon.model.status import ServiceState
    from healthmon.model.target import Target

LOG_CHARS = 280
HEALING_OFF = "switched off: nothing is restarted"
SUSPECT = timedelta(hours=1)

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the healer saw of a service's target, or the problem why there is none."""

    target: Target | None = None
    problem: str = ""
    change: TargetChange | None = None  # the last
    changed_at: datetime | None = None
    starts_1h: int = 0


def cause(state: ServiceState, seen: Seen) -> Facts:
    """Return what is known, each with its name: what the last look found, and how the container is."""
    return tuple(_known(state, seen))


def newest(lines: Sequence[str]) -> str:
    """Join log lines for one line of a message. Where not all fit, the newest are the ones that tell."""
    told = ""
    for line in reversed(lines):
        longer = f"{line} | {told}" if told else line
        if told and len(longer) > LOG_CHARS:
            break
        told = longer
    return told


def _known(state: ServiceState, seen: Seen) -> Iterator[tuple[str, str]]:
    if state.last_error is not None:
        yield "last check", f"{state.last_reason.value}: {state.last_error}"
    if state.last_healthy_at is not None:
        yield "last healthy", clock.to_people(state.last_healthy_at)
    if seen.target is None:
        if seen.problem:
            yield "container", seen.problem
        return
    yield from _of_target(seen.target, seen.starts_1h)
    if _matters(state, seen):
        yield "changed", _changed(seen)


def _of_target(target: Target, starts_1h: int) -> Iterator[tuple[str, str]]:
    yield _kind(target), f"{target.name} {condition(target)}"
    if target.previous_exit_code:
        yield "its run before", ended(target.previous_exit_code, oom_killed=target.previous_oom_killed)
    if starts_1h:
        yield "started anew", f"{'once' if starts_1h == 1 else f'{starts_1h} times'} in the last hour"
    if target.restart_count:
        yield "engine's restarts", f"{target.restart_count} by its restart policy {target.restart_policy}"
    if target.error:
        yield "engine's error", target.error


def _matters(state: ServiceState, seen: Seen) -> bool:
    """Say whether a change is near enough to be the cause: since it was last healthy, or shortly before it failed."""
    if seen.changed_at is None:
        return False
    failed_at = state.streak_started_at or state.last_healthy_at
    return failed_at is None or seen.changed_at >= failed_at - SUSPECT


def _changed(seen: Seen) -> str:
    since = "" if seen.changed_at is None else f" since {clock.to_people(seen.changed_at)}"
    image = "" if seen.target is None else seen.target.image_id.removeprefix("sha256:")[:12]
    return f"a new image ({image}){since}" if seen.change is TargetChange.IMAGE else f"a new configuration{since}"


def _kind(target: Target) -> str:
    return "container" if target.kind is TargetKind.DOCKER else "program"
