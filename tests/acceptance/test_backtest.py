"""`healthmon backtest heal`, over what a database really holds."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.model.check import CheckReason
from healthmon.store import checks, services
from healthmon.store.opening import create_or_open
from tests.builders import a_check

if TYPE_CHECKING:
    from pathlib import Path

MINUTES = 180


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hours in which `blinks` was ill for 40 s twice, and `broken` for the last hour."""
    path = tmp_path_factory.mktemp("backtest")
    names = ("blinks", "broken", "well")
    watched = [{"name": name, "url": "http://localhost:1", "interval_seconds": 10, "timeout_seconds": 5} for name in names]
    (path / "config.json").write_text(json.dumps({"services": watched}))
    patient = {"min_unhealthy_seconds": 60, "service_budget_per_hour": 1, "restart_cooldown_minutes": 60}
    (path / "patient.json").write_text(json.dumps({"services": watched, "self_healing": patient}))
    connection = create_or_open(path / "health_monitoring.db")
    began_at = clock.now() - timedelta(minutes=MINUTES)
    found = services.sync(connection, [(name, "default", False) for name in names], now=began_at)
    looks = []
    for second in range(0, MINUTES * 60 - 10, 10):
        ill = {"blinks": 1_800 <= second < 1_840 or 3_600 <= second < 3_640, "broken": second >= 7_200, "well": False}
        at = began_at + timedelta(seconds=second)
        looks += [a_check(CheckReason.STATUS if ill[name] else CheckReason.OK, at=at, service_id=found[name].service_id) for name in ill]
    checks.append(connection, looks)
    connection.close()
    return path


def backtest(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "healthmon", "-c", "config.json", "backtest", "heal", *words]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60, check=False)


def answer(directory: Path, *words: str) -> Any:
    ran = backtest(directory, "--json", *words)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_it_says_which_restarts_there_would_have_been_and_which_of_them_for_nothing(directory: Path) -> None:
    found = answer(directory)
    assert found["total"] == {"outages": 3, "restarts": 5, "needless": 2}
    assert {one["service"]: (one["outages"], one["restarts"], one["needless"], one["gave_up"]) for one in found["services"]} == {
        "blinks": (2, 2, 2, 0),
        "broken": (1, 3, 0, 1),
        "well": (0, 0, 0, 0),
    }
    assert [one["needless"] for one in found["restarts"]] == [True, True, False, False, False]


def test_a_more_patient_policy_makes_fewer(directory: Path) -> None:
    found = answer(directory, "--policy", "patient.json")
    assert found["total"] == {"outages": 3, "restarts": 1, "needless": 0}


def test_people_get_a_table(directory: Path) -> None:
    shown = backtest(directory, "--each").stdout
    assert "3 outages" in shown
    assert "5 restarts, 2 of them needless" in shown
    assert shown.index("broken") < shown.index("blinks") < shown.index("well")
    assert shown.count("healthy 20 s later") == 2


def test_one_service_alone_and_a_shorter_time_can_be_asked_for(directory: Path) -> None:
    found = answer(directory, "broken", "--for", "90m")
    assert [one["service"] for one in found["services"]] == ["broken"]
    assert found["total"]["restarts"] == 3


def test_what_there_is_nothing_of_is_told(directory: Path) -> None:
    ran = backtest(directory, "nobody")
    assert (ran.returncode, "there is no service 'nobody'" in ran.stderr) == (2, True)
    ran = backtest(directory, "--for", "1s")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 2)
    assert "there is no check of these services since" in ran.stderr
