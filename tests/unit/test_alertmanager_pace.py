"""When an Alertmanager is told again: by the clock, sooner after a failure, and never sooner than it asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthmon.model.delivery import SendResult, SendStatus
from healthmon.notify.alertmanager_pace import Pace, next_s

SENT, FAILED, REFUSED, UNKNOWN = SendStatus.SENT, SendStatus.FAILED, SendStatus.REFUSED, SendStatus.UNKNOWN
CASES = [
    (SENT, 0, False, None, 60),
    (SENT, 0, True, None, 300),
    (FAILED, 1, False, None, 5),
    (UNKNOWN, 2, False, None, 10),
    (FAILED, 4, True, None, 40),
    (FAILED, 5, False, None, 60),
    (FAILED, 500, True, None, 60),
    (FAILED, 1, False, 90.0, 90),
    (REFUSED, 1, False, None, 60),
]


@pytest.mark.parametrize(("status", "failures", "is_idle", "asked_s", "expected"), CASES)
def test_the_next_attempt(status: SendStatus, failures: int, *, is_idle: bool, asked_s: float | None, expected: float) -> None:
    result = SendResult(status=status, detail="", retry_after_s=asked_s)
    assert next_s(Pace(), result, failures=failures, is_idle=is_idle, spread=0.5) == expected


def test_the_clocks_are_prometheus_own() -> None:
    pace = Pace()
    assert (pace.resend_s, pace.lasts, pace.resolved_for) == (60, timedelta(minutes=4), timedelta(minutes=15))
    assert pace.max_ahead == timedelta(minutes=3)
