"""Faults that are signals: stopped at a bad moment (F12), everything killed at once (F13), a storm of others (F19)."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from healthmon.watch.policy import ProgramState
from tests.containers import wait_for
from tests.faults.agents import Agent, agent
from tests.faults.harness import row, since
from tests.faults.invariants import assert_one_of_each
from tests.faults.neighbours import Shop, Well, assert_never_unhealthy, free_port
from tests.faults.notes import count
from tests.hostile import Server, is_silent

if TYPE_CHECKING:
    from collections.abc import Callable

STOPPED_WITHIN_S = 20.0
HEALING = {
    "enabled": True,
    "restart_unhealthy_services": True,
    "min_unhealthy_seconds": 1,
    "restart_cooldown_minutes": 0.02,
    "start_grace_seconds": 1,
    "startup_hold_seconds": 3,
    "first_healthy_hold_seconds": 0,  # its program comes after the agent, and was never well
    "engine_settle_seconds": 0,
    "storm_guard": False,
}
KILLS, MORE_KILLS, MANY_KILLS = 2, 5, 20
STRAY = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGWINCH)
STORM = 10_000


def _terminate(host: Agent) -> None:
    host.process.terminate()


def _shut_down(host: Agent) -> None:
    host.ctl("shutdown")


def _stopped(host: Agent, stop: Callable[[Agent], None]) -> float:
    """Stop the agent in one way; return how long that took."""
    log = host.paths.logs / "supervisord.log"
    said_before = len(log.read_text())
    began = time.monotonic()
    stop(host)
    try:
        code = host.process.wait(2 * STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        raise AssertionError("it does not stop") from None
    took = since(began)
    assert code == 0, f"it ended with {code}"
    said = log.read_text()[said_before:]
    assert "SIGKILL" not in said, f"a worker had to be killed: {re.findall('.*SIGKILL.*', said)[0]}"
    for name in host.programs:
        assert f"stopped: {name} (exit status 0)" in said, f"{name} did not end in good order"
    return took


def _goes_on(host: Agent) -> None:
    stored = host.checks()
    host.start()
    host.wait_until_running()
    host.wait_for_checks(above=stored, what="checks after the next start")
    host.assert_sound()


@row("F12", "stopped while a look hangs for its 30 s, and while another program holds the database's lock", bound_s=STOPPED_WITHIN_S)
def stopped_in_a_wait() -> float:
    with Well() as well, Server(is_silent) as silent:
        hanging = {"name": "h", "url": silent.url, "group": "core", "timeout_seconds": 30, "interval_seconds": 30}
        with agent([well.service(), hanging]) as host:
            wait_for(lambda: silent.requests, timeout_s=20, what="a look that hangs")
            took = _stopped(host, _terminate)
            asked = len(silent.requests)
            _goes_on(host)
            wait_for(lambda: len(silent.requests) > asked, timeout_s=20, what="another look that hangs")
            with closing(sqlite3.connect(host.paths.database, timeout=10, isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")
                wait_for(lambda: "database_away" in host.log("probe-core"), timeout_s=20, what="the prober to meet the lock")
                took = max(took, _stopped(host, _shut_down))
                holder.execute("ROLLBACK")
            _goes_on(host)
            assert_never_unhealthy(host)
    return took


def _heals(host: Agent) -> list[tuple[Any, ...]]:
    return host.rows("SELECT state, detail FROM heals ORDER BY heal_id")


@row("F12-restart", "stopped while a restart is under way: it is known afterwards to have happened, and not made again", bound_s=STOPPED_WITHIN_S, in_ci=False)
def stopped_in_a_restart() -> float:
    port = free_port()
    service = {"name": "shop", "url": f"http://127.0.0.1:{port}/", "group": "core", "supervisor_program": "shop"}
    with agent([service], self_healing=HEALING) as host:
        shop = Shop(host, port, slow_stop_s=6)
        host.ctl("update")
        wait_for(lambda: host.statuses().get("shop") == "healthy", timeout_s=20, what="the shop to be well")
        shop.fall_ill()
        wait_for(lambda: _is_stopping(host, "shop"), timeout_s=30, what="a restart to be under way")
        assert [state for state, _ in _heals(host)] == ["issued"], f"the ledger says {_heals(host)}"
        took = _stopped(host, _terminate)
        starts = len(shop.starts())
        host.start()
        host.wait_until_running()
        wait_for(lambda: host.statuses().get("shop") == "healthy", timeout_s=30, what="the shop to be well again")
        wait_for(lambda: host.rows("SELECT 1 FROM heals WHERE closed_at IS NULL") == [], timeout_s=30, what="the heal to be closed")
        heals = _heals(host)
        assert [state for state, _ in heals] == ["verified"], f"the ledger says {heals}"
        restarts = len(shop.starts()) - starts
        count(restarts=restarts, extra=max(0, restarts - 1))
        assert len(shop.starts()) == starts + 1, f"it was started {len(shop.starts()) - starts} times"
        host.assert_sound()
        return took


def _is_stopping(host: Agent, program: str) -> bool:
    """Tell whether supervisord has begun to: what is only written down may still come too late to be sent."""
    return any(info.name == program and info.state is ProgramState.STOPPING for info in host.rpc.programs())


@row("F13", f"everything is killed at once, {KILLS} times, while a service is ill: ready, no restart lost or doubled", bound_s=15)
def killed_everything() -> float:
    return _killed_everything(kills=KILLS, is_ill_for_ever=False)


@row("F13-many", f"everything is killed at once, {MANY_KILLS} times: all of it is back, one of each, and nothing is called ill", bound_s=15, in_ci=False)
def killed_everything_often() -> float:
    worst = 0.0
    with Well() as well, agent([well.service()]) as host:
        host.wait_until_all("healthy")
        for _ in range(MANY_KILLS):
            time.sleep(random.uniform(0, 1))  # the moment is the fault
            host.kill_everything()
            stored = host.checks()
            began = time.monotonic()
            host.start()
            host.wait_until_running()
            host.wait_for_checks(above=stored, what="checks after the start")
            worst = max(worst, since(began))
            assert_one_of_each(host)
        host.assert_sound()
        assert_never_unhealthy(host)
    return worst


@row("F13-ill", f"the same, {MORE_KILLS} times, with a service that no restart heals, until it is given up", bound_s=15, in_ci=False)
def killed_everything_in_vain() -> float:
    return _killed_everything(kills=MORE_KILLS, is_ill_for_ever=True)


def _killed_everything(*, kills: int, is_ill_for_ever: bool) -> float:
    """Kill all of it at chance moments, and judge the restarts when all heals are over; return the longest way back."""
    port, worst = free_port(), 0.0
    service = {"name": "shop", "url": f"http://127.0.0.1:{port}/", "group": "core", "supervisor_program": "shop"}
    with Well() as well, agent([well.service(), service], self_healing=HEALING) as host:
        shop = Shop(host, port, slow_stop_s=1)
        shop.be_ill()
        host.ctl("update")
        boots = [time.time()]
        wait_for(lambda: _heals(host), timeout_s=30, what="a first heal")
        for _ in range(kills):
            time.sleep(random.uniform(0, 5))  # the moment is the fault
            host.kill_everything()
            stored = host.checks()
            began = time.monotonic()
            boots.append(time.time())
            host.start()
            host.wait_until_running()
            host.wait_for_checks(above=stored, what="checks after the start")
            worst = max(worst, since(began))
            host.assert_sound()
        if not is_ill_for_ever:
            shop.be_well()  # a heal that is believed ends soon, one that is not after half a minute
        wait_for(lambda: host.rows("SELECT 1 FROM heals WHERE closed_at IS NULL") == [], timeout_s=90, what="all heals to be closed")
        _judge_restarts(host, shop, boots)
        return worst


def _judge_restarts(host: Agent, shop: Shop, boots: list[float]) -> None:
    """Each start is a boot's or an issued restart's; no more restarts than are allowed; none right after a boot."""
    [(charged,)] = host.rows("SELECT count(*) FROM heals WHERE issued_at IS NOT NULL")
    [(rounds,)] = host.rows("SELECT count(*) FROM (SELECT incident_id FROM heals GROUP BY incident_id)")
    restarts = len(shop.starts()) - len(boots)
    count(restarts=restarts, extra=max(0, restarts - charged))
    assert restarts <= charged, f"it was restarted {restarts} times, and the ledger knows of {charged}"
    assert charged <= 3 * rounds, f"{charged} restarts in {rounds} incidents"
    [(most,)] = host.rows("SELECT max(n) FROM (SELECT count(*) AS n FROM heals WHERE issued_at IS NOT NULL GROUP BY incident_id)")
    assert most <= 3, f"{most} restarts in one incident"
    for boot, following in zip(boots[1:], [*boots[2:], float("inf")], strict=True):
        held_until = min(following, boot + HEALING["startup_hold_seconds"])
        early = [start - boot for start in shop.starts() if boot <= start < held_until]
        assert len(early) <= 1, f"it was restarted right after a boot: starts {early} s after it"


@row("F19", f"{STORM} stray signals to each worker: nobody ends, no look is made twice", bound_s=10, in_ci=False)
def storm_of_signals() -> float:
    with Well() as well, agent([well.service()]) as host:
        host.wait_for_checks(above=2)
        before = host.pids()
        began = time.monotonic()
        for number in range(STORM):
            for pid in before.values():
                os.kill(pid, STRAY[number % len(STRAY)])
        os.kill(host.process.pid, signal.SIGUSR1)
        stored = host.checks()
        host.wait_for_checks(above=stored + 2)
        took = since(began)
        assert host.pids() == before, "workers ended"
        assert host.process.poll() is None, "supervisord ended"
        gaps = "SELECT min(julianday(timestamp) - julianday(earlier)) * 86400 FROM (SELECT timestamp, lag(timestamp) OVER (ORDER BY timestamp) AS earlier FROM checks)"
        [(shortest,)] = host.rows(gaps)
        assert shortest > 0.5, f"two looks within {shortest:.2f} s, of a service that is asked each second"
        assert_never_unhealthy(host)
        host.assert_sound()
        return took
