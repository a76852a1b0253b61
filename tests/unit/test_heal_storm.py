"""When so many are ill at once that restarts are no answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.heal.decision import HealReason
from healthmon.heal.order import Turn
from healthmon.heal.situation import StormStanding
from healthmon.heal.storm import Census, in_vain, standing, weather
from healthmon.model.heal import Heal, HealState
from healthmon.model.storm import Storm
from tests.builders import NOW, a_heal, a_situation, ago, an_unhealthy_state

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation

THRESHOLDS: list[tuple[str, Census, bool]] = [
    ("half are ill", Census(watched=17, ill=9, newly=0), True),
    ("fewer than half", Census(watched=17, ill=8, newly=0), False),
    ("two of two are too few", Census(watched=2, ill=2, newly=2), False),
    ("three of three", Census(watched=3, ill=3, newly=0), True),
    ("one of two heals normally", Census(watched=2, ill=1, newly=1), False),
    ("many at once, long before half", Census(watched=17, ill=6, newly=6), True),
    ("the same many, one after the other", Census(watched=17, ill=6, newly=5), False),
    ("a quarter of a large crowd", Census(watched=40, ill=10, newly=10), False),
    ("just half", Census(watched=10, ill=5, newly=0), True),
    ("just less than half", Census(watched=10, ill=4, newly=0), False),
    ("a third of a large crowd", Census(watched=40, ill=12, newly=12), True),
    ("all that is left is explained", Census(watched=17, ill=1, newly=1, explained=8), False),
]


@pytest.mark.parametrize(("census", "begins"), [case[1:] for case in THRESHOLDS], ids=[case[0] for case in THRESHOLDS])
def test_a_storm_begins_with_this_many(census: Census, begins: bool) -> None:  # noqa: FBT001  the column of a table
    assert (weather(None, census, NOW) is not None) == begins


def a_storm(**changes: Any) -> Storm:
    facts: dict[str, Any] = {"storm_id": 1, "began_at": ago(120), "ill": 9, "watched": 17}
    return Storm(**facts | changes)


QUIET = Census(watched=17, ill=2, newly=0)


def test_it_is_over_after_a_minute_below_the_threshold() -> None:
    calm = weather(a_storm(), QUIET, NOW)
    assert calm == a_storm(calm_since=NOW)
    assert weather(a_storm(calm_since=ago(59)), QUIET, NOW) == a_storm(calm_since=ago(59))
    assert weather(a_storm(calm_since=ago(60)), QUIET, NOW) == a_storm(calm_since=ago(60), ended_at=NOW)


def test_what_comes_back_within_the_minute_is_the_same_storm() -> None:
    worse = Census(watched=17, ill=12, newly=0)
    assert weather(a_storm(calm_since=ago(59)), worse, NOW) == a_storm(ill=12)
    assert weather(a_storm(), Census(watched=17, ill=9, newly=0), NOW) == a_storm()


def test_it_is_over_at_once_when_a_root_explains_it() -> None:
    """T52: the dependents were confirmed before the database was; now only it counts, and it is healed at once."""
    found = weather(a_storm(ill=8), Census(watched=17, ill=1, newly=1, explained=8), NOW)
    assert found is not None
    assert found.ended_at == NOW


def candidates() -> list[Situation]:
    """Of three the first cannot be restarted now, for it has to cool down."""
    tried = a_heal(HealState.FAILED, planned_at=ago(60), issued_at=ago(60))
    return [
        a_situation(state=an_unhealthy_state(service_id=number + 1, evidence_failures=0), history=() if one else (tried,))
        for number, one in enumerate((False, True, True))
    ]


TURNS: list[tuple[str, Storm, tuple[Heal, ...], dict[str, Any]]] = [
    ("nothing for five minutes", a_storm(began_at=ago(299)), (), {"until": NOW + timedelta(seconds=1)}),
    ("then one", a_storm(began_at=ago(300)), (), {"turn": 2, "reason": HealReason.STORM_ONE_BY_ONE}),
    ("while it is under way nobody else", a_storm(began_at=ago(400)), (a_heal(HealState.ISSUED),), {"reason": HealReason.STORM_ONE_BY_ONE}),
    ("nor while it is verified", a_storm(began_at=ago(400)), (a_heal(HealState.RETURNED),), {"reason": HealReason.STORM_ONE_BY_ONE}),
    ("it helped: the next", a_storm(began_at=ago(400)), (a_heal(HealState.VERIFIED),), {"turn": 2, "reason": HealReason.STORM_ONE_BY_ONE}),
    (
        "it did not: nobody for half an hour",
        a_storm(began_at=ago(400)),
        (a_heal(HealState.FAILED, closed_at=ago(10)),),
        {"until": NOW + timedelta(minutes=30, seconds=-10), "reason": HealReason.STORM_NOT_HELPED},
    ),
    (
        "then one more, and another than before",
        a_storm(began_at=ago(4_000)),
        (a_heal(HealState.FAILED, service_id=2, closed_at=ago(1_800)),),
        {"turn": 3, "reason": HealReason.STORM_ONE_BY_ONE},
    ),
    ("what was dropped was not tried", a_storm(began_at=ago(400)), (a_heal(HealState.DROPPED),), {"turn": 2, "reason": HealReason.STORM_ONE_BY_ONE}),
    (
        "a dry run cannot tell whether it helped",
        a_storm(began_at=ago(400)),
        (a_heal(HealState.WOULD_RESTART, closed_at=ago(60)),),
        {"until": NOW + timedelta(minutes=29), "reason": HealReason.STORM_NOT_HELPED},
    ),
]


@pytest.mark.parametrize(("storm", "made", "expected"), [case[1:] for case in TURNS], ids=[case[0] for case in TURNS])
def test_in_a_storm_it_is_the_turn_of(storm: Storm, made: tuple[Heal, ...], expected: dict[str, Any]) -> None:
    facts: dict[str, Any] = {"ill": 9, "watched": 17, "reason": HealReason.STORM}
    assert standing(storm, made, candidates(), NOW) == StormStanding(**facts | expected)


def test_only_a_restart_that_did_not_help_calls_a_person() -> None:
    assert in_vain([a_heal(HealState.FAILED), a_heal(HealState.DROPPED)]) is not None
    assert in_vain([a_heal(HealState.FAILED), a_heal(HealState.VERIFIED)]) is None
    assert in_vain([]) is None


def test_a_root_is_tried_first_and_not_what_everything_stands_on() -> None:
    queue = [
        Turn(service_id=1, critical=False, is_root=False, since=ago(900)),
        Turn(service_id=2, critical=True, is_root=True, since=ago(60)),
        Turn(service_id=3, critical=False, is_root=True, since=ago(30)),
        Turn(service_id=4, critical=True, is_root=False, since=ago(40)),
    ]
    assert [turn.service_id for turn in sorted(queue, key=Turn.harmlessness)] == [3, 2, 1, 4]
