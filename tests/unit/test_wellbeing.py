"""When the agent as a whole is ready, alive and well."""

from __future__ import annotations

from typing import Any

import pytest

from healthmon.watch.policy import ProgramState, WatchReason
from healthmon.watch.wellbeing import Judged, wellbeing


def judged(program: str = "evaluator", **changes: Any) -> Judged:
    facts: dict[str, Any] = {"state": ProgramState.RUNNING, "reason": WatchReason.WELL, "has_beaten": True, "is_stuck": False}
    return Judged(program=program, **facts | changes)


YES, NO = True, False
HUNG = judged(reason=WatchReason.NO_HEARTBEAT, detail="for 26 s")
CASES: list[tuple[str, Judged, bool, bool, bool, str]] = [
    ("well", judged(), YES, YES, YES, "2 processes, all well"),
    ("not heard of yet", judged(has_beaten=False), NO, YES, NO, "starting: evaluator"),
    ("being started", judged(state=ProgramState.STARTING, reason=WatchReason.SUPERVISED, has_beaten=False), NO, YES, NO, "starting: evaluator"),
    (
        "waits for what it needs",
        judged(state=ProgramState.STARTING, reason=WatchReason.SUPERVISED, has_begun=False),
        NO,
        YES,
        NO,
        "starting: evaluator",
    ),
    ("at work before supervisord believes it", judged(state=ProgramState.STARTING, reason=WatchReason.SUPERVISED), YES, YES, YES, "2 processes, all well"),
    ("being tried again", judged(state=ProgramState.BACKOFF, reason=WatchReason.SUPERVISED), NO, YES, NO, "starting: evaluator"),
    ("hung", HUNG, YES, NO, NO, "evaluator: no heartbeat for 26 s"),
    ("given up", judged(state=ProgramState.FATAL, reason=WatchReason.GIVEN_UP), YES, YES, NO, "evaluator: given up"),
    ("leaking", judged(reason=WatchReason.LEAKING, detail="300 MiB"), YES, YES, NO, "evaluator: leaking 300 MiB"),
    ("its disk is full", judged(is_stuck=True), YES, YES, NO, "evaluator: cannot work, its log says why"),
    ("the page's port is taken", judged("web", is_stuck=True), YES, YES, YES, "2 processes, all well"),
    (
        "stopped by a person",
        judged(state=ProgramState.STOPPED, reason=WatchReason.STOPPED_BY_PERSON, has_beaten=False),
        YES,
        YES,
        NO,
        "evaluator: stopped by a person",
    ),
    (
        "the brake",
        judged("healer", state=ProgramState.STOPPED, reason=WatchReason.STOPPED_BY_PERSON, has_beaten=False),
        YES,
        YES,
        YES,
        "2 processes, all well",
    ),
    ("not heard of yet in a unit of its own", judged("healer", has_beaten=False, is_elsewhere=True), YES, YES, NO, "starting: healer"),
    (
        "silent in a unit of its own",
        judged("healer", reason=WatchReason.NO_HEARTBEAT, has_beaten=False, is_elsewhere=True),
        YES,
        YES,
        NO,
        "healer: no heartbeat",
    ),
]


@pytest.mark.parametrize(("one", "ready", "alive", "well", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_process_beside_one_that_is_well(one: Judged, ready: bool, alive: bool, well: bool, words: str) -> None:  # noqa: FBT001  a table
    found = wellbeing([judged("notifier"), one], supervisor_problem="")
    assert (found.is_ready, found.is_alive, found.is_well, found.words) == (ready, alive, well, words)


def test_without_supervisord_nothing_is_known_and_nobody_is_told_that_all_is_well() -> None:
    found = wellbeing([], supervisor_problem="it is frozen")
    assert (found.is_ready, found.is_alive, found.is_well, found.words) == (False, False, False, "it is frozen")


def test_before_supervisord_has_named_a_process_we_are_not_ready_and_not_ill() -> None:
    found = wellbeing([], supervisor_problem="")
    assert (found.is_ready, found.is_alive, found.is_well) == (False, True, False)
