"""What is handed over as it stands: the alerts that fire or ended lately, and the services they are about, gone or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.service import Service
from healthmon.store import alerts, services
from healthmon.store.opening import create_or_open
from tests.builders import NOW, ago

if TYPE_CHECKING:
    from pathlib import Path


def test_alerts_stand_while_they_fire_and_for_a_time_after(tmp_path: Path) -> None:
    database = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(database, [("doc_store", "core", True), ("frontend", "platform", False)], now=NOW)
    made = [
        Alert(service_id=1, alert_type="old", severity=AlertSeverity.CRITICAL, message="m", started_at=ago(9_100), triggered_at=ago(9_000), resolved_at=ago(901)),
        Alert(service_id=1, alert_type="over", severity=AlertSeverity.WARNING, message="m", started_at=ago(9_100), triggered_at=ago(9_000), resolved_at=ago(899)),
        Alert(service_id=2, alert_type="fires", severity=AlertSeverity.CRITICAL, message="m", started_at=ago(9_100), triggered_at=ago(9_000), values=(("a", "1"),)),
        Alert(service_id=None, alert_type="ours", severity=AlertSeverity.CRITICAL, message="m", started_at=ago(9_100), triggered_at=ago(9_000)),
    ]
    stored = [replace(alert, alert_id=alerts.add(database, alert)) for alert in made]
    assert alerts.standing(database, resolved_since=ago(900)) == stored[1:]
    assert alerts.firing(database) == stored[2:]
    plan = str(database.rows("EXPLAIN QUERY PLAN SELECT * FROM alert_log WHERE resolved_at IS NULL OR resolved_at > 'x'"))
    assert "SCAN" not in plan, "a look that is made every few seconds reads years of alerts"
    database.close()


def test_a_service_that_is_gone_is_still_what_it_was(tmp_path: Path) -> None:
    database = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(database, [("doc_store", "core", True), ("frontend", "platform", False)], now=NOW)
    services.sync(database, [("frontend", "platform", False)], now=NOW)
    assert services.all_by_id(database) == {
        1: Service(service_id=1, name="doc_store", group="core", critical=True),
        2: Service(service_id=2, name="frontend", group="platform", critical=False),
    }
    database.close()
