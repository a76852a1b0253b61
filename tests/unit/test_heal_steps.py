"""The decisions around a restart: may it still be made, what became of it, did it help?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.heal import outcome
from healthmon.heal.outcome import Outcome
from healthmon.heal.preflight import DropReason, objection, unsettled, unwanted
from healthmon.heal.settings import HealOverrides, HealSettings
from healthmon.heal.verification import judge
from healthmon.model.check import CheckStatus
from healthmon.model.heal import HealAction, HealState
from healthmon.model.target import Incarnation, Target, TargetKind, TargetState
from tests.builders import NOW, a_heal, a_target, ago, switched_on

if TYPE_CHECKING:
    from datetime import datetime

GRACE = timedelta(seconds=60)
NEW = Incarnation(target_id="c" * 64, started="2026-11-22T11:59:35Z")
THIRD = Incarnation(target_id="c" * 64, started="2026-11-22T11:59:50Z")
GOOD, BAD, UNKNOWN = CheckStatus.HEALTHY, CheckStatus.UNHEALTHY, CheckStatus.UNKNOWN


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({}, None),
        ({"incarnation": NEW}, DropReason.ANOTHER_INCARNATION),
        ({"untouchable": "ourselves"}, DropReason.UNTOUCHABLE),
        ({"stopped_by_person": True}, DropReason.STOPPED_BY_PERSON),
        ({"state": TargetState.PAUSED}, DropReason.PAUSED),
        ({"state": TargetState.RESTARTING}, DropReason.ENGINE_RESTARTING),
        ({"state": TargetState.EXITED}, DropReason.NOT_RUNNING),
        ({"state": TargetState.DEAD}, DropReason.NOT_RUNNING),
    ],
)
def test_a_fresh_look_forbids_a_restart(target: dict[str, Any], reason: DropReason | None) -> None:
    assert objection(a_heal(HealState.PLANNED), a_target(**target), NOW) is reason


def test_a_plan_from_before_we_were_stopped_is_void() -> None:
    assert objection(a_heal(HealState.PLANNED, planned_at=ago(61)), a_target(), NOW) is DropReason.STALE_PLAN


@pytest.mark.parametrize(
    ("returned_at", "seconds", "reason"),
    [
        (None, 60, None),
        (ago(59), 60, DropReason.ENGINE_SETTLING),
        (ago(60), 60, None),
        (ago(0), 0, None),
        (ago(-1), 60, None),  # a clock that was set back holds nothing up
    ],
)
def test_an_engine_that_came_back_is_left_alone_until_it_has_settled(returned_at: datetime | None, seconds: float, reason: DropReason | None) -> None:
    assert unsettled(returned_at, switched_on(engine_settle_seconds=seconds), NOW) is reason


def test_a_start_is_made_only_while_the_engine_has_given_up() -> None:
    heal = a_heal(HealState.PLANNED, action=HealAction.START)
    gave_up = a_target(state=TargetState.EXITED, exit_code=1, error="no such file")
    assert objection(heal, gave_up, NOW) is None
    assert objection(heal, a_target(), NOW) is DropReason.RUNNING_AGAIN


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (switched_on(), None),
        (None, DropReason.NOT_CONFIGURED),
        (switched_on(restart_unhealthy_services=False), DropReason.SWITCHED_OFF),
        (switched_on().for_service(HealOverrides(enabled=False)), DropReason.SWITCHED_OFF),
        (switched_on(dry_run=True), DropReason.DRY_RUN),
    ],
)
def test_the_settings_of_the_service_forbid_a_restart(settings: HealSettings | None, reason: DropReason | None) -> None:
    assert unwanted(settings) is reason


@pytest.mark.parametrize(
    ("issued_s_ago", "target", "expected"),
    [
        (1, {"incarnation": NEW}, Outcome.HAPPENED),
        (1, {}, Outcome.NOT_YET),
        (39, {}, Outcome.NOT_YET),
        (41, {}, Outcome.NEVER),
        (41, {"incarnation": NEW}, Outcome.HAPPENED),
        (39, {"state": TargetState.EXITED}, Outcome.NOT_YET),
        (41, {"state": TargetState.EXITED}, Outcome.STOPPED_ONLY),
        (39, {"state": TargetState.EXITED, "stopped_by_person": True}, Outcome.NOT_YET),
        (41, {"state": TargetState.EXITED, "stopped_by_person": True}, Outcome.STOPPED_BY_PERSON),
        # restarted by us, and then stopped by somebody: that is theirs to undo
        (41, {"state": TargetState.EXITED, "incarnation": NEW}, Outcome.HAPPENED),
    ],
)
def test_a_later_look_tells_what_became_of_an_unanswered_call(
    issued_s_ago: float,
    target: dict[str, Any],
    expected: Outcome,
) -> None:
    heal = a_heal(HealState.ISSUED, issued_at=ago(issued_s_ago))
    assert outcome.read(heal, a_target(**target), NOW, may_begin_until=None) is expected


@pytest.mark.parametrize(
    ("came_back_s_ago", "target", "expected"),
    [
        (1, {}, Outcome.NOT_YET),
        (39, {}, Outcome.NOT_YET),
        (39, {"state": TargetState.EXITED}, Outcome.NOT_YET),
        (41, {}, Outcome.NEVER),
        (41, {"state": TargetState.EXITED}, Outcome.STOPPED_ONLY),
        (1, {"incarnation": NEW}, Outcome.HAPPENED),
        (900, {}, Outcome.NEVER),  # it came back before our call: that says nothing
    ],
)
def test_an_engine_that_thaws_gets_its_time_anew(came_back_s_ago: float, target: dict[str, Any], expected: Outcome) -> None:
    """It was frozen for ten minutes with our request in its hands."""
    heal = a_heal(HealState.ISSUED, issued_at=ago(600))
    assert outcome.read(heal, a_target(**target), NOW, may_begin_until=ago(came_back_s_ago)) is expected


def test_a_start_that_never_happened_is_not_made_again() -> None:
    """What our restart stopped, we start; what had exited anyway is the next plan's."""
    heal = a_heal(HealState.ISSUED, action=HealAction.START, issued_at=ago(41))
    assert outcome.read(heal, a_target(state=TargetState.EXITED), NOW, may_begin_until=None) is Outcome.NEVER


RUNNING_NEW = a_target(incarnation=NEW)


@pytest.mark.parametrize(
    ("returned_s_ago", "looks", "target", "expected"),
    [
        (20, [], RUNNING_NEW, None),
        (20, [GOOD, GOOD], RUNNING_NEW, None),
        (20, [GOOD, GOOD, GOOD], RUNNING_NEW, HealState.VERIFIED),
        (20, [BAD, GOOD, GOOD, GOOD], RUNNING_NEW, HealState.VERIFIED),
        (20, [GOOD, GOOD, BAD, GOOD], RUNNING_NEW, None),
        (20, [GOOD, UNKNOWN, GOOD, GOOD], RUNNING_NEW, HealState.VERIFIED),
        (20, [GOOD, GOOD, GOOD], None, HealState.VERIFIED),
        (20, [GOOD, GOOD, GOOD], a_target(incarnation=NEW, state=TargetState.EXITED), None),
        (20, [GOOD, GOOD, GOOD], a_target(incarnation=THIRD), HealState.SUPERSEDED),
        # these facts are from before the restart: the old run is no foreign hand's
        (20, [GOOD, GOOD, GOOD], a_target(observed_at=ago(21)), HealState.VERIFIED),
        (91, [GOOD, BAD], RUNNING_NEW, HealState.FAILED),
        (91, [], RUNNING_NEW, HealState.INCONCLUSIVE),
        (91, [UNKNOWN], RUNNING_NEW, HealState.INCONCLUSIVE),
    ],
)
def test_only_fresh_good_looks_at_the_new_run_verify_a_heal(
    returned_s_ago: float,
    looks: list[CheckStatus],
    target: Target | None,
    expected: HealState | None,
) -> None:
    heal = a_heal(HealState.RETURNED, returned_at=ago(returned_s_ago), new_incarnation=NEW)
    assert judge(heal, looks=looks, target=target, grace=GRACE, now=NOW).state is expected


@pytest.mark.parametrize(
    ("started", "state", "expected"),
    [
        ("100:0", TargetState.EXITED, Outcome.STOPPED_ONLY),
        ("100:0", TargetState.RESTARTING, Outcome.HAPPENED),
        ("160:0", TargetState.EXITED, Outcome.HAPPENED),
        ("160:8", TargetState.RUNNING, Outcome.HAPPENED),
    ],
)
def test_a_program_without_a_pid_is_the_same_run_stopped(started: str, state: TargetState, expected: Outcome) -> None:
    """A healer that dies between stop and start must not leave it stopped for ever."""
    run = Incarnation(target_id="supervisor:shop:shop", started="100:7")
    target = a_target(kind=TargetKind.SUPERVISOR, incarnation=Incarnation(target_id=run.target_id, started=started), state=state)
    heal = a_heal(HealState.ISSUED, issued_at=ago(41), incarnation=run)
    assert outcome.read(heal, target, NOW, may_begin_until=None) is expected
