"""The notifier is killed between the steps of a delivery: F03."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon.failpoints import ENVIRONMENT
from tests.containers import wait_for
from tests.faults.harness import TOP, row, since
from tests.faults.notes import count, figures
from tests.faults.telling import hook, none_waits, outages, tell, telling
from tests.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.agents import Agent
    from tests.receivers import Request

MANY = 500


def repeats(requests: Sequence[Request]) -> int:
    """Count the messages that came again, and check that each says so, and that nothing is told under two keys."""
    first: dict[str, Request] = {}
    for request in requests:
        if first.setdefault(request.key, request) is not request:
            assert request.document["possible_repeat"], f"a repeat of {request.key} does not say so"
            assert "Possible repeat" in request.document["text"], "the text of a repeat does not say so"
    twice = [number for number, count in outages(list(first.values())).items() if count > 1]
    assert not twice, f"{len(twice)} outages were told again under another key"
    return len(requests) - len(first)


def crash_at(point: str, *, kills: int, repeated: int) -> float:
    """Kill the notifier at `point`, let it start again, and count what arrives."""
    with Receiver() as receiver, telling(**hook(receiver)) as host:
        host.stop()
        host.start(**{ENVIRONMENT: f"{point}:2"})
        host.wait_until_running()
        for number in range(1, 5):
            tell(host, ["webhook"], number=number)
        wait_for(lambda: died(host) >= kills, timeout_s=30, what=f"{kills} deaths at {point}")
        host.stop()
        began = time.monotonic()
        host.start()
        wait_for(lambda: none_waits(host), timeout_s=30, what="the queue to empty")
        took = since(began)
        host.assert_sound()
    lost = set(range(1, 5)) - set(outages(receiver.requests))
    assert not lost, f"{len(lost)} messages are lost"
    found = repeats(receiver.requests)
    assert found <= repeated, f"{found} repeats after {kills} kills at {point}"
    return took


def died(host: Agent) -> int:
    """Count the notifiers that began and neither ended nor live."""
    return host.lives_cut_short("notifier") - 1


@row("F03-begun", "the notifier is killed when an attempt is written down, but not begun: nothing is lost", bound_s=25, in_ci=False)
def crash_before_send() -> float:
    return crash_at("notifier.begun", kills=1, repeated=0)


@row("F03-sent", "the notifier is killed when the receiver has the message: at most one repeat a kill, marked, same key", bound_s=25, in_ci=False)
def crash_before_mark() -> float:
    return crash_at("notifier.sent", kills=1, repeated=1)


@row("F03-marked", "the notifier is killed when a message is marked as sent: nothing is lost or repeated", bound_s=25, in_ci=False)
def crash_after_mark() -> float:
    return crash_at("notifier.marked", kills=1, repeated=0)


def lives(*, kills: int, planted: bool) -> tuple[int, int, int]:
    """Return how many messages were lost and how many repeated, of how many."""
    with Receiver() as receiver, tempfile.TemporaryDirectory(prefix="hm-") as directory:
        source = Path(directory, "config.json")
        alerting = {"rate_limit_per_10_minutes": 10_000, **hook(receiver)}
        service = {"name": "well", "url": "http://127.0.0.1:1/"}
        source.write_text(json.dumps({"data_dir": directory, "services": [service], "alerting": alerting}))
        command = [sys.executable, "-m", "tests.faults.lives", str(source), str(kills), *(["planted"] if planted else [])]
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False, timeout=3_600)
        assert done.returncode == 0, f"the harness broke: {done.stderr.strip().splitlines()[-1:]}"
        found = json.loads(done.stdout)
    lost = set(range(1, found["told"] + 1)) - set(outages(receiver.requests))
    return len(lost), repeats(receiver.requests), found["told"]


@row("F03-500", f"{MANY} kills of a notifier at the named points: nothing lost, at most one repeat a kill", bound_s=300, in_ci=False)
def many_kills() -> float:
    began = time.monotonic()
    lost, repeated, told = lives(kills=MANY, planted=False)
    figures(kills=MANY, messages=told, lost=lost, repeated=repeated)
    count(messages=told, lost=lost)
    assert lost == 0, f"{lost} of {told} messages are lost"
    assert repeated <= MANY, f"{repeated} repeats after {MANY} kills"
    return since(began)


@row("F03-control", "a planted bug (mark before send) loses messages, and the same harness finds them", bound_s=60)
def planted() -> float:
    began = time.monotonic()
    lost, _, told = lives(kills=12, planted=True)
    assert lost > 0, f"nothing was lost of {told}: the harness is blind"
    return since(began)
