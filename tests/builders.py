"""Values for tests: each builder gives something plain and sound, and the test says only what matters to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from healthmon.heal.docker_facts import Container
from healthmon.heal.settings import HealSettings
from healthmon.heal.situation import Situation
from healthmon.model.alert import AlertSeverity
from healthmon.model.check import Check, CheckKind, CheckReason, Outcome
from healthmon.model.forensics import Forensics, ForensicsMoment, Part
from healthmon.model.heal import Heal, HealAction, HealState
from healthmon.model.hold import Hold
from healthmon.model.incident import Incident
from healthmon.model.notification import Affected, Notification, NotificationKind
from healthmon.model.quarantine import Quarantine
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.model.target import Incarnation, Target, TargetHealth, TargetKind, TargetState

if TYPE_CHECKING:
    from healthmon.config import Config

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def a_check(  # noqa: PLR0913  a test names what matters to it, the rest is plain
    reason: CheckReason = CheckReason.OK,
    *,
    at: datetime = NOW,
    kind: CheckKind = CheckKind.SCHEDULED,
    service_id: int = 1,
    response_time_s: float | None = 0.01,
    status_code: int | None = None,
    error_message: str | None = None,
) -> Check:
    outcome = Outcome(
        reason=reason,
        response_time_s=response_time_s,
        status_code=status_code,
        error_message=error_message,
    )
    return Check(service_id=service_id, kind=kind, checked_at=at, outcome=outcome)


def a_target(**changes: Any) -> Target:
    facts: dict[str, Any] = {
        "kind": TargetKind.DOCKER,
        "incarnation": Incarnation(target_id="c" * 64, started="2026-11-22T10:00:00.123456789Z"),
        "name": "hackathon-doc_store-1",
        "state": TargetState.RUNNING,
        "health": TargetHealth.NONE,
        "started_at": ago(7_200),
        "image_id": "sha256:1",
        "config_hash": "",
        "compose_project": "hackathon",
        "compose_service": "doc_store",
        "restart_policy": "unless-stopped",
        "restart_limit": 0,
        "restart_count": 0,
        "exit_code": 0,
        "oom_killed": False,
        "error": "",
        "stop_timeout_s": 10,
        "published_ports": (5087,),
        "stopped_by_person": False,
        "untouchable": "",
        "observed_at": NOW,
    }
    return Target(**facts | changes)


def a_container(facts: Target, **changes: Any) -> Container:
    """What an inspect said of a target without a health check."""
    plain: dict[str, Any] = {
        "health_check": None,
        "stop_signal": 0,
        "hides_signals": False,
        "hides_exit_codes": False,
        "finished_at": None,
        "names": frozenset(),
    }
    return Container(facts=facts, **plain | changes)


def an_unhealthy_state(**changes: Any) -> ServiceState:
    """A service that has failed for a minute, confirmed, all of it in its present incarnation."""
    facts: dict[str, Any] = {
        "service_id": 1,
        "status": ServiceStatus.UNHEALTHY,
        "previous_status": ServiceStatus.HEALTHY,
        "status_since": ago(56),
        "last_checked_at": ago(2),
        "last_reason": CheckReason.STATUS,
        "consecutive_failures": 3,
        "streak_started_at": ago(60),
        "streak_confirmations": 4,
        "evidence_failures": 5,
        "evidence_started_at": ago(60),
        "evidence_last_at": ago(2),
        "accounted_until": ago(2),
    }
    return ServiceState(**facts | changes)


def an_incident(**changes: Any) -> Incident:
    facts: dict[str, Any] = {
        "incident_id": 1,
        "service_id": 1,
        "started_at": ago(60),
        "detected_at": ago(56),
        "episode_started_at": ago(60),
        "reason": CheckReason.STATUS,
        "error_message": "expected 200-299, got 500",
    }
    return Incident(**facts | changes)


def a_heal(state: HealState, **changes: Any) -> Heal:
    closed = state not in {HealState.PLANNED, HealState.ISSUED, HealState.RETURNED}
    facts: dict[str, Any] = {
        "heal_id": 1,
        "service_id": 1,
        "incident_id": 1,
        "attempt": 1,
        "action": HealAction.RESTART,
        "state": state,
        "incarnation": a_target().incarnation,
        "target_name": "hackathon-doc_store-1",
        "stop_timeout_s": 10,
        "planned_at": ago(30),
        "issued_at": None if state in {HealState.PLANNED, HealState.DROPPED} else ago(30),
        "returned_at": ago(20) if state is HealState.RETURNED else None,
        "closed_at": ago(10) if closed else None,
    }
    return Heal(**facts | changes)


def a_bundle(**changes: Any) -> Forensics:
    """What was kept of a container when its incident was opened."""
    facts: dict[str, Any] = {
        "service_id": 1,
        "incident_id": 1,
        "heal_id": None,
        "moment": ForensicsMoment.DETECTED,
        "taken_at": NOW,
        "took_s": 0.1,
        "incarnation": a_target().incarnation,
        "last_lines": ("panic: no memory",),
        "parts": (Part(name="log", lines=("2026-11-22T11:59:58Z  panic: no memory",)), Part(name="usage", problem="not known")),
    }
    return Forensics(**facts | changes)


def a_hold(**changes: Any) -> Hold:
    """A person holds a service back for another hour."""
    facts: dict[str, Any] = {
        "hold_id": 1,
        "service_id": 1,
        "starts_at": ago(60),
        "ends_at": NOW + timedelta(hours=1),
        "author": "ada",
        "reason": "a migration runs",
    }
    return Hold(**facts | changes)


def a_quarantine(**changes: Any) -> Quarantine:
    """One that lasts, of the container that `a_target` is."""
    target = a_target()
    facts: dict[str, Any] = {
        "service_id": 1,
        "since": ago(600),
        "last_heal_id": 1,
        "incarnation": target.incarnation,
        "image_id": target.image_id,
        "config_hash": target.config_hash,
    }
    return Quarantine(**facts | changes)


def switched_on(**changes: Any) -> HealSettings:
    return HealSettings(**{"enabled": True, "restart_unhealthy_services": True} | changes)


def a_situation(**changes: Any) -> Situation:
    """One in which nothing speaks against a restart."""
    facts: dict[str, Any] = {
        "now": NOW,
        "settings": switched_on(),
        "confirmations": 2,
        "evidence_max_age": timedelta(seconds=70),
        "state": an_unhealthy_state(),
        "incident": an_incident(),
        "target": a_target(),
        "target_problem": "",
        "history": (),
        "host": (),
        "agent_started_at": ago(3_600),
        "engine_returned_at": None,
        "unhealthy_dependencies": (),
        "unhealthy_services": 1,
        "watched_services": 17,
    }
    return Situation(**facts | changes)


def a_config(data_dir: Any, *services: dict[str, Any], **changes: Any) -> Config:
    """A configuration as if loaded from a file; its services need a name and a url only."""
    from healthmon.config import Config  # noqa: PLC0415  most tests of decisions do without

    filled = [{"interval_seconds": 1.0, "timeout_seconds": 0.5, "retry_interval_seconds": 0.1, **one} for one in services]
    raw = {"services": filled, "data_dir": str(data_dir), "check_interval_seconds": 1.0, "timeout_seconds": 0.5, **changes}
    return Config.model_validate_json(json.dumps(raw))


def a_notification(kind: NotificationKind = NotificationKind.FIRING, **changes: Any) -> Notification:
    """One service in a message; `changes` are those of the service."""
    plain: dict[str, Any] = {
        "conversation_id": 1,
        "service": "doc_store",
        "group": "core",
        "critical": True,
        "severity": AlertSeverity.CRITICAL,
        "alert_id": 7,
        "alert_types": ("service_down", "critical_service_down"),
        "message": "doc_store is unhealthy: expected 200, got 500 Internal Server Error",
        "started_at": ago(120),
        "facts": (("container", "running since 10:30, 2 restarts"), ("image", "unchanged")),
        "values": (("status", "unhealthy"),),
        "healing": "restart planned",
        "dependents": ("analysis_service",),
        "links": (("runbook", "https://wiki.example.com/doc_store"),),
    }
    down = not {"alert_types", "is_outage"} & changes.keys() or "service_down" in changes.get("alert_types", ())
    affected = Affected(**{"is_outage": down} | plain | changes)
    return Notification(kind=kind, severity=affected.severity, created_at=NOW, host="web-1", affected=(affected,))
