"""Crashes at named points between decision, commit and effect: F01, F02, and the control that must be caught."""

from __future__ import annotations

import time

from healthmon.failpoints import ENVIRONMENT
from tests.containers import wait_for
from tests.faults.agents import agent
from tests.faults.controls import planted
from tests.faults.harness import row, since

KILLS = 2
PER_LIFE = 5  # so many rounds does an evaluator live
SPAN_S = 60.0


def _crash_at(point: str) -> tuple[float, int, int]:
    """Kill the evaluator again and again at `point`; return how long it took to be whole again, and what is counted.

    The service always fails, so each scheduled check that was evaluated once, and only once, is one consecutive failure.
    """
    with agent() as host:
        host.stop()
        host.before.may_forget = True  # it begins anew, so that all its checks are those of mortal evaluators
        for path in host.paths.data_dir.glob("health_monitoring.db*"):
            path.unlink()
        host.start(**{ENVIRONMENT: f"{point}:{PER_LIFE}"})
        before = host.lives_cut_short("evaluator")
        wait_for(lambda: host.lives_cut_short("evaluator") >= before + 1 + KILLS, timeout_s=SPAN_S, what=f"{KILLS} deaths at {point}")
        host.stop()
        began = time.monotonic()
        host.start()
        host.wait_until_running()
        wait_for(lambda: host.rows("SELECT 1 FROM inbox LIMIT 1") == [], timeout_s=30, what="the inbox to empty")
        took = since(began)
        host.stop()
        host.start()  # what the last one left in the inbox is taken now
        query = "SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM health_checks), consecutive_failures FROM service_status"
        wait_for(lambda: (host.rows(query) or [(1,)])[0][0] == 0, timeout_s=30, what="the inbox to empty")
        [(_, stored, counted)] = host.rows(query)
        host.assert_sound()
        return took, int(stored), int(counted)


def _exactly_once(point: str) -> float:
    took, stored, counted = _crash_at(point)
    assert counted == stored, f"{stored} checks are stored, {counted} were evaluated"
    return took


@row("F01", "the evaluator is killed before its commit, again and again: each check counts exactly once", bound_s=15, in_ci=False)
def before_commit() -> float:
    return _exactly_once("evaluator.before_commit")


@row("F02", "the evaluator is killed after its commit, again and again: each check counts exactly once", bound_s=15, in_ci=False)
def after_commit() -> float:
    return _exactly_once("evaluator.after_commit")


@row("F01-control", "a planted bug (mark before act) is caught by the same harness", bound_s=15)
def control() -> float:
    with planted("tests.faults.planted"):
        took, stored, counted = _crash_at("evaluator.before_commit")
    assert counted < stored, f"nothing was lost of {stored}: the harness is blind"
    return took
