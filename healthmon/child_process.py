"""How is a command of a person's run so that it can do no harm to what runs it? Its own group, its own environment, an end."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from healthmon import clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOK_EVERY_S = 0.05
CHUNK = 4_096
MAX_OUTPUT_BYTES = 8_192  # what Nagios takes of a plugin, too
AT_ONCE = 64
GONE_S = 1.0  # a process that hangs in the kernel is left behind
SPARE_S = 2  # what outlives us is killed by `timeout`, this much later than we would have


class Stopping(Protocol):
    """What tells that we are to end ourselves."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """`exit_code` is None when it was not started, or was killed; then `problem` says why. `output` is the beginning or the end of it."""

    exit_code: int | None
    problem: str
    output: str
    was_killed: bool = False


def run(command: Sequence[str], environment: Mapping[str, str], *, timeout_s: float, stopping: Stopping, keeps_start: bool = False) -> Ended:
    """Run a command to its end, or kill its whole group when its time is up. Never waits for what it left in the background."""
    if not os.access(command[0], os.X_OK):
        return Ended(exit_code=None, problem=f"{command[0]} is not there, or not executable", output="")
    try:
        process = subprocess.Popen(  # noqa: S603  an argument list of the configuration's, and no shell
            [*_guard(timeout_s), *command],
            env=dict(environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return Ended(exit_code=None, problem=f"{command[0]} could not be started: {error.strerror}", output="")
    try:
        return _watch(process, timeout_s, stopping, _Said(keeps_start=keeps_start))
    finally:
        _end(process)


def _guard(timeout_s: float) -> list[str]:
    """Have a program stand by that ends the command when we were killed meanwhile."""
    found = shutil.which("timeout", path="/usr/bin:/bin")
    return [] if found is None else [found, "-s", "KILL", str(int(timeout_s) + SPARE_S)]


class _Said:
    """What a command says, as far as it is kept."""

    def __init__(self, *, keeps_start: bool) -> None:
        self._keeps_start = keeps_start
        self._kept = b""

    def add(self, piece: bytes) -> None:
        whole = self._kept + piece
        self._kept = whole[:MAX_OUTPUT_BYTES] if self._keeps_start else whole[-MAX_OUTPUT_BYTES:]

    def __str__(self) -> str:
        return self._kept.decode(errors="replace")


def _watch(process: subprocess.Popen[bytes], timeout_s: float, stopping: Stopping, said: _Said) -> Ended:
    until_s = clock.monotonic() + timeout_s
    problem = ""
    while (code := process.poll()) is None and not problem:
        if not _listen(process, said, LOOK_EVERY_S):
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_EVERY_S)  # so that what floods us is held back: it writes no faster than we look
        if clock.monotonic() >= until_s:
            problem = f"killed after {timeout_s:g} s"
        elif stopping.is_set():
            problem = "killed, for healthmon stops"
    _listen(process, said, 0.0)
    return Ended(exit_code=None if problem else code, problem=problem, output=str(said), was_killed=bool(problem))


def _listen(process: subprocess.Popen[bytes], said: _Said, wait_s: float) -> bool:
    """Take what it says, at most `AT_ONCE` chunks of it; return whether all of this time was waited in vain."""
    pipe = process.stdout
    for chunk in range(AT_ONCE):
        if pipe is None:
            return False
        if not _says_something(pipe.fileno(), 0.0 if chunk else wait_s):
            return chunk == 0
        piece = os.read(pipe.fileno(), CHUNK)
        if not piece:
            return False
        said.add(piece)
    return False


def _says_something(pipe: int, wait_s: float) -> bool:
    waiting = select.poll()  # select.select knows no descriptor above 1,023
    waiting.register(pipe, select.POLLIN)
    return bool(waiting.poll(1_000 * wait_s))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group, also when the command itself is over: what it left there is nobody's any more."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(GONE_S)
