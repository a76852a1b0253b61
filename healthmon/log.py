"""How does a process say what happened? One line a record, one event name, fields behind it.

    2025-09-18T10:30:15.123Z WARNING evaluator incident_opened service=doc_store reason=status

A record goes to the program's own file, written by the process itself: a frozen supervisord can then never freeze
its writer. Under systemd it goes to the journal as well; what a person in front of `healthmon run` should see is also
sent, without ever waiting, to its console.
"""

from __future__ import annotations

import logging
import re
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from healthmon import log_journal
from healthmon.log_file import FileHandler
from healthmon.redaction import redact

if TYPE_CHECKING:
    from pathlib import Path

MAX_RECORD_BYTES = 4_096
SHOWN = 25  # between INFO and WARNING: a change of state that the person at the console should see
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PLAIN = re.compile(r"[^\s\"=]+")

FieldValue = str | int | float | bool | None


class Log:
    """Writes records for one program; every method takes an event name and its fields."""

    def __init__(self, program: str) -> None:
        self._logger = logging.getLogger("healthmon")
        self._program = program

    def debug(self, event: str, **fields: FieldValue) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: FieldValue) -> None:
        self._write(logging.INFO, event, fields)

    def change(self, event: str, **fields: FieldValue) -> None:
        """Say that something changed which the operator should see as it happens. The level word is INFO."""
        self._write(SHOWN, event, fields)

    def warning(self, event: str, **fields: FieldValue) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: FieldValue) -> None:
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: FieldValue) -> None:
        """Say that something failed which should not, with the traceback of the error being handled."""
        self._write(logging.ERROR, event, fields, traceback=True)

    def _write(self, level: int, event: str, fields: dict[str, FieldValue], *, traceback: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            words = " ".join([self._program, event, *_shown(fields)])
            self._logger.log(level, words, exc_info=traceback)


def clean(text: str) -> str:
    """Make hostile text harmless for a terminal and a line of a log: no control or direction characters."""
    return _CONTROL.sub(" ", text)


def set_up_file(path: Path, *, level: str, console: Path | None = None, stream: TextIO | None = None) -> None:
    """Send this process's records to `path`, and where this runs under systemd to the journal.

    Elsewhere the important ones go to the datagram socket `console`, or to `stream`, too.
    """
    handlers: list[logging.Handler] = [FileHandler(path)]
    if log_journal.is_wanted():
        handlers.append(log_journal.JournalHandler())
    elif console is not None:
        handlers.append(_ConsoleHandler(console))
    elif stream is not None:
        handlers.append(logging.StreamHandler(stream))
        handlers[-1].setLevel(SHOWN)
    _install(handlers, level)


def set_up_stream(stream: TextIO = sys.stderr, *, level: str) -> None:
    """Send records to a stream: for commands that run in the foreground."""
    _install([logging.StreamHandler(stream)], level)


def close() -> None:
    """Let go of what `set_up_file` opened: for a process that forks others, which have files of their own."""
    logger = logging.getLogger("healthmon")
    for handler in logger.handlers:
        handler.close()
    logger.handlers = [logging.NullHandler()]


def _install(handlers: list[logging.Handler], level: str) -> None:
    logger = logging.getLogger("healthmon")
    for handler in handlers:
        handler.setFormatter(_Formatter())
    logger.handlers = handlers
    logger.setLevel(level)
    logger.propagate = False
    logging.raiseExceptions = False  # a stream that is closed or full: no traceback a record
    logging.getLogger().handlers = [logging.NullHandler()]  # libraries' own chatter is not for operators


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        level = "INFO" if record.levelno == SHOWN else record.levelname
        line = f"{at}.{int(record.msecs):03}Z {level} {redact(clean(record.getMessage()))}"
        if record.exc_info:
            line += " traceback=" + redact(_field(self.formatException(record.exc_info)[-2_500:]))
        return line.encode()[: MAX_RECORD_BYTES - 1].decode(errors="ignore")


class _ConsoleHandler(logging.Handler):
    """Sends records to a socket that may be absent, full or frozen: then they are only in the file."""

    def __init__(self, path: Path) -> None:
        super().__init__(level=SHOWN)
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0.0)

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # nobody is there to look
            self._socket.sendto(self.format(record).encode(), self._path)

    def close(self) -> None:
        self._socket.close()
        super().close()


def _shown(fields: dict[str, FieldValue]) -> list[str]:
    """What has no value is left out: an empty field tells nobody anything."""
    return [f"{name}={_field(value)}" for name, value in fields.items() if value is not None and value != ""]


def _field(value: FieldValue) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = clean(str(value)) if not isinstance(value, str) else clean(value.replace("\n", " | "))
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace('"', "'") + '"'
