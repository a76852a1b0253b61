"""What does the page of one service rest on?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.answers import overview
from healthmon.store import checks, container_dependencies, forensics, heals, history, incidents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.answers.overview import Past, Standing
    from healthmon.config import Config
    from healthmon.model.check import Check
    from healthmon.model.container_dependency import ContainerDependency
    from healthmon.model.forensics import Forensics
    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident
    from healthmon.store.connection import Connection
    from healthmon.store.history import Point
    from healthmon.store.rollups import Rollup

NEWEST = 20
BY_HOUR_UP_TO = timedelta(days=7)  # longer ranges are drawn by the day


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """`points` and `whole` are of the range that was asked for; lists are newest first. Names are of services, by id."""

    standing: Standing
    service_id: int
    day: Past
    span: timedelta
    points: tuple[Point, ...]
    whole: Rollup
    outages: tuple[Incident, ...]  # that touch the range, oldest first
    incidents: tuple[Incident, ...]
    heals: tuple[Heal, ...]
    checks: tuple[Check, ...]
    dependencies: tuple[ContainerDependency, ...]
    evidence: tuple[Forensics, ...]  # of the newest incident
    names: Mapping[int, str]


def read(connection: Connection, config: Config, service_id: int, *, span: timedelta) -> ServiceFacts:
    """Return everything about one service."""
    standing = overview.read(connection, config)
    now = standing.report.at
    since = now - span
    points = history.hourly if span <= BY_HOUR_UP_TO else history.daily
    newest = tuple(incidents.page(connection, before=None, limit=NEWEST, service_id=service_id, is_open=None))
    return ServiceFacts(
        standing=standing,
        service_id=service_id,
        day=overview.read_past(connection, [service_id], until=now)[service_id],
        span=span,
        points=tuple(points(connection, service_id, since, now)),
        whole=history.between(connection, [service_id], since, now)[service_id],
        outages=tuple(one for one in incidents.touching(connection, since) if one.service_id == service_id),
        incidents=newest,
        heals=tuple(heals.page(connection, before=None, limit=NEWEST, service_id=service_id, incident_id=None)),
        checks=tuple(checks.page(connection, service_id, since=now - overview.DAY, before=now, limit=NEWEST)),
        dependencies=tuple(one for one in container_dependencies.load(connection) if one.service_id == service_id),
        evidence=tuple(forensics.of_incident(connection, newest[0].incident_id)) if newest else (),
        names={line.service.service_id: line.service.name for line in standing.report.lines},
    )
