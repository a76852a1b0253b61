"""Does the live view show what is, and give the terminal back however it ends? A real terminal of the kernel's, a real process."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import Uptime
from healthmon.store import states
from tests.typing_commands import type_command
from tests.web import days
from tests.web.sites import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 20
ALTERNATE, ORDINARY = "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("top")
    site = Site(directory=directory, services=days.SERVICES)
    days.fill(site)
    (directory / "config.json").write_text(json.dumps({"data_dir": str(directory), "services": list(days.SERVICES)}))
    yield site
    site.close()


@pytest.fixture(scope="module")
def day(site: Site) -> Path:
    return site.directory


@dataclass(kw_only=True)
class Terminal:
    """The far end of a terminal, and all that was written to it."""

    process: subprocess.Popen[bytes]
    descriptor: int
    near: int
    written: str = field(default="")

    def read_until(self, words: str) -> None:
        began = time.monotonic()
        while words not in self.plain:
            assert time.monotonic() - began < PATIENCE_S, f"{words!r} never came: {self.plain[-2000:]}"
            if select.select([self.descriptor], [], [], 0.2)[0]:
                self.written += os.read(self.descriptor, 65_536).decode(errors="replace")

    @property
    def plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]", "", self.written)

    def press(self, keys: str) -> None:
        self.written = ""
        os.write(self.descriptor, keys.encode())

    def ended(self) -> int:
        """Return its exit code, after all that it wrote was read."""
        code = self.process.wait(PATIENCE_S)
        while select.select([self.descriptor], [], [], 0.1)[0]:
            with suppress(OSError):
                self.written += os.read(self.descriptor, 65_536).decode(errors="replace")
        return code


@contextmanager
def top(directory: Path, **environment: str) -> Iterator[Terminal]:
    """Run `healthmon top` on a terminal of its own, as the leader of its session: what hangs up hangs it up."""
    far, near = pty.openpty()
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    surroundings = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "LINES", "COLUMNS"}}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "healthmon", "--config", "config.json", "top"],
        cwd=directory,
        stdin=near,
        stdout=near,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  nothing else runs in the child
        env={**surroundings, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment},
    )
    terminal = Terminal(process=process, descriptor=far, near=near)
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        for descriptor in (near, far):
            with suppress(OSError):
                os.close(descriptor)


def test_what_is_wrong_comes_first_and_keys_choose(site: Site, day: Path) -> None:
    with top(day) as terminal:
        terminal.read_until("q quit")
        told = terminal.plain
        for words in ("CRITICAL  2 of 17 unhealthy, 1 critical", "newest check", "status 503, expected 200-299", "ill with it: frontend", "waits, for it was restarted already", "told"):
            assert words in told
        assert told.index("doc_store") < told.index("analysis_service")
        terminal.written = ""
        become(site, "interpreter", ServiceStatus.UNHEALTHY)
        terminal.read_until("interpreter")
        become(site, "interpreter", ServiceStatus.HEALTHY)
        terminal.press("/front\r")
        terminal.read_until("1 of 17")
        terminal.press("q")
        assert terminal.ended() == 0
        assert ORDINARY in terminal.written


def become(site: Site, name: str, status: ServiceStatus) -> None:
    state = ServiceState(service_id=site.known[name].service_id, status=status, status_since=clock.now(), last_checked_at=clock.now())
    with site.database.transaction(durable=False):
        states.save(site.database, [(state, Uptime())])


def test_another_size_of_the_window_is_filled(day: Path) -> None:
    with top(day) as terminal:
        terminal.read_until("q quit")
        assert "container " not in terminal.plain
        terminal.written = ""
        fcntl.ioctl(terminal.near, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
        terminal.read_until("hackathon-summarizer_hub-1")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(day: Path, number: signal.Signals, code: int) -> None:
    with top(day) as terminal:
        before = termios.tcgetattr(terminal.near)
        terminal.read_until("q quit")
        assert ALTERNATE in terminal.written
        assert termios.tcgetattr(terminal.near)[3] != before[3]
        terminal.process.send_signal(number)
        assert terminal.ended() == code
        assert ORDINARY in terminal.written
        assert termios.tcgetattr(terminal.near) == before


def test_it_ends_when_its_terminal_hangs_up(day: Path) -> None:
    with top(day) as terminal:
        terminal.read_until("q quit")
        os.close(terminal.near)
        os.close(terminal.descriptor)
        assert terminal.process.wait(PATIENCE_S) == 129


def test_no_colour_where_none_is_wanted(day: Path) -> None:
    for environment, is_coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with top(day, **environment) as terminal:
            terminal.read_until("q quit")
            assert bool(re.search(r"\x1b\[(?:\d+;)*3[0-7]m", terminal.written)) is is_coloured


def test_a_terminal_that_cannot_place_text_is_refused_in_one_line(day: Path) -> None:
    with top(day, TERM="dumb") as terminal:
        assert terminal.ended() == 2
        assert ALTERNATE not in terminal.written


def test_in_a_pipe_it_is_shown_once_and_whole(day: Path) -> None:
    told = type_command(day, "--config", "config.json", "top")
    assert told.returncode == 1
    assert "\x1b" not in told.stdout
    assert told.stdout.startswith("CRITICAL  2 of 17 unhealthy, 1 critical")
    assert all(one["name"] in told.stdout for one in days.SERVICES)


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"data_dir": str(tmp_path), "services": list(days.SERVICES)}))
    told = type_command(tmp_path, "--config", "config.json", "top")
    assert told.returncode in {2, 3}
    assert told.stderr.splitlines()[-1].endswith("`healthmon run` keeps on")
