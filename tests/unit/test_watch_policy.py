"""When one of our own processes is killed, revived or recycled."""

from __future__ import annotations

from typing import Any

import pytest

from healthmon.watch.policy import Observed, ProgramState, WatchAction, WatchReason, decide

NOW = 1_000.0
LIMIT = 100
FATAL, RUNNING = ProgramState.FATAL, ProgramState.RUNNING


def observed(**changes: Any) -> Observed:
    facts: dict[str, Any] = {
        "state": RUNNING,
        "started_at_s": NOW - 500,
        "last_beat_s": NOW - 5,
        "is_busy": False,
        "memory_bytes": (50, 50, 50),
        "starts_s": (NOW - 500,),
        "revivals": 0,
        "last_revival_s": None,
    }
    return Observed(**facts | changes)


CASES: list[tuple[str, dict[str, Any], WatchAction, WatchReason]] = [
    ("well", {}, WatchAction.NOTHING, WatchReason.WELL),
    ("a late beat is borne", {"last_beat_s": NOW - 25}, WatchAction.NOTHING, WatchReason.WELL),
    ("silence is not", {"last_beat_s": NOW - 25.1}, WatchAction.KILL, WatchReason.NO_HEARTBEAT),
    ("a new process has time", {"last_beat_s": None, "started_at_s": NOW - 30}, WatchAction.NOTHING, WatchReason.WELL),
    ("but not for ever", {"last_beat_s": None, "started_at_s": NOW - 31}, WatchAction.KILL, WatchReason.NO_HEARTBEAT),
    ("stopped by a person", {"state": ProgramState.STOPPED}, WatchAction.NOTHING, WatchReason.STOPPED_BY_PERSON),
    ("being started", {"state": ProgramState.BACKOFF, "last_beat_s": None}, WatchAction.NOTHING, WatchReason.SUPERVISED),
    ("being stopped", {"state": ProgramState.STOPPING, "last_beat_s": None}, WatchAction.NOTHING, WatchReason.SUPERVISED),
    ("given up just now", {"state": FATAL, "started_at_s": NOW - 9}, WatchAction.NOTHING, WatchReason.REVIVED_LATELY),
    ("given up a while ago", {"state": FATAL, "started_at_s": NOW - 10}, WatchAction.REVIVE, WatchReason.GIVEN_UP),
    (
        "the pause grows",
        {"state": FATAL, "revivals": 2, "last_revival_s": NOW - 39},
        WatchAction.NOTHING,
        WatchReason.REVIVED_LATELY,
    ),
    ("and ends", {"state": FATAL, "revivals": 2, "last_revival_s": NOW - 40}, WatchAction.REVIVE, WatchReason.GIVEN_UP),
    (
        "it never grows beyond a minute",
        {"state": FATAL, "revivals": 5_000, "last_revival_s": NOW - 60},
        WatchAction.REVIVE,
        WatchReason.GIVEN_UP,
    ),
    ("four starts are no pattern", {"starts_s": (NOW - 40, NOW - 30, NOW - 20, NOW - 10)}, WatchAction.NOTHING, WatchReason.WELL),
    ("five are", {"starts_s": (NOW - 599, NOW - 40, NOW - 30, NOW - 20, NOW - 10)}, WatchAction.NOTHING, WatchReason.FLAPPING),
    ("not over a longer time", {"starts_s": (NOW - 600, NOW - 40, NOW - 30, NOW - 20, NOW - 10)}, WatchAction.NOTHING, WatchReason.WELL),
    (
        "a leak counts before flapping",
        {"memory_bytes": (101, 101, 101), "starts_s": (NOW - 50, NOW - 40, NOW - 30, NOW - 20, NOW - 10)},
        WatchAction.RECYCLE,
        WatchReason.LEAKING,
    ),
    ("two large samples prove nothing", {"memory_bytes": (101, 101)}, WatchAction.NOTHING, WatchReason.WELL),
    ("nor do two of three", {"memory_bytes": (101, 100, 101)}, WatchAction.NOTHING, WatchReason.WELL),
    ("three do", {"memory_bytes": (101, 101, 101)}, WatchAction.RECYCLE, WatchReason.LEAKING),
    (
        "but never in the middle of a heal",
        {"memory_bytes": (101, 101, 101), "is_busy": True},
        WatchAction.NOTHING,
        WatchReason.LEAKING_BUSY,
    ),
    (
        "hung counts before leaking",
        {"memory_bytes": (101, 101, 101), "last_beat_s": NOW - 60},
        WatchAction.KILL,
        WatchReason.NO_HEARTBEAT,
    ),
]


@pytest.mark.parametrize(("changes", "action", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_decision_has_this_action_for_this_reason(
    changes: dict[str, Any],
    action: WatchAction,
    reason: WatchReason,
) -> None:
    decision = decide(observed(**changes), now_s=NOW, max_memory_bytes=LIMIT)
    assert (decision.action, decision.reason) == (action, reason)


def test_every_reason_has_a_case() -> None:
    assert {case[3] for case in CASES} == set(WatchReason)
