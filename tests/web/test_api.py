"""Does the API say what the commands say, page by page, and what is wrong with a question?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.answers import slo
from healthmon.answers.gates import explanation_document
from healthmon.answers.report import read_dashboard, read_report
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.check import CheckReason
from healthmon.model.rule_state import RulePhase, RuleState
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.processes.evaluator.explaining import read_explanation
from healthmon.status.uptime import HOUR, Booked, Uptime, hour_of
from healthmon.store import alerts, checks, incidents, rule_states, states
from tests.builders import a_check

if TYPE_CHECKING:
    from tests.web.sites import Site


def test_report_and_dashboard_are_those_of_the_commands(site: Site) -> None:
    checks.append(site.database, [a_check(at=clock.now())])
    told, dashboard = site.ask("/api/v1/report").json(), site.ask("/api/v1/dashboard").json()
    report, wanted = read_report(site.database, site.config), read_dashboard(site.database, site.config)
    assert told | {"timestamp": ""} == json.loads(json.dumps(report | {"timestamp": ""}))
    assert dashboard | {"timestamp": ""} == json.loads(json.dumps(wanted | {"timestamp": ""}))
    assert dashboard["trends"]["hourly_health"][0]["checks"] == 1


def test_service_levels_are_those_of_the_command_over_any_range(site: Site) -> None:
    now = clock.now()
    hour = hour_of(now) - 50 * HOUR
    states.save_hours(site.database, [(1, hour, Booked(healthy_s=2_700, unhealthy_s=900)), (1, hour + HOUR, Booked(healthy_s=3_600))])
    known = site.ask(f"/api/v1/slo?since={clock.to_iso(hour)}&until={clock.to_iso(hour + 2 * HOUR)}").json()
    [mine] = [one for one in known["services"] if one["service_name"] == "doc_store"]
    assert (mine["uptime_percentage"], mine["coverage"], mine["unhealthy_seconds"]) == (87.5, 100.0, 900.0)
    whole = site.ask("/api/v1/slo").json()
    assert whole["services"] == json.loads(json.dumps(slo.read(site.database, site.config, slo.last_days(now, 30))["services"]))
    assert [one["objective"] for one in whole["objectives"]] == list(slo.TITLES)


@pytest.mark.parametrize("query", ["since=2999-01-01T00:00:00Z", "since=2025-01-02T00:00:00Z&until=2025-01-01T00:00:00Z", "until=0001-01-01T00:00:00Z"])
def test_of_a_range_that_is_none_nothing_is_known(site: Site, query: str) -> None:
    told = site.ask(f"/api/v1/slo?{query}")
    assert told.status == 200
    assert told.json()["since"] == told.json()["until"]
    assert {one["verdict"] for one in told.json()["services"]} == {"unknown"}


def test_services_are_those_of_the_report(site: Site) -> None:
    found = site.ask("/api/v1/services").json()["services"]
    assert found == site.ask("/api/v1/report").json()["services"]
    assert site.ask("/api/v1/services/frontend").json() == found[1]


def test_gates_are_those_of_the_command(site: Site) -> None:
    told = site.ask("/api/v1/services/doc_store/gates")
    found = read_explanation(site.database, site.config, "doc_store", clock.now())
    assert found is not None
    wanted = explanation_document("doc_store", found, is_watched=False)
    assert told.json() | {"timestamp": ""} == json.loads(json.dumps(wanted | {"timestamp": ""}))
    assert (told.json()["decision"]["verdict"], told.json()["gates"][0]["state"]) == ("hold", "objects")
    assert site.ask("/api/v1/services/doc_store/gates", If_None_Match=told.headers["etag"]).status == 304


def test_rules_have_the_values_that_they_ask_for_and_how_far_they_are(site: Site) -> None:
    since = clock.now() - timedelta(seconds=90)
    states.save(site.database, [(ServiceState(service_id=1, status=ServiceStatus.UNHEALTHY, consecutive_failures=3), Uptime())])
    rule_states.save(site.database, [RuleState(service_id=1, rule="service_down", phase=RulePhase.PENDING, since=since)])
    told = {one["name"]: one for one in site.ask("/api/v1/services/doc_store/rules").json()["rules"]}
    down, uptime = told["service_down"], told["low_uptime"]
    assert (down["phase"], down["since"], down["holds"], down["duration_seconds"]) == ("pending", clock.to_iso(since), True, 120)
    assert down["values"] == {"status": "unhealthy"}
    assert told["consecutive_failures"]["values"] == {"consecutive_failures": 3}
    assert (uptime["holds"], uptime["phase"], uptime["values"]) == (None, None, {"uptime_percentage": None})


def test_a_name_that_is_none_is_answered_with_the_nearest(site: Site) -> None:
    for path in ("/api/v1/services/docstore", "/api/v1/services/docstore/history", "/api/v1/services/docstore/rules", "/api/v1/services/docstore/gates", "/api/v1/alerts?service=docstore"):
        told = site.ask(path)
        assert told.status == 404
        assert told.json()["detail"] == "there is no service 'docstore'; did you mean 'doc_store'?"


def test_history_comes_page_by_page_newest_first(site: Site) -> None:
    now = clock.now()
    made = [a_check(at=now - timedelta(seconds=age), reason=CheckReason.STATUS if age == 3 else CheckReason.OK) for age in range(5)]
    checks.append(site.database, made)
    checks.append(site.database, [a_check(at=now, service_id=2)])
    first = site.ask("/api/v1/services/doc_store/history?limit=3").json()
    second = site.ask(first["next"]).json()
    found = first["checks"] + second["checks"]
    assert [one["timestamp"] for one in found] == [clock.to_iso(check.checked_at) for check in made]
    assert [one["reason"] for one in found] == ["ok", "ok", "ok", "status", "ok"]
    assert second["next"] is None


def test_alerts_and_incidents_come_page_by_page_and_by_what_is_asked(site: Site) -> None:
    at = clock.now()
    for number in range(5):
        alerts.add(
            site.database,
            Alert(
                service_id=1 + number % 2,
                alert_type=f"rule_{number}",
                severity=AlertSeverity.WARNING,
                message="",
                triggered_at=at,
                resolved_at=at if number < 3 else None,
            ),
        )
    assert ids(site, "alerts", "alert_id", "limit=2") == [5, 4, 3, 2, 1]
    assert ids(site, "alerts", "alert_id", "status=firing") == [5, 4]
    assert ids(site, "alerts", "alert_id", "status=resolved&service=doc_store") == [3, 1]
    incidents.open_incident(
        site.database, 1, started_at=at, detected_at=at + timedelta(seconds=4), episode_started_at=at, reason=CheckReason.STATUS, error_message="<b>"
    )
    [incident] = site.ask("/api/v1/incidents?open=true").json()["incidents"]
    assert (incident["service_name"], incident["seconds_to_detect"], incident["error_message"]) == ("doc_store", 4.0, "<b>")
    assert ids(site, "incidents", "incident_id", "open=false") == []


def ids(site: Site, what: str, key: str, query: str) -> list[int]:
    """Return the ids of all pages."""
    found: list[int] = []
    path = f"/api/v1/{what}?{query}"
    while path:
        told = site.ask(path).json()
        found += [one[key] for one in told[what]]
        path = told["next"]
    return found


WRONG = [
    ("/api/v1/alerts?limit=0", "limit: input should be greater than or equal to 1"),
    ("/api/v1/alerts?limit=many", "limit: input should be a valid integer, unable to parse string as an integer"),
    ("/api/v1/alerts?limt=1", "'limt' is not known here; did you mean 'limit'?"),
    ("/api/v1/alerts?limit=1&limit=2", "'limit' is given more than once"),
    ("/api/v1/report?a=1", "'a' is not known here"),
    ("/api/v1/alerts?before=99999999999999999999", "before: input should be less than or equal to 9223372036854775807"),
    ("/api/v1/services/doc_store/history?since=yesterday", "since: must be a time as in 2025-09-18T10:30:00Z"),
]


@pytest.mark.parametrize(("path", "detail"), WRONG)
def test_a_question_that_is_wrong_is_told_what_is_wrong(site: Site, path: str, detail: str) -> None:
    told = site.ask(path)
    assert told.status == 400
    assert told.headers["content-type"] == "application/problem+json"
    assert told.json()["detail"].startswith(detail)


def test_what_is_not_there_is_a_problem_for_programs_and_a_page_for_people(site: Site) -> None:
    problem: dict[str, Any] = site.ask("/api/v1/nothing").json()
    assert problem == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "there is nothing at /api/v1/nothing"}
    page = site.ask("/nothing<script>")
    assert page.status == 404
    assert "<script>" not in page.text
