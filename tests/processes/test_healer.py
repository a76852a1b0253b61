"""The healer's steps on a real database, with an engine that the test plays: one call a heal, and the ledger knows."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.heal.engine import NoEngine
from healthmon.heal.forensics import Examined, part
from healthmon.log import Log
from healthmon.model.check import CheckReason
from healthmon.model.forensics import ForensicsMoment
from healthmon.model.heal import Heal, HealAction, HealState
from healthmon.model.target import Incarnation, Target, TargetChange, TargetState
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.healer import Healer, examining, securing
from healthmon.processes.healer.restart import Restart
from healthmon.store import forensics, heals, incidents, services, target_starts, targets
from healthmon.store.opening import create_or_open, open_for_writing
from tests.builders import a_config, a_heal, a_target
from tests.containers import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.model.forensics import Forensics

TARGET = a_target(name="store")
NEW = Incarnation(target_id=TARGET.incarnation.target_id, started="later")
ON = {"enabled": True, "restart_unhealthy_services": True}
HOUR_S = 3_600.0
LATER = clock.now() + timedelta(days=1)


class FakeEngine(NoEngine):
    """One container, as the test sets it; counts what it is asked for. `answers` are those to calls, a no is an error."""

    is_behind = False
    returned_at: datetime | None = None

    def __init__(self) -> None:
        super().__init__("a test")
        self.target: Target | EngineError = TARGET
        self.answers: list[EngineError] = []
        self.calls: list[HealAction] = []
        self.adopted: list[str] = []
        self.stopped_it = True
        self.observed = self.looks = 0
        self.slow = threading.Event()
        self.slow.set()
        self.telling = threading.Event()  # while it is not set, an examination hangs
        self.telling.set()
        self.examined: list[list[HealAction]] = []  # what had been done when it was examined

    reachable_since: datetime | None = clock.now()

    def examine(self, target_id: str) -> Iterator[Examined]:  # noqa: ARG002
        self.examined.append(list(self.calls))
        yield Examined(part=part("log", ["panic: no memory"]), last_lines=("panic: no memory",))
        self.telling.wait(10)
        yield Examined(part=part("events", []))

    def observe(self) -> list[Target]:
        self.observed += 1
        return [] if isinstance(self.target, EngineError) else [self.target]

    def look(self, target_id: str) -> Target:  # noqa: ARG002  there is one
        self.looks += 1
        if isinstance(self.target, EngineError):
            raise self.target
        return self.target

    def carry_out(self, action: HealAction, target_id: str, stop_timeout_s: int) -> None:  # noqa: ARG002
        self.calls.append(action)
        self.slow.wait(10)
        if self.answers:
            raise self.answers.pop(0)
        self.target = replace(TARGET, incarnation=NEW)

    def adopt(self, target_id: str, issued_at: datetime, stop_timeout_s: int) -> None:  # noqa: ARG002
        self.adopted.append(target_id)

    def has_stopped(self, target_id: str) -> bool:  # noqa: ARG002
        return self.stopped_it


class Said(Log):
    """A log that a test can read."""

    def __init__(self) -> None:
        super().__init__("healer")
        self.events: list[tuple[str, dict[str, Any]]] = []

    def _write(self, level: int, event: str, fields: dict[str, Any], *, traceback: bool = False) -> None:  # noqa: ARG002
        self.events.append((event, fields))

    def count(self, event: str) -> int:
        return [said for said, _ in self.events].count(event)


class World:
    """A healer on one database; `plan` is what the evaluator does."""

    def __init__(self, path: Path, service: dict[str, Any] | None = None, **self_healing: Any) -> None:
        described = {"name": "store", "url": "http://localhost:5087", "container": "store", **(service or {})}
        self.config = a_config(path, described, {"name": "other", "url": "http://localhost:2"}, self_healing=ON | self_healing)
        self.connection = create_or_open(self.config.paths.database)
        services.sync(self.connection, [(one.name, "default", True) for one in self.config.enabled_services()], now=clock.now())
        self.engine, self.said, self.doorbell = FakeEngine(), Said(), Doorbell()
        self.healer = self.a_new_healer()

    def a_new_healer(self, config: Config | None = None) -> Healer:
        config = config or self.config
        connection = open_for_writing(config.paths.database)
        return Healer(config, self.doorbell, connection, self.said, docker=self.engine, supervisor=NoEngine("none"))

    def plan(self, **changes: Any) -> int:
        now = clock.now()
        at = {"started_at": now, "detected_at": now, "episode_started_at": now}
        incident = incidents.open_incident(self.connection, 1, **at, reason=CheckReason.STATUS, error_message=None)
        planned = a_heal(HealState.PLANNED, incident_id=incident.incident_id, planned_at=now, target_name="store")
        return heals.add(self.connection, replace(planned, **changes))

    def issue_long_ago(self) -> int:
        """What a healer left that was killed after it had issued."""
        heal_id = self.plan()
        heals.issue(self.connection, heal_id, at=clock.now() - timedelta(minutes=5))
        return heal_id

    def heal(self, heal_id: int) -> Heal:
        return heals.get(self.connection, heal_id)

    def wait_until(self, done: Callable[[], bool], what: str = "") -> None:
        def step() -> bool:
            self.healer.step()
            return done()

        wait_for(step, what=what)

    def end(self, heal_id: int) -> Heal:
        """Step until a heal is over, and its thread too."""
        over = {HealState.PLANNED, HealState.ISSUED}
        self.wait_until(lambda: self.heal(heal_id).state not in over and not self.healer.is_busy(), what="the end")
        return self.heal(heal_id)

    def restart(self, heal_id: int, stopping: threading.Event | None = None) -> None:
        """Carry out one heal here and now."""
        settings = self.config.self_healing
        Restart(self.heal(heal_id), self.engine, self.connection, self.said, stopping or threading.Event()).run(settings)

    def close(self) -> None:
        self.engine.slow.set()
        self.healer.close()
        self.connection.close()
        self.doorbell.close()


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("healthmon.processes.healer.aftermath.LOOK_EVERY_S", 0.02)
    monkeypatch.setattr("healthmon.processes.healer.aftermath.LOOK_SLOWLY_S", 0.02)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_a_planned_restart_is_issued_made_once_and_returns(world: World) -> None:
    heal = world.end(world.plan())
    assert (heal.state, heal.new_incarnation, heal.detail) == (HealState.RETURNED, NEW, "restarted")
    assert heal.issued_at is not None
    assert world.engine.calls == [HealAction.RESTART]


def test_it_is_charged_before_the_call(world: World) -> None:
    world.engine.slow.clear()
    heal_id = world.plan()
    world.wait_until(lambda: bool(world.engine.calls), what="the call")
    assert world.heal(heal_id).state is HealState.ISSUED
    assert world.healer.is_busy()
    world.engine.slow.set()
    assert world.end(heal_id).state is HealState.RETURNED


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(TARGET, incarnation=NEW), "another_incarnation"),
        (replace(TARGET, stopped_by_person=True), "stopped_by_person"),
        (EngineGoneError("gone"), "gone"),
        (EngineUnreachableError("away"), "engine_unreachable"),
        (EngineError("not understood"), "engine_unreachable"),
    ],
)
def test_what_a_fresh_look_forbids_is_dropped_without_a_call(world: World, seen: Target | EngineError, why: str) -> None:
    world.engine.target = seen
    heal = world.end(world.plan())
    assert (heal.state, heal.detail, heal.issued_at) == (HealState.DROPPED, why, None)
    assert world.engine.calls == []


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(TARGET, state=TargetState.EXITED), "not_running"),
        (replace(TARGET, state=TargetState.PAUSED), "paused"),
        (EngineGoneError("gone"), "gone"),
    ],
)
def test_what_happens_while_it_is_charged_is_seen_before_the_call(world: World, seen: Target | EngineError, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit may wait for a lock or a slow disk, and a person's stop in that time is a stop."""
    issue = heals.issue

    def slowly(*arguments: Any, **keywords: Any) -> bool:
        world.engine.target = seen
        return issue(*arguments, **keywords)

    monkeypatch.setattr(heals, "issue", slowly)
    heal = world.end(world.plan())
    assert (heal.state, heal.detail, world.engine.calls) == (HealState.DROPPED, why, [])


def test_what_was_planned_while_the_engine_was_away_is_not_made_when_it_comes_back(world: World) -> None:
    world.engine.returned_at = clock.now()
    heal = world.end(world.plan())
    assert (heal.state, heal.detail, world.engine.calls) == (HealState.DROPPED, "engine_settling", [])


@pytest.mark.parametrize(
    ("service", "self_healing", "why"),
    [
        ({"heal": {"enabled": False}}, {}, "switched_off"),
        ({}, {"restart_unhealthy_services": False}, "switched_off"),
        ({}, {"dry_run": True}, "dry_run"),
    ],
)
def test_what_the_settings_of_its_service_forbid_is_dropped(tmp_path: Path, service: dict[str, Any], self_healing: dict[str, Any], why: str) -> None:
    """The configuration may have changed since it was planned."""
    world = World(tmp_path, service, **self_healing)
    try:
        heal = world.end(world.plan())
    finally:
        world.close()
    assert (heal.state, heal.detail, world.engine.calls) == (HealState.DROPPED, why, [])


@pytest.mark.parametrize("still_in_the_database", [True, False])
def test_a_service_that_is_not_configured_any_more_is_left_alone(world: World, *, still_in_the_database: bool) -> None:
    heal_id = world.plan()
    others = a_config(world.config.paths.data_dir, {"name": "other", "url": "http://localhost:2"}, {"name": "store", "url": "http://localhost:1", "enabled": False}, self_healing=ON)
    if not still_in_the_database:
        services.sync(world.connection, [("other", "default", True)], now=clock.now())
    world.healer.close()
    world.healer = world.a_new_healer(others)
    heal = world.end(heal_id)
    assert (heal.state, heal.detail, world.engine.calls) == (HealState.DROPPED, "not_configured", [])


@pytest.mark.parametrize(
    ("answer", "state", "detail"),
    [
        (EngineError("refused: no such device"), HealState.FAILED, "refused: no such device"),
        (EngineGoneError("it is gone"), HealState.GONE, "it is gone"),
        (EngineUnreachableError("nobody listens"), HealState.DROPPED, "nothing was sent: nobody listens"),
    ],
)
def test_a_no_ends_the_heal(world: World, answer: EngineError, state: HealState, detail: str) -> None:
    """What was surely not sent is not charged."""
    world.engine.answers = [answer]
    heal = world.end(world.plan())
    assert (heal.state, heal.detail) == (state, detail)
    assert len(world.engine.calls) == 1


def test_an_unanswered_call_is_never_repeated_and_returns_when_the_container_did(world: World) -> None:
    world.engine.answers = [EngineUnknownError("no answer")]
    heal_id = world.plan()
    world.wait_until(lambda: world.said.count("heal_unanswered") == 1, what="the call")
    world.engine.target = EngineUnreachableError("frozen")
    for _ in range(10):
        world.healer.step()
        time.sleep(0.01)
    assert world.heal(heal_id).state is HealState.ISSUED
    world.engine.target = replace(TARGET, incarnation=NEW)
    assert world.end(heal_id).state is HealState.RETURNED
    assert world.engine.calls == [HealAction.RESTART]


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=3_650), timedelta(hours=-1)])
def test_a_clock_that_is_set_does_not_end_the_wait_for_an_answer(world: World, monkeypatch: pytest.MonkeyPatch, jump: timedelta) -> None:
    world.engine.answers = [EngineUnknownError("no answer")]
    heal_id = world.plan()
    world.wait_until(lambda: world.said.count("heal_unanswered") == 1, what="the call")
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + jump)
    looks = world.engine.looks
    world.wait_until(lambda: world.engine.looks > looks + 3, what="looks in the new time")
    assert world.heal(heal_id).state is HealState.ISSUED
    world.engine.target = replace(TARGET, incarnation=NEW)
    assert world.end(heal_id).state is HealState.RETURNED
    assert world.engine.calls == [HealAction.RESTART]


def test_a_healer_killed_after_it_issued_makes_no_second_call(world: World) -> None:
    heal_id = world.issue_long_ago()
    world.engine.target = EngineUnreachableError("away")
    world.wait_until(lambda: bool(world.engine.adopted), what="the adoption")
    world.engine.target = replace(TARGET, incarnation=NEW)
    heal = world.end(heal_id)
    assert (heal.state, heal.new_incarnation) == (HealState.RETURNED, NEW)
    assert (world.engine.calls, world.engine.adopted) == ([], [TARGET.incarnation.target_id])


def test_a_healer_killed_before_its_call_finds_that_nothing_happened(world: World) -> None:
    heal = world.end(world.issue_long_ago())
    assert (heal.state, heal.detail) == (HealState.FAILED, "the engine never carried it out")
    assert world.engine.calls == []


def test_an_engine_that_just_came_back_may_still_make_it(world: World) -> None:
    """It kept the request over a freeze."""
    heal_id = world.issue_long_ago()
    world.engine.returned_at = clock.now()
    world.wait_until(lambda: bool(world.engine.adopted), what="the adoption")
    time.sleep(0.2)
    assert world.heal(heal_id).state is HealState.ISSUED
    world.engine.returned_at -= timedelta(minutes=1)
    assert world.end(heal_id).state is HealState.FAILED


def test_what_our_restart_stopped_and_never_started_is_started(world: World) -> None:
    world.engine.target = replace(TARGET, state=TargetState.EXITED)
    assert world.end(world.issue_long_ago()).state is HealState.RETURNED
    assert world.engine.calls == [HealAction.START]


def test_a_start_that_cannot_be_sent_is_no_dropped_heal(world: World) -> None:
    """Its stop was made: it is charged, and the start is tried again when the engine had its time."""
    world.engine.target = replace(TARGET, state=TargetState.EXITED)
    world.engine.answers = [EngineUnreachableError("away")]
    heal_id = world.issue_long_ago()
    world.wait_until(lambda: bool(world.engine.calls), what="the start")
    time.sleep(0.2)
    assert world.heal(heal_id).state is HealState.ISSUED
    assert world.engine.calls == [HealAction.START]


def test_what_a_person_stopped_meanwhile_is_left_alone(world: World) -> None:
    world.engine.target = replace(TARGET, state=TargetState.EXITED, stopped_by_person=True)
    heal = world.end(world.issue_long_ago())
    assert heal.state is HealState.SUPERSEDED
    assert "somebody stopped it" in heal.detail
    assert world.engine.calls == []


@pytest.mark.parametrize("jump", [timedelta(0), timedelta(days=-1)])
def test_an_engine_that_never_tells_ends_as_inconclusive(world: World, monkeypatch: pytest.MonkeyPatch, jump: timedelta) -> None:
    """Whatever the wall clock does; and a person hears of it."""
    heal_id = world.issue_long_ago()
    if not jump:
        world.engine.target = EngineError("not understood")
    begun_s, real = time.monotonic(), clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + jump)
    monkeypatch.setattr(clock, "monotonic", lambda: begun_s + (time.monotonic() - begun_s) * HOUR_S)
    world.restart(heal_id)
    assert world.heal(heal_id).state is HealState.INCONCLUSIVE
    [alert] = [fields for event, fields in world.said.events if event == "ALERT"]
    assert (alert["type"], alert["heal"]) == ("heal_inconclusive", heal_id)
    assert world.engine.calls == []


def test_a_healer_that_is_told_to_stop_issues_nothing(world: World) -> None:
    heal_id = world.plan()
    stopping = threading.Event()
    stopping.set()
    world.restart(heal_id, stopping)
    assert world.heal(heal_id).state is HealState.PLANNED
    assert world.engine.calls == []


def test_close_lets_a_call_finish_that_is_under_way(world: World) -> None:
    """A supervised program that was told to stop gets its start."""
    world.engine.slow.clear()
    heal_id = world.plan()
    world.wait_until(lambda: bool(world.engine.calls), what="the call")
    threading.Timer(0.3, world.engine.slow.set).start()
    world.healer.close()
    assert world.heal(heal_id).state is HealState.RETURNED
    world.healer = world.a_new_healer()


def test_close_does_not_wait_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("healthmon.processes.healer.acting.STOP_PATIENCE_S", 0.3)
    world.engine.slow.clear()
    world.plan()
    world.wait_until(lambda: bool(world.engine.calls), what="the call")
    begun = time.monotonic()
    world.healer.close()
    assert 0.25 < time.monotonic() - begun < 1
    world.engine.slow.set()
    wait_for(lambda: not any(thread.name.startswith("heal-") for thread in threading.enumerate()), what="the thread")
    world.healer = world.a_new_healer()


def test_what_is_stuck_is_said_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again every few seconds."""
    tries: list[int] = []

    def fail(_engine: FakeEngine, _target_id: str) -> Target:
        tries.append(1)
        raise ArithmeticError("a bug")

    monkeypatch.setattr(FakeEngine, "look", fail)
    monkeypatch.setattr(world.healer._acting._stopping, "wait", lambda _s: False)
    world.plan()
    world.wait_until(lambda: len(tries) > 3, what="more tries")
    assert world.said.count("heal_stuck") == 1


def test_services_are_called_by_their_names(world: World) -> None:
    world.healer.step()
    said = {fields["service"]: event for event, fields in world.said.events if event.startswith("target_")}
    assert said == {"store": "target_seen", "other": "target_missing"}


def test_a_look_that_had_no_time_for_all_is_gone_on_with_soon(world: World) -> None:
    """Until then no service is given another target than it had: who has not seen all would guess."""
    world.engine.is_behind = True
    assert world.healer.step() <= 1
    assert targets.load(world.connection) == {}
    world.engine.is_behind = False
    wait_for(lambda: world.healer.step() > 1, timeout_s=3, what="the next look")
    assert world.engine.observed == 2
    assert targets.load(world.connection)[1].target is not None


def test_looks_that_are_due_soon_are_the_reconciling_look_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With looks every 30 s, nobody looks at everything in between."""
    service = {"name": "store", "type": "docker", "container": "store", "interval_seconds": 30.0}
    config = a_config(tmp_path, service, self_healing=ON)
    connection, engine, doorbell, now = create_or_open(config.paths.database), FakeEngine(), Doorbell(), [1_000.0]
    for module in (time, clock):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])
    services.sync(connection, [("store", "default", True)], now=clock.now())
    healer = Healer(config, doorbell, open_for_writing(config.paths.database), Log("test"), docker=engine, supervisor=NoEngine("none"))
    try:
        while now[0] < 1_301.0:
            healer.step()
            now[0] += 0.5
        assert engine.observed <= 12
    finally:
        healer.close()
        connection.close()
        doorbell.close()


def test_an_engine_that_does_not_answer_is_asked_again_soon(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stream of events may have been opened again before anybody saw that it was gone."""
    monkeypatch.setattr("healthmon.processes.healer.BLIND_S", 0.3)
    observe, away = world.engine.observe, EngineUnreachableError("away")
    monkeypatch.setattr(world.engine, "observe", lambda: (_ for _ in ()).throw(away))
    assert world.healer.step() <= 0.3
    monkeypatch.setattr(world.engine, "observe", observe)
    wait_for(lambda: world.healer.step() > 1, timeout_s=3, what="the next look")
    assert targets.load(world.connection)[1].target is not None


def test_what_nobody_knows_to_be_stopped_by_us_is_left_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our restart may never have reached the engine, and somebody else's hand stopped it."""
    monkeypatch.setattr("healthmon.processes.healer.aftermath.EVENTS_S", 0.1)
    world.engine.target, world.engine.stopped_it = replace(TARGET, state=TargetState.EXITED), False
    heal = world.end(world.issue_long_ago())
    assert (heal.state, world.engine.calls) == (HealState.INCONCLUSIVE, [])
    assert "it is left as it is" in heal.detail


def test_a_finishing_start_is_tried_three_times_and_then_fails_with_the_engines_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("healthmon.processes.healer.aftermath.FINISHING_PAUSE_S", 0.05)
    monkeypatch.setattr("healthmon.heal.outcome.AFTER_STOP", timedelta(seconds=-9.9))
    world.engine.target = replace(TARGET, state=TargetState.EXITED)
    world.engine.answers = [EngineUnknownError("port is already allocated") for _ in range(9)]
    heal = world.end(world.issue_long_ago())
    assert heal.state is HealState.FAILED
    assert "port is already allocated" in heal.detail
    assert world.engine.calls == [HealAction.START] * 3


def test_healing_that_was_switched_off_finishes_no_start(tmp_path: Path) -> None:
    world = World(tmp_path, restart_unhealthy_services=False)
    try:
        world.engine.target = replace(TARGET, state=TargetState.EXITED)
        heal = world.end(world.issue_long_ago())
    finally:
        world.close()
    assert heal.state is HealState.FAILED
    assert "healing was switched off" in heal.detail
    assert world.engine.calls == []


def test_a_new_healer_adopts_before_it_looks(world: World) -> None:
    """Else it would publish our own stop as a person's."""
    world.issue_long_ago()
    world.healer.close()
    world.healer = world.a_new_healer()
    assert world.engine.adopted == [TARGET.incarnation.target_id]


def seen(world: World) -> targets.TargetReport:
    """Look now; return what is told of the store then."""
    world.healer._observing.observe()
    return targets.load(world.connection)[1]


def stopped_by_person(report: targets.TargetReport) -> bool:
    return report.target is not None and report.target.stopped_by_person


@pytest.mark.parametrize("new_healer", [False, True])
def test_that_a_person_stopped_it_outlives_the_engines_memory(world: World, *, new_healer: bool) -> None:
    """Until the container starts again."""
    exited = replace(TARGET, state=TargetState.EXITED)
    world.engine.target = replace(exited, stopped_by_person=True)
    assert stopped_by_person(seen(world))
    if new_healer:
        world.healer.close()
        world.healer = world.a_new_healer()
    world.engine.target = EngineUnreachableError("away")
    seen(world)
    world.engine.target = replace(exited, exit_code=1)
    assert stopped_by_person(seen(world))
    world.engine.target = replace(TARGET, incarnation=NEW)
    assert not stopped_by_person(seen(world))


def test_a_run_that_outlived_its_signal_for_long_was_not_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.engine.target = replace(TARGET, stopped_by_person=True, observed_at=clock.now())
    seen(world)
    world.engine.target = TARGET
    assert stopped_by_person(seen(world))
    later = clock.now() + timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert not stopped_by_person(seen(world))


@pytest.mark.parametrize("new_healer", [False, True])
@pytest.mark.parametrize("gap", [False, True])
def test_another_container_is_the_services_since_it_was_matched(world: World, *, new_healer: bool, gap: bool) -> None:
    """After two renames an old container has the service's name: failures of the other one say nothing about it."""
    assert seen(world).matched_since is None
    if gap:
        world.engine.target = EngineGoneError("between two renames")
        assert seen(world).target is None
    if new_healer:
        world.healer.close()
        world.healer = world.a_new_healer()
    before = clock.now()
    world.engine.target = replace(TARGET, incarnation=Incarnation(target_id="d" * 64, started="long ago"))
    since = seen(world).matched_since
    assert since is not None
    assert since >= before - timedelta(milliseconds=1)
    world.engine.target = replace(world.engine.target, exit_code=1)
    assert seen(world).matched_since == since


def test_a_container_that_is_first_seen_when_the_engine_answers_is_no_new_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts before Docker does must not take all containers for just deployed."""

    def away() -> list[Target]:
        raise EngineUnreachableError("there is no socket")

    with monkeypatch.context() as patched:
        patched.setattr(world.engine, "observe", away)
        assert seen(world).target is None
    assert seen(world).matched_since is None


# What a restart would erase


def bundles(world: World, heal_id: int) -> list[Forensics]:
    incident_id = world.heal(heal_id).incident_id
    assert incident_id is not None
    return forensics.of_incident(world.connection, incident_id)


def test_an_ill_container_is_examined_once_and_before_it_is_restarted(world: World) -> None:
    heal = world.end(world.plan())
    [kept] = bundles(world, heal.heal_id)
    assert (kept.last_lines, kept.incarnation) == (("panic: no memory",), TARGET.incarnation)
    assert [one.name for one in kept.parts] == ["log", "events", "usage sampled", "checks", "dependencies", "host"]
    world.healer.step()
    assert world.engine.examined == [[]]


def test_what_was_kept_a_while_ago_is_kept_anew_before_the_restart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(securing, "SAME_MOMENT", timedelta(0))
    heal = world.end(world.plan())
    assert [one.moment for one in bundles(world, heal.heal_id)] == [ForensicsMoment.DETECTED, ForensicsMoment.BEFORE_RESTART]
    assert world.engine.examined == [[], []]


def test_an_engine_that_does_not_tell_costs_its_part_and_the_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (securing, examining):
        monkeypatch.setattr(module, "LIMIT_S", 0.3)
    world.engine.telling.clear()
    heal = world.end(world.plan())
    assert heal.state is HealState.RETURNED
    assert heal.issued_at is not None
    assert timedelta(seconds=0.3) <= heal.issued_at - heal.planned_at < timedelta(seconds=2)
    kept = bundles(world, heal.heal_id)[0]
    assert [(one.name, bool(one.problem)) for one in kept.parts][:2] == [("log", False), ("more", True)]
    world.engine.telling.set()


def test_a_bug_in_an_examination_prevents_no_restart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.engine, "examine", lambda _target_id: iter([None]))
    heal = world.end(world.plan())
    assert heal.state is HealState.RETURNED
    assert world.said.count("forensics_failed") >= 1


def test_a_restart_that_failed_is_followed_by_a_second_look(world: World) -> None:
    heal = world.end(world.plan())
    heals.close(world.connection, heal, HealState.FAILED, at=clock.now(), detail="0 of 3")
    world.wait_until(lambda: len(bundles(world, heal.heal_id)) == 2, what="the second bundle")
    after = bundles(world, heal.heal_id)[1]
    assert (after.moment, after.incarnation, after.heal_id) == (ForensicsMoment.AFTER_FAILURE, NEW, heal.heal_id)


def test_nothing_is_examined_when_forensics_are_off_or_the_engine_is_away(tmp_path: Path) -> None:
    for switched_on in (False, True):
        world = World(tmp_path / str(switched_on), forensics=switched_on)
        world.engine.reachable_since = None if switched_on else clock.now()
        heal = world.end(world.plan())
        assert (world.engine.examined, bundles(world, heal.heal_id)) == ([], [])
        world.close()


# What changed


def observe(world: World, **changes: Any) -> targets.TargetReport:
    """Have another look at the container, as it is now."""
    world.engine.target = replace(TARGET, **changes)
    world.healer._observing.observe()
    return targets.load(world.connection)[1]


def test_a_new_image_is_remembered_with_its_start_also_by_the_next_healer(world: World) -> None:
    assert observe(world).change is None
    now = clock.now()
    new = {"image_id": "sha256:2", "incarnation": NEW, "started_at": now}
    report = observe(world, **new)
    assert (report.change, report.changed_at) == (TargetChange.IMAGE, clock.from_sql(clock.to_sql(now)))
    another = world.a_new_healer()
    another._observing.observe()
    assert targets.load(world.connection)[1].change is TargetChange.IMAGE
    another.close()
    assert observe(world, **new, config_hash="x").change is TargetChange.CONFIGURATION


def test_starts_are_counted_from_the_second_look_on(world: World) -> None:
    now = clock.now()
    since = now - timedelta(hours=1)
    observe(world)
    assert target_starts.count(world.connection, 1, since=since, until=LATER) == 0
    for number in range(3):
        incarnation = Incarnation(target_id=TARGET.incarnation.target_id, started=str(number))
        observe(world, incarnation=incarnation, started_at=now + timedelta(seconds=number))
    assert target_starts.count(world.connection, 1, since=since, until=LATER) == 3
    assert target_starts.count(world.connection, 1, since=now + timedelta(seconds=1), until=LATER) == 2
    later = now + target_starts.KEPT + timedelta(seconds=1)
    target_starts.note(world.connection, {}, now=later)
    assert target_starts.count(world.connection, 1, since=since, until=LATER) == 2
