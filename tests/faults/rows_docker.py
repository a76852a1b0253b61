"""Faults of the Docker Engine itself: frozen, killed, restarted, drowned in events. F20, F21, F22, F26."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import psutil

from tests.containers import wait_for
from tests.faults.harness import row, since
from tests.faults.ward import ward

if TYPE_CHECKING:
    from tests.faults.patients import Patient
    from tests.faults.ward import Ward

SAID_WITHIN_S = 45.0


def _frozen(freeze_s: float) -> float:
    """Freeze the engine with two services ill; return how long it took until the agent said so."""
    with ward() as the:
        patients = [the.admit("a"), the.admit("b")]
        with the.agent() as host:
            host.wait_until_running()
            before = host.pids()
            the.engine.freeze()
            try:
                began = time.monotonic()
                for patient in patients:
                    patient.make_ill()
                wait_for(host.times_unreachable, timeout_s=SAID_WITHIN_S, what="the agent to say so")
                took = since(began)
                time.sleep(max(0.0, freeze_s - since(began)))  # the fault itself
            finally:
                the.engine.thaw()
            assert not set(host.states()) - {"dropped", "planned"}, f"something was charged: {host.states()}"
            assert host.pids() == before, "a process was replaced for the engine's fault"
            wait_for(lambda: all(patient.starts() == 2 for patient in patients), timeout_s=30, what="both to be restarted")
            wait_for(lambda: host.states().count("verified") == 2, timeout_s=30, what="both to be verified")
            the.check(host)
            for patient in patients:
                patient.assert_restarts(1)
            return took


@row("F20", "the engine is frozen with services ill: said, no restart is queued, one each afterwards", bound_s=SAID_WITHIN_S, in_ci=False)
def frozen() -> float:
    return _frozen(15)


@row("F20-long", "the same for a minute", bound_s=SAID_WITHIN_S, in_ci=False)
def frozen_long() -> float:
    return _frozen(60)


def _frozen_with_call(freeze_s: float) -> float:
    """Freeze the engine between our charge and our call, and thaw it; return how long the heal took after that."""
    with ward() as the:
        patient = the.admit("a", options=("--stop-timeout", "1"))
        with the.agent(failpoint="heal.calling!stop") as host:
            patient.make_ill()
            wait_for(the.marker.exists, timeout_s=20, what="the healer to halt")
            the.engine.freeze()
            try:
                the.go_on(host)
                time.sleep(freeze_s)  # the fault itself
                assert host.states() == ["issued"], f"the ledger says {host.states()}"
            finally:
                the.engine.thaw()
            began = time.monotonic()
            return the.healed_once(host, patient, began, timeout_s=60)


@row("F20b", "the engine is frozen with our call in its hands: one restart", bound_s=30)
def frozen_with_call() -> float:
    return _frozen_with_call(8)


@row("F20b-long", "the same, for longer than we wait for the answer", bound_s=60, in_ci=False)
def frozen_with_call_long() -> float:
    return _frozen_with_call(45)


SETTLE_S = 4.0


def _killed(*, live_restore: bool) -> float:
    """Kill the engine with a service ill and start it again; return how long after that the service was well."""
    with ward() as the:
        the.engine.stop()
        the.engine.start(live_restore=live_restore)
        the.observer.follow()
        ill = the.admit("a", options=("--restart", "always"))
        ended = the.admit("b")
        try:
            with the.agent(engine_settle_seconds=SETTLE_S) as host:
                the.engine.kill()
                ill.make_ill(restart_helps=False)
                wait_for(host.times_unreachable, timeout_s=SAID_WITHIN_S, what="the agent to say so")
                began = time.monotonic()
                the.engine.start(live_restore=live_restore)
                the.observer.follow()
                wait_for(lambda: ill.starts() == (1 if live_restore else 2), timeout_s=20, what="the container to run")
                ill.make_ill()
                host.wait_for_heal("verified")
                took = since(began)
                [restarted_at] = the.observer.times(ill.container, "restart")
                settled_s = restarted_at - host.reachable_at()
                assert settled_s >= SETTLE_S, f"restarted {settled_s:.1f} s after the engine was found to be back"
                expected = "running" if live_restore else "exited"
                assert the.docker.state(ended.container) == expected, "the other one is not as the engine left it"
                assert the.observer.times(ended.container, "restart") == [], "the other one was restarted"
                the.check(host)
                return took
        finally:
            the.engine.stop()
            the.engine.start()


@row("F21", "the engine is killed and started again: nothing before it settled, one restart afterwards", bound_s=30, alone=True)
def killed() -> float:
    return _killed(live_restore=False)


@row("F21-live", "the same with live-restore: the containers never stopped", bound_s=30, in_ci=False)
def killed_live() -> float:
    return _killed(live_restore=True)


RESTARTS = 5


@row("F22", "the engine is restarted again and again: each change is seen, nothing leaks", bound_s=30, in_ci=False)
def restarted() -> float:
    with ward() as the:
        patient = the.admit("a", options=("--restart", "always"))
        with the.agent() as host:
            healer = psutil.Process(host.healer_pid())
            before = (healer.num_threads(), healer.num_fds())
            worst = 0.0
            for _ in range(RESTARTS):
                the.engine.stop()
                the.engine.start()
                wait_for(partial(_is_in_state, the, patient, "running"), timeout_s=20, what="the container to run")
                worst = max(worst, the.seen_after("pause", host, patient, "paused"), the.seen_after("unpause", host, patient, "running"))
            the.check(host)
            after = (healer.num_threads(), healer.num_fds())
            assert healer.pid == host.healer_pid(), "the healer ended"
            assert after[0] <= before[0] + 2, f"{before[0]} threads became {after[0]}"
            assert after[1] <= before[1] + 3, f"{before[1]} files became {after[1]}"
            assert host.heals() == [], f"something was healed: {host.heals()}"
            return worst


def _is_in_state(the: Ward, patient: Patient, state: str) -> bool:
    return the.docker.state(patient.container) == state


BURST, AT_ONCE = 500, 4
GROWTH_BYTES = 16 * 2**20


@row("F26", "hundreds of containers come and go: no final state is missed, memory does not grow", bound_s=30, in_ci=False)
def burst() -> float:
    with ward() as the:
        patient = the.admit("a")
        with the.agent() as host:
            healer = psutil.Process(host.healer_pid())
            peak_bytes = host.healer_peak_bytes()
            with ThreadPoolExecutor(AT_ONCE) as people:
                coming = people.map(lambda _: _come_and_go(the), range(BURST))
                the.docker.cli("kill", patient.container)  # in the middle of it
                began = time.monotonic()
                wait_for(lambda: host.target("a")[0] == "exited", timeout_s=45, what="the agent to see its end")
                took = since(began)
                list(coming)
            worst = max(took, *(the.seen_after(act, host, patient, state) for act, state in (("start", "running"), ("pause", "paused"), ("unpause", "running"))))
            grown = host.healer_peak_bytes() - peak_bytes
            assert grown < GROWTH_BYTES, f"the healer grew by {grown / 2**20:.0f} MiB"
            assert healer.pid == host.healer_pid(), "the healer was replaced"
            the.check(host)
            return worst


def _come_and_go(the: Ward) -> None:
    name = the.docker.name()
    the.docker.cli("create", "--name", name, "--network", "none", the.docker.image, "true")
    the.docker.cli("rm", name)
