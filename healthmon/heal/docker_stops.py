"""Who stopped a container: a person, or we by a restart?

What was measured and read about it is in `reference/healing.md`, part 6 and tests T14 to T17.
"""

from __future__ import annotations

import signal as signals
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.heal.docker_events import UNKNOWN_SIGNAL
from healthmon.model.target import TargetState

if TYPE_CHECKING:
    from healthmon.heal.docker_facts import Container

UNDER_WAY_S = 900.0  # a container that ran on for longer than this after a signal was not stopped by it
BEGINS_WITHIN = timedelta(seconds=3)  # a stop that begins later after our call, or after the engine's return, is no sure one of ours
NOTICED_WITHIN = timedelta(seconds=10)  # a return of the engine is seen at the first look after it
OURS_AFTER_STOP_S = 60.0  # the engine kills, waits 10 s, kills again, waits 2 s and starts: with room for a slow host
_STOPPING = frozenset({signals.SIGTERM, signals.SIGKILL, signals.SIGINT, signals.SIGQUIT})
_RUNS = frozenset({TargetState.RUNNING, TargetState.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A signal that somebody had the engine send; signal 0 is a finished `stop`, whatever its signal was."""

    signal: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a run of a container ended, by the engine's events: an inspect forgets it with the next start."""

    exit_code: int
    oom_killed: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRestart:
    """A time in which what happens to a container follows from a restart that we asked for.

    `begins_by` is None while our call is under way: all of the time is ours then. When nobody knows whether the call
    reached the engine, it is the last moment at which a stop is taken for the beginning of ours.
    """

    since: datetime
    until: datetime
    begins_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the events said of one container since its last start."""

    stops: tuple[Stop, ...] = ()
    own_restarts: tuple[OwnRestart, ...] = ()
    engine_returned_at: datetime | None = None
    end: End | None = None  # of the newest run that ended


def own_restart(since: datetime, stop_timeout_s: int) -> OwnRestart:
    """Return the longest time in which a restart of ours can show effects."""
    return OwnRestart(since=since, until=since + timedelta(seconds=stop_timeout_s + OURS_AFTER_STOP_S))


def is_stopped_by_person(container: Container, remembered: Remembered, now: datetime) -> bool:
    """Say whether a stop that was not ours came after the last start: done, or still under way (T14, T15)."""
    return any(_counts(stop, container, now) and not is_ours(stop, remembered) for stop in remembered.stops)


def is_ours(stop: Stop, remembered: Remembered) -> bool:
    """Say whether a stop follows from a restart of ours. In doubt it is a person's: what they stop stays stopped."""
    return any(_follows_from(own, stop, remembered) for own in remembered.own_restarts)


def _counts(stop: Stop, container: Container, now: datetime) -> bool:
    """Say whether a signal is a stop of this run: a reload is none, nor is a thread dump that it survived for long."""
    if container.facts.started_at is not None and stop.at < container.facts.started_at:
        return False
    if stop.signal == 0:
        return True
    readable = stop.signal != UNKNOWN_SIGNAL and not container.hides_signals
    if readable and stop.signal not in _STOPPING and stop.signal != container.stop_signal:
        return False
    end = now if container.facts.state in _RUNS else container.finished_at or now
    return (end - stop.at).total_seconds() <= UNDER_WAY_S


def _follows_from(own: OwnRestart, stop: Stop, remembered: Remembered) -> bool:
    if own.begins_by is None:
        return own.since <= stop.at <= own.until
    for begin, end, until in _beginnings(own, own.begins_by, remembered.engine_returned_at):
        if begin <= stop.at <= end:
            return True
        begun = any(begin <= first.at <= end for first in remembered.stops)
        if begun and end < stop.at <= until and stop.signal in {0, signals.SIGKILL}:  # the rest of a stop that began as ours
            return True
    return False


def _beginnings(own: OwnRestart, begins_by: datetime, returned_at: datetime | None) -> list[tuple[datetime, datetime, datetime]]:
    """Return when a restart may have begun, and until when it may last: at our call, or when a frozen engine came back."""
    found = [(own.since, begins_by, own.until)]
    if returned_at is not None and returned_at > own.since:
        begin, end = max(own.since, returned_at - NOTICED_WITHIN), returned_at + BEGINS_WITHIN
        found.append((begin, end, end + (own.until - own.since)))
    return found
