"""What does the page of one incident show: how it went, step by step, and what was kept of it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.clock import duration, to_iso, to_people
from healthmon.model.status import ServiceStatus
from healthmon.web.views.phases import Phases, phases
from healthmon.web.views.service import Evidence, evidence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from healthmon.answers.story import Story
    from healthmon.web.views.problems import Problem

NOT_YET = "not yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    iso: str
    at: str
    after: str  # how long after the first failed check
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    number: int
    name: str
    href: str  # empty when nobody watches the service any more
    status: ServiceStatus  # what the incident is now: unhealthy while it lasts
    words: str
    what: str
    figures: tuple[tuple[str, str], ...]
    phases: Phases
    problem: Problem | None
    steps: tuple[Step, ...]
    evidence: tuple[Evidence, ...]
    at_iso: str


def incident_page(
    story: Story, acknowledged_at: datetime | None, problem: Problem | None, now: datetime, *, is_watched: bool
) -> IncidentPage:
    """Return the page; `problem` is what is wrong with its service now, for one that lasts."""
    incident = story.incident
    lasted = duration(((incident.resolved_at or now) - incident.started_at).total_seconds())
    is_open = incident.resolved_at is None
    return IncidentPage(
        number=incident.incident_id,
        name=story.service,
        href=f"/services/{quote(story.service, safe='')}" if is_watched else "",
        status=ServiceStatus.UNHEALTHY if is_open else ServiceStatus.HEALTHY,
        words=f"has been ill for {lasted}" if is_open else f"was ill for {lasted}",
        what=f"{incident.reason.value}: {incident.error_message}" if incident.error_message else incident.reason.value,
        figures=tuple(_figures(story, acknowledged_at)),
        phases=phases(incident, acknowledged_at, now),
        problem=problem if is_open else None,
        steps=tuple(
            Step(
                iso=to_iso(one.at),
                at=to_people(one.at),
                after=duration((one.at - incident.started_at).total_seconds()),
                kind=one.kind,
                text=one.text,
            )
            for one in story.entries
        ),
        evidence=tuple(map(evidence, story.bundles)),
        at_iso=to_iso(now),
    )


def _figures(story: Story, acknowledged_at: datetime | None) -> Iterator[tuple[str, str]]:
    incident = story.incident
    yield "Began", to_people(incident.started_at)
    yield "Detected after", _after(incident.started_at, incident.detected_at)
    missing = NOT_YET if incident.resolved_at is None else "nobody did"
    yield "Acknowledged after", missing if acknowledged_at is None else _after(incident.started_at, acknowledged_at)
    yield "Repaired after", _after(incident.started_at, incident.resolved_at)
    yield "Ended", NOT_YET if incident.resolution is None else incident.resolution.value


def _after(start: datetime, end: datetime | None) -> str:
    return NOT_YET if end is None else duration((end - start).total_seconds())
