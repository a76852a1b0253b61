"""What containers and people do around a restart: slow, removed, replaced, stopped, looping, many at once. F27 to F33."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.containers import IGNORES_TERM, STOPS_AT_ONCE, wait_for
from tests.faults import engine_faults
from tests.faults.harness import row, since
from tests.faults.ward import ward

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine_proxy import EngineProxy
    from tests.faults.patients import Patient
    from tests.faults.ward import HealingAgent, Ward

BEGUN, CHARGED, CALLING = "heal.begun!stop", "heal.issued!stop", "heal.calling!stop"  # the looks are made after the first two


@row("F27", "a container ignores TERM for longer than all else takes: one restart, no retry, verified", bound_s=30, in_ci=False)
def slow_stop() -> float:
    with ward() as the:
        patient = the.admit("a", *IGNORES_TERM, options=("--stop-timeout", "5"))
        proxy = the.proxy()
        with the.agent(host=proxy.host) as host:
            began = patient.make_ill()
            took = the.healed_once(host, patient, began)
            _assert_called_once(proxy)
            return took


@row("F27-long", "the answer to a restart is later than we wait for it: one restart, no retry", bound_s=60, in_ci=False)
def late_answer() -> float:
    """The proxy keeps the answer: our patience is the stop timeout and half a minute."""
    with ward() as the:
        patient = the.admit("a", options=("--stop-timeout", "1"))
        proxy = the.proxy()
        with the.agent(host=proxy.host) as host:
            proxy.break_("/restart", engine_faults.kept)
            began = patient.make_ill()
            host.wait_for_heal("verified", timeout_s=60)
            took = since(began)
            the.check(host)
            _assert_called_once(proxy)
            patient.assert_restarts(1)
            return took


def _assert_called_once(proxy: EngineProxy) -> None:
    calls = proxy.asked("/restart") + proxy.asked("/start?") + proxy.asked("/start ")
    assert calls == 1, f"the engine was called {calls} times"


def _meanwhile(failpoint: str, act: Callable[[Ward, Patient], None], check: Callable[[Ward, HealingAgent, Patient], None]) -> float:
    """Do something between decision and call, the healer standing still there; return how long the heal took to end."""
    with ward() as the:
        patient = the.admit("a")
        with the.agent(failpoint=failpoint) as host:
            patient.make_ill()
            wait_for(the.marker.exists, timeout_s=20, what="the healer to halt")
            act(the, patient)
            began = the.go_on(host)
            host.wait_for_ledger(lambda ledger: ledger[0] not in {"planned", "issued"}, "the heal to end", 45)
            took = since(began)
            check(the, host, patient)
            the.check(host)
            return took


def _remove(the: Ward, patient: Patient) -> None:
    the.docker.cli("rm", "--force", patient.container)


def _assert_gone(_the: Ward, host: HealingAgent, _patient: Patient) -> None:
    assert host.heals()[0][0] in {"dropped", "gone"}, f"the ledger says {host.heals()}"
    wait_for(lambda: host.target("a")[1], timeout_s=30, what="the agent to say that it is not there")
    heals = host.heals()
    assert {state for state, _, _ in heals[1:]} <= {"planned", "dropped"}, f"it went on: {heals}"
    assert len(heals) <= 2, f"it went on: {heals}"  # the second was planned on the facts from before


@row("F28", "a container is removed between decision and action: nothing is charged, no error loop", bound_s=10, in_ci=False)
def removed() -> float:
    return max(_meanwhile(point, _remove, _assert_gone) for point in (BEGUN, CALLING))


@row("F28-restart", "a container is removed in the middle of its restart: the heal ends as gone", bound_s=60)
def removed_under_way() -> float:
    with ward() as the:
        patient = the.admit("a", *IGNORES_TERM, options=("--stop-timeout", "20"))
        with the.agent() as host:
            patient.make_ill()
            wait_for(lambda: "kill" in the.observer.actions(patient.container), timeout_s=20, what="the engine to begin")
            the.docker.cli("rm", "--force", patient.container)
            began = time.monotonic()
            host.wait_for_ledger(lambda ledger: ledger[0] == "gone", "the heal to end as gone", 60)
            took = since(began)
            _assert_gone(the, host, patient)
            the.check(host)
            return took


def _replace(the: Ward, patient: Patient) -> None:
    """Put another container in its place, under its name, that is well."""
    name = f"{the.docker.session}-a"
    the.docker.cli("rm", "--force", patient.container)
    patient.make_well()
    patient.container = the.docker.run(*STOPS_AT_ONCE, name=name)


def _assert_other_untouched(the: Ward, host: HealingAgent, patient: Patient) -> None:
    wait_for(lambda: host.statuses()["a"] == "healthy", timeout_s=20, what="the service to be well")
    wait_for(lambda: host.target("a")[0] == "running", timeout_s=30, what="the other one to be seen")
    assert host.heals()[0][0] in {"dropped", "gone"}, f"the ledger says {host.heals()}"
    assert the.observer.actions(patient.container).count("kill") == 0, "the other one was acted on"
    patient.assert_restarts(0)


@row("F29", "another container takes its name just before the call: it is not acted on", bound_s=10)
def replaced() -> float:
    return _meanwhile(CALLING, _replace, _assert_other_untouched)


@row("F29-early", "the same before the looks that are made then", bound_s=10, in_ci=False)
def replaced_early() -> float:
    return _meanwhile(CHARGED, _replace, _assert_other_untouched)


def _hands_off(act: str, state: str) -> tuple[Callable[[Ward, Patient], None], Callable[[Ward, HealingAgent, Patient], None]]:
    def do(the: Ward, patient: Patient) -> None:
        the.docker.cli(act, patient.container)

    def check(the: Ward, host: HealingAgent, patient: Patient) -> None:
        assert host.heals()[0][0] == "dropped", f"the ledger says {host.heals()}"
        wait_for(lambda: host.target("a")[0] == state, timeout_s=30, what=f"it to be seen as {state}")
        host.wait_for_checks(above=host.checks() + 3, what="some checks that fail")
        assert the.docker.state(patient.container) == state, f"it is {the.docker.state(patient.container)}"
        assert len(host.heals()) == 1, f"it was planned again: {host.heals()}"
        patient.assert_restarts(0)

    return do, check


@row("F30-stop", "a person stops a container just before the call: it stays stopped", bound_s=10, in_ci=False)
def stopped() -> float:
    return _meanwhile(CHARGED, *_hands_off("stop", "exited"))


@row("F30-stop-early", "the same before the restart is charged", bound_s=10, in_ci=False)
def stopped_early() -> float:
    return _meanwhile(BEGUN, *_hands_off("stop", "exited"))


@row("F30-pause", "a person pauses a container just before the call: it stays paused", bound_s=10, in_ci=False)
def paused() -> float:
    return max(_meanwhile(point, *_hands_off("pause", "paused")) for point in (BEGUN, CHARGED))


ENDS_AT_ONCE = ("sh", "-c", "test -f /second && exit 3; touch /second; trap 'exit 3' TERM; sleep 1000 & wait")
LOOPS = ("sh", "-c", "exit 3")
ATTEMPTS = 2


@row("F31", "a container ends at once after each restart: bounded, then quarantine; one in the engine's loop is not touched", bound_s=150, in_ci=False)
def restart_loop() -> float:
    with ward() as the:
        given_up = the.admit("a", *ENDS_AT_ONCE, options=("--restart", "on-failure:1"))
        looping = the.admit("b", *ENDS_AT_ONCE, options=("--restart", "always"))
        proxy = the.proxy()
        with the.agent(host=proxy.host, max_restart_attempts=ATTEMPTS) as host:
            the.docker.cli("exec", "--detach", looping.container, "sh", "-c", "kill -TERM 1")  # it may end with what it kills
            began = given_up.make_ill(restart_helps=False)
            looping.make_ill(restart_helps=False)
            wait_for(lambda: "quarantine" in host.log("evaluator"), timeout_s=150, what="the quarantine")
            took = since(began)
            calls = proxy.asked(given_up.container)
            assert 1 <= sum(_is_action(line, given_up) for line in proxy.lines) <= ATTEMPTS, f"{calls} calls"
            touched = [line for line in proxy.lines if _is_action(line, looping)]
            assert touched == [], f"the looping one was touched: {touched}"
            the.check(host)
            return took


def _is_action(line: str, patient: Patient) -> bool:
    return line.startswith("POST") and patient.container in line


MANY, LEFT = 6, 2


@row("F32", "many containers fail together: no restart in the storm; what is left of it is healed", bound_s=95, in_ci=False)
def storm() -> float:
    with ward() as the:
        patients = [the.admit(f"s{number}") for number in range(MANY)]
        with the.agent(min_unhealthy_seconds=3) as host:  # longer than it takes until all are seen to be ill
            for patient in patients:
                patient.make_ill()
            wait_for(lambda: "reason=storm" in host.log("evaluator"), timeout_s=20, what="the storm guard")
            host.wait_for_checks(above=host.checks() + 3 * MANY, what="some rounds of checks")
            assert host.heals() == [], f"the storm guard did not hold: {host.heals()}"
            for patient in patients[LEFT:]:
                patient.make_well()
            began = time.monotonic()
            wait_for(lambda: host.states() == ["verified"] * LEFT, timeout_s=110, what="what is left to be healed")  # it is over after a calm minute
            took = since(began)
            the.check(host)
            for number, patient in enumerate(patients):
                patient.assert_restarts(1 if number < LEFT else 0)
            return took


@row("F33", "our restart stopped a container and never started it: it is started, once", bound_s=62, in_ci=False)
def stopped_only() -> float:
    """As Docker 24.0 did with a cancelled request. The engine here does not: its part is played by a `docker stop`."""
    with ward() as the:
        patient = the.admit("a", options=("--stop-timeout", "1"))
        proxy = the.proxy()
        with the.agent(host=proxy.host) as host:
            proxy.break_("/restart", engine_faults.dropped)
            patient.make_ill()
            wait_for(lambda: proxy.asked("/restart"), timeout_s=20, what="the call")
            the.docker.cli("stop", patient.container)
            began = time.monotonic()
            wait_for(lambda: patient.starts() == 2, timeout_s=70, what="it to be started")
            took = since(began)
            host.wait_for_heal("verified")
            the.check(host)
            assert proxy.asked("/restart") == 1, f"it called {proxy.asked('/restart')} times"
            patient.assert_restarts(1)
            return took
