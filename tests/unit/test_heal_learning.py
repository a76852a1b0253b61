"""What past restarts teach: the same failure is known again, and what would have recovered by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from healthmon.heal.learning import need, was_needless
from healthmon.heal.signature import signature
from healthmon.model.check import CheckReason
from healthmon.model.heal import HealState
from healthmon.model.target import TargetState
from tests.builders import NOW, a_heal, a_target, ago, an_unhealthy_state

SAME: list[tuple[str, str]] = [
    ("no answer within 10 s", "no answer within 3.5 s"),
    ("expected 200, got 500 at 2026-11-22T10:00:00Z", "expected 200, got 500 at 2026-11-23T11:30:12Z"),
    ("connect to 10.0.0.1:5087 refused", "connect to 172.18.0.3:5087 refused"),
    ("lost request 3f2a9c1d-aaaa-bbbb-cccc-0123456789ab", "lost request 00000000-aaaa-bbbb-cccc-0123456789ac"),
    ("segfault at 0x7ffd10  in worker", "segfault at 0xdeadbeef in Worker"),
    ("container 4f0c9b1e2d3a is gone", "container 9b1e2d3a4f0c is gone"),
]


def key(error: str, **changes: Any) -> str:
    return signature(an_unhealthy_state(last_error=error, **changes), a_target()).key


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_failure_is_known_again(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_another_failure_is_another() -> None:
    plain = key("got 500", last_status_code=500)
    assert key("got 500", last_status_code=503) != plain
    assert key("connection refused", last_reason=CheckReason.REFUSED) != plain
    assert key("database is locked") != key("connection pool is empty")


def test_how_the_container_ended_belongs_to_it() -> None:
    state = an_unhealthy_state(last_error="refused")
    ended = {"state": TargetState.EXITED}
    keys = {
        signature(state, target).key
        for target in (None, a_target(**ended, exit_code=1), a_target(**ended, exit_code=137), a_target(**ended, exit_code=137, oom_killed=True))
    }
    assert len(keys) == 4
    assert signature(state, a_target(**ended, exit_code=137, oom_killed=True)).text == "status: ended with code 137, killed for lack of memory: refused"


def test_hostile_text_stays_short_and_on_one_line() -> None:
    text = signature(an_unhealthy_state(last_error="a\n\tb" + "x" * 5_000), None).text
    assert len(text) == 200
    assert "\n" not in text


def seconds(*lengths: float) -> list[timedelta]:
    return [timedelta(seconds=one) for one in lengths]


NEEDLESS: list[tuple[str, float, list[timedelta], bool | None]] = [
    ("nothing is known", 30, [], None),
    ("two outages teach nothing", 30, seconds(40, 50), None),
    ("most were over within a minute", 30, seconds(40, 50, 80, 600), True),
    ("most lasted", 30, seconds(40, 600, 700, 800), False),
    ("those that were over before say nothing of one that is not", 30, seconds(10, 12, 14, 20, 25), None),
    ("it had lasted longer than usual", 300, seconds(40, 50, 60, 900, 900, 900), False),
]


@pytest.mark.parametrize(("lasted_s", "left_alone", "needless"), [case[1:] for case in NEEDLESS], ids=[case[0] for case in NEEDLESS])
def test_a_restart_was_needless_when_its_like_recovered_by_themselves(lasted_s: float, left_alone: list[timedelta], needless: bool | None) -> None:  # noqa: FBT001  the column of a table
    assert was_needless(timedelta(seconds=lasted_s), left_alone) is needless


def test_a_dry_run_shows_what_would_have_been_needless() -> None:
    would = a_heal(HealState.WOULD_RESTART, issued_at=ago(100))
    assert need(would, began_at=ago(130), ended_at=ago(41), left_alone=[]) is True
    assert need(would, began_at=ago(130), ended_at=NOW, left_alone=[]) is False


def test_a_restart_that_did_not_help_is_not_called_needless() -> None:
    failed = a_heal(HealState.FAILED, issued_at=ago(100))
    assert need(failed, began_at=ago(130), ended_at=NOW, left_alone=seconds(40, 50, 60)) is None
