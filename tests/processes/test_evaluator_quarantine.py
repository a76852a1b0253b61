"""What healing has given up on, in the evaluator on a real database: said loudly, and tried again for a reason."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.answers.report import read_report
from healthmon.model.check import CheckReason
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.model.quarantine import Rearm
from healthmon.model.target import Incarnation
from healthmon.store import alerts, heals, operator_actions, quarantines
from tests.processes.crowd import Crowd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WELL = tuple({"name": f"well_{number}"} for number in range(5))


@pytest.fixture
def given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    """Of one attempt, the only one did not help `app`, which depends on `base`."""
    crowd = Crowd(tmp_path, monkeypatch, {"name": "base"}, {"name": "app", "depends_on": ["base"]}, *WELL, max_restart_attempts=1, restart_cooldown_minutes=0)
    crowd.fall_ill("app")
    crowd.heal_one("app", helps=False)
    assert crowd.heals_of() == [("app", "failed")]
    yield crowd
    crowd.connection.close()


def firing(crowd: Crowd) -> list[str]:
    return [alert.alert_type for alert in alerts.firing(crowd.connection) if alert.alert_type != "flapping"]


def rearmed_by(crowd: Crowd) -> Rearm | None:
    held = quarantines.of_service(crowd.connection, crowd.ids["app"])
    assert held is not None
    return held.rearmed_by


def tell(crowd: Crowd, kind: OperatorActionKind) -> str:
    action = OperatorAction(kind=kind, made_at=crowd.now, author="ada", reason="seen", service="app")
    action_id = operator_actions.add(crowd.connection, action)
    crowd.step()
    crowd.step()
    outcome = crowd.connection.row("SELECT outcome FROM operator_actions WHERE action_id = ?", action_id)
    assert outcome is not None
    return str(outcome[0])


def new_run(crowd: Crowd, **changes: Any) -> None:
    run = Incarnation(target_id=f"{crowd.ids['app']:064d}", started="another run")
    crowd.now += timedelta(seconds=1)
    crowd.publish_one("app", incarnation=run, started_at=crowd.now, **changes)
    crowd.step()
    crowd.fall_ill("app")


def test_it_is_said_loudly_with_the_way_out(given_up: Crowd) -> None:
    [alert] = alerts.firing(given_up.connection)
    assert (alert.alert_type, alert.severity.value) == ("healing_quarantined", "critical")
    assert "app: healing has given up, for restarts did not help; a person has to look (1 of 1)" in alert.message
    assert "`healthmon heal release app`" in alert.message


def test_it_stays_given_up_over_restarts_of_ours_and_of_the_engine(given_up: Crowd) -> None:
    given_up.evaluator = given_up.a_new_evaluator()
    given_up.stay_ill("app", seconds=3_600, every_s=60)
    new_run(given_up, restart_count=1)
    assert given_up.heals_of() == [("app", "failed")]
    assert firing(given_up) == ["healing_quarantined"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"image_id": "sha256:2"}, Rearm.IMAGE), ({"config_hash": "new"}, Rearm.CONFIGURATION), ({}, Rearm.STARTED)],
)
def test_what_runs_otherwise_gets_fresh_attempts(given_up: Crowd, changes: dict[str, Any], why: Rearm) -> None:
    new_run(given_up, **changes)
    assert given_up.heals_of() == [("app", "failed"), ("app", "planned")]
    assert (rearmed_by(given_up), firing(given_up)) == (why, [])
    given_up.heal_one("app", helps=False)
    assert given_up.heals_of() == [("app", "failed"), ("app", "failed")]
    assert firing(given_up) == ["healing_quarantined"]


def test_a_dependency_that_came_back_is_a_reason_to_try_again(given_up: Crowd) -> None:
    given_up.fall_ill("base")
    given_up.stay_ill("app", "base", seconds=30)
    given_up.heal_one("base", helps=True)
    given_up.stay_ill("app", seconds=60)
    assert rearmed_by(given_up) is Rearm.DEPENDENCY
    assert given_up.heals_of() == [("app", "failed"), ("base", "verified"), ("app", "planned")]


def test_a_person_may_release_it(given_up: Crowd) -> None:
    assert tell(given_up, OperatorActionKind.RELEASE) == "app is released: it may be restarted again"
    given_up.stay_ill("app", seconds=20)
    assert given_up.heals_of() == [("app", "failed"), ("app", "planned")]
    assert tell(given_up, OperatorActionKind.RELEASE).startswith("refused")


def test_an_acknowledgement_is_a_reason_to_try_again(given_up: Crowd) -> None:
    assert tell(given_up, OperatorActionKind.ACKNOWLEDGE).endswith("healing had given up on it, and tries again")
    given_up.stay_ill("app", seconds=20)
    assert rearmed_by(given_up) is Rearm.ACKNOWLEDGED
    assert given_up.heals_of() == [("app", "failed"), ("app", "planned")]


@pytest.mark.parametrize("seconds", [7_200.0, -7_200.0])
def test_a_clock_that_is_set_rearms_nothing(given_up: Crowd, seconds: float) -> None:
    given_up.set_clock(seconds)
    given_up.step()
    given_up.stay_ill("app", seconds=300)
    assert given_up.heals_of() == [("app", "failed")]


def test_restarts_of_ours_in_a_later_outage_are_no_start_by_hand(given_up: Crowd) -> None:
    """It is given up on again, for another failure, after the one attempt that it has."""
    given_up.recover("app")
    given_up.pass_time(1_200)
    for _ in range(3):
        given_up.look(CheckReason.TIMEOUT, service_id=given_up.ids["app"])
    given_up.step()
    given_up.heal_one("app", helps=False)
    given_up.stay_ill("app", seconds=600)
    assert given_up.heals_of() == [("app", "failed"), ("app", "failed")]
    assert (rearmed_by(given_up), firing(given_up)) == (None, ["healing_quarantined"])


def test_an_acknowledgement_of_another_outage_is_none_of_the_quarantine(given_up: Crowd) -> None:
    given_up.recover("app")
    given_up.pass_time(1_200)
    given_up.fall_ill("app")
    assert "tries again" not in tell(given_up, OperatorActionKind.ACKNOWLEDGE)


def test_after_three_restarts_in_vain_over_three_incidents_the_fourth_is_not_made(given_up: Crowd) -> None:
    """Each incident ends by somebody's hand, long enough for fresh attempts; the failure is the same."""
    for _ in range(2):
        given_up.recover("app")
        given_up.pass_time(1_200)
        given_up.fall_ill("app")
        given_up.heal_one("app", helps=False)
    given_up.recover("app")
    given_up.pass_time(1_200)
    given_up.fall_ill("app")
    assert len(given_up.heals_of("failed")) == 3
    assert given_up.heals_of("planned") == []
    assert "restarts did not help against this failure before; a person has to look (3 in a row for status: expected 200" in given_up.healing_of("app")
    assert firing(given_up) == ["healing_quarantined"]
    new_run(given_up, image_id="sha256:2")
    assert given_up.heals_of("planned") == [("app", "planned")]


def test_restarts_that_it_did_not_need_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times it recovered by itself after 40 s; the fourth time it is restarted after 30 s."""
    crowd = Crowd(tmp_path, monkeypatch, {"name": "app"}, *WELL, min_unhealthy_seconds=30, reset_after_minutes=1)
    for _ in range(3):
        crowd.fall_ill("app")
        crowd.pass_time(29)
        crowd.now += timedelta(seconds=11)
        crowd.recover("app")
        crowd.pass_time(600)
    crowd.fall_ill("app")
    crowd.stay_ill("app", seconds=31, every_s=31)
    crowd.heal_one("app", helps=True)
    assert [(heal.state.value, heal.needless) for heal in heals.recent(crowd.connection, limit=9) if heal.returned_at] == [("verified", True)]
    healing = read_report(crowd.connection, crowd.config)["healing"]
    assert (healing["made"], healing["verified"], healing["failed"], healing["needless"]) == (1, 1, 0, 1)
    assert healing["by_failure"][0]["failure"] == "status: expected 200, got 500 Internal Server Error"
    crowd.connection.close()


@pytest.mark.parametrize(("lasts_s", "needless"), [(30, True), (90, False)])
def test_a_dry_run_counts_what_would_have_been_needless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasts_s: float, needless: bool) -> None:  # noqa: FBT001  the column of a table
    crowd = Crowd(tmp_path, monkeypatch, {"name": "app"}, *WELL, dry_run=True)
    crowd.fall_ill("app")
    crowd.now += timedelta(seconds=lasts_s)
    crowd.recover("app")
    assert [(heal.state.value, heal.needless) for heal in heals.recent(crowd.connection, limit=9)] == [("would_restart", needless)]
    crowd.connection.close()
