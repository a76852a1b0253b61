"""What does Prometheus get to know of each service? Of one that is as it was at the last scrape, the same text again."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from healthmon.answers import maintenance
from healthmon.answers.live import Known
from healthmon.history.buckets import edges_us
from healthmon.memo import Memo
from healthmon.model.check import CheckReason
from healthmon.model.heal import OPEN_HEALS, HealState
from healthmon.model.status import ServiceStatus
from healthmon.model.target import TargetState
from healthmon.store import certificates, conversations, holds, performance_data, tallies, targets, totals
from healthmon.web.exposition import Family, Kind, labelled
from healthmon.web.exposition import number as written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from healthmon.answers.live import LiveReport
    from healthmon.config import Config
    from healthmon.history.report import ServiceLine
    from healthmon.model.incident import Incident
    from healthmon.store.connection import Connection
    from healthmon.store.tallies import Durations
    from healthmon.store.targets import TargetSummary

    Texts = tuple[str, ...]  # the samples of one service in each of some families, a line each

GAUGE, COUNTER, HISTOGRAM = Kind.GAUGE, Kind.COUNTER, Kind.HISTOGRAM
US = 1e6
MEASURE_NOTHING = frozenset({"http", "tcp", "tls", "docker"})  # beside how long it took
OUTCOMES = tuple(state.value for state in HealState if state not in OPEN_HEALS)


class Told:
    """What was told of each service at the last scrape, by what it rested on."""

    def __init__(self) -> None:
        self.durations: Memo[Durations] = Memo()
        self.states: Memo[Texts] = Memo()
        self.care: Memo[Texts] = Memo()
        self.checks: Memo[Texts] = Memo()
        self.containers: Memo[Texts] = Memo()
        self.healing: Memo[Texts] = Memo()


def collect(  # noqa: PLR0913  what it rests on, one name each
    connection: Connection, config: Config, report: LiveReport, now: datetime, *, known: Known | None, told: Told | None
) -> list[Family]:
    """Return the metrics of all services."""
    known, told = known or Known(), told or Told()
    return [
        *_together(_state_families, (told.states.of(line.service.name, _state, line) for line in report.lines)),
        *_together(_care_families, _care_of_all(connection, config, report, now, told)),
        *_together(_check_families, _checks_of_all(connection, config, report, told)),
        *_together(_container_families, _containers_of_all(connection, report, known, told)),
        *_together(_healing_families, _healing_of_all(connection, report, told)),
        *_measured(connection, config, report),
    ]


def _together(families: Callable[[], tuple[Family, ...]], parts: Iterable[Texts]) -> tuple[Family, ...]:
    """Put what is told of single services under each other: a family's samples belong together."""
    found = families()
    for part in parts:
        for family, text in zip(found, part, strict=True):
            if text:
                family.samples.append(text)
    return found


def _texts(families: tuple[Family, ...]) -> Texts:
    return tuple("\n".join(family.samples) for family in families)


def _state_families() -> tuple[Family, ...]:
    return (
        Family(name="healthmon_service_info", kind=GAUGE, about="What is set about a service."),
        Family(name="healthmon_service_up", kind=GAUGE, about="1 when a service is healthy, 0 when it is not; absent while that is unknown."),
        Family(name="healthmon_service_state", kind=GAUGE, about="1 for the state that a service is in."),
        Family(name="healthmon_service_state_since_timestamp_seconds", kind=GAUGE, about="When that state began."),
        Family(name="healthmon_service_uptime_ratio", kind=GAUGE, about="Healthy share of the known time of the last 24 hours."),
        Family(name="healthmon_service_uptime_coverage_ratio", kind=GAUGE, about="Share of those 24 hours that is known."),
    )


def _state(line: ServiceLine) -> Texts:
    found = info, up, state, since, uptime, coverage = _state_families()
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
    return _texts(found)


def _care_families() -> tuple[Family, ...]:
    return (
        Family(name="healthmon_service_maintenance", kind=GAUGE, about="1 while a service is in maintenance."),
        Family(name="healthmon_service_held", kind=GAUGE, about="1 while a person holds a service back from restarts."),
        Family(name="healthmon_service_acknowledged", kind=GAUGE, about="1 while a person has acknowledged its outage."),
        Family(name="healthmon_service_flapping", kind=GAUGE, about="1 while a service comes and goes."),
    )


def _care_of_all(connection: Connection, config: Config, report: LiveReport, now: datetime, told: Told) -> Iterable[Texts]:
    """What people do about services."""
    working, held = maintenance.active(connection, config, now), holds.standing(connection, at=now)
    spoken = {one.service_id: one for one in conversations.open_conversations(connection)}
    for line in report.lines:
        name, sid = line.service.name, line.service.service_id
        talk = spoken.get(sid)
        acknowledged, flapping = talk is not None and talk.is_acknowledged(now), talk is not None and talk.flapping_at is not None
        yield told.care.of(name, _care, name, name in working, sid in held, acknowledged, flapping)


def _care(service_name: str, *values: bool) -> Texts:
    found = _care_families()
    name = labelled(name=service_name)
    for family, value in zip(found, values, strict=True):
        family.add(value, name)
    return _texts(found)


def _check_families() -> tuple[Family, ...]:
    return (
        Family(name="healthmon_probes_total", kind=COUNTER, about="Scheduled checks."),
        Family(name="healthmon_probe_failures_total", kind=COUNTER, about="Scheduled checks that failed, through the service or through us."),
        Family(name="healthmon_probe_failures_by_reason_total", kind=COUNTER, about="The same by reason."),
        Family(name="healthmon_probe_duration_seconds", kind=HISTOGRAM, about="How long answers took; one edge is the expected time."),
        Family(name="healthmon_probe_expected_duration_seconds", kind=GAUGE, about="How long an answer may take."),
        Family(name="healthmon_probe_last_timestamp_seconds", kind=GAUGE, about="When the last check was made."),
        Family(name="healthmon_probe_last_success_timestamp_seconds", kind=GAUGE, about="When the last good check was made."),
        Family(name="healthmon_tls_certificate_not_after_timestamp_seconds", kind=GAUGE, about="When its certificate expires."),
    )


def _checks_of_all(connection: Connection, config: Config, report: LiveReport, told: Told) -> Iterable[Texts]:
    ended, took = tallies.endings(connection), tallies.durations(connection, told.durations)
    expiries = certificates.of_services(connection, [line.service.service_id for line in report.lines])
    limits = {service.name: service.expected_response_time for service in config.enabled_services()}
    for line in report.lines:
        name, sid = line.service.name, line.service.service_id
        last = line.last_updated, line.last_healthy, expiries.get(sid)
        yield told.checks.of(name, _checks, name, ended.get(sid, {}), took.get(sid), limits[name], last)


def _checks(
    service_name: str,
    ends: Mapping[CheckReason, int],
    took: Durations | None,
    limit_s: float | None,
    last: tuple[datetime | None, datetime | None, datetime | None],
) -> Texts:
    found = total, failed, why, duration, expected, *times = _check_families()
    name = labelled(name=service_name)
    failures = {reason: number for reason, number in ends.items() if reason is not CheckReason.OK}
    total.add(sum(ends.values()), name)
    failed.add(sum(failures.values()), name)
    for reason, number in failures.items():
        why.add(number, f'{name},reason="{reason.value}"')
    counted = took or tallies.empty(edges_us(limit_s))
    duration.add_histogram(_edges(counted.edges), counted.counts, counted.sum_us / US, name)
    if limit_s is not None:
        expected.add(limit_s, name)
    for family, at in zip(times, last, strict=True):
        if at is not None:
            family.add(at.timestamp(), name)
    return _texts(found)


@cache
def _edges(edges_in_us: tuple[int, ...]) -> tuple[str, ...]:
    """Return edges as they are written: most services have the same."""
    return tuple(written(edge / US) for edge in edges_in_us)


def _container_families() -> tuple[Family, ...]:
    return (
        Family(name="healthmon_container_info", kind=GAUGE, about="What is restarted to heal a service."),
        Family(name="healthmon_container_running", kind=GAUGE, about="1 while it runs."),
        Family(name="healthmon_container_start_timestamp_seconds", kind=GAUGE, about="When it was started."),
        Family(name="healthmon_container_oom_killed", kind=GAUGE, about="1 when its last end was for want of memory."),
    )


def _containers_of_all(connection: Connection, report: LiveReport, known: Known, told: Told) -> Iterable[Texts]:
    found = targets.summaries(connection, known.summaries)
    for line in report.lines:
        name = line.service.name
        yield told.containers.of(name, _container, name, found.get(line.service.service_id))


def _container(service_name: str, target: TargetSummary | None) -> Texts:
    found = info, runs, start, oom = _container_families()
    if target is not None and target.state is not None:
        name = labelled(name=service_name)
        info.add(1, f"{name},{labelled(container=target.name or '', image=target.image_id or '')}")
        runs.add(target.state is TargetState.RUNNING, name)
        oom.add(target.oom_killed, name)
        if target.started_at is not None:
            start.add(target.started_at.timestamp(), name)
    return _texts(found)


def _measured(connection: Connection, config: Config, report: LiveReport) -> Iterable[Family]:
    """What looks measure beside their verdict. Who has none is asked nothing."""
    family = Family(name="healthmon_probe_value", kind=GAUGE, about="What a look measured beside its verdict, in the unit that it gave.")
    measuring = {one.name for one in config.enabled_services() if one.type not in MEASURE_NOTHING}
    names = {line.service.service_id: line.service.name for line in report.lines if line.service.name in measuring}
    for service_id, values in performance_data.of_services(connection, names).items() if names else ():
        for one in values:
            family.add(one.value, labelled(name=names[service_id], label=one.label, unit=one.unit))
    yield family


def _healing_families() -> tuple[Family, ...]:
    return (
        Family(name="healthmon_service_incident_open", kind=GAUGE, about="1 while an incident of a service is open."),
        Family(name="healthmon_incidents_total", kind=COUNTER, about="Incidents that were opened."),
        Family(name="healthmon_service_quarantined", kind=GAUGE, about="1 while healing has given up on a service."),
        Family(name="healthmon_heals_total", kind=COUNTER, about="Restarts that are over, and those that a dry run would have made."),
    )


def _healing_of_all(connection: Connection, report: LiveReport, told: Told) -> Iterable[Texts]:
    opened, ended = totals.incidents(connection), _by_outcome(totals.heals(connection))
    for line in report.lines:
        name, sid = line.service.name, line.service.service_id
        yield told.healing.of(name, _healing, name, report.incidents.get(sid), opened.get(sid, 0), ended.get(sid, {}))


def _by_outcome(counts: Mapping[tuple[int, str], int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for (sid, outcome), number in counts.items():
        found.setdefault(sid, {})[outcome] = number
    return found


def _healing(service_name: str, mine: Incident | None, opened: int, ended: Mapping[str, int]) -> Texts:
    found = lasting, incident, quarantined, heal = _healing_families()
    name = labelled(name=service_name)
    lasting.add(mine is not None, name)
    quarantined.add(mine is not None and mine.quarantined_at is not None, name)
    incident.add(opened, name)
    for outcome in OUTCOMES:
        heal.add(ended.get(outcome, 0), f'{name},outcome="{outcome}"')
    return _texts(found)
