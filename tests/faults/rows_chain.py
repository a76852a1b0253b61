"""Every process dies at every named point of its work, many times, while services fall ill, are healed, and people are told."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tests.containers import wait_for
from tests.faults.chain import ALL, Reaper, restart_at_once
from tests.faults.harness import row, since
from tests.faults.notes import figures
from tests.faults.telling import none_waits, outages, tell
from tests.faults.ward import OVER, Ward, ward
from tests.receivers import Receiver

if TYPE_CHECKING:
    from tests.faults.patients import Patient
    from tests.faults.ward import HealingAgent

KILLS, CI_KILLS = 5, 3  # five rounds make 25
PATIENTS = 16  # a restart that was charged and never made is known for that only after half a minute
FIRST_OF_OURS = 1_000_000  # the numbers of the messages that are queued beside those of the evaluator
QUEUE_EVERY_S = 0.15
UNLIMITED: dict[str, Any] = {
    **dict.fromkeys(("max_restart_attempts", "service_budget_per_hour", "service_budget_per_day"), 400),
    **dict.fromkeys(("host_budget_per_10_minutes", "host_budget_per_hour"), 1_000),
    **dict.fromkeys(("restart_cooldown_minutes", "first_healthy_hold_seconds", "reset_after_minutes"), 0),
    "concurrency": PATIENTS,
    "storm_guard": False,
    "forensics": False,
}
NEVER_WELL = "never-well"  # a service that always fails: each of its checks is one more consecutive failure
COUNTED = f"SELECT consecutive_failures FROM service_status WHERE service_name = '{NEVER_WELL}'"
STORED = f"SELECT count(*) FROM health_checks WHERE service_name = '{NEVER_WELL}'"


class _Work:
    """What goes on meanwhile: services fall ill, one after the other, and messages are queued."""

    def __init__(self, host: HealingAgent, patients: list[Patient]) -> None:
        self.host = host
        self.patients = patients
        self.episodes: Counter[str] = Counter()
        self.queued = 0
        self._looked_at = self._queued_at = 0.0

    def go_on(self) -> None:
        if since(self._queued_at) > QUEUE_EVERY_S:
            self._queued_at = time.monotonic()
            tell(self.host, ["webhook"], number=FIRST_OF_OURS + self.queued)
            self.queued += 1
        if since(self._looked_at) > 1.0:
            self._looked_at = time.monotonic()
            self._let_fall_ill()

    def _let_fall_ill(self) -> None:
        told = self.host.statuses()
        busy = {name for (name,) in self.host.rows("SELECT service_name FROM heals JOIN services USING (service_id) WHERE closed_at IS NULL")}
        free = [one for one in self.patients if one.is_well() and told.get(one.name) == "healthy" and one.name not in busy]
        for patient in random.sample(free, min(len(free), 4)):
            patient.make_ill()
            self.episodes[patient.name] += 1


def _run(kills: int) -> float:
    with ExitStack() as stack:
        the = stack.enter_context(ward())
        hook, peer = stack.enter_context(Receiver()), stack.enter_context(Receiver())
        patients = [the.admit(f"p{number}") for number in range(PATIENTS)]
        the.watch(NEVER_WELL, "http://127.0.0.1:1/", heal={"enabled": False})
        folder = the.folder / "points"
        folder.mkdir()
        reaper = Reaper(folder, kills)
        host = stack.enter_context(the.agent(environment=reaper.environment, settings=_settings(hook, peer), sees=False, **UNLIMITED))
        host.wait_until_running()
        restart_at_once(host)
        the.wait_until_seen(host, {one.name for one in patients})
        work = _Work(host, patients)
        took = reaper.reap(work.go_on)
        host.stop()
        began = time.monotonic()
        host.start(**dict.fromkeys(reaper.environment, ""))
        _judge(the, work, hook, reaper)
        figures(deaths=reaper.deaths.total(), points=len(ALL), restarts=sum(one.starts() - 1 for one in patients),
                episodes=work.episodes.total(), messages=len({one.key for one in hook.requests}), killing_s=round(took))
        return since(began)


def _settings(hook: Receiver, peer: Receiver) -> dict[str, Any]:
    channels = {"webhook_notifications": {"enabled": True, "url": hook.url}, "alertmanager": f"http://127.0.0.1:{peer.port}"}
    rule = {"name": "service_down", "condition": "unhealthy", "severity": "critical"}
    return {
        "alerting": {**channels, "rate_limit_per_10_minutes": 10_000, "grouping": {"wait_seconds": 0, "interval_seconds": 0}},
        "alert_rules": [rule],
        "check_interval_seconds": 0.5,
        "timeout_seconds": 0.5,
    }


def _judge(the: Ward, work: _Work, hook: Receiver, reaper: Reaper) -> None:
    """Let all come to rest, and compare what others saw with what the agent believes."""
    host = work.host
    host.wait_until_running()
    ill = [patient.name for patient in work.patients]
    wait_for(lambda: {host.statuses().get(name) for name in ill} == {"healthy"}, timeout_s=120, what="all to be well")
    host.wait_for_ledger(lambda ledger: set(ledger) <= OVER, "every heal to end", 90)
    wait_for(lambda: none_waits(host), timeout_s=90, what="the queue to empty")
    _judge_restarts(work)
    _judge_messages(host, work, hook, reaper)
    host.stop()
    host.start()  # what the last one left in the inbox is taken now
    wait_for(lambda: host.rows("SELECT count(*) FROM inbox") == [(0,)] and host.rows(COUNTED) == host.rows(STORED), timeout_s=30, what="each check to count once")
    the.check(host)


def _judge_restarts(work: _Work) -> None:
    """Each time a service fell ill its container was started once: a second time would be ours, too few would not be healed."""
    wrong = {one.name: (one.starts() - 1, work.episodes[one.name]) for one in work.patients if one.starts() - 1 != work.episodes[one.name]}
    assert not wrong, f"restarts and times ill: {wrong}"


def _judge_messages(host: HealingAgent, work: _Work, hook: Receiver, reaper: Reaper) -> None:
    states = dict(host.rows("SELECT state, count(*) FROM deliveries GROUP BY state"))
    assert not states.keys() - {"sent", "superseded"}, f"messages were given up: {states}"
    heard = {one.key for one in hook.requests}
    assert len(heard) >= states["sent"], f"{states['sent']} messages are marked as sent, {len(heard)} arrived"
    numbers = {one["conversation_id"] for request in hook.requests for one in request.document["services"]}
    lost = set(range(FIRST_OF_OURS, FIRST_OF_OURS + work.queued)) - numbers
    assert not lost, f"{len(lost)} messages are lost"
    deaths = sum(count for point, count in reaper.deaths.items() if point.startswith(("notifier.", "alertmanager.")))
    # Of ours, which are queued once each; an outage of the evaluator's has a message for its end, too.
    first = {one.key: one for one in reversed(hook.requests)}
    twice = [number for number, count in outages(list(first.values())).items() if count > 1 and number >= FIRST_OF_OURS]
    assert not twice, f"{len(twice)} outages were told again under another key"
    assert all(one.document["possible_repeat"] for one in hook.requests if one is not first[one.key]), "a repeat does not say so"
    found = len(hook.requests) - len(first)
    assert found <= deaths, f"{found} repeats after {deaths} deaths"


@row("points", f"every process dies at each of {len(ALL)} named points, {KILLS} times each, while ill containers are healed and people told", bound_s=120, in_ci=False)
def points() -> float:
    return _run(KILLS)


@row("points-few", f"the same, {CI_KILLS} times each", bound_s=120)
def few_points() -> float:
    return _run(CI_KILLS)
