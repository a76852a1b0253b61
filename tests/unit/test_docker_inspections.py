"""Which containers are inspected again, in which order, and for how long?"""

from __future__ import annotations

from typing import Any

import pytest

from healthmon import clock
from healthmon.errors import EngineGoneError
from healthmon.heal.docker_facts import Container
from healthmon.heal.docker_health import HealthCheck
from healthmon.heal.docker_inspections import Inspections, NotUnderstoodError, UnansweredError, understanding
from healthmon.log import Log
from healthmon.model.target import TargetHealth
from tests.builders import NOW, a_target


class Said(Log):
    """A log that a test can read."""

    def __init__(self) -> None:
        super().__init__("test")
        self.events: list[tuple[str, dict[str, Any]]] = []

    def _write(self, level: int, event: str, fields: dict[str, Any], *, traceback: bool = False) -> None:  # noqa: ARG002
        self.events.append((event, fields))


class World:
    """Inspections of an engine that takes `takes_s` for each, on a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, takes_s: float = 0.01) -> None:
        self.now_s = 1_000.0
        self.takes_s = takes_s
        self.asked: list[str] = []
        self.errors: dict[str, Exception] = {}
        self.unhealthy: set[str] = set()
        self.said = Said()
        self.inspections = Inspections(self.said, lambda: NOW)
        monkeypatch.setattr(clock, "monotonic", lambda: self.now_s)

    def inspect(self, target_id: str) -> Container:
        self.asked.append(target_id)
        self.now_s += self.takes_s
        if target_id in self.errors:
            raise self.errors[target_id]
        ill = HealthCheck(status=TargetHealth.UNHEALTHY, failing_streak=1, last_exit_code=1, last_end=NOW, trusted_s=90, last_output="")
        check = ill if target_id in self.unhealthy else None
        return Container(facts=a_target(name=target_id), health_check=check, stop_signal=0, hides_signals=False, hides_exit_codes=False, finished_at=None, names=frozenset())

    def refresh(self, rows: dict[str, str], *changed: str) -> list[str]:
        """Return whom it asked for; `is_behind` tells the rest."""
        self.asked.clear()
        listed = {target_id: (row,) for target_id, row in rows.items()}
        self.is_behind = self.inspections.refresh(listed, set(changed), self.inspect)
        return list(self.asked)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_only_what_is_new_or_changed_is_inspected(world: World) -> None:
    assert world.refresh({"a": "1", "b": "1"}) == ["a", "b"]
    assert world.refresh({"a": "1", "b": "1"}) == []
    assert world.refresh({"a": "1", "b": "2"}) == ["b"]
    assert world.refresh({"a": "1", "b": "2"}, "a") == ["a"]
    world.now_s += 1_801
    assert world.refresh({"a": "1", "b": "2"}) == ["b", "a"]  # whoever waited longest comes first
    assert world.refresh({"b": "2"}) == []
    assert world.inspections.containers().keys() == {"b"}


def test_slow_inspects_are_bounded_and_the_next_call_goes_on(world: World) -> None:
    """Eight seconds a call at most, and nobody is asked for twice before all were."""
    world.takes_s = 1.0
    rows = {f"c{number}": "1" for number in range(8)}
    begun_s = world.now_s
    asked = world.refresh(rows, "c7")
    assert (len(asked), world.is_behind) == (3, True)
    assert world.now_s - begun_s <= 8
    asked += world.refresh(rows)
    assert world.is_behind
    asked += world.refresh(rows)
    assert not world.is_behind
    assert sorted(asked) == sorted(rows)


def test_a_change_that_there_was_no_time_for_is_not_forgotten(world: World) -> None:
    rows = {f"c{number}": "1" for number in range(5)}
    world.refresh(rows)
    world.takes_s = 2.0
    asked = world.refresh(rows, *rows)
    assert (len(asked), world.is_behind) == (2, True)
    asked += world.refresh(rows) + world.refresh(rows)
    assert (sorted(asked), world.is_behind) == (sorted(rows), False)


def test_the_streak_of_an_unhealthy_one_waits_for_news_of_others(world: World) -> None:
    """And it alone is no reason to hurry."""
    world.unhealthy = {"a", "b", "c"}
    world.refresh(dict.fromkeys("abc", "1"))
    world.takes_s = 2.0
    assert world.refresh(dict.fromkeys("abcd", "1")) == ["d", "a"]
    assert not world.is_behind
    assert world.refresh(dict.fromkeys("abcd", "1")) == ["b", "c"]


def test_one_that_is_not_answered_for_delays_the_others_once_a_minute(world: World) -> None:
    rows = {"a": "1", "b": "1"}
    world.refresh(rows)
    world.errors["a"] = UnansweredError("too slow")
    assert world.refresh(rows, "a") == ["a"]
    assert world.refresh(rows, "a") == []
    assert not world.is_behind
    assert world.inspections.containers().keys() == {"a", "b"}
    world.now_s += 61
    del world.errors["a"]
    assert world.refresh(rows) == ["a"]


def test_an_odd_one_keeps_its_last_facts_and_is_told_once(world: World) -> None:
    rows = {"a": "1", "b": "1", "c": "1"}
    world.refresh({"a": "1"})
    odd = NotUnderstoodError("a", KeyError("State"))
    world.errors = {"a": odd, "b": NotUnderstoodError("b", KeyError("State"))}
    world.refresh(rows, "a")
    assert world.inspections.containers().keys() == {"a", "c"}
    for _ in range(3):
        world.now_s += 61
        world.refresh(rows, "a")
    assert [(event, fields["container"]) for event, fields in world.said.events] == [("container_not_understood", name) for name in "ba"]


def test_a_gone_one_is_left_out(world: World) -> None:
    world.refresh({"a": "1"})
    world.errors["a"] = EngineGoneError("gone")
    world.refresh({"a": "2"})
    assert world.inspections.containers() == {}


@pytest.mark.parametrize(("words", "name"), [({"Name": "/web"}, "web"), ({"Names": ["/web"]}, "web"), ({"Id": "1"}, "1"), (None, "a container"), ([], "a container")])
def test_an_odd_answer_names_its_container(words: Any, name: str) -> None:
    with pytest.raises(NotUnderstoodError, match=name), understanding(words):
        words["State"]["Running"]
