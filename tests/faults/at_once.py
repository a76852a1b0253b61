"""How are several rows run at once, in processes of their own? Most of a row is waiting, so two cores have time for three.

A row that judges a schedule to the millisecond is `alone`: it is run by itself, when the others are over.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from tests.faults import harness, results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


def in_turn(names: Iterable[str]) -> list[str]:
    """Return rows in the order in which they are soonest over together: the longest first, those alone at the end."""
    known = results.load(harness.TOP / "docs" / "faults.json")
    return sorted(names, key=lambda name: (harness.ROWS[name].alone, -known.get(name, {}).get("whole_s", 0.0), name))


@contextmanager
def under_way(names: Sequence[str], *, rounds: int = 1) -> Iterator[Callable[[str], harness.Result]]:
    """Begin the rows that may have neighbours, in this order; give what waits for the result of one, or runs it now."""
    width = (os.cpu_count() or 1) + ("PYTEST_XDIST_WORKER" not in os.environ)  # else others wait beside us already
    # Processes that are begun anew share no thread, no lock and no patched class with this one.
    with ProcessPoolExecutor(width, mp_context=multiprocessing.get_context("spawn")) as pool:
        begun = {name: pool.submit(_outcome, name, rounds) for name in names if not harness.ROWS[name].alone}

        def result(name: str) -> harness.Result:
            if name in begun:
                return harness.Result(row=harness.ROWS[name], **begun[name].result())
            wait(begun.values())
            return harness.run(harness.ROWS[name], rounds=rounds)

        try:
            yield result
        finally:
            pool.shutdown(cancel_futures=True)


def _outcome(name: str, rounds: int) -> dict[str, Any]:
    """Run a row in this process, and return what it came to but for the row itself, which cannot be sent to another one."""
    harness.enter_all()
    found = harness.run(harness.ROWS[name], rounds=rounds)
    return {field.name: getattr(found, field.name) for field in fields(found) if field.name != "row"}
