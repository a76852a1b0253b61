"""`healthmon heal` and `healthmon incidents` as a person types them, beside no agent and over what one has left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.model.check import CheckReason
from healthmon.model.heal import HealState
from healthmon.model.hold import Hold
from healthmon.model.incident import IncidentResolution
from healthmon.model.status import ServiceStatus
from healthmon.status.uptime import Uptime
from healthmon.store import checks, forensics, heals, holds, incidents, operator_actions, services, states, targets
from healthmon.store.opening import create_or_open
from healthmon.store.targets import TargetReport
from tests.builders import a_bundle, a_check, a_heal, a_target, an_unhealthy_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection

Typed = subprocess.CompletedProcess[str]
EVIL = "\x1b[2Jevil"


@pytest.fixture
def healthmon(tmp_path: Path) -> Callable[..., Typed]:
    content: dict[str, Any] = {
        "services": [{"name": "doc_store", "url": "http://localhost:1"}, {"name": "new", "url": "http://localhost:2"}],
        "self_healing": {"enabled": True, "restart_unhealthy_services": True},
        "data_dir": str(tmp_path),
    }
    (tmp_path / "c.json").write_text(json.dumps(content), encoding="utf-8")

    def run(*words: str) -> Typed:
        command = [sys.executable, "-m", "healthmon", "--config", str(tmp_path / "c.json"), *words]
        wide = {**os.environ, "COLUMNS": "160"}
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=wide)

    return run


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [("doc_store", "default", True)], now=clock.now())
    yield opened
    opened.close()


@pytest.fixture
def outage(database: Connection) -> int:
    """A service that fails, was restarted once in vain, and is held back now; return its incident."""
    now = clock.now()
    began = now - timedelta(minutes=2)
    incident = incidents.open_incident(
        database, 1, started_at=began, detected_at=began, episode_started_at=began, reason=CheckReason.STATUS, error_message=f"got 500{EVIL}"
    )
    state = an_unhealthy_state(status=ServiceStatus.UNHEALTHY, status_since=began, evidence_last_at=now, evidence_started_at=began)
    states.save(database, [(state, Uptime())])
    looks = [a_check(CheckReason.STATUS, at=began + timedelta(seconds=one), error_message="got 500") for one in range(3)]
    checks.append(database, looks)
    target = a_target(started_at=began - timedelta(hours=1), observed_at=now)
    targets.publish(database, {1: TargetReport(observed_at=now, target=target, matched_by="compose_service")})
    planned_at = began + timedelta(seconds=10)
    heal_id = heals.add(database, a_heal(HealState.PLANNED, incident_id=incident.incident_id, planned_at=planned_at))
    heals.issue(database, heal_id, at=planned_at)
    heals.close(database, heals.get(database, heal_id), HealState.FAILED, at=planned_at, detail="0 of 3 good checks in time")
    forensics.keep(database, a_bundle(incident_id=incident.incident_id, taken_at=began + timedelta(seconds=1)))
    held = Hold(hold_id=0, service_id=1, starts_at=now, ends_at=now + timedelta(hours=2), author="ada", reason="a migration runs")
    holds.add(database, held)
    return incident.incident_id


def test_acts_are_written_down_for_the_agent_with_who_and_why(healthmon: Callable[..., Typed], database: Connection) -> None:
    for words in (
        ("hold", "doc_store", "--for", "2h", "--why", "a migration", "--by", "ada"),
        ("release", "doc_store", "--by", "ada"),
        ("now", "doc_store", "--force", "--why", "it leaks", "--by", "ada"),
    ):
        typed = healthmon("heal", *words)
        assert (typed.returncode, typed.stdout) == (0, "")
        assert "no agent is running" in typed.stderr
    hold, release, now = operator_actions.waiting(database)
    assert [one.kind.value for one in (hold, release, now)] == ["hold", "release", "heal_now"]
    assert {one.author for one in (hold, release, now)} == {"ada"}
    assert hold.until is not None
    assert timedelta(hours=1, minutes=59) < hold.until - clock.now() <= timedelta(hours=2)
    assert (now.service, now.reason, now.force) == ("doc_store", "it leaks", True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("heal", "hold", "docstore", "--for", "2h", "--why", "x"), "there is no service 'docstore'; did you mean 'doc_store'?"),
        (("heal", "hold", "doc_store", "--why", "x"), "Missing option '--for'"),
        (("heal", "now", "doc_store"), "Missing option '--why'"),
        (("heal", "now", "doc_store", "--why", "two\nlines"), "--why must be one line"),
        (("heal", "history", "docstore"), "did you mean 'doc_store'?"),
        (("incidents", "show", "7"), "there is no incident 7: see `healthmon incidents`"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(healthmon: Callable[..., Typed], database: Connection, words: tuple[str, ...], said: str) -> None:
    typed = healthmon(*words)
    assert (typed.returncode, typed.stdout) == (2, "")
    assert said in typed.stderr
    assert operator_actions.waiting(database) == []


def test_explain_tells_each_gate_how_the_container_was_found_and_who_holds_it(healthmon: Callable[..., Typed], outage: int) -> None:
    typed = healthmon("heal", "explain", "doc_store")
    assert typed.returncode == 0
    for said in (
        f"doc_store is unhealthy for 2 min, incident {outage}",
        "container hackathon-doc_store-1, found by compose service: running, started",
        "healing: leaves it alone, for a person holds it back (ada: a migration runs), until ",
        "✖  Does nobody hold it back?",
        "✖  Has it cooled down since the last restart?",
        "1 of 3 used",
        "earliest restart: ",
    ):
        assert said in typed.stdout
    assert "no agent runs on" in typed.stderr
    told = json.loads(healthmon("heal", "explain", "doc_store", "--json").stdout)
    assert (told["decision"]["verdict"], told["decision"]["reason"], told["agent_is_running"]) == ("wait", "held", False)
    assert (told["hold"]["author"], told["hold"]["until"], told["container"]["matched_by"]) == ("ada", told["decision"]["until"], "compose_service")
    objecting = [gate["name"] for gate in told["gates"] if gate["state"] == "objects"]
    assert {"not_held", "cooldown"} <= set(objecting)
    assert told["earliest_restart"] == told["decision"]["until"]


def test_a_service_that_nobody_has_watched_yet_says_so(healthmon: Callable[..., Typed], database: Connection) -> None:  # noqa: ARG001
    typed = healthmon("heal", "explain", "new")
    assert typed.returncode == 3
    assert "nobody has watched new yet" in typed.stderr


def test_history_cites_the_evidence_and_the_outcome(healthmon: Callable[..., Typed], outage: int) -> None:
    typed = healthmon("heal", "history", "doc_store")
    for said in ("restart 1", "failed", "0 of 3 good checks in time", "3 failed checks in 2 s, last: got 500"):
        assert said in typed.stdout
    [told] = json.loads(healthmon("heal", "history", "--json").stdout)
    assert (told["incident_id"], told["state"], told["needless"], told["asked_by"]) == (outage, "failed", None, None)
    assert told["evidence"]["failed_checks"] == 3
    assert healthmon("heal", "history", "new").stdout == "nothing was restarted yet\n"


def test_review_counts_what_helped_per_failure(healthmon: Callable[..., Typed], database: Connection, outage: int) -> None:
    now = clock.now()
    one = {"incident_id": outage, "planned_at": now, "issued_at": now, "closed_at": now, "signature": "a", "failure": "status: got 500"}
    heals.add(database, a_heal(HealState.VERIFIED, **one, needless=True))
    heals.add(database, a_heal(HealState.FAILED, **one))
    heals.add(database, a_heal(HealState.WOULD_RESTART, **one))
    by_failure = {line["failure"]: line for line in json.loads(healthmon("heal", "review", "--json").stdout)}
    counts = ("made", "verified", "failed", "would_restart", "success_percentage")
    assert [by_failure["status: got 500"][count] for count in counts] == [2, 1, 1, 1, 50.0]
    assert by_failure[""]["failed"] == 1
    shown = healthmon("heal", "review").stdout
    assert "1 (50 %)" in shown
    assert "spent on this host: 3 of 5 in 10 minutes, 3 of 20 in 1 h; one more is free now" in shown
    assert healthmon("heal", "review", "--days", "1").returncode == 0


def test_a_restart_before_which_a_check_was_good_is_called_needless(healthmon: Callable[..., Typed], database: Connection, outage: int) -> None:
    [heal] = heals.of_incident(database, outage)
    checks.append(database, [a_check(at=heal.planned_at - timedelta(seconds=2))])
    assert "needless: a check at" in healthmon("heal", "history").stdout


def test_status_shows_a_hold_of_what_is_well_too(healthmon: Callable[..., Typed], database: Connection) -> None:
    now = clock.now()
    holds.add(database, Hold(hold_id=0, service_id=1, starts_at=now, ends_at=now + timedelta(hours=2), author="ada", reason=f"why{EVIL}"))
    shown = healthmon("status").stdout
    assert "held back until" in shown
    assert "(ada: why [2Jevil)" in shown.replace("\n", " ")
    told = {one["service_name"]: one for one in json.loads(healthmon("status", "--json").stdout)["services"]}
    assert told["doc_store"]["held_until"] == clock.to_iso(now + timedelta(hours=2))
    assert told["new"]["held_until"] is None


def test_incidents_are_listed_and_one_is_told_as_a_story(healthmon: Callable[..., Typed], database: Connection, outage: int) -> None:
    assert "not yet" in healthmon("incidents").stdout
    incidents.resolve(database, outage, at=clock.now(), resolution=IncidentResolution.RECOVERED)
    assert "recovered" in healthmon("incidents", "list", "doc_store").stdout
    assert healthmon("incidents", "list", "--open").stdout == "nothing is ill\n"
    shown = healthmon("incidents", "show", str(outage)).stdout
    order = ["first failed check: got 500", "evidence kept when it fell ill", "restart issued", "restart failed: 0 of 3", "over: recovered", "panic: no memory"]
    places = [shown.index(said) for said in order]
    assert places == sorted(places)
    assert "usage (not known)" in shown.replace("  ", " ")
    assert "\x1b" not in shown
    told = json.loads(healthmon("incidents", "show", str(outage), "--json").stdout)
    assert (told["resolution"], told["forensics"][0]["moment"], told["events"][0]["kind"]) == ("recovered", "detected", "failed")
    assert [one["incident_id"] for one in json.loads(healthmon("incidents", "list", "--json").stdout)] == [outage]
