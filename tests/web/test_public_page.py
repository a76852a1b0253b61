"""What may everybody see, once it is switched on, and nothing more?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from healthmon import clock
from healthmon.history.report import Report, ServiceLine
from healthmon.model.check import CheckReason
from healthmon.model.incident import IncidentResolution
from healthmon.model.service import Service
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import Uptime
from healthmon.store import incidents, states
from healthmon.web.views.public import DAYS, public_page
from tests.builders import NOW, ago, an_incident
from tests.web.sites import Site
from tests.web.test_writing import ELSEWHERE

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = ("secret-host", "http://", "refused", "expected 200")


def line(service_id: int, status: ServiceStatus, group: str = "core") -> ServiceLine:
    return ServiceLine(
        service=Service(service_id=service_id, name=f"s{service_id}", group=group, critical=True),
        status=status,
        status_since=None,
        last_healthy=None,
        consecutive_failures=0,
        uptime=Uptime(),
        last_updated=NOW,
        response_time_s=None,
        reason=CheckReason.STATUS,
        error="expected 200 from secret-host",
    )


GOOD, BAD, DARK = ServiceStatus.HEALTHY, ServiceStatus.UNHEALTHY, ServiceStatus.UNKNOWN
VERDICTS = [
    ([GOOD, GOOD], (), "healthy", "All services work"),
    ([GOOD, BAD], (), "critical", "1 of 2 services does not work"),
    ([GOOD, BAD], ("s2",), "maintenance", "Some services are being worked on"),
    ([GOOD, DARK], (), "degraded", "Not everything is known at the moment"),
    ([DARK, DARK], (), "blind", "Nothing is known at the moment"),
]


@pytest.mark.parametrize(("statuses", "working", "level", "words"), VERDICTS)
def test_what_is_said_first(statuses: list[ServiceStatus], working: tuple[str, ...], level: str, words: str) -> None:
    report = Report(at=NOW, lines=tuple(line(number, status) for number, status in enumerate(statuses, 1)))
    page = public_page(report, [], working=working, title="Status")
    assert (page.level, page.words) == (level, words)


def test_outages_stand_under_the_day_on_which_they_began() -> None:
    old = an_incident(started_at=NOW - timedelta(days=40), resolved_at=NOW - timedelta(days=3), resolution=IncidentResolution.RECOVERED)
    yesterday = an_incident(started_at=ago(86_400), resolved_at=ago(86_000), resolution=IncidentResolution.HEALED)
    page = public_page(Report(at=NOW, lines=(line(1, BAD),)), [old, yesterday, an_incident(), an_incident(service_id=99)], working=(), title="Status")
    assert len(page.days) == DAYS
    assert [(one.name, one.began, one.lasted) for one in page.days[0].outages] == [("s1", "11:59", "1 min so far")]
    assert [one.lasted for one in page.days[1].outages] == ["6 min 40 s"]
    assert [one.lasted for one in page.days[-1].outages] == ["37 d"]
    assert page.days[0].words == "Sunday 22 November 2026"


def test_it_is_off_until_it_is_switched_on(site: Site) -> None:
    assert site.ask("/status").status == 404


def test_everybody_sees_it_and_nothing_that_is_nobodys_business(tmp_path: Path) -> None:
    services = ({"name": "doc_store", "url": "http://secret-host:1/", "group": "core"}, {"name": "frontend", "url": "http://secret-host:2/", "group": "web"})
    site = Site(directory=tmp_path, services=services, settings={"web": {"status_page": True, "status_title": "Docs"}})
    now = clock.now()
    state = ServiceState(service_id=1, status=BAD, last_checked_at=now, last_reason=CheckReason.REFUSED, last_error="expected 200 from secret-host")
    with site.database.transaction(durable=False):
        states.save(site.database, [(state, Uptime())])
        incidents.open_incident(
            site.database, 1, started_at=now, detected_at=now, episode_started_at=now, reason=CheckReason.REFUSED, error_message="secret-host"
        )
    site.web.step()
    told = site.ask("/status", **ELSEWHERE)
    assert (told.status, told.headers["cache-control"]) == (200, "public, max-age=5")
    assert "1 of 2 services does not work" in told.text
    assert "doc_store</span> did not work from" in told.text
    assert [secret for secret in SECRETS if secret in told.text] == []
    assert site.ask("/", Accept="text/html", **ELSEWHERE).status == 303
    site.close()
