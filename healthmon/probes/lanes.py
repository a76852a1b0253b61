"""Which look may begin now? Three lanes, so that services that hang never delay those that answer.

A look that has just begun computes; one that is still in flight after SLOW_AFTER_S waits for the network and costs
nothing but a thread. So only a few young looks are in flight at once, but many old ones. More would not be faster,
they would only lie about response times: of 1,000 local looks that were due at once, half took less than 1.6 ms with
4 young looks, 12 ms with 32, and all together took the same half second. For the same reason a look does not begin while
one that has just begun is in flight: what answers from near by is asked one after the other.

A service whose last look was quick begins first. One that was never looked at may hang: it comes next, as long as
there is room for one that does; without that, 40 services that answer began up to 12 seconds late beside 1,000 new
ones that hung. A service whose last look was slow is expected to be slow again: it begins in a lane of its own, where
it takes the place of no young look.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

ACTIVE = 4  # young looks at once
APART_S = 0.005  # two young looks begin so far apart, unless the first is over sooner
SLOW_AFTER_S = 0.05
SLOW_LOOK_S = 0.25  # from here on a service counts as slow: above what a busy machine adds to a quick look
MAX_SLOW = 400  # looks at once that wait for the network, as far as that was to be expected of them
SPARE = 100  # more of them: room for quick services that begin to hang when all the other places are taken


@dataclass(slots=True, kw_only=True)
class Lanes:
    """Who waits, who is in flight and who of those computes. Knows nothing of threads; times are monotonic."""

    active: int = ACTIVE
    apart_s: float = APART_S
    max_slow: int = MAX_SLOW
    spare: int = SPARE
    _quick_waiting: deque[str] = field(default_factory=deque)
    _new_waiting: deque[str] = field(default_factory=deque)
    _slow_waiting: deque[str] = field(default_factory=deque)
    _young: dict[str, float] = field(default_factory=dict)  # when each began, the oldest first
    _waiting_for_network: dict[str, float] = field(default_factory=dict)
    _quick_services: set[str] = field(default_factory=set)
    _slow_services: set[str] = field(default_factory=set)

    def add(self, key: str) -> None:
        """Let a service queue for its look."""
        if key in self._quick_services:
            self._quick_waiting.append(key)
        elif key in self._slow_services:
            self._slow_waiting.append(key)
        else:
            self._new_waiting.append(key)

    def next(self, now: float) -> str | None:
        """Begin a look: return whose, or None when none waits or may begin."""
        self._release(now)
        lane = self._next_young()
        if lane and len(self._young) < self.active and now >= self._apart_at():
            key = lane.popleft()
            self._young[key] = now
            return key
        if self._slow_waiting and self._has_room():
            key = self._slow_waiting.popleft()
            self._waiting_for_network[key] = now
            return key
        return None

    def finished(self, key: str, now: float) -> None:
        """End a look, and remember whether it was slow."""
        began = self._young.pop(key, None)
        if began is None:
            began = self._waiting_for_network.pop(key)
        is_slow = now - began >= SLOW_LOOK_S
        (self._slow_services if is_slow else self._quick_services).add(key)
        (self._quick_services if is_slow else self._slow_services).discard(key)

    def release_at(self) -> float | None:
        """Return when a place becomes free through the mere passing of time, if somebody waits for one."""
        if not self._next_young() or not self._young:
            return None
        if len(self._young) < self.active:
            return self._apart_at()
        return max(next(iter(self._young.values())) + SLOW_AFTER_S, self._apart_at()) if self._can_release() else None

    def _apart_at(self) -> float:
        """Return when the next young look may begin for the sake of the last one."""
        return next(reversed(self._young.values())) + self.apart_s if self._young else float("-inf")

    def _next_young(self) -> deque[str]:
        """Return the lane whose first service is the next to take the place of a young look."""
        if self._quick_waiting or not self._has_room():
            return self._quick_waiting
        return self._new_waiting

    def _has_room(self) -> bool:
        return len(self._waiting_for_network) < self.max_slow

    def _can_release(self) -> bool:
        return len(self._waiting_for_network) < self.max_slow + self.spare

    def _release(self, now: float) -> None:
        """Count looks that are not young any more as waiting for the network, as far as there is room for them."""
        while self._young and self._can_release():
            key, began = next(iter(self._young.items()))
            if now - began < SLOW_AFTER_S:
                return
            self._waiting_for_network[key] = self._young.pop(key)
