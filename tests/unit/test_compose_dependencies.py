"""What Compose files declare: which containers services depend on, and which of those are in trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from healthmon.heal.compose_dependencies import dependencies, trouble
from healthmon.heal.docker_facts import read_container
from healthmon.model.target import Incarnation, TargetHealth, TargetState
from tests.builders import NOW, a_target

if TYPE_CHECKING:
    from healthmon.model.target import Target

STATE = TargetState


def one(number: int, name: str, *depends_on: str, **changes: Any) -> Target:
    facts: dict[str, Any] = {"compose_service": name, "compose_depends_on": depends_on, "name": f"hackathon-{name}-{number}"}
    return a_target(incarnation=Incarnation(target_id=f"{number:064x}", started="s"), **facts | changes)


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("redis:service_started:false,db:service_healthy:true", ("redis", "db")),
        ("redis", ("redis",)),
        ("", ()),
        (None, ()),
        (",:x,redis:a:b,redis:a:b", ("redis",)),
    ],
)
def test_the_label_is_read(label: str | None, wanted: tuple[str, ...]) -> None:
    labels = {} if label is None else {"com.docker.compose.depends_on": label}
    words = {"Id": "a" * 64, "Name": "/web", "State": {}, "Config": {"Labels": labels}, "HostConfig": {}}
    assert read_container(words, own_ids=(), now=NOW).facts.compose_depends_on == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, ""),
        ({"health": TargetHealth.STARTING}, ""),
        ({"health": TargetHealth.UNHEALTHY}, "is unhealthy by its own health check"),
        ({"state": STATE.EXITED, "exit_code": 137}, "exited with code 137, killed"),
        ({"state": STATE.EXITED, "exit_code": 0}, "exited with code 0"),
        ({"state": STATE.EXITED, "exit_code": 0, "restart_policy": "no"}, ""),
        ({"state": STATE.EXITED, "exit_code": 0, "restart_policy": "no", "stopped_by_person": True}, "exited with code 0, stopped by a person"),
        ({"state": STATE.EXITED, "exit_code": 1, "restart_policy": "no"}, "exited with code 1"),
        ({"state": STATE.PAUSED}, "is paused"),
        ({"state": STATE.RESTARTING, "exit_code": 3}, "restarts again and again, last exit with code 3"),
        ({"state": STATE.CREATED}, "was never started"),
        ({"state": STATE.DEAD, "exit_code": 0, "restart_policy": "no"}, "exited with code 0"),
    ],
)
def test_what_speaks_against_a_container(changes: dict[str, Any], wanted: str) -> None:
    assert trouble(a_target(**changes)) == wanted


def test_a_dependency_is_found_in_its_project_watched_or_not() -> None:
    web, api = one(1, "web", "redis", "api", "gone"), one(2, "api")
    redis = one(3, "redis", state=STATE.EXITED, exit_code=137)
    elsewhere = one(4, "redis", compose_project="other")
    found = {dependency.name: dependency for dependency in dependencies({1: web, 2: api}, [elsewhere, web, api, redis])}
    assert (found["redis"].container, found["redis"].watched_by, found["redis"].trouble) == ("hackathon-redis-3", None, "exited with code 137, killed")
    assert (found["api"].watched_by, found["api"].trouble) == (2, "")
    assert (found["gone"].container, found["gone"].trouble) == ("", "has no container")


def test_one_replica_that_is_well_is_enough() -> None:
    ill = one(2, "redis", state=STATE.EXITED, exit_code=1)
    web, well, job = one(1, "web", "redis"), one(3, "redis"), one(4, "redis", untouchable="one_off")
    assert [found.trouble for found in dependencies({1: web}, [web, ill, well])] == [""]
    assert [found.trouble for found in dependencies({1: web}, [web, ill, job])] == ["exited with code 1"]


def test_a_container_that_depends_on_itself_is_no_dependency() -> None:
    web = one(1, "web", "web")
    assert dependencies({1: web}, [web]) == []
