"""Does Prometheus take what is served for it? The real promtool judges; the figures are those of the database."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.history.buckets import edges_us
from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.heal import HealState
from healthmon.model.incident import IncidentResolution
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import Uptime
from healthmon.store import certificates, heals, incidents, states, tallies
from healthmon.web.exposition import Family, Kind, expose, labelled
from tests.builders import a_check, a_heal
from tests.needs import program

if TYPE_CHECKING:
    from tests.web.sites import Site

EDGES = {1: edges_us(2.0), 2: edges_us(None)}


def figures(text: str) -> dict[str, float]:
    """Return each sample's value by its name and labels, as they are written."""
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def count(site: Site, *found: Any) -> None:
    with site.database.transaction(durable=False):
        tallies.count(site.database, found, EDGES)


def test_promtool_finds_nothing_wrong(site: Site) -> None:
    promtool = program("promtool", package="prometheus")
    fill(site)
    text = site.ask("/metrics").body
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stderr + done.stdout) == (0, b"")


def test_the_figures_are_those_of_the_database(site: Site) -> None:
    fill(site)
    found = figures(site.ask("/metrics").text)
    assert found['healthmon_service_up{name="doc_store"}'] == 0
    assert 'healthmon_service_up{name="frontend"}' not in found, "what is unknown is no number"
    assert found['healthmon_service_state{name="frontend",state="unknown"}'] == 1
    assert found['healthmon_probes_total{name="doc_store"}'] == 4
    assert found['healthmon_probe_failures_total{name="doc_store"}'] == 2
    assert found['healthmon_probe_failures_by_reason_total{name="doc_store",reason="timeout"}'] == 1
    assert found['healthmon_probe_duration_seconds_bucket{name="doc_store",le="2"}'] == 2
    assert found['healthmon_probe_duration_seconds_bucket{name="doc_store",le="+Inf"}'] == 3
    assert found['healthmon_probe_duration_seconds_sum{name="doc_store"}'] == pytest.approx(4.01)
    assert found['healthmon_probes_total{name="frontend"}'] == 0
    assert found['healthmon_incidents_total{name="doc_store"}'] == 2
    assert found['healthmon_heals_total{name="doc_store",outcome="verified"}'] == 1
    assert found['healthmon_process_up{program="evaluator"}'] == 0


def test_what_is_deleted_stays_counted(site: Site) -> None:
    fill(site)
    before = figures(site.ask("/metrics").text)
    with site.database.transaction(durable=False):
        for table in ("checks", "heals", "incidents"):
            site.database.change(f"DELETE FROM {table}")
    after = figures(site.ask("/metrics").text)
    assert {name: value for name, value in after.items() if "_total{" in name and "cpu" not in name} == {
        name: value for name, value in before.items() if "_total{" in name and "cpu" not in name
    }


def test_other_edges_begin_at_nothing_and_rechecks_are_not_counted(site: Site) -> None:
    count(site, a_check(response_time_s=0.2), a_check(kind=CheckKind.RECHECK))
    with site.database.transaction(durable=False):
        tallies.count(site.database, [a_check(response_time_s=0.2)], {1: edges_us(0.2)})
    assert tallies.durations(site.database)[1].sum_us == 200_000
    assert tallies.endings(site.database)[1] == {CheckReason.OK: 2}


def test_no_text_breaks_out_of_its_line() -> None:
    family = Family(name="a", kind=Kind.GAUGE, about="b\nc\\d")
    family.add(1.5, labelled(e='f"\\\n'))
    assert expose([family], is_open=False) == '# HELP a b\\nc\\\\d\n# TYPE a gauge\na{e="f\\"\\\\\\n"} 1.5\n'


def test_who_asks_for_openmetrics_gets_it(site: Site) -> None:
    fill(site)
    told = site.ask("/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert told.headers["content-type"].startswith("application/openmetrics-text")
    assert told.text.endswith("\n# EOF\n")
    assert "# TYPE healthmon_probes counter\nhealthmon_probes_total{" in told.text


def test_a_probe_answers_from_the_last_check_as_blackbox_exporter_does(site: Site) -> None:
    fill(site)
    told = figures(site.ask("/probe?target=doc_store&module=http_2xx").text)
    assert (told["probe_success"], told["probe_http_status_code"], told["probe_duration_seconds"]) == (0, 503, 3.0)
    assert told["probe_ssl_earliest_cert_expiry"] > clock.now().timestamp()
    assert site.ask("/probe?target=frontend").status == 503
    assert site.ask("/probe?target=docstore").status == 404


def test_services_are_discovered(site: Site) -> None:
    assert site.ask("/api/v1/http_sd").json()[0] == {
        "targets": ["doc_store"],
        "labels": {"__meta_healthmon_group": "default", "__meta_healthmon_critical": "true"},
    }


def fill(site: Site) -> None:
    """Let doc_store be ill, for the second time, and healed once."""
    now = clock.now()
    facts: dict[str, Any] = {"started_at": now, "detected_at": now, "episode_started_at": now, "reason": CheckReason.STATUS, "error_message": ""}
    state = ServiceState(
        service_id=1,
        status=ServiceStatus.UNHEALTHY,
        status_since=now,
        last_checked_at=now,
        last_reason=CheckReason.STATUS,
        last_status_code=503,
        last_response_time_s=3.0,
    )
    with site.database.transaction(durable=False):
        states.save(site.database, [(state, Uptime(percentage=99.5, coverage=100.0))])
    certificates.note(site.database, {1: now + timedelta(days=365)})
    slow = a_check(CheckReason.STATUS, response_time_s=3.0)
    count(site, a_check(response_time_s=0.01), a_check(response_time_s=1.0), slow, a_check(CheckReason.TIMEOUT, response_time_s=None))
    first = incidents.open_incident(site.database, 1, **facts)
    heal = a_heal(HealState.RETURNED, incident_id=first.incident_id)
    heal_id = heals.add(site.database, heal)
    assert heals.close(site.database, heals.get(site.database, heal_id), HealState.VERIFIED, at=now, detail="")
    incidents.resolve(site.database, first.incident_id, at=now, resolution=IncidentResolution.HEALED)
    incidents.open_incident(site.database, 1, **facts)
