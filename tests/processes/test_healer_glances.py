"""What does an event cost? A look at the container that it told of, and at no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.heal.engine import Glimpse, NoEngine
from healthmon.heal.settings import DiscoverySettings
from healthmon.log import Log
from healthmon.model.target import Incarnation, Target, TargetHealth, TargetState
from healthmon.processes.healer.observing import Observing
from healthmon.store import services, targets
from healthmon.store.opening import create_or_open
from tests.builders import a_config, a_target

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


def a_container(name: str, number: int, **changes: Any) -> Target:
    return a_target(**{"name": name, "published_ports": (), "incarnation": Incarnation(target_id=f"{number:064d}", started="first")} | changes)


STORE, DB = a_container("store", 1, compose_project="shop", compose_depends_on=("db",)), a_container("db", 2, compose_project="shop", compose_service="db")
STRANGER = a_container("stranger", 3)


class Engine(NoEngine):
    """Tells what the test sets, and counts the looks at everything."""

    def __init__(self) -> None:
        super().__init__("a test")
        self.all = {one.incarnation.target_id: one for one in (STORE, DB, STRANGER)}
        self.glimpse: Glimpse | None = None
        self.observed = self.recalled = 0
        self.disregarded: set[str] = set()
        self.heeds_new = True

    def observe(self) -> list[Target]:
        self.observed += 1
        return list(self.all.values())

    def recall(self) -> list[Target]:
        self.recalled += 1
        return list(self.all.values())

    def glance(self) -> Glimpse | None:
        return self.glimpse

    def heed(self, concerning: Collection[str], bystanders: Collection[str], *, new: bool) -> None:  # noqa: ARG002  the Protocol's
        self.disregarded, self.heeds_new = set(bystanders), new


class World:
    """Two services: the container of one depends on another container, the other has none."""

    def __init__(self, path: Path) -> None:
        self.config = a_config(path, {"name": "store", "url": "http://localhost:1", "container": "store"}, {"name": "remote", "url": "http://remote:2"})
        self.connection = create_or_open(self.config.paths.database)
        services.sync(self.connection, [(one.name, "default", True) for one in self.config.enabled_services()], now=clock.now())
        self.engine = Engine()
        self.observing = Observing(
            self.config.enabled_services(), DiscoverySettings(), docker=self.engine, supervisor=NoEngine("none"), connection=self.connection, log=Log("test")
        )
        self.observing.observe()

    def glance(self, *changed: Target, gone: Collection[str] = ()) -> bool:
        self.engine.all |= {one.incarnation.target_id: one for one in changed}
        for target_id in gone:
            self.engine.all.pop(target_id, None)
        self.engine.glimpse = Glimpse(targets=list(changed), gone=frozenset(gone))
        return self.observing.glance()

    def told(self) -> Target | None:
        return targets.load(self.connection)[1].target

    @property
    def looks_at_all(self) -> int:
        return self.engine.recalled + self.engine.observed - 1


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.connection.close()


def test_a_verdict_is_told_without_a_look_at_any_other_container(world: World) -> None:
    """However many there are, what a restart waits for is one look."""
    assert world.glance(replace(STORE, health=TargetHealth.UNHEALTHY))
    told = world.told()
    assert told is not None
    assert told.health is TargetHealth.UNHEALTHY
    assert world.looks_at_all == 0
    assert not world.glance(replace(STORE, health=TargetHealth.UNHEALTHY))


def test_what_no_service_uses_is_disregarded_from_the_first_look_on(world: World) -> None:
    """Also one that appears later, once it has been looked at; and one that was over before it could be."""
    assert world.engine.disregarded == {STRANGER.incarnation.target_id}
    late = a_container("late", 4)
    assert not world.glance(late, gone={"5" * 64})
    assert world.engine.disregarded == {STRANGER.incarnation.target_id, late.incarnation.target_id}
    assert world.looks_at_all == 0


@pytest.mark.parametrize(
    ("changed", "gone"),
    [
        ((replace(STORE, state=TargetState.EXITED),), ()),
        ((a_container("store", 4),), ()),
        ((a_container("any", 4, published_ports=(1,)),), ()),
        ((replace(DB, health=TargetHealth.UNHEALTHY),), ()),
        ((), (STORE.incarnation.target_id,)),
        ((), (DB.incarnation.target_id,)),
    ],
    ids=["it ended", "another has its name", "another has its port", "what it depends on", "it is gone", "what it depends on is gone"],
)
def test_what_may_give_a_service_another_container_has_all_matched_anew(world: World, changed: tuple[Target, ...], gone: tuple[str, ...]) -> None:
    """From what is known already: nobody is asked for it."""
    world.glance(*changed, gone=gone)
    assert (world.engine.recalled, world.engine.observed) == (1, 1)


def test_new_containers_are_heeded_only_while_a_service_waits_for_one(world: World) -> None:
    """What comes and goes beside us while all is well is not even looked at before its time."""
    assert not world.engine.heeds_new
    world.glance(replace(STORE, state=TargetState.EXITED))
    assert world.engine.heeds_new
    world.glance(STORE)
    assert not world.engine.heeds_new


def test_an_engine_that_lost_track_is_looked_at_as_a_whole(world: World) -> None:
    """Events may have been missed."""
    world.engine.glimpse = None
    world.observing.glance()
    assert world.engine.observed == 2


def test_other_services_need_a_look_at_everything_before_anything_is_disregarded(world: World) -> None:
    """A reload may ask for what was nobody's."""
    world.observing.follow(world.config.enabled_services(), DiscoverySettings())
    world.glance(replace(STRANGER, state=TargetState.EXITED))
    assert world.looks_at_all == 1
