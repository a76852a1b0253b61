"""Alerts from the first failed look to the receiver: many at once, in no time, and over crashes between the steps."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from healthmon.failpoints import ENVIRONMENT
from tests.containers import wait_for
from tests.faults.agents import Agent, agent
from tests.faults.harness import row, since
from tests.faults.notes import figures
from tests.hostile import Server, answers
from tests.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = 50
OUTAGES = 30
RULE = {"name": "service_down", "condition": "unhealthy", "severity": "critical"}
ILL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Fickle:
    """Answers as the test wants: all services, or only the one whose path it is."""

    def __init__(self) -> None:
        self.is_ill = False
        self.only = b""
        self._well = answers()

    def __call__(self, connection: socket.socket, server: Server) -> None:
        if not (self.is_ill and self.only in connection.recv(65_536, socket.MSG_PEEK)):
            self._well(connection, server)
            return
        connection.recv(65_536)
        connection.sendall(ILL)


@contextmanager
def _watched(count: int, *, wait_seconds: float) -> Iterator[tuple[Agent, _Fickle, Receiver]]:
    """An agent that watches so many services, ill and well together, and tells one webhook."""
    fickle = _Fickle()
    with Server(fickle) as server, Receiver() as hook:
        services: list[dict[str, Any]] = [{"name": f"svc-{number}", "url": f"http://127.0.0.1:{server.port}/svc-{number}", "group": f"g{number % 5}"} for number in range(count)]
        alerting = {
            "grouping": {"wait_seconds": wait_seconds},
            "rate_limit_per_10_minutes": 10_000,
            "webhook_notifications": {"enabled": True, "url": hook.url},
        }
        with agent(services, alert_rules=[RULE], alerting=alerting, max_consecutive_failures=1_000_000) as host:
            wait_for(partial(_are_all, host, "healthy"), timeout_s=30, what="all to be healthy")
            yield host, fickle, hook


def _are_all(host: Agent, status: str) -> bool:
    return set(host.statuses().values()) == {status}


def _events(hook: Receiver) -> list[str]:
    return [request.document["event"] for request in hook.requests]


@row("A50", "50 services in five groups fail at once, and recover: one message and one recovery, each with all of them", bound_s=10)
def many_at_once() -> float:
    with _watched(MANY, wait_seconds=3) as (host, fickle, hook):
        fickle.is_ill = True
        began = time.monotonic()
        wait_for(lambda: hook.requests, timeout_s=30, what="the message")
        took = since(began)
        wait_for(partial(_are_all, host, "unhealthy"), timeout_s=30, what="all to be ill")
        fickle.is_ill = False
        wait_for(lambda: len(hook.requests) > 1, timeout_s=30, what="the recovery")
        wait_for(partial(_are_all, host, "healthy"), timeout_s=30, what="all to be well")
        wait_for(lambda: host.rows("SELECT 1 FROM conversations WHERE closed_at IS NULL") == [], timeout_s=30, what="all to be told")
        assert _events(hook) == ["firing", "resolved"], f"what was said: {_events(hook)}"
        named = [{one["service"] for one in request.document["services"]} for request in hook.requests]
        assert all(len(names) == MANY for names in named), f"{[len(names) for names in named]} of {MANY} services were named"
        host.assert_sound()
        return took


@row("alert-in", f"from an alert that fires to the first byte at its receiver, nothing grouped: the slowest of {OUTAGES}", bound_s=1, in_ci=False)
def latency() -> float:
    with _watched(OUTAGES, wait_seconds=0) as (host, fickle, hook):
        for number in range(OUTAGES):  # another service each time: one that comes and goes is told once
            fickle.only = f"/svc-{number} ".encode()
            fickle.is_ill = True
            wait_for(partial(_has_heard, hook, 2 * number + 1), timeout_s=30, what="the message")
            fickle.is_ill = False
            wait_for(partial(_has_heard, hook, 2 * number + 2), timeout_s=30, what="the recovery")
        fired = [datetime.fromisoformat(str(at) + "+00:00").timestamp() for (at,) in host.rows("SELECT triggered_at FROM alerts ORDER BY 1")]
        heard = [request.at for request in hook.requests if request.document["event"] == "firing"]
        delays = sorted(after - before for before, after in zip(fired, heard, strict=True))
        figures(median_ms=round(1_000 * delays[len(delays) // 2]), messages=len(delays))
        host.assert_sound()
        return delays[-1]


def _has_heard(hook: Receiver, count: int) -> bool:
    return len(hook.requests) >= count


def _killed_at(point: str) -> float:
    """Kill the evaluator again and again while an outage is found, alerted and told; return how long the rest took."""
    with _watched(1, wait_seconds=1) as (host, fickle, hook):
        host.stop()
        host.start(**{ENVIRONMENT: f"{point}:2"})  # each life lives to see one commit
        host.wait_until_running()
        fickle.is_ill = True
        before = host.lives_cut_short("evaluator")
        wait_for(lambda: host.lives_cut_short("evaluator") >= before + 2, timeout_s=60, what=f"two deaths at {point}")
        host.stop()
        began = time.monotonic()
        host.start()
        wait_for(lambda: hook.requests, timeout_s=30, what="the message")
        took = since(began)
        fickle.is_ill = False
        wait_for(lambda: len(hook.requests) > 1, timeout_s=30, what="the recovery")
        assert _events(hook) == ["firing", "resolved"], f"what was said: {_events(hook)}"
        told = host.rows("SELECT alert_type, status FROM alerts")
        assert told == [("service_down", "resolved")], f"the alerts are {told}"
        assert host.rows("SELECT count(*) FROM conversations") == [(1,)], "one outage became several"
        host.assert_sound()
        return took


@row("A-before", "the evaluator is killed before each commit of an alert: alerted and told once", bound_s=15, in_ci=False)
def before_commit() -> float:
    return _killed_at("alerts.before_commit")


@row("A-after", "the evaluator is killed after each commit of an alert: alerted and told once", bound_s=15, in_ci=False)
def after_commit() -> float:
    return _killed_at("alerts.after_commit")
