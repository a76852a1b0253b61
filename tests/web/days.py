"""A day of seventeen services that a page can show: an outage under way with what depends on it, older ones, gaps, slow answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.history.rollups import Counter
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.check import CheckReason
from healthmon.model.configuration import Configuration, ConfigurationCause
from healthmon.model.forensics import Forensics, ForensicsMoment, Part
from healthmon.model.heal import HealState
from healthmon.model.incident import IncidentResolution
from healthmon.model.rule_state import RulePhase, RuleState
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.model.target import Incarnation, TargetState
from healthmon.status.uptime import HOUR, Booked, Uptime, hour_of
from healthmon.store import (
    alerts,
    channel_states,
    checks,
    configurations,
    conversations,
    deliveries,
    forensics,
    heals,
    incidents,
    outbox,
    rollups,
    rule_states,
    states,
    target_starts,
    targets,
)
from healthmon.store.targets import TargetReport
from tests.builders import a_check, a_heal, a_notification, a_target

if TYPE_CHECKING:
    from datetime import datetime

    from tests.web.sites import Site

SHIPPED = json.loads((Path(__file__).parents[2] / "config" / "health_monitoring_config.json").read_text())
SERVICES: tuple[dict[str, Any], ...] = tuple(
    {key: one[key] for key in ("name", "url", "group", "critical", "expected_response_time") if key in one} | {"interval_seconds": 3_600}
    for one in SHIPPED["services"]
)
ROOT, DEPENDENT, SLOW, UNSEEN = "doc_store", "frontend", "llm_gateway", "memory_agent"
ERRORS = {ROOT: (CheckReason.STATUS, "status 503, expected 200-299"), DEPENDENT: (CheckReason.TIMEOUT, "no answer within 10 s")}


def fill(site: Site, *, now: datetime | None = None) -> None:
    """Write the day that ends now into the site's database."""
    now = now or clock.now()
    known = {service.name: service.service_id for service in site.known.values()}
    saved = []
    for order, (name, sid) in enumerate(known.items()):
        _hours(site, sid, now, order, seen_from=18 if name == UNSEEN else 24, ill=_ill(name, now, order))
        _old_outage(site, sid, now, order)
        saved.append((_state(sid, name, now, order), _uptime(site, sid, now)))
        _target(site, sid, name, now)
    with site.database.transaction(durable=True):
        states.save(site.database, saved)
    for name in ERRORS:
        _outage(site, known[name], name, now)
    _kept(site, known[ROOT], now)
    _spoken(site, known, now)
    _sent(site, now)
    _done(site, known[ROOT], now)


def _ill(name: str, now: datetime, order: int) -> list[tuple[datetime, datetime]]:
    """Return the times of the day in which a service did not work."""
    old = [_old(now, order)] if order % 4 == 1 else []
    return [*old, (now - timedelta(minutes=7), now)] if name in ERRORS else old


def _old(now: datetime, order: int) -> tuple[datetime, datetime]:
    begin = now - timedelta(hours=9 if order % 8 == 1 else 3, minutes=order)
    return begin, begin + timedelta(minutes=4 + 7 * (order % 3))


def _hours(site: Site, sid: int, now: datetime, order: int, *, seen_from: int, ill: list[tuple[datetime, datetime]]) -> None:  # noqa: PLR0913  one fact each
    for back in range(seen_from, -1, -1):
        hour = hour_of(now - back * HOUR)
        length_s = min(HOUR, now - hour).total_seconds()
        counter = Counter()
        for look in range(max(1, int(length_s // 60))):
            at = hour + timedelta(minutes=look)
            if any(begin <= at < end for begin, end in ill):
                counter.add(healthy=False, response_time_us=None)
                continue
            counter.add(healthy=True, response_time_us=8_000 + 900 * order + 700 * ((look * 7 + back * 3) % 11) + (40_000 if back in {6, 7} else 0))
        in_maintenance = order % 5 == 2 and back in {14, 15}
        ill_s = sum(max(0.0, (min(end, hour + HOUR, now) - max(begin, hour)).total_seconds()) for begin, end in ill)
        booked = Booked(maintenance_s=length_s) if in_maintenance else Booked(healthy_s=length_s - ill_s, unhealthy_s=ill_s)
        with site.database.transaction(durable=False):
            states.save_hours(site.database, [(sid, hour, booked)])
        rollups.save_hour(site.database, hour, {sid: counter.counted()}, mark=None, is_over=False, reached=now)


def _old_outage(site: Site, sid: int, now: datetime, order: int) -> None:
    if order % 4 != 1:
        return
    begin, end = _old(now, order)
    with site.database.transaction(durable=True):
        incident = incidents.open_incident(
            site.database, sid, started_at=begin, detected_at=begin + timedelta(seconds=34), episode_started_at=begin,
            reason=CheckReason.REFUSED, error_message="connection refused",
        )  # fmt: skip
        incidents.resolve(site.database, incident.incident_id, at=end, resolution=IncidentResolution.HEALED)
        heals.add(site.database, a_heal(HealState.VERIFIED, service_id=sid, incident_id=incident.incident_id, planned_at=begin, issued_at=begin, closed_at=end))


def _state(sid: int, name: str, now: datetime, order: int) -> ServiceState:
    known = ServiceState(
        service_id=sid,
        status=ServiceStatus.HEALTHY,
        status_since=now - timedelta(hours=30 + order),
        last_checked_at=now - timedelta(seconds=3 + order),
        last_healthy_at=now - timedelta(seconds=3 + order),
        last_reason=CheckReason.OK,
        last_response_time_s=6.2 if name == SLOW else 0.011 + order / 1000,
        last_status_code=200,
    )
    if name not in {ROOT, DEPENDENT}:
        return known
    return replace(
        known,
        status=ServiceStatus.UNHEALTHY,
        status_since=now - timedelta(minutes=7),
        last_healthy_at=now - timedelta(minutes=8),
        last_reason=ERRORS[name][0],
        last_error=ERRORS[name][1],
        consecutive_failures=14,
    )


def _uptime(site: Site, sid: int, now: datetime) -> Uptime:
    found = rollups.hours(site.database, sid, hour_of(now - timedelta(hours=24)), now)
    booked = rollups.add_up([rollup for _, rollup in found]).time
    return Uptime(percentage=booked.uptime_percentage, coverage=booked.coverage(86_400))


def _target(site: Site, sid: int, name: str, now: datetime) -> None:
    changes: dict[str, Any] = {"state": TargetState.EXITED, "exit_code": 137, "oom_killed": True} if name == DEPENDENT else {}
    target = a_target(
        name=f"hackathon-{name}-1", compose_service=name, started_at=now - timedelta(hours=50), incarnation=Incarnation(target_id=f"{sid:064d}", started="once"), **changes
    )
    with site.database.transaction(durable=False):
        targets.publish(site.database, {sid: TargetReport(observed_at=now, target=target, matched_by="compose_service")})


def _outage(site: Site, sid: int, name: str, now: datetime) -> None:
    reason, error = ERRORS[name]
    begin = now - timedelta(minutes=7)
    with site.database.transaction(durable=True):
        incident = incidents.open_incident(
            site.database, sid, started_at=begin, detected_at=begin + timedelta(seconds=36), episode_started_at=begin, reason=reason, error_message=error
        )
        waits = "waits for what it depends on (doc_store)" if name == DEPENDENT else f"waits, for it was restarted already, until {clock.to_people(now + timedelta(minutes=2))}"
        incidents.note_healing(site.database, incident.incident_id, waits, "cooldown")
        if name == ROOT:
            heals.add(site.database, a_heal(HealState.FAILED, service_id=sid, incident_id=incident.incident_id, planned_at=now - timedelta(minutes=3), issued_at=now - timedelta(minutes=3), closed_at=now - timedelta(minutes=1)))


def _kept(site: Site, sid: int, now: datetime) -> None:
    """Keep what a restart of the root erased."""
    incident = next(one for one in incidents.open_incidents(site.database) if one.service_id == sid)
    parts = (
        Part(name="container", lines=("state: running since 2026-11-26, restart policy unless-stopped", "memory: 1.9 GiB of 2 GiB")),
        Part(name="log", lines=("WARN  pool exhausted, 64 of 64 connections in use", "ERROR timeout waiting for a connection", "ERROR GET /health 503")),
    )
    bundle = Forensics(
        service_id=sid, incident_id=incident.incident_id, heal_id=None, moment=ForensicsMoment.DETECTED, taken_at=now - timedelta(minutes=6),
        took_s=0.09, incarnation=Incarnation(target_id=f"{sid:064d}", started="once"), last_lines=parts[1].lines, parts=parts,
    )  # fmt: skip
    with site.database.transaction(durable=True):
        forensics.keep(site.database, bundle)


def _sent(site: Site, now: datetime) -> None:
    """Send the mail about what is open, and let Slack fail."""
    at = now - timedelta(minutes=4, seconds=30)
    with site.database.transaction(durable=True):
        for one in conversations.open_conversations(site.database):
            if one.announced_at is None:
                continue
            names = {service.service_id: name for name, service in site.known.items()}
            message = replace(a_notification(service=names[one.service_id], conversation_id=one.conversation_id), created_at=at)
            outbox.enqueue(site.database, message, ["email", "slack"], lifetime=timedelta(days=1))
        for queued in deliveries.queued(site.database, "email"):
            deliveries.begin(site.database, queued.delivery.delivery_id, next_attempt_at=now)
            deliveries.sent(site.database, queued.delivery.delivery_id, proof="250 accepted", now=at + timedelta(seconds=1))
        for queued in deliveries.queued(site.database, "slack"):
            for _ in range(3):
                deliveries.begin(site.database, queued.delivery.delivery_id, next_attempt_at=now)
                deliveries.failed(site.database, queued.delivery.delivery_id, error="HTTP 503", next_attempt_at=now)
        channel_states.fails(site.database, "slack", error="HTTP 503", now=at + timedelta(seconds=2))


def _done(site: Site, sid: int, now: datetime) -> None:
    """Write what was done to the root: deployed yesterday evening, started by hand, configured otherwise; and its last hour of checks."""
    error = ERRORS[ROOT]
    looks = [now - timedelta(seconds=30 * back) for back in range(120, 0, -1)]
    found = [
        a_check(at=at, service_id=sid, response_time_s=0.013 + 0.002 * (number % 7))
        if at < now - timedelta(minutes=7)
        else a_check(at=at, service_id=sid, reason=error[0], error_message=error[1], status_code=503, response_time_s=0.012)
        for number, at in enumerate(looks)
    ]
    checks.enter(site.database, found)
    starts = [(now - timedelta(days=8), "sha256:aaa0"), (now - timedelta(hours=11), "sha256:bbb1"), (now - timedelta(hours=4), "sha256:bbb1")]
    with site.database.transaction(durable=False):
        for at, image in starts:
            target_starts.note(site.database, {sid: target_starts.Start(at=at, image_id=image)}, now=at)
            target_starts.answered(site.database, sid, at, at=at + timedelta(seconds=9))
    for number, (at, interval) in enumerate([(now - timedelta(days=20), 30), (now - timedelta(hours=14), 20)], 1):
        content = json.dumps({"services": [{"name": ROOT, "url": "http://localhost:5087/health", "interval_seconds": interval}]})
        configurations.enter(
            site.database, Configuration(number=number, applied_at=at, author="ada", cause=ConfigurationCause.RELOAD, source="health.json", content=content)
        )
    with site.database.transaction(durable=False):
        rule_states.save(site.database, [
            RuleState(service_id=sid, rule="critical_service_down", phase=RulePhase.FIRING, since=now - timedelta(minutes=5)),
            RuleState(service_id=sid, rule="service_down", phase=RulePhase.PENDING, since=now - timedelta(seconds=100)),
        ])  # fmt: skip


def _spoken(site: Site, known: dict[str, int], now: datetime) -> None:
    fired = now - timedelta(minutes=5)
    rows = [
        (known[ROOT], "critical_service_down", AlertSeverity.CRITICAL, "doc_store: unhealthy AND critical"),
        (known[DEPENDENT], "service_down", AlertSeverity.CRITICAL, "frontend: status == 'unhealthy'"),
        (known[SLOW], "high_response_time", AlertSeverity.WARNING, "llm_gateway: response_time is 6.2 s, more than expected * 2 (5 s is allowed)"),
    ]
    with site.database.transaction(durable=True):
        for sid, rule, severity, message in rows:
            alert_id = alerts.add(site.database, Alert(service_id=sid, alert_type=rule, severity=severity, message=message, triggered_at=fired))
            spoken = conversations.begin(site.database, sid, severity=severity, alert_types=(rule,), alert_id=alert_id, started_at=fired, now=fired)
            root = known[ROOT] if sid == known[DEPENDENT] else None
            told = None if root else fired + timedelta(seconds=30)
            conversations.save(
                site.database,
                replace(spoken, is_outage=sid != known[SLOW], root_service_id=root, announced_at=told, notified_at=told, told_channels=() if root else ("email", "slack")),
            )
