"""Faults of whole processes: killed, frozen, dying at every start. F05 to F11."""

from __future__ import annotations

import os
import re
import signal
import time

import psutil

from healthmon.watch.policy import HUNG_AFTER_S
from tests.containers import wait_for
from tests.faults.agents import Agent, agent
from tests.faults.harness import row, since
from tests.faults.neighbours import Well, assert_never_unhealthy

KILLS = 10
FROZEN_S = 60.0


@row("F05", f"a probe worker is killed every 2 s, {KILLS} times: nobody is blamed, and it is back each time", bound_s=10, in_ci=False)
def killed_prober() -> float:
    with Well() as well, agent([well.service(), well.service("other", group="other")]) as host:
        host.wait_until_all("healthy")
        before, worst = _all_pids(host), 0.0
        for _ in range(KILLS):
            pid = _all_pids(host)["probe-core"]
            os.kill(pid, signal.SIGKILL)
            began, seen = time.monotonic(), _looks(host)
            wait_for(lambda: _all_pids(host)["probe-core"] not in {0, pid}, timeout_s=15, what="a new one")  # noqa: B023  used at once
            wait_for(lambda: _looks(host) > seen, timeout_s=15, what="its looks")  # noqa: B023
            worst = max(worst, since(began))
            time.sleep(max(0.0, 2.0 - since(began)))
        assert {name: pid for name, pid in _all_pids(host).items() if name != "probe-core"} == {
            name: pid for name, pid in before.items() if name != "probe-core"
        }, "other workers ended, too"
        wait_for(lambda: "ends again and again" in host.log("watchdog"), timeout_s=15, what="the watchdog to say that it ends again and again")
        assert host.log("watchdog").count("ends again and again") == 1, "it was not told once"
        assert "service_unknown" not in host.log("evaluator"), "a service was called unknown within three intervals"
        assert_never_unhealthy(host)
        host.assert_sound()
        return worst


@row("F05-absent", "a probe worker stays away: its services are unknown after three intervals, not before, and never unhealthy", bound_s=10, in_ci=False)
def absent_prober() -> float:
    with Well() as well, agent([well.service(), well.service("other", group="other")]) as host:
        host.wait_until_all("healthy")
        host.ctl("stop", "probe-core")
        began = time.monotonic()
        wait_for(lambda: host.statuses()["s"] == "unknown", timeout_s=20, what="the service to be unknown")
        took = since(began)
        [(silent_s,)] = host.rows(
            "SELECT (julianday(status_since) - julianday(last_checked_at)) * 86400 FROM service_states WHERE last_reason = 'no_data'"
        )
        assert silent_s >= 3, f"it was unknown {silent_s:.1f} s after its last look, of three intervals of a second"
        assert host.statuses()["other"] == "healthy", "another group suffers, too"
        assert_never_unhealthy(host)
        host.ctl("start", "probe-core")
        wait_for(lambda: host.statuses()["s"] == "healthy", timeout_s=20, what="it to be healthy again")
        return took


def _all_pids(host: Agent) -> dict[str, int]:
    """Return the pid of each program, whatever its state; 0 where none runs."""
    return {info.name: info.pid for info in host.rpc.programs()}


def _looks(host: Agent) -> int:
    [(count,)] = host.rows("SELECT count(*) FROM checks WHERE service_id = (SELECT service_id FROM services WHERE service_name = 's')")
    return int(count)


@row("F06", "every worker is frozen (SIGSTOP)", bound_s=45)
def frozen_workers() -> float:
    with agent() as host:
        before = host.pids()
        frozen = [name for name in before if name != "watchdog"]
        host.wait_for_checks(above=1)
        began = time.monotonic()
        for name in frozen:
            os.kill(before[name], signal.SIGSTOP)
        host.wait_until_replaced(*frozen, before=before)
        took = since(began)
        assert host.log("watchdog").count("ALERT") >= len(frozen), "nobody was told"
        assert host.pids()["watchdog"] == before["watchdog"], "the watchdog was replaced as well"
        host.assert_sound()
        return took


@row("F07", f"the watchdog is frozen for {FROZEN_S:g} s: probing goes on; then it kills nobody that is alive", bound_s=10, in_ci=False)
def frozen_watchdog() -> float:
    """What replaces a frozen watchdog is systemd; here it must freeze nobody, and not judge by what it slept through."""
    with Well() as well, agent([well.service()]) as host:
        host.wait_for_checks(above=1)
        before, stored = host.pids(), host.checks()
        os.kill(before["watchdog"], signal.SIGSTOP)
        time.sleep(FROZEN_S)  # the fault itself: its socket is full long before
        made = host.checks() - stored
        assert made >= FROZEN_S * 0.9, f"{made} checks were made in {FROZEN_S:g} s, of one a second"
        os.kill(before["watchdog"], signal.SIGCONT)
        began = time.monotonic()
        wait_for(lambda: "watchdog_was_late" in host.log("watchdog"), timeout_s=10, what="the watchdog to notice")
        took = since(began)
        time.sleep(HUNG_AFTER_S + 12)  # whatever it held against anybody would have come to an end by now
        assert host.pids() == before, "somebody was killed for what the watchdog slept through"
        assert "no_heartbeat" not in host.log("watchdog"), "somebody was blamed for what the watchdog slept through"
        host.assert_sound()
        return took


@row("F08", "supervisord is frozen: probing goes on, the watchdog says so", bound_s=20)
def frozen_supervisord() -> float:
    with agent() as host:
        before = host.pids()
        began = time.monotonic()
        os.kill(host.process.pid, signal.SIGSTOP)
        wait_for(lambda: "supervisor_unwell" in host.log("watchdog"), timeout_s=30, what="the watchdog to notice")
        took = since(began)
        host.wait_for_checks(above=host.checks() + 2)
        os.kill(host.process.pid, signal.SIGCONT)
        wait_for(lambda: "supervisor_answers" in host.log("watchdog"), timeout_s=30, what="it to answer again")
        assert host.pids() == before, "workers were replaced for supervisord's fault"
        host.assert_sound()
        return took


@row("F09", "supervisord is killed: its workers end, a new one has one of each", bound_s=15)
def killed_supervisord() -> float:
    with agent() as host:
        workers = [psutil.Process(pid) for pid in host.pids().values()]
        began = time.monotonic()
        host.process.kill()
        host.process.wait(10)
        host.start()
        _, alive = psutil.wait_procs(workers, timeout=5)
        assert not alive, f"{len(alive)} workers outlived supervisord"
        host.wait_until_running()
        took = since(began)
        host.wait_for_checks(above=host.checks())
        host.assert_sound()
        return took


@row("F10", "a second agent on the same data is refused, also where two begin at once right after a kill", bound_s=10)
def second_agent() -> float:
    with agent() as host:
        before = host.pids()
        began = time.monotonic()
        second = host.ask("run")
        took = since(began)
        assert second.returncode == 2, f"it ended with {second.returncode}"
        assert "another healthmon" in second.stderr, f"it does not say why: {second.stderr}"
        assert host.pids() == before, "the first one suffered from it"
        host.process.kill()
        host.process.wait(10)
        began = time.monotonic()
        rivals = [host.start(), host.start()]
        refused = wait_for(lambda: [one for one in rivals if one.poll() is not None], timeout_s=20, what="one of two to be refused")
        took = max(took, since(began))
        assert [one.returncode for one in refused] == [2], f"they ended with {[one.returncode for one in refused]}"
        [host.process] = [one for one in rivals if one not in refused]
        host.assert_sound()
        return took


@row("F11", "a program that dies at every start is given up, said once, and revived when the cause is gone", bound_s=25)
def given_up() -> float:
    return _given_up(tries=1)


@row("F11-full", "the same, with as many tries as supervisord is given", bound_s=75, in_ci=False)
def given_up_after_all_tries() -> float:
    return _given_up(tries=None)


def _given_up(tries: int | None) -> float:
    """A directory lies where the evaluator's lock is, so that it dies at its start; then it is removed."""
    with agent() as host:
        host.bugs_are_expected = True  # Python says why it died
        if tries is not None:
            conf = host.paths.programs / "evaluator.conf"
            conf.write_text(re.sub(r"startretries = \d+", f"startretries = {tries}", conf.read_text()))
            host.ctl("update", "evaluator")
            host.wait_until_running()
        lock = host.paths.lock("evaluator")
        host.ctl("stop", "evaluator")
        lock.unlink()
        lock.mkdir()
        host.ctl("start", "evaluator", may_fail=True)
        wait_for(lambda: "given_up" in host.log("watchdog"), timeout_s=150, what="the watchdog to be at it")
        lock.rmdir()
        began = time.monotonic()
        wait_for(lambda: "evaluator" in host.pids(), timeout_s=90, what="it to be revived")
        took = since(began)
        assert host.log("watchdog").count("given_up") == 1, "it was not told once"
        host.assert_sound()
        return took
