"""`healthmon slo` over a history with an outage, an acknowledgement, a false alarm and one that was over by itself."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.history.rollups import day_of
from healthmon.log import Log
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.check import CheckReason
from healthmon.model.incident import IncidentResolution
from healthmon.processes.keeper.counting import Counting
from healthmon.status.uptime import HOUR, Booked, hour_of
from healthmon.store import alerts, checks, incidents, outcomes, services, states
from healthmon.store.opening import create_or_open
from tests.builders import a_check
from tests.typing_commands import Told, type_command

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.store.connection import Connection

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    listed = [{"name": name, "url": "http://localhost:1/"} for name in ("interpreter", "frontend")]
    (tmp_path / "config.json").write_text(json.dumps({"services": listed, "data_dir": str(tmp_path)}))
    return tmp_path


@pytest.fixture
def history(directory: Path) -> datetime:
    """Live for three days; return now."""
    now = datetime.now(UTC)
    connection = create_or_open(directory / "health_monitoring.db")
    services.sync(connection, [("interpreter", "default", False), ("frontend", "default", False)], now=now)
    began = day_of(now) - 3 * DAY
    hours = [began + number * HOUR for number in range(int((hour_of(now) - began) / HOUR))]
    with connection.transaction(durable=True):
        states.save_hours(connection, [(sid, hour, Booked(healthy_s=3_600)) for sid in (1, 2) for hour in hours[:-1]])
        states.save_hours(connection, [(1, hours[-1], Booked(healthy_s=2_400, unhealthy_s=1_200)), (2, hours[-1], Booked(maintenance_s=3_600))])
    looks = [a_check(at=hour, service_id=sid, response_time_s=0.1 * sid) for sid in (1, 2) for hour in hours]
    checks.append(connection, looks)
    _has_outage(connection, now - 10 * MINUTE - HOUR)
    counting = Counting(connection)
    while counting.step() == 0.0:
        pass
    connection.close()
    return now


def _has_outage(connection: Connection, at: datetime) -> None:
    opened = incidents.open_incident(
        connection, 1, started_at=at, detected_at=at + timedelta(seconds=4), episode_started_at=at, reason=CheckReason.STATUS, error_message=None
    )
    incidents.resolve(connection, opened.incident_id, at=at + 10 * MINUTE, resolution=IncidentResolution.RECOVERED)
    for number, (sid, begins, ends) in enumerate([(1, at, at + 10 * MINUTE), (2, at, at + MINUTE), (2, at - DAY, at - DAY + HOUR)]):
        alert = Alert(
            service_id=sid,
            alert_type=f"rule_{number}",
            severity=AlertSeverity.CRITICAL,
            message="",
            started_at=begins,
            triggered_at=begins,
            resolved_at=ends,
        )
        alerts.add(connection, alert)
    outcomes.mark_false(connection, 3, by="ada", reason="the rule was wrong", at=at)
    values = (1, clock.to_sql(at), clock.to_sql(at + 2 * MINUTE), clock.to_sql(at + 10 * MINUTE))
    connection.change(
        """
        INSERT INTO conversations (service_id, severity, opened_at, started_at, alert_id, alert_types, is_outage, announced_at, acknowledged_at, over_at, closed_at)
        VALUES (?1, 'critical', ?2, ?2, 1, '[]', 1, ?2, ?3, ?4, ?4)
        """,
        *values,
    )


def slo(directory: Path, *words: str) -> Told:
    return type_command(directory, "--config", "config.json", "slo", *words)


@pytest.mark.usefixtures("history")
def test_each_target_is_measured_with_its_samples_and_verdict(directory: Path) -> None:
    told = slo(directory, "--json")
    assert told.returncode == 1, told.stderr
    document: dict[str, Any] = json.loads(told.stdout)
    found = {one["objective"]: (one["value"], one["verdict"], one["samples"]) for one in document["objectives"]}
    assert found["acknowledgement"] == (2.0, "met", 1)
    assert found["repair"] == (10.0, "met", 1)
    assert found["false_alarms"] == (pytest.approx(200 / 3, abs=0.001), "missed", 3)
    assert found["availability"][1] == "missed"
    value, verdict, samples = found["response_time"]
    assert (value, verdict) == (pytest.approx(0.2, rel=0.01), "met")
    assert samples == sum(one["checks"] for one in document["services"])
    [worst, best] = document["services"]
    assert (worst["service_name"], worst["unhealthy_seconds"], worst["verdict"]) == ("interpreter", 1_200.0, "missed")
    assert (best["service_name"], best["maintenance_seconds"], best["uptime_percentage"]) == ("frontend", 3_600.0, 100.0)
    assert worst["budget_left_percentage"] == pytest.approx(100 * (1 - 1_200 / 2_592), abs=0.1)
    assert [(one["alert_id"], one["verdict"], one["marked_by"]) for one in document["false_alarms"]] == [(3, "marked", "ada"), (2, "unproven", None)]


@pytest.mark.usefixtures("history")
def test_a_person_and_a_spreadsheet_see_the_same(directory: Path) -> None:
    shown = slo(directory).stdout
    assert "false, says ada: alert 3, rule_2 of frontend" in shown
    for words in ("availability", "≥ 99.9 %", "time to repair (MTTR)", "1 outages", "missed", "time to acknowledge: median time from a critical alert"):
        assert words in shown
    rows = list(csv.DictReader(io.StringIO(slo(directory, "--csv").stdout)))
    assert [row["service_name"] for row in rows] == ["interpreter", "frontend"]
    assert rows[0]["unhealthy_seconds"] == "1200.0"


def test_a_month_is_a_calendar_month(directory: Path, history: datetime) -> None:
    document = json.loads(slo(directory, "--json", "--month", f"{history:%Y-%m}").stdout)
    assert document["since"] == f"{history:%Y-%m}-01T00:00:00Z"
    for wrong in ("2026-13", "november", "9999-01"):
        assert slo(directory, "--month", wrong).returncode == 2


def test_where_nothing_was_measured_nothing_is_met_or_missed(directory: Path) -> None:
    create_or_open(directory / "health_monitoring.db").close()
    told = slo(directory, "--json")
    assert told.returncode == 0
    assert {one["verdict"] for one in json.loads(told.stdout)["objectives"]} == {"unknown"}
    assert slo(directory).stdout.count("nothing") >= 4
    assert slo(directory, "--csv").stdout == ""


@pytest.mark.usefixtures("history")
def test_an_alert_is_marked_through_the_agent(directory: Path) -> None:
    from healthmon import config  # noqa: PLC0415  the agent's part, which no command needs
    from healthmon.processes.evaluator import Evaluator  # noqa: PLC0415  as above

    told = type_command(directory, "--config", "config.json", "alerts", "false", "2", "--by", "bob", "-m", "a test")
    assert told.returncode == 0, told.stderr
    connection = create_or_open(directory / "health_monitoring.db")
    evaluator = Evaluator(config.load(directory / "config.json"), connection, Log("evaluator"))
    evaluator.step()
    assert connection.rows("SELECT outcome FROM operator_actions") == [("alert 2 counts as false",)]
    assert connection.rows("SELECT marked_by FROM false_alarms WHERE alert_id = 2") == [("bob",)]
    connection.change("DELETE FROM alerts WHERE alert_type = 'rule_1'")
    assert connection.rows("SELECT alert_id FROM false_alarms") == [(3,)]
    connection.close()
