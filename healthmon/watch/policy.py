"""Is a process of ours hung, dead for good, or leaking, and what is done about it? One pure function.

A heartbeat is sent by the loop when it has finished a round: a thread that only says "I live" would say so for a process
whose work is stuck. All times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HUNG_AFTER_S = 25.0  # without a heartbeat; one is due every 5 s
FIRST_BEAT_WITHIN_S = 30.0  # of its start
REVIVE_FIRST_S = 10.0
REVIVE_MAX_S = 60.0
LEAKING_SAMPLES = 3
FLAPPING_STARTS = 5
FLAPPING_WITHIN_S = 600.0


class ProgramState(StrEnum):
    """supervisord's words."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"
    UNKNOWN = "UNKNOWN"


class WatchAction(StrEnum):
    NOTHING = "nothing"
    KILL = "kill"  # supervisord starts it anew at once
    REVIVE = "revive"  # supervisord has given up on it
    RECYCLE = "recycle"  # it is asked to end, and supervisord starts it anew


class WatchReason(StrEnum):
    WELL = "well"
    STOPPED_BY_PERSON = "stopped_by_person"
    SUPERVISED = "supervised"  # supervisord is at it
    NO_HEARTBEAT = "no_heartbeat"
    GIVEN_UP = "given_up"
    REVIVED_LATELY = "revived_lately"
    LEAKING = "leaking"
    FLAPPING = "flapping"  # supervisord starts it anew each time, and tells nobody
    LEAKING_BUSY = "leaking_busy"  # a restart of a container is under way: it may finish that


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is known of one program. `memory_bytes` are its last samples, newest last, of this pid only."""

    state: ProgramState
    started_at_s: float  # when this pid was first seen
    last_beat_s: float | None  # of this pid
    is_busy: bool
    memory_bytes: Sequence[int]
    starts_s: Sequence[float]  # when its last processes were first seen, newest last
    revivals: int  # in a row, without a heartbeat between them
    last_revival_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchDecision:
    action: WatchAction
    reason: WatchReason
    detail: str = ""


def decide(observed: Observed, *, now_s: float, max_memory_bytes: int) -> WatchDecision:
    """Return what to do about one program now."""
    if observed.state is ProgramState.FATAL:
        return _revive(observed, now_s)
    if observed.state is ProgramState.STOPPED:
        return WatchDecision(action=WatchAction.NOTHING, reason=WatchReason.STOPPED_BY_PERSON)
    if observed.state is not ProgramState.RUNNING:
        return WatchDecision(action=WatchAction.NOTHING, reason=WatchReason.SUPERVISED)
    silent_s = _silence_s(observed, now_s)
    if silent_s is not None:
        return WatchDecision(action=WatchAction.KILL, reason=WatchReason.NO_HEARTBEAT, detail=f"for {silent_s:.0f} s")
    decision = _leak(observed, max_memory_bytes)
    if decision.reason is WatchReason.WELL and _is_flapping(observed, now_s):
        return WatchDecision(action=WatchAction.NOTHING, reason=WatchReason.FLAPPING)
    return decision


def _is_flapping(observed: Observed, now_s: float) -> bool:
    newest = list(observed.starts_s)[-FLAPPING_STARTS:]
    return len(newest) == FLAPPING_STARTS and now_s - newest[0] < FLAPPING_WITHIN_S


def _revive(observed: Observed, now_s: float) -> WatchDecision:
    """Try again what supervisord has given up on: at first after 10 s, and later every minute, for ever."""
    pause_s = min(REVIVE_MAX_S, REVIVE_FIRST_S * 2 ** min(observed.revivals, 10))
    since_s = observed.started_at_s if observed.last_revival_s is None else observed.last_revival_s
    if now_s - since_s < pause_s:
        return WatchDecision(action=WatchAction.NOTHING, reason=WatchReason.REVIVED_LATELY)
    return WatchDecision(action=WatchAction.REVIVE, reason=WatchReason.GIVEN_UP, detail=f"attempt {observed.revivals + 1}")


def _silence_s(observed: Observed, now_s: float) -> float | None:
    """Return for how long a running process has been silent, when that is too long."""
    if observed.last_beat_s is None:
        silent_s, allowed_s = now_s - observed.started_at_s, FIRST_BEAT_WITHIN_S
    else:
        silent_s, allowed_s = now_s - observed.last_beat_s, HUNG_AFTER_S
    return silent_s if silent_s > allowed_s else None


def _leak(observed: Observed, max_memory_bytes: int) -> WatchDecision:
    newest = list(observed.memory_bytes)[-LEAKING_SAMPLES:]
    if len(newest) < LEAKING_SAMPLES or min(newest) <= max_memory_bytes:
        return WatchDecision(action=WatchAction.NOTHING, reason=WatchReason.WELL)
    detail = f"{newest[-1] / 2**20:.0f} MiB"
    if observed.is_busy:
        return WatchDecision(action=WatchAction.NOTHING, reason=WatchReason.LEAKING_BUSY, detail=detail)
    return WatchDecision(action=WatchAction.RECYCLE, reason=WatchReason.LEAKING, detail=detail)
