"""How is a build with a bug planted in it run, and how is it known that the harness sees that bug?"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.faults.agents import Agent
from tests.faults.harness import since

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def planted(module: str) -> Iterator[None]:
    """Have the agents of a block be a build with a bug in it: what a row must catch."""
    before, Agent.module = Agent.module, module
    try:
        yield
    finally:
        Agent.module = before


def caught(judge: Callable[[], object], *, saying: str) -> float:
    """Return how long a judge took to catch a planted bug; that it catches none, or another, is what a control is about."""
    began = time.monotonic()
    try:
        judge()
    except AssertionError as error:
        if saying in str(error):
            return since(began)
        raise
    raise AssertionError("the planted bug passed: the row is blind")
