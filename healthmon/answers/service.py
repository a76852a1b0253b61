"""What does the page of one service rest on?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.answers import overview, slo
from healthmon.history.rollups import DAY, Counter, checks_of
from healthmon.model.check import CheckStatus
from healthmon.status.uptime import HOUR, Booked
from healthmon.store import (
    container_dependencies,
    forensics,
    heals,
    history,
    incidents,
    looks,
    outcomes,
    performance_data,
)
from healthmon.store.history import Point
from healthmon.store.rollups import Rollup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from healthmon.answers.live import Known
    from healthmon.answers.overview import Past, Standing
    from healthmon.config import Config
    from healthmon.history.slo import Budget
    from healthmon.model.check import Check
    from healthmon.model.container_dependency import ContainerDependency
    from healthmon.model.forensics import Forensics
    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident
    from healthmon.model.performance import Performance
    from healthmon.store.connection import Connection

NEWEST = 20
CHECKS = 12
BY_CHECK_UP_TO = timedelta(hours=6)  # such a time is drawn from its single checks
BY_HOUR_UP_TO = timedelta(days=7)  # longer ones by the day
WALKED = 200_000  # checks of all services that a drawing may cost: 50 ms
FINE_POINTS = 60
MINUTE = timedelta(minutes=1)
US = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """`past`, `points` and `whole` are of the time that was asked for; lists are newest first. Names are of services, by id."""

    standing: Standing
    service_id: int
    past: Past
    step: timedelta  # of the points
    points: tuple[Point, ...]
    whole: Rollup
    incidents: tuple[Incident, ...]
    acknowledged: Mapping[int, datetime]  # when a person first said that an incident is seen, by its id
    heals: tuple[Heal, ...]
    checks: tuple[Check, ...]
    performance: tuple[Performance, ...]  # of its command's last look that measured something
    dependencies: tuple[ContainerDependency, ...]
    evidence: tuple[Forensics, ...]  # of the newest incident
    budget: Budget | None  # of the last 30 days, whatever was asked for; None where nothing is known
    names: Mapping[int, str]


def read(  # noqa: PLR0913  what is asked
    connection: Connection, config: Config, service_id: int, known: Known | None = None, *, since: datetime, until: datetime
) -> ServiceFacts:
    """Return everything about one service."""
    standing = overview.read(connection, config, known)
    newest = tuple(incidents.page(connection, before=None, limit=NEWEST, service_id=service_id, is_open=None))
    step, points = _points(connection, config, service_id, since, until)
    whole = history.between(connection, [service_id], since, until)[service_id]  # its checks by whole hours
    return ServiceFacts(
        standing=standing,
        service_id=service_id,
        past=overview.read_past(connection, [service_id], since=since, until=until)[service_id],
        step=step,
        points=points,
        whole=replace(whole, checks=checks_of(point.rollup.checks for point in points)) if step < HOUR else whole,
        incidents=newest,
        acknowledged=outcomes.acknowledged_at(connection, [one.incident_id for one in newest]),
        heals=tuple(heals.page(connection, before=None, limit=NEWEST, service_id=service_id, incident_id=None)),
        checks=tuple(looks.page(connection, service_id, since=until - DAY, before=until, limit=CHECKS)),
        performance=tuple(performance_data.of_services(connection, [service_id]).get(service_id, ())),
        dependencies=tuple(container_dependencies.load(connection)),
        evidence=tuple(forensics.of_incident(connection, newest[0].incident_id)) if newest else (),
        budget=slo.budgets(connection, config, [service_id], standing.report.at).get(service_id),
        names={line.service.service_id: line.service.name for line in standing.report.lines},
    )


def _points(connection: Connection, config: Config, service_id: int, since: datetime, until: datetime) -> tuple[timedelta, tuple[Point, ...]]:
    """Return a service's points, and how long each is: as fine as can be had at a bounded cost."""
    length = until - since
    walked = sum(length.total_seconds() / one.interval_seconds for one in config.enabled_services())
    if length <= BY_CHECK_UP_TO and walked <= WALKED:
        step = max(MINUTE, timedelta(seconds=round(length.total_seconds() / FINE_POINTS)))
        return step, tuple(_of_checks(looks.page(connection, service_id, since=since, before=until, limit=WALKED), since, step))
    if length <= BY_HOUR_UP_TO:
        return HOUR, tuple(history.hourly(connection, service_id, since, until))
    return DAY, tuple(history.daily(connection, service_id, since, until))


def _of_checks(found: Iterable[Check], since: datetime, step: timedelta) -> Iterator[Point]:
    """Yield the points of single checks. How much of the time they stand for is booked by the hour only, and so not told here."""
    counters: dict[int, Counter] = {}
    for check in found:
        time_s = check.outcome.response_time_s
        counter = counters.setdefault((check.checked_at - since) // step, Counter())
        counter.add(healthy=check.status is CheckStatus.HEALTHY, response_time_us=None if time_s is None else round(time_s * US))
    for number in sorted(counters):
        yield Point(start=since + number * step, rollup=Rollup(time=Booked(), checks=counters[number].counted()))
