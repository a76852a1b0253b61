"""When is a service looked at next, and why?

On a grid that does not drift: start + phase + k * interval, with phases that are spread evenly, and shared by a few services
of a group. A first failure is looked into at once; what the evaluator asks for comes on top. A service never has two looks
in flight. Times are monotonic seconds that are passed in; nothing here reads a clock.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from healthmon.model.check import CheckKind, CheckStatus

FIRST_LOOKS_S = 2.0  # all services of a group are looked at once within this time
GOLDEN_RATIO = 0.6180339887498949  # its multiples fill the circle evenly, however many there are
TOGETHER = 5  # about so many looks of a group begin at one moment: one wake-up, and one commit, for all of them
FORGIVEN = 0.1  # the share of an interval by which a look still in flight may delay the next one without cancelling it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a service is looked at, as its settings say."""

    interval_s: float
    confirmations: int
    retry_interval_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Of which kind the look was that is over, and whether its status differs from the one before."""

    kind: CheckKind
    is_change: bool


class Grid:
    """The scheduled times of one service; `index` is its place in its group `of` so many."""

    def __init__(self, *, start: float, index: int, interval_s: float, of: int = 1) -> None:
        share = (index * GOLDEN_RATIO) % 1.0
        self._interval_s = interval_s
        step_s = interval_s * min(1.0, TOGETHER / of)
        self._origin = start + share * interval_s // step_s * step_s
        self.first = start + share * min(interval_s, FIRST_LOOKS_S)

    def after(self, at: float) -> float:
        """Return the first time on the grid that is later than `at`."""
        k = math.floor((at - self._origin) / self._interval_s) + 1
        following = self._origin + k * self._interval_s
        return following if following > at else following + self._interval_s


class Agenda:
    """What is due for one service."""

    def __init__(self, grid: Grid, rhythm: Rhythm) -> None:
        self._grid = grid
        self._rhythm = rhythm
        self._scheduled_at = grid.first
        self._recheck_at = math.inf
        self._rechecks_left = 0
        self._requested_at = math.inf
        self._request_every_s: float | None = None
        self._in_flight: CheckKind | None = None
        self.last_status = CheckStatus.HEALTHY
        self.skipped = 0  # scheduled looks that fell out because the one before was still in flight

    def next_at(self) -> float:
        """Return when the next look is due; never, while one is in flight."""
        if self._in_flight is not None:
            return math.inf
        return min(self._scheduled_at, self._recheck_at, self._requested_at)

    def begin(self, now: float) -> CheckKind | None:
        """Begin the look that is due now and return its kind, or None when none is.

        When we come too late by a whole interval (the machine was suspended), the look is left out: all services
        are late then, and would be asked in one burst.
        """
        if self._in_flight is not None:
            return None
        if now - self._scheduled_at > self._rhythm.interval_s:
            self._scheduled_at = self._grid.after(now)
        if self.next_at() > now:
            return None
        self._in_flight = self._take(now)
        return self._in_flight

    def finish(self, status: CheckStatus, now: float) -> Finish:
        """End the look in flight."""
        kind = self._in_flight
        assert kind is not None  # noqa: S101  only what was begun ends
        finish = Finish(kind=kind, is_change=status is not self.last_status)
        self._in_flight = None
        self._skip_missed(now)
        self._plan_rechecks(finish, status, now)
        self.last_status = status
        return finish

    @property
    def is_in_flight(self) -> bool:
        return self._in_flight is not None

    def has_rhythm_of(self, other: Agenda) -> bool:
        return self._rhythm == other._rhythm

    def succeed(self, before: Agenda) -> None:
        """Go on where another agenda of the same service ended: with its last status, its look in flight, its rechecks."""
        self.last_status, self._in_flight, self.skipped = before.last_status, before._in_flight, before.skipped
        self._rechecks_left, self._recheck_at = before._rechecks_left, before._recheck_at
        self._requested_at, self._request_every_s = before._requested_at, before._request_every_s

    def request(self, every_s: float | None, now: float) -> None:
        """Look every `every_s` seconds, beginning now; None ends that."""
        if every_s is None:
            self._requested_at = math.inf
        elif self._request_every_s is None:
            self._requested_at = now
        self._request_every_s = every_s

    def hasten(self, now: float) -> None:
        """Look now, out of turn: something happened."""
        self._requested_at = min(self._requested_at, now)

    def _take(self, now: float) -> CheckKind:
        if self._scheduled_at <= now:
            # The first look stands off the grid: what follows within half an interval would be too soon.
            self._scheduled_at = self._grid.after(now + (self._rhythm.interval_s / 2 if self._is_first() else 0))
            return CheckKind.SCHEDULED
        if self._recheck_at <= now:
            self._recheck_at = math.inf
            return CheckKind.RECHECK
        self._requested_at = now + (self._request_every_s or math.inf)
        return CheckKind.REQUESTED

    def _is_first(self) -> bool:
        return self._scheduled_at == self._grid.first

    def _skip_missed(self, now: float) -> None:
        latest = now - FORGIVEN * self._rhythm.interval_s
        if self._scheduled_at < latest:
            following = self._grid.after(latest)
            self.skipped += round((following - self._scheduled_at) / self._rhythm.interval_s)
            self._scheduled_at = following

    def _plan_rechecks(self, finish: Finish, status: CheckStatus, now: float) -> None:
        """A failure that is news is looked into; one that is known is not looked into again.

        A scheduled look that comes in between stands for a recheck: where a look takes as long as the interval, there
        is no time for both.
        """
        if status is CheckStatus.HEALTHY:
            self._rechecks_left = 0
        elif finish.is_change and finish.kind is not CheckKind.RECHECK:
            self._rechecks_left = self._rhythm.confirmations
        elif finish.kind is CheckKind.REQUESTED:
            return
        else:
            self._rechecks_left = max(0, self._rechecks_left - 1)
        self._recheck_at = now + self._rhythm.retry_interval_s if self._rechecks_left > 0 else math.inf


class Timetable:
    """What is due for all services of a group, without looking at each of them."""

    def __init__(self, agendas: dict[str, Agenda]) -> None:
        self._agendas = agendas
        self._leaving: dict[str, Agenda] = {}  # removed, with a look in flight
        self._heap: list[tuple[float, str]] = []
        self._entered: dict[str, float] = {}  # the one entry of each that counts; what else is in the heap is stale
        for key in agendas:
            self._enter(key)

    def due(self, now: float) -> list[tuple[str, CheckKind]]:
        """Begin every look that is due, and return them."""
        begun: list[tuple[str, CheckKind]] = []
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if at != self._entered.get(key):
                continue
            kind = self._agendas[key].begin(now)
            if kind is not None:
                begun.append((key, kind))
            self._enter(key)
        return begun

    def next_at(self) -> float:
        """Return when something is due again."""
        return self._heap[0][0] if self._heap else math.inf

    def become(self, agendas: dict[str, Agenda]) -> None:
        """Have exactly these looked at from now on. Who is known and has the same rhythm keeps its times.

        A look in flight goes on, and counts; the end of one whose service is gone has to be told to `let_go`.
        """
        for key in self._agendas.keys() - agendas.keys():
            agenda = self._agendas.pop(key)
            self._entered.pop(key)
            if agenda.is_in_flight:
                self._leaving[key] = agenda
        for key, agenda in agendas.items():
            self._put(key, agenda)

    def _put(self, key: str, agenda: Agenda) -> None:
        known = self._agendas.get(key) or self._leaving.pop(key, None)
        if known is not None and known.has_rhythm_of(agenda):
            agenda = known
        elif known is not None:
            agenda.succeed(known)
        self._agendas[key] = agenda
        self._enter(key)

    def let_go(self, key: str) -> bool:
        """Tell whether the look of `key` that has ended is one of before it was removed, of which nobody needs to hear."""
        return self._leaving.pop(key, None) is not None

    def finish(self, key: str, status: CheckStatus, now: float) -> Finish:
        """End the look of `key` that is in flight."""
        finish = self._agendas[key].finish(status, now)
        self._enter(key)
        return finish

    def skipped(self, key: str) -> int:
        """Return how many scheduled looks of `key` fell out so far."""
        return self._agendas[key].skipped

    def request(self, key: str, every_s: float | None, now: float) -> None:
        """Have `key` looked at every `every_s` seconds, beginning now; None ends that."""
        self._agendas[key].request(every_s, now)
        self._enter(key)

    def hasten(self, key: str, now: float) -> None:
        """Have `key` looked at now, out of turn."""
        self._agendas[key].hasten(now)
        self._enter(key)

    def last_status(self, key: str) -> CheckStatus:
        """Return what the last look at `key` found; healthy before the first."""
        return self._agendas[key].last_status

    def _enter(self, key: str) -> None:
        at = self._agendas[key].next_at()
        if at < math.inf and at != self._entered.get(key):
            heapq.heappush(self._heap, (at, key))
        self._entered[key] = at
