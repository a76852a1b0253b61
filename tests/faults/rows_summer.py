"""The clocks of a country are set, with a maintenance window over it: F56."""

from __future__ import annotations

import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.containers import wait_for
from tests.faults.agents import agent
from tests.faults.clocks import Clock
from tests.faults.harness import row, since
from tests.faults.telling import hook
from tests.receivers import Receiver

if TYPE_CHECKING:
    from tests.faults.agents import Agent

QUIET_S = 6.0  # a message that must not come would have come by then
RULE = {"name": "service_down", "condition": "unhealthy", "severity": "critical"}
# When 01:30 or 02:30 is in Berlin; an hour's window from then on is over an hour later, whatever the clock on the wall says.
SPRING = ("30 1 * * *", "2027-03-28T00:55:00Z", "2027-03-28T01:29:00Z", "2027-03-28T01:30:30Z")
AUTUMN = ("30 2 * * *", "2027-10-31T00:35:00Z", "2027-10-31T01:29:00Z", "2027-10-31T01:30:30Z")


@row("F56", "summer time begins, and ends, within a nightly window in Berlin: it lasts the hour that it says, once", bound_s=30, in_ci=False)
def summer_time() -> float:
    return max(_window_ends_in_time(*SPRING), _window_ends_in_time(*AUTUMN))


def _window_ends_in_time(cron: str, inside: str, late: str, over: str) -> float:
    """Have a service ill all the time: nobody is told within the window, and soon after it."""
    with tempfile.TemporaryDirectory(prefix="hm-clock-") as directory, Receiver() as receiver:
        clock = Clock(Path(directory))
        clock.set_to(_epoch(inside))
        window = {"name": "nightly", "cron": cron, "timezone": "Europe/Berlin", "duration_minutes": 60}
        alerting = {**hook(receiver), "grouping": {"wait_seconds": 0, "interval_seconds": 0}, "maintenance": [window]}
        with agent(environment={**clock.environment, "TZ": "Europe/Berlin"}, alerting=alerting, alert_rules=[RULE]) as host:
            wait_for(lambda: set(host.statuses().values()) == {"unhealthy"}, timeout_s=20, what="the service to be ill")
            _stays_quiet(host, receiver)
            clock.set_to(_epoch(late))
            _stays_quiet(host, receiver)
            clock.set_to(_epoch(over))
            began = time.monotonic()
            wait_for(lambda: receiver.requests, timeout_s=40, what="the message after the window")
            took = since(began)
            host.assert_sound()
            return took


def _stays_quiet(host: Agent, receiver: Receiver) -> None:
    before = host.checks()
    time.sleep(QUIET_S)
    assert host.checks() > before, "nothing is looked at"
    assert not receiver.requests, f"told within the window: {receiver.requests[0].document['text'][:200]}"


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
