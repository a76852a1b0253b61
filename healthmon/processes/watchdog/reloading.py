"""The part of the watchdog that has the file applied anew when somebody asks, and the programs agree with what is applied.

The work is done in a child, one at a time: a file can be large, and a program that is to go can take long to stop. What
was asked while one was at it is answered by the next, which reads the file after that: so many wishes at once end in the
last one.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from healthmon import applied, clock
from healthmon.errors import EXIT_FAILED, EXIT_FINE, HealthmonError
from healthmon.log import clean
from healthmon.processes import configuring, converging, errand, refusing
from healthmon.processes.reload_line import MAX_ASKED_BYTES, Answer, Line
from healthmon.redaction import redact

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from healthmon.log import Log
    from healthmon.paths import Paths
    from healthmon.processes.doorbell import Doorbell
    from healthmon.processes.errand import Child

DEADLINE_S = 60.0
FOLLOWED_WITHIN_S = 10.0  # a process that is in the middle of something takes it in when that is over
RETRY_S = 5.0
MAX_AUTHOR_CHARS = 64
MAX_LINES = 200


class Reloading:
    """One call moves it on as far as it goes without waiting."""

    def __init__(self, paths: Paths, doorbell: Doorbell, log: Log) -> None:
        self._paths = paths
        self._doorbell = doorbell
        self._log = log
        self._line = Line(paths.reload_socket)
        doorbell.also_wake_for(self._line.socket.fileno())
        self._silent: list[socket.socket] = []  # who has not said yet who asks
        self._asking: list[tuple[socket.socket, str]] = []
        self._served: list[socket.socket] = []
        self._child: Child | None = None
        self._answer: tuple[Answer, float] | None = None  # until when it waits for all processes to follow
        self._converged = 0  # the number of the configuration that programs are known to agree with
        self._present = applied.read(paths)
        self._converge_at = float("inf") if self._present is None else clock.monotonic()  # a crash may have left half of it
        self._said = ""

    def advance(self, lagging: Callable[[int], list[str]]) -> None:
        """Hear who asks, do it, answer. `lagging` tells which programs do not work with a configuration, by its number, yet."""
        self._hear()
        if self._child is not None and (self._child.is_over() or self._child.elapsed_s() > DEADLINE_S):
            self._end(self._child)
        self._answer_when_followed(lagging)
        if self._child is None and self._answer is None:
            self._begin()

    def follow(self) -> None:
        """Take in that another configuration is applied: programs must come to agree with it."""
        self._present = applied.read(self._paths) or self._present
        if self._present is not None and self._present.number != self._converged:
            self._converge_at = clock.monotonic()

    def put_back(self) -> None:
        """Put our socket and the snapshot back where somebody removed them. Raises OSError when that cannot be done."""
        self._line.put_back()
        if self._present is not None and not self._paths.applied.exists():
            applied.write(self._paths, self._present)

    def wait_s(self) -> float:
        """Return the seconds until time alone changes something."""
        if self._child is not None:
            return max(0.0, DEADLINE_S - self._child.elapsed_s()) + 0.01
        if self._answer is not None:
            return 0.05
        return max(0.0, self._converge_at - clock.monotonic())

    def close(self) -> None:
        if self._child is not None:
            self._doorbell.no_longer_wake_for(self._child.pipe)
            self._child.end()
        self._line.close()

    def _hear(self) -> None:
        for asking in self._line.accept():
            self._silent.append(asking)
            self._doorbell.also_wake_for(asking.fileno())
        for asking in list(self._silent):
            try:
                said = asking.recv(MAX_ASKED_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                said = b""
            self._silent.remove(asking)
            self._doorbell.no_longer_wake_for(asking.fileno())
            if said:
                self._asking.append((asking, clean(said.decode(errors="replace"))[:MAX_AUTHOR_CHARS]))
            else:
                asking.close()

    def _begin(self) -> None:
        if self._asking:
            author = self._asking[-1][1]
            self._served = [asking for asking, _ in self._asking]
            self._asking.clear()
            self._start(partial(_reload, self._paths, author))
            self._log.info("reload_begun", by=author)
        elif clock.monotonic() >= self._converge_at:
            self._converge_at = float("inf")
            self._start(partial(_converge, self._paths))

    def _start(self, work: Callable[[], Answer]) -> None:
        try:
            self._child = errand.begin(lambda: _answered(work), title="healthmon: watchdog reload")
        except OSError as error:  # no more processes to be had
            self._answer = (Answer(exit_code=EXIT_FAILED, lines=(f"nothing was done: {error}",)), clock.monotonic())
            self._converge_at = clock.monotonic() + RETRY_S
            return
        self._doorbell.also_wake_for(self._child.pipe)

    def _end(self, done: Child) -> None:
        self._doorbell.no_longer_wake_for(done.pipe)
        answer = Answer.from_bytes(done.end())
        self._child = None
        self._answer = (answer, clock.monotonic() + FOLLOWED_WITHIN_S)
        if answer.exit_code == EXIT_FINE:
            self._converged = answer.number
            self._converge_at = float("inf")
        else:
            self._converge_at = clock.monotonic() + RETRY_S  # it may have come to half of it
        self._say("" if answer.exit_code == EXIT_FINE else " | ".join(answer.lines))

    def _say(self, problem: str) -> None:
        """Say once what stands in the way."""
        if problem and problem != self._said:
            self._log.error("ALERT", type="configuration_refused", message=f"the configuration was not applied: {problem}")
        elif self._said and not problem:
            self._log.change("configuration_applied_again")
        self._said = problem

    def _answer_when_followed(self, lagging: Callable[[int], list[str]]) -> None:
        if self._answer is None:
            return
        answer, until_s = self._answer
        late = lagging(answer.number) if self._served and answer.exit_code == EXIT_FINE else []
        if late and clock.monotonic() < until_s:
            return
        if late:
            note = f"not yet taken in by {', '.join(late)}: they do when they have time, or start anew with it"
            answer = Answer(exit_code=answer.exit_code, lines=(*answer.lines, note), number=answer.number)
        for asking in self._served:
            with suppress(OSError):  # who does not wait for it any more
                asking.send(answer.to_bytes())
            asking.close()
        self._served, self._answer = [], None


def _answered(work: Callable[[], Answer]) -> bytes:
    """The top of the child."""
    try:
        answer = work()
    except HealthmonError as error:
        answer = Answer(exit_code=error.exit_code, lines=_lines(str(error)))
    except BaseException as error:  # noqa: BLE001  nobody else hears of it
        answer = Answer(exit_code=EXIT_FAILED, lines=_lines(f"it broke: {error!r}"))
    return answer.to_bytes()


def _lines(text: str) -> tuple[str, ...]:
    return tuple(redact(clean(line)) for line in text.splitlines()[:MAX_LINES])


def _reload(paths: Paths, author: str) -> Answer:
    """Apply the file anew, and have the programs agree with it."""
    try:
        change = configuring.reload(paths, author=author)
    except HealthmonError as error:
        if error.permanent:
            refusing.note(paths, author, str(error))
        raise
    refusing.clear(paths)
    number = change.applied.number
    converging.converge(paths, change.applied)
    said = change.changes.lines() or ["nothing has changed; what its references stand for was read again"]
    return Answer(exit_code=EXIT_FINE, lines=(f"configuration {number} is applied", *_lines("\n".join(said))), number=number)


def _converge(paths: Paths) -> Answer:
    """Have the programs agree with what is applied."""
    present = applied.read(paths)
    if present is None:
        return Answer(exit_code=EXIT_FINE, lines=())
    converging.converge(paths, present)
    return Answer(exit_code=EXIT_FINE, lines=(), number=present.number)
