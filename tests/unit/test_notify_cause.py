"""What people are told of the cause."""

from __future__ import annotations

from typing import Any

import pytest

from healthmon.model.target import TargetChange, TargetHealth, TargetState
from healthmon.notify.cause import Seen, cause
from tests.builders import NOW, a_target, ago, an_unhealthy_state

STATE = an_unhealthy_state(last_error="expected 200, got 500 Internal Server Error", last_healthy_at=NOW)


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ({"started_at": NOW}, "runs since 2026-11-22 12:00:00 UTC"),
        ({"started_at": None, "health": TargetHealth.UNHEALTHY}, "runs, unhealthy by its own health check"),
        ({"state": TargetState.EXITED, "exit_code": 1}, "exited with code 1"),
        ({"state": TargetState.EXITED, "exit_code": 137, "oom_killed": True}, "exited with code 137, killed for lack of memory"),
        ({"state": TargetState.EXITED, "exit_code": 137}, "exited with code 137, killed"),
        ({"state": TargetState.EXITED, "exit_code": 0, "stopped_by_person": True}, "exited with code 0, stopped by a person"),
        ({"state": TargetState.RESTARTING, "exit_code": 3}, "restarts again and again, last exit with code 3"),
        ({"state": TargetState.PAUSED}, "is paused"),
    ],
)
def test_the_container_is_told_as_it_is(target: dict[str, Any], wanted: str) -> None:
    known = dict(cause(STATE, Seen(target=a_target(name="web", **{"restart_count": 0} | target))))
    assert known["container"] == f"web {wanted}"


def test_what_failed_comes_first_with_its_value() -> None:
    found = cause(STATE, Seen(target=a_target(restart_count=5, restart_policy="always", error="no such image")))
    assert found[0] == ("last check", "status: expected 200, got 500 Internal Server Error")
    assert dict(found)["engine's restarts"] == "5 by its restart policy always"
    assert dict(found)["engine's error"] == "no such image"


def test_why_no_container_is_known_is_told() -> None:
    assert dict(cause(STATE, Seen(problem="no Docker socket")))["container"] == "no Docker socket"


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        ({}, None),
        ({"change": TargetChange.IMAGE, "changed_at": ago(30)}, "a new image (1) since 2026-11-22 11:59:30 UTC"),
        ({"change": TargetChange.CONFIGURATION, "changed_at": ago(3_000)}, "a new configuration since 2026-11-22 11:10:00 UTC"),
        ({"change": TargetChange.IMAGE, "changed_at": ago(4_000)}, None),
    ],
)
def test_a_change_is_told_that_came_shortly_before_the_failure(seen: dict[str, Any], wanted: str | None) -> None:
    assert dict(cause(STATE, Seen(target=a_target(), **seen))).get("changed") == wanted


@pytest.mark.parametrize(("starts", "wanted"), [(0, None), (1, "once in the last hour"), (4, "4 times in the last hour")])
def test_restarts_are_counted(starts: int, wanted: str | None) -> None:
    assert dict(cause(STATE, Seen(target=a_target(), starts_1h=starts))).get("started anew") == wanted


def test_how_the_run_before_ended_is_told() -> None:
    known = dict(cause(STATE, Seen(target=a_target(previous_exit_code=137, previous_oom_killed=True))))
    assert known["its run before"] == "ended with code 137, killed for lack of memory"
    assert "its run before" not in dict(cause(STATE, Seen(target=a_target(previous_exit_code=0))))
