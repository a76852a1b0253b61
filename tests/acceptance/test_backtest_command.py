"""`healthmon backtest rules`: over a past that a real evaluator judged, it says what that evaluator said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.processes.evaluator_world import BAD, GOOD, World
from tests.typing_commands import Told, type_command

if TYPE_CHECKING:
    from pathlib import Path

RULES = [
    {"name": "down", "condition": "unhealthy", "severity": "critical"},
    {"name": "slow", "condition": "response_time > 4", "severity": "warning"},
    {"name": "memory", "condition": "memory_usage > 80", "severity": "warning"},
]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Live through an outage and a slow time, with the same rules in force."""
    world = World(tmp_path, settings={"alert_rules": RULES})
    world.set_clocks(monkeypatch)
    world.now = datetime.now(UTC) - timedelta(hours=1)
    world.evaluator = world.a_new_evaluator()
    for reason, seconds in [(GOOD, 0.1), (BAD, 0.1), (BAD, 0.1), (BAD, 0.1), (GOOD, 9.0), (GOOD, 0.1), (BAD, 0.1), (GOOD, 0.1)]:
        world.look(reason, response_time_s=seconds)
        world.step()
    told = world.connection.rows("SELECT alert_type FROM alerts ORDER BY triggered_at, alert_type")
    assert told == [("down",), ("slow",)]
    world.connection.close()
    listed = [{"name": name, "url": "http://localhost:1/", "interval_seconds": 1, "timeout_seconds": 0.5, "retry_interval_seconds": 0.1} for name in ("doc_store", "frontend")]
    (tmp_path / "config.json").write_text(json.dumps({"services": listed, "data_dir": str(tmp_path), "alert_rules": RULES}))
    monkeypatch.undo()
    return tmp_path


def backtest(directory: Path, *words: str) -> Told:
    return type_command(directory, "--config", "config.json", "backtest", "rules", *words)


def test_it_says_what_the_evaluator_said(directory: Path) -> None:
    told = backtest(directory, "--json")
    assert told.returncode == 0, told.stderr
    found = {one["rule"]: one for one in json.loads(told.stdout)}
    assert {name: one["fired"] for name, one in found.items()} == {"down": 1, "slow": 1}
    assert (found["down"]["outages_caught"], found["down"]["outages_missed"], found["down"]["without_outage"]) == (1, [], 0)
    assert found["slow"]["outages_caught"] + len(found["slow"]["outages_missed"]) == 1
    assert "memory is left out: history does not hold memory_usage" in told.stderr


def test_a_condition_is_tried_before_it_is_a_rule(directory: Path) -> None:
    assert "1 of 1" in backtest(directory, "--condition", "consecutive_failures >= threshold", "--threshold", "2").stdout
    missing = backtest(directory, "--condition", "consecutive_failures >= 10")
    assert "0 of 1" in missing.stdout
    assert "missed by tried: incident 1, doc_store at" in missing.stdout


def test_the_rules_that_settings_make_are_tried_by_name_before_they_are_switched_on(directory: Path) -> None:
    told = json.loads(backtest(directory, "error_budget_1h", "max_consecutive_failures", "--json").stdout)
    assert [one["rule"] for one in told] == ["error_budget_1h", "max_consecutive_failures"]
    assert told[0]["fired"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nosuch",), "there is no rule 'nosuch'"),
        (("memory",), "history does not hold memory_usage"),
        (("crash_loop",), "history does not hold healing"),
        (("--condition", "statsu == 1"), "status"),
        (("--condition", "cpu_usage > 1"), "history does not hold cpu_usage"),
    ],
)
def test_what_cannot_be_answered_is_refused(directory: Path, words: tuple[str, ...], said: str) -> None:
    told = backtest(directory, *words)
    assert (told.returncode, told.stdout) == (2, "")
    assert said in told.stderr
