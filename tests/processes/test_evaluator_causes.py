"""What people are told of the cause: a container that nobody watches, and what a container said last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.container_dependency import ContainerDependency
from healthmon.model.notification import NotificationKind
from healthmon.store import container_dependencies, forensics, incidents
from tests.builders import NOW, a_bundle
from tests.processes.alert_timeline import DOWN, timelines
from tests.processes.evaluator_world import BAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes.alert_timeline import Timeline


@pytest.fixture
def a_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from timelines(tmp_path, monkeypatch)


# Containers that nobody watches


def redis(sid: int, trouble: str) -> ContainerDependency:
    return ContainerDependency(service_id=sid, name="redis", container="proj-redis-1", watched_by=None, trouble=trouble, since=NOW if trouble else None)


def declare(timeline: Timeline, *found: ContainerDependency) -> None:
    """Publish what the healer would have seen."""
    dated = [replace(one, since=timeline.now if one.trouble else None) for one in found]
    with timeline.connection.transaction(durable=False):
        container_dependencies.publish(timeline.connection, dated, now=timeline.now)


def test_services_that_need_a_stopped_container_are_one_message_that_names_it(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    declare(timeline, redis(1, "exited with code 137, killed"), redis(2, "exited with code 137, killed"))
    timeline.pass_minutes(10, doc_store=BAD, frontend=BAD)
    [message] = timeline.messages()
    [told] = message.affected
    assert (told.service, told.dependents, told.because_of) == ("doc_store", ("frontend",), "redis exited with code 137, killed")
    assert told.facts[0] == ("because of", "redis (container proj-redis-1, not monitored) exited with code 137, killed")
    declare(timeline, redis(1, ""), redis(2, ""))
    timeline.pass_minutes(10)
    assert timeline.said() == [("firing", "doc_store"), ("resolved", "doc_store")]
    assert ("it was because of", "redis exited with code 137, killed") in timeline.messages()[1].affected[0].facts


def test_who_stays_ill_after_the_container_is_back_is_told(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    declare(timeline, redis(1, "is paused"), redis(2, "is paused"))
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    declare(timeline, redis(1, ""), redis(2, ""))
    timeline.pass_minutes(5, frontend=BAD)
    firing = [message for message in timeline.messages() if message.kind is NotificationKind.FIRING]
    assert [(one.affected[0].service, one.affected[0].because_of) for one in firing] == [("doc_store", "redis is paused"), ("frontend", "")]


def test_a_container_without_which_a_service_was_well_for_long_is_not_named(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    declare(timeline, redis(1, "is paused"))
    timeline.pass_minutes(15)
    timeline.pass_minutes(5, doc_store=BAD)
    [message] = timeline.messages()
    assert message.affected[0].because_of == ""


def test_a_dependency_by_compose_counts_like_a_configured_one(a_timeline: Any) -> None:
    """The configuration says that the frontend depends on doc_store: a circle by Compose does no harm."""
    timeline = a_timeline(DOWN, {"name": "innocent", "condition": "dependency_unhealthy", "severity": "info"})
    by_compose = ContainerDependency(service_id=1, name="frontend", container="f", watched_by=2, trouble="")
    declare(timeline, by_compose)
    timeline.pass_minutes(5)
    timeline.pass_minutes(5, frontend=BAD)
    assert timeline.alerts("resolved") == ["doc_store innocent"]
    timeline.pass_minutes(5, doc_store=BAD, frontend=BAD)
    assert [service for kind, service in timeline.said() if kind == "firing"] == ["frontend", "doc_store"]


def test_what_the_container_said_last_is_told_while_it_is_down(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN)
    timeline.pass_minutes(5)
    timeline.pass_minutes(0.5, doc_store=BAD)
    [incident] = incidents.open_incidents(timeline.connection)
    lines = ("connecting", "panic: no memory")
    forensics.keep(timeline.connection, a_bundle(incident_id=incident.incident_id, last_lines=lines))
    timeline.pass_minutes(5, doc_store=BAD)
    timeline.pass_minutes(5)
    firing, resolved = timeline.messages()
    assert ("last log lines", "connecting | panic: no memory") in firing.affected[0].facts
    assert "last log lines" not in dict(resolved.affected[0].facts)
