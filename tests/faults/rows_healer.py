"""Crashes of the healer, and of the evaluator that plans, between the steps of one restart: F04."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.containers import IGNORES_TERM, wait_for
from tests.faults import engine_faults
from tests.faults.controls import caught, planted
from tests.faults.harness import row, since
from tests.faults.ward import ward

if TYPE_CHECKING:
    from tests.faults.ward import HealingAgent

STOP_S = 2


def _killed_at(point: str, **self_healing: Any) -> float:
    """Kill one process of ours at `point`; whatever it was, the container is restarted once, and that is known."""
    with ward() as the:
        patient = the.admit("a")
        with the.agent(failpoint=point, **self_healing) as host:
            began = patient.make_ill()
            wait_for(the.marker.exists, timeout_s=20, what=f"a death at {point}")
            return the.healed_once(host, patient, began)


@row("F04-plan", "the evaluator is killed before it commits a plan: one restart", bound_s=30, in_ci=False)
def before_plan() -> float:
    return _killed_at("planner.before_commit", min_unhealthy_seconds=0, start_grace_seconds=0)


@row("F04-planned", "the evaluator is killed when its plan is committed, the healer not told: one restart", bound_s=30, in_ci=False)
def after_plan() -> float:
    return _killed_at("planner.after_commit", min_unhealthy_seconds=0, start_grace_seconds=0)


@row("F04-before-issue", "the healer is killed before it charges: one restart", bound_s=30, in_ci=False)
def before_issue() -> float:
    return _killed_at("heal.before_issue")


@row("F04-answered", "the healer is killed between the engine's yes and its own note of it: no second restart", bound_s=30, in_ci=False)
def answered() -> float:
    return _killed_at("heal.answered")


@row("F04-before-mark", "the healer is killed while it notes the engine's yes: no second restart", bound_s=30, in_ci=False)
def before_mark() -> float:
    return _killed_at("heal.before_mark")


@row("F04-marked", "the healer is killed right after it noted the engine's yes: no second restart", bound_s=30, in_ci=False)
def marked() -> float:
    return _killed_at("heal.marked")


@row("F04-issued", "the healer is killed between charge and call: known not to have happened, then tried again", bound_s=STOP_S + 60, in_ci=False)
def issued() -> float:
    with ward() as the:
        patient = the.admit("a", options=("--stop-timeout", str(STOP_S)))
        with the.agent(failpoint="heal.issued") as host:
            began = patient.make_ill()
            wait_for(the.marker.exists, timeout_s=20, what="a death at heal.issued")
            wait_for(lambda: host.states()[:1] == ["failed"], timeout_s=90, what="the first heal to end")
            took = since(began)
            assert patient.starts() == 1, "it was restarted by a heal that failed"
            host.wait_for_heal("verified")
            the.check(host)
            patient.assert_restarts(1)
            return took


@row("F04-under-way", "the healer is killed while the engine restarts: no second restart", bound_s=STOP_S + 60, in_ci=False)
def under_way() -> float:
    with ward() as the:
        patient = the.admit("a", *IGNORES_TERM, options=("--stop-timeout", str(STOP_S)))
        with the.agent() as host:
            began = patient.make_ill()
            wait_for(lambda: "kill" in the.observer.actions(patient.container), timeout_s=20, what="the engine to begin")
            killed = host.healer_pid()
            os.kill(killed, signal.SIGKILL)
            wait_for(partial(_is_replaced, host, killed), timeout_s=20, what="a new healer")
            return the.healed_once(host, patient, began)


def _is_replaced(host: HealingAgent, pid: int) -> bool:
    return host.healer_pid() != pid


def _answer_is_lost() -> tuple[float, int]:
    """Have the engine restart, and its answer get lost; return how often it was restarted when all is well again."""
    with ward() as the:
        patient = the.admit("a")
        proxy = the.proxy()
        with the.agent(host=proxy.host) as host:
            proxy.break_("/restart", engine_faults.unanswered, times=1)
            began = patient.make_ill()
            host.wait_for_heal("verified")
            took = since(began)
            the.check(host)
            return took, patient.starts() - 1


@row("F04-unanswered", "the engine restarts, and its answer is lost: no second restart", bound_s=30)
def unanswered() -> float:
    took, restarts = _answer_is_lost()
    assert restarts == 1, f"{restarts} restarts, not 1"
    return took


@row("F04-control", "a planted bug (a lost answer is asked for again) is caught by the same harness", bound_s=30)
def control() -> float:
    with planted("tests.faults.planted_retry"):
        return caught(_answer_is_lost, saying="the engine saw 2 restarts, the ledger knows of 1")
