"""The rows of the fault matrix that CI has time for, once each. `tools/faults` runs all, as often as asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults import at_once, harness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

harness.enter_all()
IN_CI = at_once.in_turn(name for name, row in harness.ROWS.items() if row.in_ci)


@pytest.fixture(scope="module")
def result_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], harness.Result]]:
    """Begin all rows that were chosen, so that they wait for their clocks at the same time."""
    asked = (item for item in request.session.items if isinstance(item, pytest.Function) and "result_of" in item.fixturenames)
    chosen = [str(item.callspec.params["name"]) for item in asked]
    with at_once.under_way(chosen) as result:
        yield result


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", IN_CI)
def test_the_promise_of_this_row_holds(name: str, result_of: Callable[[str], harness.Result]) -> None:
    result = result_of(name)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.passed, str(result)


def test_every_fault_of_the_matrix_has_a_row() -> None:
    """F01 to F71; `docs/reliability.md` says what each is. Beside a number stands what of it is played, as in F20-long."""
    played = {int(found[1]) for name in harness.ROWS if (found := re.match(r"F(\d+)", name)) and not harness.ROWS[name].is_control}
    assert sorted(set(range(1, 72)) - played) == []


def test_what_all_rows_come_to_leaves_out_what_a_planted_bug_lost() -> None:
    def result(name: str, **told: Any) -> harness.Result:
        return harness.Result(row=harness.Row(name=name, about="", bound_s=1, run=lambda: 0.0), seconds=(0.5,), **told)

    told = [
        result("F01", counts={"alerts": 3, "restarts": 1}),
        result("F02", counts={"alerts": 2, "lost": 1}, problem="lost"),
        result("F01-control", counts={"alerts": 9, "lost": 5}),
        result("F03", skipped="no means"),
    ]
    assert harness.summary(told) == "SUM rows=4 passed=2 failed=1 skipped=1 alerts=5 messages=0 lost=1 restarts=1 extra=0"


def test_a_row_that_takes_too_long_fails_and_one_that_cannot_run_is_no_pass() -> None:
    late = harness.Row(name="F00", about="late", bound_s=1.0, run=lambda: 2.0)
    assert harness.run(late, rounds=1).problem == "took 2.0 s, more than 1 s"

    def lacks() -> float:
        raise harness.CannotRunError("no Docker")

    skipped = harness.run(harness.Row(name="F00", about="", bound_s=1.0, run=lacks), rounds=3)
    assert (skipped.passed, skipped.skipped) == (False, "no Docker")


def test_a_row_that_breaks_is_told_and_does_not_end_the_run() -> None:
    def breaks() -> float:
        raise ValueError("of the row itself")

    broken = harness.run(harness.Row(name="F00", about="", bound_s=1.0, run=breaks), rounds=2)
    assert broken.problem == "the row broke: ValueError('of the row itself')"
