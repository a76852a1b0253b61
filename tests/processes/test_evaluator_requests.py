"""What people say to healing: hold, release, restart now. Done by the evaluator, in one transaction with its answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.heal import HealState
from healthmon.model.operator_action import OperatorActionKind
from healthmon.store import heals, holds, incidents
from tests.processes.alert_timeline import tell
from tests.processes.evaluator_world import GOOD, World, a_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD, RELEASE, HEAL_NOW = OperatorActionKind.HOLD, OperatorActionKind.RELEASE, OperatorActionKind.HEAL_NOW
DOC_STORE = {"service": "doc_store"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield from a_world(tmp_path, monkeypatch)


def hold(world: World, hours: float = 2, **changes: Any) -> str | None:
    return tell(world, HOLD, until=world.now + timedelta(hours=hours), **DOC_STORE | changes)


def make_ill(world: World) -> None:
    world.publish()
    world.look(GOOD)
    world.look(GOOD, service_id=2)
    world.step()
    world.fail()
    world.step()


def healing(world: World) -> str | None:
    [incident] = incidents.open_incidents(world.connection)
    return incident.healing


def test_what_is_held_is_not_restarted_until_its_end_or_release(world: World) -> None:
    assert hold(world) == "doc_store is not restarted until 2026-11-22 14:00:00 UTC"
    make_ill(world)
    assert world.heal_states() == []
    assert healing(world) == "leaves it alone, for a person holds it back (ada: seen), until 2026-11-22 14:00:00 UTC"
    assert tell(world, RELEASE, **DOC_STORE) == "doc_store is released: it may be restarted again"
    assert tell(world, RELEASE, **DOC_STORE) == "refused: nobody holds doc_store, and healing has not given up on it"
    world.fail()
    world.step()
    assert world.heal_states() == ["planned"]


def test_a_hold_ends_by_itself(world: World) -> None:
    hold(world, hours=1)
    make_ill(world)
    world.pass_time(3_700)
    world.fail()
    world.step()
    assert world.heal_states() == ["planned"]


def test_a_hold_takes_back_what_is_planned_and_owns_up_to_what_is_not_called_back(world: World) -> None:
    make_ill(world)
    [planned] = heals.open_heals(world.connection)
    assert hold(world) == "doc_store is not restarted until 2026-11-22 14:00:05 UTC; a restart was planned, and is not made"
    assert heals.get(world.connection, planned.heal_id).state is HealState.DROPPED
    assert not heals.issue(world.connection, planned.heal_id, at=world.now)  # the healer, in the same moment, comes too late
    tell(world, RELEASE, **DOC_STORE)
    world.pass_time(10)
    world.fail()
    world.step()
    [planned] = heals.open_heals(world.connection)
    assert heals.issue(world.connection, planned.heal_id, at=world.now)  # this time it was first
    said = hold(world)
    assert said is not None
    assert said.endswith("; but a restart is under way already, and cannot be called back")


def test_a_later_hold_stands_in_place_of_the_earlier_and_outlives_the_evaluator(world: World) -> None:
    hold(world, hours=1)
    hold(world, hours=3)
    world.evaluator = world.a_new_evaluator()
    make_ill(world)
    assert world.heal_states() == []
    [standing] = holds.standing(world.connection, at=world.now).values()
    assert standing.ends_at - standing.starts_at == timedelta(hours=3)


def test_a_hold_keeps_its_length_when_the_clock_is_set(world: World) -> None:
    world.step()
    hold(world, hours=1)
    world.set_clock(36_000)
    world.step()
    [standing] = holds.standing(world.connection, at=world.now).values()
    assert timedelta(minutes=59) < standing.ends_at - world.now <= timedelta(hours=1)


def test_a_person_has_a_healthy_service_restarted_and_it_costs_no_attempt(world: World) -> None:
    world.publish()
    world.look(GOOD)
    world.step()
    said = tell(world, HEAL_NOW, **DOC_STORE)
    assert said is not None
    assert said.startswith("hackathon-doc_store-1 is restarted now")
    [heal] = heals.open_heals(world.connection)
    assert (heal.incident_id, heal.asked_by, heal.why, heal.forced) == (None, "ada", "seen", False)
    world.step()
    assert world.heal_states() == ["planned"]  # it is not withdrawn because the service is well
    assert tell(world, HEAL_NOW, **DOC_STORE) == "refused: not restarted; healing: a restart is under way (for ada, about to be made)"
    world.return_heal("later")
    for _ in range(3):
        world.look(GOOD)
    world.step()
    assert world.heal_states() == ["verified"]


def test_quarantine_takes_force_which_is_written_down(world: World) -> None:
    one_attempt = world.config.self_healing.model_copy(update={"max_restart_attempts": 1})
    world.config = world.config.model_copy(update={"self_healing": one_attempt})
    world.evaluator = world.a_new_evaluator()
    make_ill(world)
    [heal] = heals.open_heals(world.connection)
    heals.issue(world.connection, heal.heal_id, at=world.now)
    heals.close(world.connection, heals.get(world.connection, heal.heal_id), HealState.FAILED, at=world.now, detail="no")
    world.pass_time(600)
    world.fail()
    world.step()
    refused = tell(world, HEAL_NOW, **DOC_STORE)
    assert refused is not None
    assert "--force" in refused
    done = tell(world, HEAL_NOW, force=True, **DOC_STORE)
    assert done is not None
    assert "is restarted now" in done
    assert heals.open_heals(world.connection)[0].forced


def test_a_dry_run_says_what_it_would_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, dry_run=True)
    world.set_clocks(monkeypatch)
    world.publish()
    world.look(GOOD)
    world.step()
    assert tell(world, HEAL_NOW, **DOC_STORE) == "dry run: hackathon-doc_store-1 would be restarted, and is not"
    assert world.heal_states() == ["would_restart"]
    world.connection.close()


def test_who_is_not_watched_is_refused(world: World) -> None:
    for kind in (HOLD, RELEASE, HEAL_NOW):
        assert tell(world, kind, service="nobody") == "refused: nobody is not watched by the agent"
    assert hold(world, hours=-1) == "refused: its end is past"
