"""What of the evidence is kept, and how much of it? Lines come in, parts that fit go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.log import clean
from healthmon.model.forensics import Part
from healthmon.redaction import mask_guesses, redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from healthmon.model.check import Check
    from healthmon.model.container_dependency import ContainerDependency
    from healthmon.model.host_pressure import HostPressure
    from healthmon.model.status import ServiceState
    from healthmon.model.usage import Usage

MAX_BYTES = 256 * 2**10  # of all parts together
MAX_PART_BYTES = 96 * 2**10  # the log's share at most: the others are far smaller
MAX_LINE_CHARS = 1_000
MAX_PROBLEM_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One part as an engine told it; `last_lines` are those of the log that messages show.

    `is_enough`: what comes after it may take a second, and is worth no wait.
    """

    part: Part
    last_lines: tuple[str, ...] = ()
    is_enough: bool = False


def part(name: str, lines: Iterable[str], *, problem: str = "") -> Part:
    """Return a part whose lines are harmless, without our secrets, and of which the newest (the last) are kept."""
    shown = [line for raw in lines if (line := shown_line(raw))]
    kept = _newest(shown, MAX_PART_BYTES)
    cut = "" if len(kept) == len(shown) else f"{len(shown) - len(kept)} older lines are left out"
    return Part(name=name, lines=kept, problem="; ".join(filter(None, (shown_line(problem)[:MAX_PROBLEM_CHARS], cut))))


def shown_line(raw: str) -> str:
    """A secret is masked before the line is cut: half a secret would not be found. Guessing at all of a huge line is not worth its time."""
    return mask_guesses(redact(clean(raw))[: 2 * MAX_LINE_CHARS]).rstrip()[:MAX_LINE_CHARS].rstrip()


def fit(parts: Iterable[Part], *, max_bytes: int = MAX_BYTES) -> tuple[Part, ...]:
    """Return what of the parts fits, the first ones whole."""
    kept, left = [], max_bytes
    for one in parts:
        lines = _newest(one.lines, left)
        left -= sum(map(_size, lines))
        cut = f"{len(one.lines) - len(lines)} older lines are left out" if len(lines) < len(one.lines) else ""
        kept.append(Part(name=one.name, lines=lines, problem="; ".join(filter(None, (one.problem, cut)))))
    return tuple(kept)


def checks_part(looks: Iterable[Check]) -> Part:
    """Return the newest looks, oldest first."""
    return part("checks", map(_look, looks))


def dependencies_part(watched: Mapping[str, ServiceState], unwatched: Iterable[ContainerDependency]) -> Part:
    """Return how what the service depends on is: services by their names, and containers that nobody watches."""
    services = [f"{name}: {state.status.value}{_since(state)}" for name, state in watched.items()]
    return part("dependencies", [*services, *(f"container {one.container or one.name}: {one.trouble or 'well'}" for one in unwatched)])


def sampled_part(usage: Usage | None) -> Part:
    """Return what the container used when it was last measured, if it is measured at all."""
    if usage is None:
        return part("usage sampled", ())
    cpu = "unknown" if usage.cpu_percent is None else f"{usage.cpu_percent:.1f} % of a core"
    return part("usage sampled", [f"{clock.to_iso(usage.observed_at)}  memory {usage.memory_percent:.1f} %, CPU {cpu}"])


def host_part(pressure: HostPressure) -> Part:
    return part("host", pressure.lines())


def _look(check: Check) -> str:
    outcome = check.outcome
    seconds = outcome.response_time_s
    took = "" if seconds is None else f"{seconds * 1000:.0f} ms"
    code = "" if outcome.status_code is None else f"HTTP {outcome.status_code}"
    words = (clock.to_iso(check.checked_at), check.kind.value, check.status.value, outcome.reason.value, code, took, outcome.error_message or "")
    return "  ".join(word for word in words if word)


def _since(state: ServiceState) -> str:
    since = "" if state.status_since is None else f" since {clock.to_iso(state.status_since)}"
    return f"{since}, {state.last_error}" if state.last_error else since


def _newest(lines: Iterable[str], max_bytes: int) -> tuple[str, ...]:
    kept: list[str] = []
    for line in reversed(list(lines)):
        max_bytes -= _size(line)
        if max_bytes < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))


def _size(line: str) -> int:
    return len(line.encode()) + 1
