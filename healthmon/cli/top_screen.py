"""How do lines get onto a terminal, and keys from it? Whatever ends the view, the terminal is as it was before."""

from __future__ import annotations

import curses
import locale
import os
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from rich.cells import cell_len

from healthmon.cli.top_line import Tone
from healthmon.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from healthmon.cli.top_line import Line

ENDED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
COLOURS = {Tone.HEALTHY: curses.COLOR_GREEN, Tone.UNHEALTHY: curses.COLOR_RED, Tone.WARNING: curses.COLOR_YELLOW}
LOOKS = {Tone.QUIET: curses.A_DIM, Tone.STRONG: curses.A_BOLD, Tone.UNHEALTHY: curses.A_BOLD, Tone.WARNING: curses.A_BOLD, Tone.BAR: curses.A_REVERSE}
NAMED = {
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_PPAGE: "page up",
    curses.KEY_NPAGE: "page down",
    curses.KEY_HOME: "home",
    curses.KEY_BACKSPACE: "backspace",
    curses.KEY_ENTER: "enter",
    curses.KEY_RESIZE: "resized",
    "\n": "enter",
    "\r": "enter",
    "\x1b": "escape",
    "\x7f": "backspace",
    "\b": "backspace",
}
ESCAPE_MS = 50  # after which an Esc is a key of its own and not the beginning of an arrow


class Ended(BaseException):
    """A signal ended the view. Not an Exception: nothing on the way may take it for an error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Screen:
    """The whole terminal, for as long as `opened` holds it."""

    def __init__(self, window: curses.window) -> None:
        self._window = window
        self._looks = {tone: LOOKS.get(tone, 0) | _colour(tone, number) for number, tone in enumerate(Tone, 1)}
        self._is_unicode = "utf" in locale.getpreferredencoding(do_setlocale=False).lower()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self._window.getmaxyx()
        return width, height

    def show(self, lines: Sequence[Line]) -> None:
        """Put lines on it. Only what differs from what is there is sent."""
        self._window.erase()
        for y, line in enumerate(lines):
            x = 0
            for text, tone in line:
                with suppress(curses.error):  # the lower right corner, and what was resized meanwhile
                    self._window.addstr(y, x, text if self._is_unicode else _ascii(text), self._looks[tone])
                x += cell_len(text)
        self._window.refresh()

    def key(self, timeout_s: float) -> str | None:
        """Return the next key, as `top_keys` names it; None when there was none in time. Raises Ended when the terminal is gone."""
        self._window.timeout(round(timeout_s * 1000))
        try:
            found = self._window.get_wch()
        except curses.error:
            if not os.isatty(sys.stdin.fileno()):
                raise Ended(signal.SIGHUP) from None  # else there would be no key again and again, at once
            return None
        return NAMED.get(found, found if isinstance(found, str) else "")


@contextmanager
def opened() -> Iterator[Screen]:
    """Take the terminal. Raises UsageError for one that cannot be drawn on, and Ended when a signal ends it."""
    locale.setlocale(locale.LC_ALL, "")
    os.environ.setdefault("ESCDELAY", str(ESCAPE_MS))
    _require_drawable()
    before = {number: signal.signal(number, _end) for number in ENDED_BY}
    try:
        yield _taken(curses.initscr())
    finally:
        for number in ENDED_BY:
            signal.signal(number, signal.SIG_IGN)  # a second one would leave the terminal half given back
        with suppress(curses.error):
            curses.endwin()  # gives back all that `_taken` took
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_drawable() -> None:
    try:
        curses.setupterm()
    except curses.error:
        named = os.environ.get("TERM", "")
        raise UsageError(f"TERM is {named[:40]!r}, which is no terminal known here: set it as in TERM=xterm-256color, or use `healthmon status`") from None
    if not curses.tigetstr("cup"):
        raise UsageError(f"TERM={os.environ.get('TERM', '')[:40]} cannot place text: `healthmon status` needs no such terminal")


def _taken(window: curses.window) -> Screen:
    curses.noecho()
    curses.cbreak()
    window.keypad(True)  # noqa: FBT003  curses' own
    with suppress(curses.error):
        curses.curs_set(0)
    if curses.has_colors() and "NO_COLOR" not in os.environ:
        curses.start_color()
        with suppress(curses.error):
            curses.use_default_colors()
        for number, tone in enumerate(Tone, 1):
            if tone in COLOURS:
                curses.init_pair(number, COLOURS[tone], -1)
    return Screen(window)


def _colour(tone: Tone, number: int) -> int:
    return curses.color_pair(number) if tone in COLOURS and curses.has_colors() and "NO_COLOR" not in os.environ else 0


def _ascii(text: str) -> str:
    return text.translate({ord("●"): "o", ord("✖"): "x", ord("▲"): "!", ord("·"): "-", ord("…"): "~"}).encode("ascii", "replace").decode()


def _end(number: int, _frame: object) -> NoReturn:
    raise Ended(number)
