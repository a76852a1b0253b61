"""Limits on restarts, in the evaluator on a real database: who waits, for what, until when, over any crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes.crowd import Crowd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    MakeCrowd = Callable[..., Crowd]


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeCrowd]:
    made: list[Crowd] = []

    def make(*wanted: dict[str, object], **self_healing: object) -> Crowd:
        made.append(Crowd(tmp_path, monkeypatch, *wanted, **self_healing))
        return made[-1]

    yield make
    for one in made:
        one.connection.close()


WELL = tuple({"name": f"well_{number}"} for number in range(20))


def test_what_the_budget_does_not_reach_for_is_queued_with_its_turn(crowd: MakeCrowd) -> None:
    """Two may be restarted now: the critical one and the one that others depend on; the rest is told when it is its turn."""
    ill = ({"name": "old"}, {"name": "base"}, {"name": "vital", "critical": True}, {"name": "late"}, {"name": "leaf", "depends_on": ["base"]})
    world = crowd(*ill, *WELL, host_budget_per_10_minutes=2, concurrency=2)
    world.fall_ill("old", "base", "vital", "late", "leaf")
    assert world.heals_of() == [("vital", "planned"), ("base", "planned")]
    assert "so much was restarted on this host already (2 in 10 minutes), until" in world.healing_of("old")
    assert "(2 in 10 minutes, 1 before it), until" in world.healing_of("late")
    assert "waits for what it depends on (base)" in world.healing_of("leaf")


def test_a_restart_that_is_planned_is_spent(crowd: MakeCrowd) -> None:
    """With hands for more than the budget allows, one step does not plan beyond the budget."""
    names = [f"ill_{number}" for number in range(6)]
    world = crowd(*({"name": name} for name in names), *WELL, host_budget_per_10_minutes=4, concurrency=4)
    world.fall_ill(*names)
    assert len(world.heals_of("planned")) == 4


def test_who_comes_and_goes_is_stopped_by_its_own_budget_over_all_incidents(crowd: MakeCrowd) -> None:
    """T48: every restart helps, and twelve minutes later it is ill again: that is no healing."""
    world = crowd({"name": "leaky"}, *WELL, service_budget_per_hour=3, restart_cooldown_minutes=0, reset_after_minutes=5)
    for _ in range(3):
        world.fall_ill("leaky")
        world.heal_one("leaky", helps=True)
        world.pass_time(720)
    world.fall_ill("leaky")
    assert len(world.heals_of("verified")) == 3
    assert world.heals_of("planned") == []
    assert "it was restarted so often already that it needs a person (3 in 1 h), until" in world.healing_of("leaky")
    assert world.evaluator._outages.open[world.ids["leaky"]].needs_person_at is not None
    world.evaluator = world.a_new_evaluator()  # what was spent is in the ledger
    world.step()
    assert world.heals_of("planned") == []


@pytest.mark.parametrize("seconds", [3_600.0, -3_600.0])
def test_a_clock_that_is_set_neither_empties_a_budget_nor_freezes_it(crowd: MakeCrowd, seconds: float) -> None:
    """T44: after the jump the wait is as long as it was before it."""
    world = crowd({"name": "leaky"}, *WELL, service_budget_per_hour=1, restart_cooldown_minutes=0, reset_after_minutes=5)
    world.fall_ill("leaky")
    world.heal_one("leaky", helps=True)
    world.pass_time(600)
    world.set_clock(seconds)
    world.step()
    world.fall_ill("leaky")
    assert world.heals_of("planned") == []
    world.stay_ill("leaky", seconds=2_900, every_s=50)
    assert world.heals_of("planned") == []
    world.stay_ill("leaky", seconds=300)
    assert world.heals_of("planned") == [("leaky", "planned")]
