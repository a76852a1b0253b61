"""The evaluator while the host's clock is set, while the host sleeps, and while it is held up itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.model.check import CheckKind
from healthmon.model.status import ServiceStatus
from healthmon.store import facts, heals, incidents, states
from tests.builders import NOW
from tests.processes.evaluator_world import BAD, GOOD, World, a_world, patient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.model.target import Incarnation

HOUR, YEARS = 3_600.0, 10 * 365 * 86_400.0
STEPS = [HOUR, -HOUR, YEARS, -YEARS]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield from a_world(tmp_path, monkeypatch)


@pytest.fixture
def patient_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A service with one restart behind it that did not help, in the clocks that users get."""
    made = patient(tmp_path, monkeypatch)
    fail_for(made, 30)
    made.return_heal("later")
    fail_for(made, 100)
    assert made.heal_states() == ["failed"]
    yield made
    made.connection.close()


def fail_for(world: World, seconds: int) -> None:
    """Let a service fail every second."""
    for _ in range(seconds):
        world.look(BAD, CheckKind.REQUESTED)
        world.step()


def present(world: World) -> Incarnation | None:
    """Return what the last heal led to."""
    [heal] = heals.recent(world.connection, limit=1)
    return heal.new_incarnation


def seconds_until_planned(world: World, limit: int) -> int:
    for passed in range(limit):
        if heals.open_heals(world.connection):
            return passed
        fail_for(world, 1)
    return limit


@pytest.mark.parametrize("size", STEPS)
def test_a_cooldown_is_as_long_as_it_was(patient_world: World, size: float) -> None:
    patient_world.set_clock(size)
    patient_world.publish(incarnation=present(patient_world), started_at=patient_world.now - timedelta(seconds=100))
    assert 165 < seconds_until_planned(patient_world, 400) < 205  # 5 minutes less the 130 s or so that have passed


@pytest.mark.parametrize("size", [-HOUR, -YEARS])
def test_a_container_that_seems_to_start_in_the_future_is_healed_all_the_same(patient_world: World, size: float) -> None:
    raw_start = patient_world.now - timedelta(seconds=100)
    patient_world.set_clock(size)
    patient_world.publish(incarnation=present(patient_world), started_at=raw_start)
    assert seconds_until_planned(patient_world, 400) < 205


@pytest.mark.parametrize("size", STEPS)
def test_a_restart_that_helped_is_verified_after_the_clock_was_set(world: World, size: float) -> None:
    world.publish()
    world.look(GOOD)
    world.fail()
    world.return_heal("later")
    world.set_clock(size)
    world.step()
    for _ in range(3):
        world.look(GOOD, CheckKind.REQUESTED)
    world.step()
    assert world.heal_states() == ["verified"]


@pytest.mark.parametrize("size", STEPS)
def test_a_restart_that_did_not_help_is_not_verified_by_looks_of_another_time(world: World, size: float) -> None:
    for _ in range(20):
        world.look(GOOD)
    world.now = NOW + timedelta(seconds=4_000 if size < 0 else 30)
    world.publish()
    world.look(GOOD)
    world.fail()
    world.return_heal("later")
    world.set_clock(-3_995 if size == -HOUR else size)  # back into the time in which all was well
    fail_for(world, 20)
    assert "verified" not in world.heal_states()


@pytest.mark.parametrize("size", STEPS)
def test_no_attempt_is_given_anew(world: World, size: float) -> None:
    world.publish()
    world.look(GOOD)
    world.fail()
    world.return_heal("later")
    world.set_clock(size)
    for _ in range(8):
        world.look(BAD)
        world.step()
    assert world.heal_states() == ["returned"]


@pytest.mark.parametrize("size", STEPS)
def test_nothing_is_restarted_before_new_looks_and_the_hold_are_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    world = patient(tmp_path, monkeypatch)
    world.fail()
    world.set_clock(size)
    world.publish(started_at=world.now - timedelta(hours=1))
    world.step()
    assert 58 <= seconds_until_planned(world, 200) <= 64
    world.connection.close()


@pytest.mark.parametrize("size", STEPS)
def test_a_clock_that_is_set_makes_nothing_ill_and_no_duration_negative(world: World, size: float) -> None:
    world.look(GOOD)
    world.fail()
    world.set_clock(size)
    world.look(GOOD)
    world.step()
    world.look(GOOD)
    world.step()
    [incident] = incidents.recent(world.connection, limit=5)
    assert incident.resolved_at is not None
    assert timedelta(0) <= incident.resolved_at - incident.started_at < timedelta(minutes=1)
    assert states.load(world.connection)[1].status is ServiceStatus.HEALTHY


@pytest.mark.parametrize("size", STEPS)
def test_the_time_after_a_step_is_booked(world: World, size: float) -> None:
    for _ in range(10):
        world.look(GOOD)
    world.step()
    world.set_clock(size)
    world.step()
    for _ in range(10):
        world.look(BAD)
        world.step()
    found = states.uptimes(world.connection)[1]
    assert found.percentage is not None
    assert found.percentage < 60


@pytest.mark.parametrize("size", STEPS)
def test_a_step_while_we_were_away_is_followed_at_the_start(patient_world: World, size: float) -> None:
    patient_world.set_clock(size)
    patient_world.evaluator = patient_world.a_new_evaluator()
    patient_world.publish(incarnation=present(patient_world), started_at=patient_world.now - timedelta(seconds=100))
    assert 165 < seconds_until_planned(patient_world, 400) < 205


def test_a_host_that_boots_with_its_clock_behind_takes_its_last_moment_as_now(patient_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "boot_id", lambda: "another")
    patient_world.set_clock(-YEARS)
    patient_world.evaluator = patient_world.a_new_evaluator()
    patient_world.publish(incarnation=present(patient_world), started_at=patient_world.now - timedelta(seconds=100))
    assert 165 < seconds_until_planned(patient_world, 400) < 205


def test_a_step_that_could_not_be_followed_is_followed_at_the_next_try(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.publish()
    world.look(GOOD)
    world.fail()
    [planned] = heals.open_heals(world.connection)
    world.set_clock(HOUR)
    with monkeypatch.context() as patched:
        patched.setattr(facts, "note_time", _fail)
        with pytest.raises(RuntimeError):
            world.step()
    assert heals.open_heals(world.connection) == [planned]
    world.step()
    moved = heals.get(world.connection, planned.heal_id)
    assert moved.planned_at - planned.planned_at == timedelta(seconds=HOUR)


def test_after_a_suspension_nothing_rests_on_what_was_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = patient(tmp_path, monkeypatch)
    world.fail()
    world.suspend(2 * HOUR)
    world.step()
    assert status(world) is ServiceStatus.UNHEALTHY
    assert 58 <= seconds_until_planned(world, 200) <= 64
    world.connection.close()


def test_who_was_held_up_itself_gives_the_others_time_before_it_misses_their_looks(world: World) -> None:
    world.look(GOOD)
    world.step()
    world.now += timedelta(hours=2)  # stopped, and let go on
    world.step()
    assert status(world) is ServiceStatus.HEALTHY
    for _ in range(5):
        world.now += timedelta(seconds=1)
        world.step()
    assert status(world) is ServiceStatus.UNKNOWN


def status(world: World) -> ServiceStatus:
    return states.load(world.connection)[1].status


def _fail(*_: object) -> None:
    raise RuntimeError("the disk is gone")
