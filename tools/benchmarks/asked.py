"""How is the target run, and asked what has arrived?"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cases import Case

HERE = Path(__file__).parent
PORTS = 17

Arrivals = dict[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class Target:
    """The running target."""

    process: subprocess.Popen[str]
    ports: list[int]

    def urls(self, name: str, case: Case) -> list[str]:
        """Return the services that one product asks: the hanging ones spread among the others."""
        every = case.services / case.hanging if case.hanging else float("inf")
        kinds = ["hang" if case.hanging and int(number / every) != int((number + 1) / every) else "s" for number in range(case.services)]
        return [f"http://127.0.0.1:{self.ports[number % PORTS]}/{name}/{kind}/{number}" for number, kind in enumerate(kinds)]

    def arrivals(self, name: str) -> Arrivals:
        """Return what has arrived for a product since this was last called."""
        assert self.process.stdin is not None  # noqa: S101  they are pipes
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.write(f"arrivals {name}\n")
        self.process.stdin.flush()
        found: Arrivals = json.loads(self.process.stdout.readline())
        return found


@contextlib.contextmanager
def a_target() -> Iterator[Target]:
    """Run a target for as long as the block lasts."""
    process = subprocess.Popen([sys.executable, str(HERE / "target.py"), str(PORTS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603  ours
    try:
        assert process.stdout is not None  # noqa: S101  it is a pipe
        yield Target(process=process, ports=json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
