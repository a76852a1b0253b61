"""Does who looks on hear of each change, once, soon, and also what came while the connection was lost?"""

from __future__ import annotations

import http.client
import json
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.model.check import CheckReason
from healthmon.model.incident import IncidentResolution
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status.uptime import Uptime
from healthmon.store import incidents, operator_actions, states
from tests.web.sites import HOST, Site

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stream:
    """The events of one connection, as a browser reads them."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer
        self.last_id = ""

    def next(self) -> tuple[str, Any]:
        """Return the next event's name and data."""
        fields: dict[str, str] = {}
        while line := self._answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if "event" not in fields:
            return self.next()
        self.last_id = fields["id"]
        return fields["event"], json.loads(fields["data"])

    def until(self, kind: str) -> Any:
        """Return the data of the next event of a kind."""
        while (found := self.next())[0] != kind:
            pass
        return found[1]


@contextmanager
def looking(site: Site, since: str = "", **headers: str) -> Iterator[Stream]:
    with closing(http.client.HTTPConnection(HOST, site.port, timeout=10)) as connection:
        path = f"/api/v1/events?since={since}" if since else "/api/v1/events"
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("content-type")) == (200, "text/event-stream; charset=utf-8")
        yield Stream(answer)


def become(site: Site, status: ServiceStatus, service_id: int = 1) -> None:
    state = ServiceState(service_id=service_id, status=status, status_since=clock.now(), last_checked_at=clock.now())
    with site.database.transaction(durable=False):
        states.save(site.database, [(state, Uptime())])


def test_a_change_is_told_as_soon_as_it_is_committed(site: Site) -> None:
    become(site, ServiceStatus.HEALTHY)
    with looking(site) as stream:
        assert stream.next()[0] == "beat"
        become(site, ServiceStatus.UNHEALTHY)
        service, summary = stream.until("service"), stream.until("summary")
    assert (service["service_name"], service["current_status"]) == ("doc_store", "unhealthy")
    assert summary["overall_health"] == "critical"


def test_what_a_person_did_is_told_to_all_when_it_is_done(site: Site) -> None:
    """Not all of it changes how a service is: a silence, a hold, and its end."""
    with looking(site) as stream:
        stream.until("beat")
        act = OperatorAction(kind=OperatorActionKind.RELEASE, made_at=clock.now(), author="ada", service="doc_store")
        action_id = operator_actions.add(site.database, act)
        operator_actions.settle(site.database, action_id, at=clock.now(), outcome="doc_store is released")
        told = stream.until("operator_action")
    assert (told["action_id"], told["kind"], told["service_names"], told["outcome"]) == (action_id, "release", ["doc_store"], "doc_store is released")


def test_who_was_away_is_told_the_newest_word_on_each_thing_once(site: Site) -> None:
    become(site, ServiceStatus.HEALTHY)
    with looking(site) as stream:
        stream.until("beat")
    for status in (ServiceStatus.UNHEALTHY, ServiceStatus.UNKNOWN, ServiceStatus.HEALTHY):
        become(site, status, 2)
    with looking(site, Last_Event_ID=stream.last_id) as again:
        told = [again.next() for _ in range(3)]
    assert [kind for kind, _ in told] == ["service", "summary", "beat"]
    assert (told[0][1]["service_name"], told[0][1]["current_status"]) == ("frontend", "healthy")
    with looking(site, since=again.last_id) as once_more:
        assert once_more.next()[0] == "beat"


def test_what_an_earlier_life_told_cannot_be_taken_up_and_says_so(site: Site) -> None:
    with looking(site, Last_Event_ID="20200101000000000-7") as stream:
        assert stream.next()[0] == "reset"
        assert stream.next()[0] == "beat"


def test_an_old_incident_is_told_of_when_it_ends(site: Site) -> None:
    at = clock.now() - timedelta(days=3)
    facts: dict[str, Any] = {"started_at": at, "detected_at": at, "episode_started_at": at, "reason": CheckReason.STATUS, "error_message": ""}
    first = incidents.open_incident(site.database, 1, **facts)
    for _ in range(60):
        later = incidents.open_incident(site.database, 2, **facts)
        incidents.resolve(site.database, later.incident_id, at=at, resolution=IncidentResolution.RECOVERED)
    with looking(site) as stream:
        stream.until("beat")
        incidents.resolve(site.database, first.incident_id, at=clock.now(), resolution=IncidentResolution.HEALED)
        assert stream.until("incident")["resolution"] == "healed"


def test_beats_say_how_old_the_data_is_and_why_nothing_is_known(site: Site) -> None:
    become(site, ServiceStatus.HEALTHY)
    with looking(site) as stream:
        beat = stream.until("beat")
        assert beat["newest_check"] == site.ask("/api/v1/services/doc_store").json()["last_updated"]
        assert beat["trouble"] == ""
        site.config.paths.database.rename(site.directory / "aside.db")
        assert "was deleted or moved away" in stream.until("beat")["trouble"]
        (site.directory / "aside.db").rename(site.config.paths.database)


def test_viewers_are_let_go_when_it_stops(site: Site) -> None:
    with looking(site) as stream:
        stream.until("beat")
        began = clock.monotonic()
        site.web.close()
        assert clock.monotonic() - began < 1.5
