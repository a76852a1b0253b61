"""How is the engine's event stream kept open, over silence, refusals and an engine that goes and comes back?

Events are a hint, never the truth: the engine keeps the last 256 and drops what a slow reader misses. They wake the
healer, say which container to inspect again, and are the only trace of who stopped one.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from healthmon.errors import EngineError
from healthmon.heal.docker_client import EventsRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from healthmon.heal.docker_events import Event
    from healthmon.heal.docker_memory import EventMemory
    from healthmon.log import Log

LOOK_BACK = timedelta(days=1)  # so that a stop before our own start is known; the engine's 256 are the real limit
REOPEN_PAUSE_S = 0.5
UNREACHABLE_PAUSE_S = 2.0
REFUSED_PAUSE_S = 20.0
CLOSE_S = 1.0


class Stream(Protocol):
    """An open event stream: it ends when nothing came for a while, when the engine goes, or when it is closed."""

    def __iter__(self) -> Iterator[Event]: ...

    def close(self) -> None: ...


class Follower:
    """Keeps one stream open in a daemon thread: it survives the engine, and nothing waits for it at exit."""

    def __init__(
        self, open_stream: Callable[[datetime], Stream], memory: EventMemory, on_event: Callable[[], None], records: Log
    ) -> None:
        self._open_stream = open_stream
        self._memory = memory
        self._on_event = on_event
        self._records = records
        self._since = datetime.now(UTC) - LOOK_BACK
        self._closing = threading.Event()
        self._stream: Stream | None = None
        self._following = False
        self.refusal = ""  # why the engine lets nobody follow, while it does not
        self._thread = threading.Thread(target=self._run, name="docker-events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; one that waits for a frozen engine is left behind after a second."""
        self._closing.set()
        stream = self._stream
        if stream is not None:
            stream.close()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._follow()
                pause_s = REOPEN_PAUSE_S
            except EventsRefusedError as error:
                self._refused(error)
                pause_s = REFUSED_PAUSE_S if error.permanent else UNREACHABLE_PAUSE_S
            except EngineError as error:
                self._lost(error)
                pause_s = UNREACHABLE_PAUSE_S
            except Exception:  # noqa: BLE001  a bug in one event must not end the watch over all of them
                if not self._closing.is_set():  # a stream that is closed under its reader may fail in any way
                    self._records.exception("docker_events_failed")
                pause_s = UNREACHABLE_PAUSE_S
            self._closing.wait(pause_s)

    def _follow(self) -> None:
        """Read one stream to its end. The next one asks for everything since the last event that this one saw."""
        stream = self._stream = self._open_stream(self._since)
        try:
            if not self._closing.is_set():
                self._found()
                for event in stream:
                    self._since = event.at
                    if self._memory.note(event):
                        self._on_event()
        finally:
            self._stream = None
            stream.close()

    def _found(self) -> None:
        if not self._following:
            self._following, self.refusal = True, ""
            self._records.info("docker_events_followed", since=self._since.isoformat(timespec="seconds"))
            self._memory.lose_track()
            self._on_event()

    def _lost(self, error: EngineError) -> None:
        if self._following:
            self._following = False
            self._records.warning("docker_events_lost", error=str(error))
            self._wake()

    def _refused(self, error: EventsRefusedError) -> None:
        """Say it once. The next stream that opens is said again."""
        before, self.refusal, self._following = self.refusal, str(error), False
        if before != self.refusal:
            self._records.warning("docker_events_refused", error=self.refusal)
            self._wake()

    def _wake(self) -> None:
        self._memory.lose_track()
        with suppress(OSError):  # the loop that it wakes may be closing
            self._on_event()
