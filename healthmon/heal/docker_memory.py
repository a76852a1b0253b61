"""What happened to each container, as far as it still matters? For the thread that follows events and those that ask."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.heal.docker_stops import BEGINS_WITHIN, End, OwnRestart, Remembered, Stop, own_restart

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from healthmon.heal.docker_events import Event

MAX_RECENT = 1_024
MAX_STOPS = 16
MAX_OWN_RESTARTS = 4
MAX_JOURNAL = 20  # of one container, for people


class EventMemory:
    """Holds what events said, for the thread that follows them and the threads that ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: dict[str, deque[Stop]] = {}
        self._own: dict[str, deque[OwnRestart]] = {}
        self._ends: dict[str, End] = {}
        self._out_of_memory: set[str] = set()  # in the run that has not ended yet
        self._journal: dict[str, deque[Event]] = {}
        self._changed: set[str] = set()
        self._changed_aside: set[str] = set()  # of those that nobody cares for
        self._concerning: frozenset[str] = frozenset()
        self._bystanders: frozenset[str] = frozenset()
        self._heeds_new = True
        self._lost_track = False
        self._recent: set[tuple[str, str, int]] = set()
        self._recent_order: deque[tuple[str, str, int]] = deque()

    def note(self, event: Event) -> bool:
        """Take in one event; return whether it is a new one that somebody cares for. A stream that is opened again repeats some."""
        with self._lock:
            if event.key in self._recent:
                return False
            self._remember_key(event)
            is_cared_for = self._is_cared_for(event.target_id) or event.action == "rename"  # another name may be a service's
            (self._changed if is_cared_for else self._changed_aside).add(event.target_id)
            self._journal.setdefault(event.target_id, deque(maxlen=MAX_JOURNAL)).append(event)
            self._apply(event)
        return is_cared_for

    def _remember_key(self, event: Event) -> None:
        self._recent.add(event.key)
        self._recent_order.append(event.key)
        if len(self._recent_order) > MAX_RECENT:
            self._recent.discard(self._recent_order.popleft())

    def _apply(self, event: Event) -> None:
        match event.action:
            case "kill" | "stop":
                stops = self._stops.setdefault(event.target_id, deque(maxlen=MAX_STOPS))
                stops.append(Stop(signal=event.signal, at=event.at))
            case "start":
                self._stops.pop(event.target_id, None)
                self._out_of_memory.discard(event.target_id)
            case "oom":
                self._out_of_memory.add(event.target_id)
            case "die" if event.exit_code is not None:
                killed = event.target_id in self._out_of_memory
                self._ends[event.target_id] = End(exit_code=event.exit_code, oom_killed=killed, at=event.at)
            case "restart":
                self._end_own(event.target_id, event.at)
            case "destroy":
                self._stops.pop(event.target_id, None)
                self._own.pop(event.target_id, None)
                self._ends.pop(event.target_id, None)
                self._journal.pop(event.target_id, None)

    def _end_own(self, target_id: str, at: datetime) -> None:
        """A restart is done: what comes after it is no longer ours."""
        own = self._own.get(target_id)
        if own and own[-1].since <= at < own[-1].until:
            own[-1] = replace(own[-1], until=at)

    def claim(self, target_id: str, since: datetime, stop_timeout_s: int) -> None:
        """A call of ours begins at `since`: what happens until it is settled, or doubted, is no person's."""
        with self._lock:
            self._own.setdefault(target_id, deque(maxlen=MAX_OWN_RESTARTS)).append(own_restart(since, stop_timeout_s))

    def adopt(self, target_id: str, since: datetime, stop_timeout_s: int) -> None:
        """Somebody of ours meant to call at `since`, and nobody knows whether it reached the engine."""
        with self._lock:
            own = self._own.setdefault(target_id, deque(maxlen=MAX_OWN_RESTARTS))
            if not any(known.since == since for known in own):
                own.append(replace(own_restart(since, stop_timeout_s), begins_by=since + BEGINS_WITHIN))

    def doubt(self, target_id: str, at: datetime) -> None:
        """The call that was claimed last came back without a clear answer."""
        with self._lock:
            own = self._own.get(target_id)
            if own:
                own[-1] = replace(own[-1], begins_by=max(at, own[-1].since + BEGINS_WITHIN))

    def settle(self, target_id: str, at: datetime) -> None:
        """The restart that was claimed last is over: done, or refused."""
        with self._lock:
            self._end_own(target_id, at)

    def recall(self, target_id: str) -> Remembered:
        with self._lock:
            return Remembered(
                stops=tuple(self._stops.get(target_id, ())),
                own_restarts=tuple(self._own.get(target_id, ())),
                end=self._ends.get(target_id),
            )

    def journal(self, target_id: str) -> tuple[Event, ...]:
        """Return what happened to a container lately, oldest first."""
        with self._lock:
            return tuple(self._journal.get(target_id, ()))

    def take_changed(self) -> set[str]:
        """Return the ids that something happened to since the last call, of those that are cared for."""
        with self._lock:
            changed, self._changed = self._changed, set()
            return changed

    def take_all_changed(self) -> set[str]:
        """Return all ids that something happened to since the last call."""
        with self._lock:
            changed, self._changed, self._changed_aside = self._changed | self._changed_aside, set(), set()
            return changed

    def heed(self, concerning: Collection[str], bystanders: Collection[str], *, new: bool) -> bool:
        """Care for the first, and for those that are neither where `new` ones are waited for; return whether one of these has come already."""
        with self._lock:
            self._concerning, self._bystanders, self._heeds_new = frozenset(concerning), frozenset(bystanders), new
            came = set(filter(self._is_cared_for, self._changed_aside))
            self._changed |= came
            self._changed_aside -= came
            return bool(came)

    def _is_cared_for(self, target_id: str) -> bool:
        return target_id in self._concerning or (self._heeds_new and target_id not in self._bystanders)

    def lose_track(self) -> None:
        """Say that events may have been missed: only a look at everything tells."""
        with self._lock:
            self._lost_track = True

    def has_lost_track(self) -> bool:
        """Return, once, whether events may have been missed."""
        with self._lock:
            lost, self._lost_track = self._lost_track, False
            return lost

    def put_back(self, changed: Collection[str]) -> None:
        """Take these for changed still: nobody has looked at them."""
        with self._lock:
            self._changed.update(changed)

    def keep_only(self, target_ids: Collection[str]) -> None:
        """Forget containers that are not there any more: their `destroy` may have been lost."""
        with self._lock:
            self._out_of_memory.intersection_update(target_ids)
            for remembered in (self._stops, self._own, self._ends, self._journal):
                for gone in remembered.keys() - set(target_ids):
                    del remembered[gone]
