"""What does a person in front of `healthmon run` see? The records that processes send to the console's socket.

Both readers here hang in supervisord's own poll loop, so they have the methods that it asks of its dispatchers.
"""

from __future__ import annotations

import os
import re
import select
import time
from calendar import timegm
from typing import TYPE_CHECKING

from healthmon import log
from healthmon.letterbox import Letterbox

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

MAX_RECORDS_A_TURN = 100  # so that a flood of records never keeps supervisord from its work
_RECORD = re.compile(r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{3}Z (?P<level>[A-Z]+) (?P<program>\S+) (?P<rest>.*)")
_COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "31;1"}


class Reader:
    """A socket in supervisord's poll loop. It must be one that never waits."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source

    def fileno(self) -> int:
        return self._source.fileno()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        """Take what has arrived; supervisord asks again when there is more."""
        for _ in range(MAX_RECORDS_A_TURN):
            try:
                self.take(self._source.recv(log.MAX_RECORD_BYTES))
            except BlockingIOError:
                return

    def take(self, received: bytes) -> None:
        """Do something with what was received; waking up is all that this one is for."""

    def handle_error(self) -> None:
        """Nothing that is shown or not shown may stop supervisord."""

    def close(self) -> None:
        self._source.close()


class Console(Reader):
    """Shows records: pretty on a terminal, as they are elsewhere."""

    def __init__(self, path: Path, show: Callable[[str], None]) -> None:
        self._letterbox = Letterbox(path)
        super().__init__(self._letterbox.socket)
        self._show = show

    def put_back(self) -> None:
        """Let records reach it again where somebody removed its path. Raises OSError when that cannot be done."""
        self._letterbox.put_back()

    def take(self, received: bytes) -> None:
        self._show(log.clean(received.decode(errors="replace")))


class Screen:
    """Writes lines to a descriptor that may be a stopped terminal or a full pipe: then they are skipped."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pretty = os.isatty(descriptor)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def show(self, record: str) -> None:
        line = pretty(record) if self._pretty else record
        try:
            if any(events == select.POLLOUT for _, events in self._poll.poll(0)):
                os.write(self._descriptor, line.encode(errors="replace") + b"\n")
        except OSError:
            pass  # the terminal is gone; the record is in the program's file


def pretty(record: str) -> str:
    """Write a record for a terminal: local time, event and fields, with a colour by level."""
    match = _RECORD.fullmatch(record)
    if match is None:
        return record
    at = time.localtime(timegm(time.strptime(match["at"], "%Y-%m-%dT%H:%M:%S")))
    event, _, fields = match["rest"].partition(" ")
    colour = _COLOURS.get(match["level"], "36")
    return f"\x1b[2m{time.strftime('%H:%M:%S', at)} {match['program']:<12}\x1b[0m \x1b[{colour}m{event}\x1b[0m {fields}".rstrip()
