"""What does Prometheus get to know? Everything from the database: this process counts nothing itself."""

from __future__ import annotations

import platform
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from healthmon import __version__
from healthmon.answers import live, maintenance
from healthmon.history.buckets import edges_us
from healthmon.model.alert import AlertSeverity
from healthmon.model.check import CheckReason
from healthmon.model.delivery import DeliveryState
from healthmon.model.heal import OPEN_HEALS, HealState
from healthmon.model.process import TOTAL as ALL_PROCESSES
from healthmon.model.status import ServiceStatus
from healthmon.model.target import TargetState
from healthmon.notify import channels
from healthmon.store import (
    alerts,
    certificates,
    channel_states,
    conversations,
    deliveries,
    holds,
    process_samples,
    space,
    tallies,
    targets,
    totals,
)
from healthmon.web.exposition import Family, Kind, labelled
from healthmon.web.exposition import number as written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from healthmon.answers.live import LiveReport
    from healthmon.config import Config
    from healthmon.store.connection import Connection

GAUGE, COUNTER, HISTOGRAM = Kind.GAUGE, Kind.COUNTER, Kind.HISTOGRAM
US = 1e6
OUTCOMES = tuple(state.value for state in HealState if state not in OPEN_HEALS)


def collect(connection: Connection, config: Config, running: dict[str, bool], now: datetime) -> list[Family]:
    """Return all metrics. `running` are our own programs, and whether each runs. What is not known is left out."""
    report = live.read(connection, config)
    return [
        *_ourselves(connection, config, running),
        *_states(report),
        *_care(connection, config, report, now),
        *_checks(connection, config, report),
        *_containers(connection, report),
        *_healing(connection, report),
        *_telling(connection, config),
    ]


def _ourselves(connection: Connection, config: Config, running: dict[str, bool]) -> Iterator[Family]:
    build = Family(name="healthmon_build_info", kind=GAUGE, about="Which healthmon this is.")
    build.add(1, labelled(version=__version__, pythonversion=platform.python_version()))
    yield build
    up = Family(name="healthmon_process_up", kind=GAUGE, about="Whether a process of healthmon's own runs.")
    for program, is_up in running.items():
        up.add(is_up, labelled(program=program))
    yield up
    yield from _usage(connection)
    size = Family(name="healthmon_database_size_bytes", kind=GAUGE, about="Size of the database, without what is not written into it yet.")
    size.add(space.measure(connection).size_bytes)
    yield size
    watched = Family(name="healthmon_services", kind=GAUGE, about="How many services are watched.")
    watched.add(len(config.enabled_services()))
    yield watched


def _usage(connection: Connection) -> Iterator[Family]:
    memory = Family(
        name="healthmon_process_proportional_memory_bytes", kind=GAUGE, about="Memory of a process, with its share of what several use."
    )
    cpu = Family(name="healthmon_process_cpu_seconds_total", kind=COUNTER, about="Processor time of a process since it began.")
    for sample in process_samples.newest(connection):
        if sample.program != ALL_PROCESSES:  # Prometheus adds up by itself
            memory.add(sample.pss_bytes, labelled(program=sample.program))
            cpu.add(sample.cpu_s, labelled(program=sample.program))
    yield from (memory, cpu)


def _states(report: LiveReport) -> Iterator[Family]:
    info = Family(name="healthmon_service_info", kind=GAUGE, about="What is set about a service.")
    up = Family(name="healthmon_service_up", kind=GAUGE, about="1 when a service is healthy, 0 when it is not; absent while that is unknown.")
    state = Family(name="healthmon_service_state", kind=GAUGE, about="1 for the state that a service is in.")
    since = Family(name="healthmon_service_state_since_timestamp_seconds", kind=GAUGE, about="When that state began.")
    uptime = Family(name="healthmon_service_uptime_ratio", kind=GAUGE, about="Healthy share of the known time of the last 24 hours.")
    coverage = Family(name="healthmon_service_uptime_coverage_ratio", kind=GAUGE, about="Share of those 24 hours that is known.")
    for line in report.lines:
        name = labelled(name=line.service.name)
        info.add(1, f"{name},{labelled(group=line.service.group, critical=str(line.service.critical).lower())}")
        for one in ServiceStatus:
            state.add(one is line.status, f'{name},state="{one.value}"')
        if line.status is not ServiceStatus.UNKNOWN:
            up.add(line.status is ServiceStatus.HEALTHY, name)
        if line.status_since is not None:
            since.add(line.status_since.timestamp(), name)
        if line.uptime.percentage is not None:
            uptime.add(line.uptime.percentage / 100, name)
            coverage.add(line.uptime.coverage / 100, name)
    yield from (info, up, state, since, uptime, coverage)


def _care(connection: Connection, config: Config, report: LiveReport, now: datetime) -> Iterator[Family]:
    """What people do about services."""
    working, held = maintenance.active(connection, config, now), holds.standing(connection, at=now)
    spoken = {one.service_id: one for one in conversations.open_conversations(connection)}
    worked = Family(name="healthmon_service_maintenance", kind=GAUGE, about="1 while a service is in maintenance.")
    kept = Family(name="healthmon_service_held", kind=GAUGE, about="1 while a person holds a service back from restarts.")
    known = Family(name="healthmon_service_acknowledged", kind=GAUGE, about="1 while a person has acknowledged its outage.")
    flaps = Family(name="healthmon_service_flapping", kind=GAUGE, about="1 while a service comes and goes.")
    for line in report.lines:
        name, sid = labelled(name=line.service.name), line.service.service_id
        conversation = spoken.get(sid)
        worked.add(line.service.name in working, name)
        kept.add(sid in held, name)
        known.add(conversation is not None and conversation.is_acknowledged(now), name)
        flaps.add(conversation is not None and conversation.flapping_at is not None, name)
    yield from (worked, kept, known, flaps)


def _checks(connection: Connection, config: Config, report: LiveReport) -> Iterator[Family]:
    ended, took = tallies.endings(connection), tallies.durations(connection)
    expiries = certificates.of_services(connection, [line.service.service_id for line in report.lines])
    total = Family(name="healthmon_probes_total", kind=COUNTER, about="Scheduled checks.")
    failed = Family(name="healthmon_probe_failures_total", kind=COUNTER, about="Scheduled checks that failed, through the service or through us.")
    why = Family(name="healthmon_probe_failures_by_reason_total", kind=COUNTER, about="The same by reason.")
    duration = Family(name="healthmon_probe_duration_seconds", kind=HISTOGRAM, about="How long answers took; one edge is the expected time.")
    expected = Family(name="healthmon_probe_expected_duration_seconds", kind=GAUGE, about="How long an answer may take.")
    last = Family(name="healthmon_probe_last_timestamp_seconds", kind=GAUGE, about="When the last check was made.")
    last_good = Family(name="healthmon_probe_last_success_timestamp_seconds", kind=GAUGE, about="When the last good check was made.")
    expiry = Family(name="healthmon_tls_certificate_not_after_timestamp_seconds", kind=GAUGE, about="When its certificate expires.")
    limits = {service.name: service.expected_response_time for service in config.enabled_services()}
    for line in report.lines:
        name, sid = labelled(name=line.service.name), line.service.service_id
        ends = ended.get(sid, {})
        total.add(sum(ends.values()), name)
        failed.add(sum(number for reason, number in ends.items() if reason is not CheckReason.OK), name)
        for reason, number in ends.items():
            if reason is not CheckReason.OK:
                why.add(number, f'{name},reason="{reason.value}"')
        limit = limits[line.service.name]
        found = took.get(sid, tallies.empty(edges_us(limit)))
        duration.add_histogram(_edges(found.edges), found.counts, found.sum_us / US, name)
        if limit is not None:
            expected.add(limit, name)
        if line.last_updated is not None:
            last.add(line.last_updated.timestamp(), name)
        if line.last_healthy is not None:
            last_good.add(line.last_healthy.timestamp(), name)
        if sid in expiries:
            expiry.add(expiries[sid].timestamp(), name)
    yield from (total, failed, why, duration, expected, last, last_good, expiry)


def _containers(connection: Connection, report: LiveReport) -> Iterator[Family]:
    found = targets.summaries(connection)
    info = Family(name="healthmon_container_info", kind=GAUGE, about="What is restarted to heal a service.")
    runs = Family(name="healthmon_container_running", kind=GAUGE, about="1 while it runs.")
    start = Family(name="healthmon_container_start_timestamp_seconds", kind=GAUGE, about="When it was started.")
    oom = Family(name="healthmon_container_oom_killed", kind=GAUGE, about="1 when its last end was for want of memory.")
    for line in report.lines:
        target = found.get(line.service.service_id)
        if target is None or target.state is None:
            continue
        name = labelled(name=line.service.name)
        info.add(1, f"{name},{labelled(container=target.name or '', image=target.image_id or '')}")
        runs.add(target.state is TargetState.RUNNING, name)
        oom.add(target.oom_killed, name)
        if target.started_at is not None:
            start.add(target.started_at.timestamp(), name)
    yield from (info, runs, start, oom)


def _healing(connection: Connection, report: LiveReport) -> Iterator[Family]:
    opened, ended = totals.incidents(connection), totals.heals(connection)
    lasting = Family(name="healthmon_service_incident_open", kind=GAUGE, about="1 while an incident of a service is open.")
    incident = Family(name="healthmon_incidents_total", kind=COUNTER, about="Incidents that were opened.")
    quarantined = Family(name="healthmon_service_quarantined", kind=GAUGE, about="1 while healing has given up on a service.")
    heal = Family(name="healthmon_heals_total", kind=COUNTER, about="Restarts that are over, and those that a dry run would have made.")
    for line in report.lines:
        name, sid = labelled(name=line.service.name), line.service.service_id
        mine = report.incidents.get(sid)
        lasting.add(mine is not None, name)
        quarantined.add(mine is not None and mine.quarantined_at is not None, name)
        incident.add(opened.get(sid, 0), name)
        for outcome in OUTCOMES:
            heal.add(ended.get((sid, outcome), 0), f'{name},outcome="{outcome}"')
    yield from (lasting, incident, quarantined, heal)


def _telling(connection: Connection, config: Config) -> Iterator[Family]:
    counts: Counter[tuple[str, str]] = Counter((one.alert_type, one.severity.value) for one in alerts.firing(connection))
    for rule in config.alert_rules:
        if rule.enabled and rule.severity is not AlertSeverity.INFO:
            counts.setdefault((rule.name, rule.severity.value), 0)
    firing = Family(name="healthmon_alerts_firing", kind=GAUGE, about="Alerts that fire now.")
    for (rule_name, severity), number in sorted(counts.items()):
        firing.add(number, labelled(rule=rule_name, severity=severity))
    yield firing
    states, told, waiting = channel_states.load(connection), totals.deliveries(connection), deliveries.count_waiting(connection)
    sent = Family(name="healthmon_notifications_total", kind=COUNTER, about="Messages that a channel took.")
    parked = Family(name="healthmon_notification_failures_total", kind=COUNTER, about="Messages that were given up on.")
    queue = Family(name="healthmon_notification_queue_length", kind=GAUGE, about="Messages that wait.")
    fails = Family(name="healthmon_channel_failing", kind=GAUGE, about="1 while nothing gets through a channel.")
    for channel in channels.enabled(config.alerting):
        name, state = labelled(channel=channel.name), states.get(channel.name)
        sent.add(told.get((channel.name, DeliveryState.SENT.value), 0), name)
        parked.add(told.get((channel.name, DeliveryState.PARKED.value), 0), name)
        queue.add(waiting.get(channel.name, 0), name)
        fails.add(state is not None and state.failing_since is not None, name)
    yield from (sent, parked, queue, fails)


@cache
def _edges(edges_in_us: tuple[int, ...]) -> tuple[str, ...]:
    """Return edges as they are written: most services have the same."""
    return tuple(written(edge / US) for edge in edges_in_us)
