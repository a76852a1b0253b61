"""What the engine answers is late, nonsense, endless, or nothing at all: F23, F24, F25, F34."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import psutil

from tests.containers import wait_for
from tests.faults import engine_faults
from tests.faults.harness import row, since
from tests.faults.ward import ward

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.faults.engine_faults import Fault
    from tests.faults.engine_proxy import EngineProxy
    from tests.faults.ward import HealingAgent

SAID_WITHIN_S = 45.0
SEEN_WITHIN_S = 30.0
MAX_GROWTH_BYTES = 64 * 2**20
HUGE_BYTES = 100 * 2**20
SETTLE_S, LONG_SETTLE_S = 6.0, 15.0  # longer than it takes to hear of the next kind

ALL, LIST = "/", "/containers/json"  # which requests are answered so
QUICK_NONSENSE: dict[str, tuple[str, Fault]] = {
    "500": (ALL, engine_faults.answering(b'{"message": "no"}', status="500 Internal Server Error")),
    "truncated JSON": (ALL, engine_faults.answering(b'[{"Id": "0123', length=2_000)),
    "an object": (LIST, engine_faults.answering(b'{"a": {}}')),
}
NONSENSE: dict[str, tuple[str, Fault]] = {
    **QUICK_NONSENSE,
    "503 in HTML": (ALL, engine_faults.answering(b"<html>busy</html>", status="503 Service Unavailable")),
    "null": (ALL, engine_faults.answering(b"null")),
    "a number": (LIST, engine_faults.answering(b"5")),
    "numbers": (LIST, engine_faults.answering(b"[1, 2, 3]")),
    "wrong types": (LIST, engine_faults.answering(b'[{"Id": 5, "State": {}, "Status": [], "Names": 3, "NetworkSettings": 1}]')),
    "100 MB": (ALL, engine_faults.huge(HUGE_BYTES)),
    "a byte a second": (ALL, engine_faults.dripping),
}


@row("F23", "the engine accepts and never answers: said, no restart, and well again", bound_s=SAID_WITHIN_S, in_ci=False)
def never_answers() -> float:
    return _talked_to({"silence": (ALL, engine_faults.silent)})


@row("F24", "the engine talks nonsense of three kinds: said, no restart, no bug, and well again", bound_s=SAID_WITHIN_S, in_ci=False)
def talks_nonsense() -> float:
    return _talked_to(QUICK_NONSENSE)


@row("F24-all", "the same for ten kinds, with 100 MB and a byte a second", bound_s=SAID_WITHIN_S, in_ci=False, alone=True)
def talks_all_nonsense() -> float:
    return _talked_to(NONSENSE, settle_s=LONG_SETTLE_S)


def _talked_to(nonsense: Mapping[str, tuple[str, Fault]], *, settle_s: float = SETTLE_S) -> float:
    """Have the engine talk so with a service ill; return how long the slowest took to be said.

    It has no time to settle between one kind and the next: the one restart comes when it is well for good.
    """
    with ward() as the:
        patient = the.admit("a")
        proxy = the.proxy()
        with the.agent(host=proxy.host, engine_settle_seconds=settle_s) as host:
            healer = psutil.Process(host.healer_pid())
            peak_bytes = host.healer_peak_bytes()
            patient.make_ill()
            worst = 0.0
            for what, (where, fault) in nonsense.items():
                worst = max(worst, _said(host, proxy, (what, where, fault)))
                grown = host.healer_peak_bytes() - peak_bytes
                assert grown < MAX_GROWTH_BYTES, f"{what}: the healer grew by {grown / 2**20:.0f} MiB"
                assert proxy.asked("/restart") == 0, f"{what}: it asked for a restart"
            assert healer.pid == host.healer_pid(), "the healer was replaced"
            host.wait_for_heal("verified", timeout_s=30 + settle_s)
            the.check(host)
            assert proxy.asked("/restart") == 1, f"it called {proxy.asked('/restart')} times"
            patient.assert_restarts(1)
            return worst


def _said(host: HealingAgent, proxy: EngineProxy, nonsense: tuple[str, str, Fault]) -> float:
    """Break the answers until the agent says so, and mend them until it says that; return how long the first took."""
    what, where, fault = nonsense
    before, well = host.times_unreachable(), host.times_reachable()
    began = time.monotonic()
    proxy.break_(where, fault)
    proxy.break_("/events", engine_faults.dropped, times=1)
    proxy.hang_up()  # who has lost the events looks at once
    wait_for(lambda: host.times_unreachable() > before, timeout_s=2 * SAID_WITHIN_S, what=f"the agent to say so of {what}")
    took = since(began)
    proxy.mend()
    wait_for(lambda: host.times_reachable() > well, timeout_s=30, what=f"it to be well after {what}")
    return took


@row("F24-restart", "the engine breaks in the middle of a restart: one restart, its outcome known", bound_s=SAID_WITHIN_S)
def breaks_at_restart() -> float:
    """The answer to our call is nonsense, and all that is asked afterwards too, for a while."""
    with ward() as the:
        patient = the.admit("a", options=("--stop-timeout", "1"))
        proxy = the.proxy()
        with the.agent(host=proxy.host) as host:
            proxy.break_("/restart", _restart_and_break(proxy))
            began = patient.make_ill()
            wait_for(lambda: proxy.asked("/restart") and host.times_unreachable(), timeout_s=SAID_WITHIN_S, what="the agent to say so")
            assert host.states() == ["issued"], f"the ledger says {host.states()}"
            proxy.mend()
            host.wait_for_heal("verified")
            took = since(began)
            the.check(host)
            assert proxy.asked("/restart") == 1, f"it called {proxy.asked('/restart')} times"
            patient.assert_restarts(1)
            return took


def _restart_and_break(proxy: EngineProxy) -> Fault:
    def broken(exchange: engine_faults.Exchange) -> None:
        proxy.break_("/", engine_faults.answering(b"[", status="500 Internal Server Error"))
        engine_faults.unanswered(exchange)

    return broken


@row("F25", "the events silently stop: a new state is seen all the same", bound_s=SEEN_WITHIN_S, in_ci=False)
def events_stop() -> float:
    with ward() as the:
        patient = the.admit("a")
        proxy = the.proxy()
        proxy.break_("/events", engine_faults.swallowed)
        with the.agent(host=proxy.host) as host:
            host.wait_until_running()  # the looks of its start are over
            took = max(the.seen_after("pause", host, patient, "paused"), the.seen_after("unpause", host, patient, "running"))
            the.check(host)
            return took


def _nobody(_path: Path) -> None:
    """Leave no socket there."""


def _left_behind(path: Path) -> None:
    """Leave a socket there that nobody listens at."""
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(path))


def _without_engine(prepare: Callable[[Path], None], remedy: str) -> float:
    """Start an agent without an engine, with a service ill, and bring the engine; return how long it took then."""
    with ward() as the:
        patient = the.admit("a")
        path = the.folder / "proxy.sock"
        prepare(path)
        with the.agent(host=f"unix://{path}", sees=False) as host:
            _assert_told(host, remedy.format(path))
            patient.make_ill()
            path.unlink(missing_ok=True)
            the.proxy()
            began = time.monotonic()
            host.wait_for_heal("verified", timeout_s=45)
            took = since(began)
            the.check(host)
            patient.assert_restarts(1)
            return took


@row("F34", "there is no engine's socket: the message says what to do, and healing begins when there is", bound_s=30)
def no_socket() -> float:
    return _without_engine(_nobody, "no Docker socket at {}: is Docker installed and running?")


@row("F34-left", "the same where a socket was left behind that nobody listens at", bound_s=30, in_ci=False)
def socket_left_behind() -> float:
    return _without_engine(_left_behind, "nothing listens at {}: start Docker")


def _assert_told(host: HealingAgent, remedy: str) -> None:
    """Hold that the remedy is said, to whoever reads the log and to whoever asks why nothing is healed."""
    wait_for(lambda: remedy in host.log("healer"), timeout_s=45, what=f"the log to say {remedy!r}")
    wait_for(lambda: remedy in host.target("a")[1], timeout_s=10, what=f"the status to say {remedy!r}")
