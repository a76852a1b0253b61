"""The rows of the fault matrix that CI has time for, once each. `tools/faults` runs all, as often as asked."""

from __future__ import annotations

import pytest

from tests.faults import harness

harness.enter_all()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", sorted(name for name, row in harness.ROWS.items() if row.in_ci))
def test_the_promise_of_this_row_holds(name: str) -> None:
    result = harness.run(harness.ROWS[name], rounds=1)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.passed, str(result)


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
