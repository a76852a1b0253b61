"""How is a fault row run, timed and told? `PASS F06 bound=45s got=28.1s (n=3)`.

A row injects one fault into the real system and returns how long it took until all was as promised; what was not is an
AssertionError. Rows whose means are missing (root, Docker) say so and are skipped, never passed.
"""

from __future__ import annotations

import importlib
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

TOP = Path(__file__).parents[2]
COUNTED = ("alerts", "messages", "lost", "restarts", "extra")  # committed, and lost of them; seen from outside, and not charged of them


class CannotRunError(Exception):
    """This machine lacks what a row needs."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the fault matrix. `run` returns the seconds that the promise speaks of."""

    name: str
    about: str
    bound_s: float
    run: Callable[[], float]
    in_ci: bool = True
    alone: bool = False  # it judges a schedule: no other row beside it

    @property
    def is_control(self) -> bool:
        """A bug is planted in it: what is lost there is no loss of ours."""
        return self.name.endswith("-control")


ROWS: dict[str, Row] = {}


def row(
    name: str, about: str, *, bound_s: float, in_ci: bool = True, alone: bool = False
) -> Callable[[Callable[[], float]], Callable[[], float]]:
    """Enter a function into the matrix."""

    def enter(run: Callable[[], float]) -> Callable[[], float]:
        if name in ROWS and ROWS[name].run.__module__ != run.__module__:
            raise ValueError(f"there are two rows {name}")
        ROWS[name] = Row(name=name, about=about, bound_s=bound_s, run=run, in_ci=in_ci, alone=alone)
        return run

    return enter


def enter_all() -> None:
    """Enter the rows of every file here that is named for them."""
    for path in sorted(Path(__file__).parent.glob("rows_*.py")):
        importlib.import_module(f"tests.faults.{path.stem}")


@dataclass(frozen=True, kw_only=True)
class Result:
    row: Row
    seconds: tuple[float, ...]
    problem: str = ""
    skipped: str = ""
    whole_s: float = 0.0  # a round, with all that is built up and taken down
    figures: Mapping[str, float] = field(default_factory=dict)  # what else was counted, in the last round
    counts: Mapping[str, int] = field(default_factory=dict)  # what of everything there was, over all rounds

    @property
    def passed(self) -> bool:
        return not self.problem and not self.skipped

    def __str__(self) -> str:
        if self.skipped:
            return f"SKIP {self.row.name} {self.row.about}: {self.skipped}"
        if self.problem:
            return f"FAIL {self.row.name} {self.row.about}: {self.problem}"
        counted = "".join(f" {name}={value:g}" for name, value in self.figures.items())
        return f"PASS {self.row.name} bound={self.row.bound_s:g}s got={max(self.seconds):.1f}s (n={len(self.seconds)}){counted} {self.row.about}"


def run(one: Row, *, rounds: int) -> Result:
    """Run a row some times, and hold the slowest against its bound."""
    seconds: list[float] = []
    notes.take()
    notes.take_counts()
    began = time.monotonic()
    problem = skipped = ""
    try:
        seconds.extend(one.run() for _ in range(rounds))
    except CannotRunError as error:
        seconds, skipped = [], str(error)
    except AssertionError as error:
        problem = (str(error).splitlines() or ["?"])[0]
    except Exception as error:  # noqa: BLE001  one row that breaks must not keep the others from being run and told
        traceback.print_exc()
        problem = f"the row broke: {error!r}"[:300]
    if not problem and max(seconds, default=0.0) > one.bound_s:
        problem = f"took {max(seconds):.1f} s, more than {one.bound_s:g} s"
    whole_s = since(began) / rounds
    return Result(row=one, seconds=tuple(seconds), problem=problem, skipped=skipped, whole_s=whole_s, figures=notes.take(), counts=notes.take_counts())


def summary(results: Iterable[Result]) -> str:
    """Return what all rows come to: how many passed, and what of everything that was committed and restarted was lost or too much."""
    told = list(results)
    counts = total(one.counts for one in told if not one.row.is_control)
    passed, skipped = sum(one.passed for one in told), sum(bool(one.skipped) for one in told)
    return f"SUM rows={len(told)} passed={passed} failed={len(told) - passed - skipped} skipped={skipped} " + " ".join(f"{name}={counts[name]}" for name in COUNTED)


def total(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    """Sum up what rows have counted."""
    found: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    for one in counts:
        found.update(one)
    return found


def since(began: float) -> float:
    return time.monotonic() - began
