"""The status machine, arrow by arrow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthmon.model.check import Check, CheckKind, CheckReason
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status import machine
from healthmon.status.machine import StatusEvent, advance, lose_sight, meet_incarnation
from tests.builders import NOW, a_check, ago, an_unhealthy_state

GOOD = CheckReason.OK
BAD = CheckReason.STATUS
OURS = CheckReason.NO_NETWORK
FRESH = ServiceState(service_id=1)
HEALTHY = ServiceState(service_id=1, status=ServiceStatus.HEALTHY, status_since=ago(600), accounted_until=ago(30))


def run(state: ServiceState, *reasons: CheckReason, confirmations: int = 2) -> tuple[ServiceState, list[StatusEvent]]:
    """Feed looks to the machine: the first of a failure is scheduled, what follows it are rechecks."""
    events = []
    for second, reason in enumerate(reasons):
        recheck = machine.is_soft(state)
        kind = CheckKind.RECHECK if recheck else CheckKind.SCHEDULED
        step = advance(state, a_check(reason, at=NOW + timedelta(seconds=second), kind=kind), confirmations=confirmations)
        state = step.state
        events.append(step.event)
    return state, events


@pytest.mark.parametrize(
    ("start", "reasons", "status", "events"),
    [
        (FRESH, [GOOD], ServiceStatus.HEALTHY, ["healthy"]),
        (FRESH, [BAD, BAD, BAD], ServiceStatus.UNHEALTHY, ["failing", "nothing", "unhealthy"]),
        (HEALTHY, [GOOD], ServiceStatus.HEALTHY, ["nothing"]),
        (HEALTHY, [BAD], ServiceStatus.HEALTHY, ["failing"]),
        (HEALTHY, [BAD, GOOD], ServiceStatus.HEALTHY, ["failing", "cleared"]),
        (HEALTHY, [BAD, BAD, GOOD], ServiceStatus.HEALTHY, ["failing", "nothing", "cleared"]),
        (HEALTHY, [BAD, BAD, BAD, BAD], ServiceStatus.UNHEALTHY, ["failing", "nothing", "unhealthy", "nothing"]),
        (HEALTHY, [BAD, OURS, BAD, BAD], ServiceStatus.UNHEALTHY, ["failing", "nothing", "nothing", "unhealthy"]),
        (HEALTHY, [OURS, OURS], ServiceStatus.HEALTHY, ["nothing", "nothing"]),
        (HEALTHY, [OURS, OURS, OURS], ServiceStatus.UNKNOWN, ["nothing", "nothing", "unknown"]),
        (HEALTHY, [OURS, GOOD, OURS, OURS], ServiceStatus.HEALTHY, ["nothing", "nothing", "nothing", "nothing"]),
        (an_unhealthy_state(), [GOOD], ServiceStatus.HEALTHY, ["healthy"]),
        (an_unhealthy_state(), [OURS], ServiceStatus.UNHEALTHY, ["nothing"]),
    ],
)
def test_status_follows_the_table(
    start: ServiceState,
    reasons: list[CheckReason],
    status: ServiceStatus,
    events: list[str],
) -> None:
    state, seen = run(start, *reasons)
    assert state.status is status
    assert [event.value for event in seen] == events


def test_without_confirmations_the_first_failure_is_hard() -> None:
    state, events = run(HEALTHY, BAD, confirmations=0)
    assert state.status is ServiceStatus.UNHEALTHY
    assert events == [StatusEvent.UNHEALTHY]


def test_rechecks_are_not_consecutive_failures() -> None:
    state, _ = run(HEALTHY, BAD, BAD, BAD)
    assert (state.consecutive_failures, state.evidence_failures) == (1, 3)


def test_a_good_recheck_leaves_the_count_of_scheduled_failures_alone() -> None:
    """A service that fails every scheduled look and passes every recheck must still be found by its count."""
    state = HEALTHY
    for _ in range(3):
        state = advance(state, a_check(BAD), confirmations=2).state
        state = advance(state, a_check(GOOD, kind=CheckKind.RECHECK), confirmations=2).state
    assert state.consecutive_failures == 3
    assert advance(state, a_check(GOOD), confirmations=2).state.consecutive_failures == 0


def test_previous_status_is_the_last_different_one() -> None:
    state, _ = run(FRESH, GOOD)
    assert state.previous_status is None
    state, _ = run(state, BAD, BAD, BAD, GOOD)
    assert state.previous_status is ServiceStatus.UNHEALTHY


def test_a_service_out_of_sight_is_unknown_not_unhealthy() -> None:
    step = lose_sight(an_unhealthy_state(), at=NOW)
    assert step.state.status is ServiceStatus.UNKNOWN
    assert step.state.evidence_failures == 0
    assert lose_sight(step.state, at=NOW).event is StatusEvent.NOTHING


def test_another_incarnation_voids_earlier_evidence_only() -> None:
    state = an_unhealthy_state()
    assert meet_incarnation(state, ago(30)).evidence_failures == 0
    assert meet_incarnation(state, ago(30)).status is ServiceStatus.UNHEALTHY
    assert meet_incarnation(state, ago(90)) is state


@given(st.lists(st.sampled_from([GOOD, BAD, OURS]), max_size=40), st.integers(0, 4))
def test_unhealthy_needs_a_first_failure_and_all_its_confirmations(reasons: list[CheckReason], confirmations: int) -> None:
    state, run_length = FRESH, 0
    for reason in reasons:
        before = state
        state = advance(state, a_check(reason), confirmations=confirmations).state
        run_length = 0 if reason is GOOD else run_length + (reason is BAD)
        turned = state.status is ServiceStatus.UNHEALTHY and before.status is not ServiceStatus.UNHEALTHY
        assert not turned or run_length > confirmations
        assert (reason is not GOOD) or state.status is ServiceStatus.HEALTHY


def test_a_state_is_not_changed_in_place() -> None:
    before = replace(HEALTHY)
    check: Check = a_check(BAD)
    advance(HEALTHY, check, confirmations=2)
    assert before == HEALTHY
