"""What people are told of the cause: a container that nobody watches, and what a container said last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.container_dependency import ContainerDependency
from healthmon.model.heal import HealState
from healthmon.model.notification import NotificationKind
from healthmon.processes.evaluator import wording
from healthmon.store import container_dependencies, forensics, incidents
from tests.builders import NOW, a_bundle, a_heal
from tests.processes.alert_timeline import AT_ONCE, DOWN, timelines
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


def test_a_message_says_what_was_asked_what_healing_does_and_where_to_read_on(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping=AT_ONCE, web={"public_url": "https://status.example.com/"})
    timeline.pass_minutes(1)
    timeline.pass_minutes(1, doc_store=BAD)
    timeline.pass_minutes(1)
    firing, resolved = (message.affected[0] for message in timeline.messages())
    assert dict(firing.facts)["asked"] == "http://localhost:1"
    assert firing.healing == "switched off: nothing is restarted"
    assert firing.links == resolved.links == (("page", "https://status.example.com/services/doc_store"),)
    assert "asked" not in dict(resolved.facts)


def test_that_restarts_did_not_help_is_told_at_once_and_once(a_timeline: Any) -> None:
    timeline = a_timeline(DOWN, grouping={"wait_seconds": 30, "repeat_seconds": 0})
    timeline.pass_minutes(1)
    timeline.pass_minutes(5, doc_store=BAD)
    [incident] = incidents.open_incidents(timeline.connection)
    incidents.quarantine(timeline.connection, incident.incident_id, at=timeline.now)
    timeline.evaluator = timeline.a_new_evaluator()
    timeline.pass_minutes(5, doc_store=BAD)
    assert [kind for kind, _ in timeline.said()] == ["firing", "worsened"]
    told = timeline.messages()[-1].affected[0]
    assert (told.news, "healing_quarantined" in told.alert_types) == ("restarts did not help", True)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((), ""),
        ((HealState.VERIFIED,), "restarted once"),
        ((HealState.FAILED, HealState.VERIFIED), "restarted 2 times"),
        ((HealState.DROPPED, HealState.VERIFIED), "restarted once"),
        ((HealState.VERIFIED, HealState.FAILED), ""),
    ],
)
def test_only_a_restart_that_helped_is_said_to_have_healed(states: tuple[HealState, ...], said: str) -> None:
    assert wording._healed([a_heal(state) for state in states]) == said
