"""How is the library's event stream read as our events?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import urllib3

from healthmon.heal.docker_events import Event, read_event
from healthmon.heal.docker_inspections import NotUnderstoodError, understanding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from docker.types.daemon import CancellableStream


class EngineStream:
    """The library's stream, read as our events. Silence longer than the read timeout ends it like any other end."""

    def __init__(self, raw: CancellableStream[dict[str, Any]], reading: Callable[[], AbstractContextManager[None]]) -> None:
        self._raw = raw
        self._reading = reading

    def __iter__(self) -> Iterator[Event]:
        with self._reading(), suppress(urllib3.exceptions.ReadTimeoutError):
            for raw in self._raw:
                event = _read(raw)
                if event is not None:
                    yield event

    def close(self) -> None:
        with suppress(OSError, AttributeError):  # AttributeError: the library's, when the stream has just ended by itself
            self._raw.close()


def _read(raw: dict[str, Any]) -> Event | None:
    """Read one event; None also for one that is not understood: the next look sees what it told of."""
    try:
        with understanding(raw):
            return read_event(raw)
    except NotUnderstoodError:
        return None
