"""What is not the service's fault is told apart, in the evaluator on a real database: our network, the engine, a busy host."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon.model.check import CheckReason
from healthmon.store import facts, targets
from healthmon.store.targets import TargetReport
from tests.processes.crowd import Crowd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WELL = tuple({"name": f"well_{number}"} for number in range(5))


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    made = Crowd(tmp_path, monkeypatch, {"name": "app"}, *WELL)
    yield made
    made.connection.close()


def fail(crowd: Crowd, reason: CheckReason, times: int = 3) -> None:
    for _ in range(times):
        crowd.look(reason, service_id=crowd.ids["app"])
    crowd.step()


def test_without_a_network_of_our_own_nothing_is_restarted_and_evidence_begins_afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(tmp_path, monkeypatch, {"name": "app"}, *WELL, min_unhealthy_seconds=20)
    fail(crowd, CheckReason.TIMEOUT)
    crowd.now += timedelta(seconds=19)
    fail(crowd, CheckReason.NO_NETWORK, 1)
    assert "leaves it alone, for this host itself has no network" in crowd.healing_of("app")
    crowd.now += timedelta(seconds=10)
    fail(crowd, CheckReason.TIMEOUT, 2)
    assert crowd.heals_of() == []
    crowd.stay_ill("app", seconds=40)
    assert crowd.heals_of() == [("app", "planned")]
    crowd.connection.close()


def test_an_engine_that_does_not_answer_is_named(crowd: Crowd) -> None:
    away = TargetReport(observed_at=crowd.now, problem="cannot reach Docker at /var/run/docker.sock", engine_away=True)
    targets.publish(crowd.connection, {crowd.ids["app"]: away})
    fail(crowd, CheckReason.REFUSED)
    assert crowd.heals_of() == []
    assert crowd.healing_of("app") == "can do nothing, for the engine does not answer (cannot reach Docker at /var/run/docker.sock)"


def test_a_late_answer_on_a_busy_host_is_excused_for_five_minutes(crowd: Crowd) -> None:
    def is_busy() -> None:
        facts.note_pressure(crowd.connection, "the load is 9.0 for each processor", crowd.now)

    is_busy()
    fail(crowd, CheckReason.TIMEOUT)
    assert "answers too late on a host that is too busy (the load is 9.0 for each processor), until" in crowd.healing_of("app")
    for _ in range(5):
        crowd.now += timedelta(seconds=58)
        is_busy()
        fail(crowd, CheckReason.TIMEOUT, 1)
    assert crowd.heals_of() == []
    crowd.now += timedelta(seconds=12)
    is_busy()
    fail(crowd, CheckReason.TIMEOUT, 1)
    assert crowd.heals_of() == [("app", "planned")]


def test_what_refuses_is_restarted_however_busy_the_host(crowd: Crowd) -> None:
    facts.note_pressure(crowd.connection, "the load is 9.0 for each processor", crowd.now)
    fail(crowd, CheckReason.REFUSED)
    assert crowd.heals_of() == [("app", "planned")]


def test_an_old_word_of_a_busy_host_is_not_believed(crowd: Crowd) -> None:
    facts.note_pressure(crowd.connection, "the load is 9.0 for each processor", crowd.now - timedelta(minutes=2))
    fail(crowd, CheckReason.TIMEOUT)
    assert crowd.heals_of() == [("app", "planned")]
