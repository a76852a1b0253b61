"""Who asks? Threads, as many as looks are in flight: begun when needed, ended when idle, none of them waited for.

`lanes.py` decides which look begins when; here are only the threads that carry them out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.probes.classify import bug
from healthmon.probes.lanes import Lanes

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from healthmon.model.check import CheckStatus, Outcome
    from healthmon.probes.base import Probe

IDLE_S = 30.0
STACK_BYTES = 256 * 1024  # TLS, requests and the resolver were seen to do with 32 KiB; pages that are not touched cost nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look that is over: whose, when the question was sent, and what came of it."""

    key: str
    started_at: datetime
    outcome: Outcome


class _Thread:
    """One thread and its letter box."""

    def __init__(self, pool: Pool, number: int) -> None:
        self.box: SimpleQueue[str | None] = SimpleQueue()
        self._pool = pool
        threading.Thread(target=self._run, name=f"probe-{number}", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                key = self.box.get(timeout=IDLE_S)
            except Empty:
                if self._pool.retire(self):
                    return
                continue
            if key is None:
                return
            while key is not None:
                key = self._pool.look(key, self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What an owner need not be woken for: a look that finds `status` before `until`, when the owner comes to collect by itself."""

    status: CheckStatus
    until: float  # monotonic


class Pool:
    """Carries out looks. `wake` is called, from any thread, when there is something to collect that has no patience."""

    def __init__(self, wake: Callable[[], None], *, lanes: Lanes | None = None) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._lanes = lanes or Lanes()
        self._probes: dict[str, Probe] = {}
        self._patience: dict[str, Patience | None] = {}
        self._idle: list[_Thread] = []  # the last to become idle is the first to work, so that the rest can end
        self._finished: list[Look] = []
        self._is_called = False
        self._threads_begun = 0
        self._closed = False
        threading.stack_size(STACK_BYTES)

    def submit(self, key: str, probe: Probe, patience: Patience | None = None) -> None:
        """Have `probe` asked as soon as its lane allows. Not again for this `key` before the look was collected."""
        with self._lock:
            self._probes[key], self._patience[key] = probe, patience
            self._lanes.add(key)
            self._begin_all()

    def finished(self) -> list[Look]:
        """Return the looks that are over since the last call."""
        with self._lock:
            looks, self._finished, self._is_called = self._finished, [], False
        return looks

    def next_release_s(self) -> float | None:
        """Begin what may begin by now, and return in how many seconds to call again, if at all."""
        with self._lock:
            self._begin_all()
            release_at = self._lanes.release_at()
        return None if release_at is None else max(0.0, release_at - clock.monotonic())

    def close(self) -> None:
        """Abandon the looks in flight: their threads are daemons, and nobody hears of them any more."""
        with self._lock:
            self._closed = True
            for thread in self._idle:
                thread.box.put(None)

    def look(self, key: str, thread: _Thread) -> str | None:
        """Carry out one look in the calling thread; return the next for it, or None when it is idle now."""
        probe = self._probes[key]
        started_at = clock.now()
        try:
            outcome = probe.ask()
        except Exception as error:  # noqa: BLE001  a bug in one probe must not cost a thread, and is a result to show
            outcome = bug(error)
        with self._lock:
            if self._closed:
                return None
            now = clock.monotonic()
            self._lanes.finished(key, now)
            self._hand_over(Look(key=key, started_at=started_at, outcome=outcome), now)
            following = self._lanes.next(now)
            if following is None:
                self._idle.append(thread)
        return following

    def retire(self, thread: _Thread) -> bool:
        """Say whether an idle thread may end: not when it has just been given work."""
        with self._lock:
            if thread in self._idle:
                self._idle.remove(thread)
                return True
            return self._closed

    def _hand_over(self, look: Look, now: float) -> None:
        self._finished.append(look)
        patience = self._patience[look.key]
        if self._is_called or (patience is not None and look.outcome.status is patience.status and now < patience.until):
            return
        self._is_called = True  # and need not be called again before it comes
        self._wake()

    def _begin_all(self) -> None:
        now = clock.monotonic()
        key = self._lanes.next(now)
        while key is not None:
            self._begin(key, now)
            key = self._lanes.next(now)

    def _begin(self, key: str, now: float) -> None:
        try:
            thread = self._idle.pop() if self._idle else self._another()
        except (RuntimeError, MemoryError) as error:  # no more threads to be had
            self._lanes.finished(key, now)
            self._hand_over(Look(key=key, started_at=clock.now(), outcome=bug(error)), now)
            return
        thread.box.put(key)

    def _another(self) -> _Thread:
        self._threads_begun += 1
        return _Thread(self, self._threads_begun)
