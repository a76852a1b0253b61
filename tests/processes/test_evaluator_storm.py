"""Storms, in the evaluator on a real database: nothing is restarted but one, and a root that explains them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from healthmon.model.check import CheckKind
from healthmon.store import alerts, storms
from tests.processes.crowd import Crowd
from tests.processes.evaluator_world import BAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    MakeCrowd = Callable[..., Crowd]

SIX = ("one", "two", "three", "four", "five", "six")


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeCrowd]:
    made: list[Crowd] = []

    def make(*wanted: dict[str, object], **self_healing: object) -> Crowd:
        made.append(Crowd(tmp_path, monkeypatch, *wanted, **self_healing))
        return made[-1]

    yield make
    for one in made:
        one.connection.close()


@pytest.fixture
def ten(crowd: MakeCrowd) -> Crowd:
    """Six of ten fall ill: `one` is critical, the others depend on nothing."""
    ill = ({"name": name, "critical": name == "one"} for name in SIX)
    return crowd(*ill, *({"name": f"well_{number}"} for number in range(4)), host_budget_per_10_minutes=20)


def test_in_a_storm_nothing_is_restarted_for_five_minutes_and_then_one_that_is_not_critical(ten: Crowd) -> None:
    ten.fall_ill(*SIX)
    assert "so many are ill at once that restarts are no answer (6 of 10 services are unhealthy), until" in ten.healing_of("one")
    assert [alert.alert_type for alert in alerts.firing(ten.connection)] == ["healing_storm"]
    ten.stay_ill(*SIX, seconds=280)
    assert ten.heals_of() == []
    ten.evaluator = ten.a_new_evaluator()  # a storm outlives the evaluator
    ten.stay_ill(*SIX, seconds=60)
    assert ten.heals_of() == [("two", "planned")]
    assert "waits for its turn" in ten.healing_of("one")


def test_the_one_has_the_time_to_prove_that_it_is_ill(crowd: MakeCrowd) -> None:
    """With the least time that people get, it keeps its turn until that is over."""
    world = crowd(*({"name": name} for name in SIX), min_unhealthy_seconds=20)
    world.fall_ill(*SIX)
    world.stay_ill(*SIX, seconds=360)
    assert world.heals_of() == [("one", "planned")]


def test_when_the_one_is_verified_the_others_follow_one_by_one(ten: Crowd) -> None:
    ten.fall_ill(*SIX)
    ten.stay_ill(*SIX, seconds=340)
    ten.heal_one("two", helps=True)
    ten.stay_ill("one", "three", "four", "five", "six", seconds=40)
    assert ten.heals_of() == [("two", "verified"), ("three", "planned")]
    ten.heal_one("three", helps=True)
    ten.stay_ill("one", "four", "five", "six", seconds=100)  # four of ten are no storm: after a minute of it, hands are free
    assert storms.open_one(ten.connection) is None
    assert alerts.firing(ten.connection) == []
    assert len(ten.heals_of("planned")) == 2


def test_what_failed_in_a_storm_is_no_evidence_after_it(ten: Crowd) -> None:
    """It may have been dragged down by what made the others ill: it has to fail anew on a calm host."""
    ten.fall_ill(*SIX)
    ten.stay_ill(*SIX, seconds=30)
    ten.recover(*SIX[1:])
    while storms.open_one(ten.connection) is not None:
        ten.stay_ill("one", seconds=10)
    assert ten.heals_of() == []
    assert "too few checks of this run failed" in ten.healing_of("one")
    ten.stay_ill("one", seconds=30)
    assert ten.heals_of() == [("one", "planned")]


def test_when_the_one_is_not_helped_a_person_is_called_and_nothing_else_is_tried(ten: Crowd) -> None:
    ten.fall_ill(*SIX)
    ten.stay_ill(*SIX, seconds=340)
    ten.heal_one("two", helps=False)
    assert ten.heals_of() == [("two", "failed")]
    called = ten.evaluator._outages.open[ten.ids["two"]].needs_person_at
    assert called is not None
    ten.stay_ill(*SIX, seconds=1_200, every_s=60)
    assert ten.heals_of() == [("two", "failed")]
    assert "the one that was restarted was not helped; a person has to look" in ten.healing_of("three")
    ten.evaluator = ten.a_new_evaluator()
    ten.step()
    assert ten.evaluator._outages.open[ten.ids["two"]].needs_person_at == called  # said once
    ten.stay_ill(*SIX, seconds=900, every_s=10)
    assert ten.heals_of() == [("two", "failed"), ("three", "planned")]  # the cause may have ended, and left what only a restart cures


def test_dependents_that_an_ill_root_explains_are_no_storm_and_the_root_is_healed_at_once(crowd: MakeCrowd) -> None:
    """T52: eight depend on the database. They are confirmed ill first; when it is, too, it alone is restarted."""
    dependents = [f"app_{number}" for number in range(8)]
    world = crowd({"name": "database"}, *({"name": name, "depends_on": ["database"]} for name in dependents), {"name": "other"})
    world.fall_ill(*dependents)
    assert world.heals_of() == []
    assert storms.open_one(world.connection) is not None
    world.look(BAD, service_id=world.ids["database"])
    world.look(BAD, CheckKind.RECHECK, service_id=world.ids["database"])
    world.look(BAD, CheckKind.RECHECK, service_id=world.ids["database"])
    world.step()
    assert storms.open_one(world.connection) is None
    world.stay_ill("database", seconds=10)
    assert world.heals_of() == [("database", "planned")]
    world.heal_one("database", helps=True)
    world.recover(*dependents[:7])
    world.stay_ill("app_7", seconds=100)
    assert world.heals_of() == [("database", "verified"), ("app_7", "planned")]


def test_a_storm_keeps_its_clocks_when_the_hosts_is_set(ten: Crowd) -> None:
    ten.fall_ill(*SIX)
    ten.pass_time(60)
    ten.set_clock(-86_400)
    ten.step()
    ten.stay_ill(*SIX, seconds=180)
    assert ten.heals_of() == []
    ten.stay_ill(*SIX, seconds=120)
    assert ten.heals_of() == [("two", "planned")]
