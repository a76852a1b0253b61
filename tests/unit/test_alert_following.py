"""What becomes of an outage from one look to the next: a table of what has happened, and what is known of it then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.alerts.following import Known, follow
from healthmon.model.alert import AlertSeverity
from healthmon.model.conversation import Conversation
from tests.builders import NOW, ago, an_incident

if TYPE_CHECKING:
    from datetime import datetime

ONE = Conversation(
    conversation_id=1,
    service_id=1,
    severity=AlertSeverity.CRITICAL,
    opened_at=ago(120),
    started_at=ago(150),
    alert_id=7,
    alert_types=("service_down",),
)


def known(**changes: Any) -> Known:
    nothing: dict[str, Any] = {
        "now": NOW,
        "incidents": {},
        "flapping": (),
        "firing": (),
        "removed": (),
        "roots": {},
        "speaking": {},
        "muted": (),
        "maintenance_ended": {},
    }
    return Known(**nothing | changes)


@pytest.mark.parametrize(
    ("before", "incident", "after"),
    [
        (None, {}, None),
        (None, {"quarantined_at": ago(9)}, ago(9)),
        (None, {"needs_person_at": ago(9)}, ago(9)),
        (None, {"quarantined_at": ago(9), "needs_person_at": ago(3)}, ago(3)),
        (None, {"quarantined_at": ago(3), "needs_person_at": ago(9)}, ago(3)),
        (ago(99), {"needs_person_at": ago(9)}, ago(9)),
        (ago(99), {}, ago(99)),
    ],
)
def test_the_last_that_a_person_must_hear_of_counts(before: datetime | None, incident: dict[str, Any], after: datetime | None) -> None:
    spoken = {1: replace(ONE, urgent_at=before)}
    assert follow(spoken, known(incidents={1: an_incident(service_id=1, **incident)}))[1].urgent_at == after


OUTAGE, ANNOUNCED = {"is_outage": True}, {"announced_at": ago(60)}


@pytest.mark.parametrize(
    ("about", "what", "is_over"),
    [
        ({}, {"firing": {1}}, False),
        ({}, {}, True),
        (OUTAGE, {"firing": {1}}, True),
        (OUTAGE, {"incidents": {1: an_incident(service_id=1)}}, False),
        (OUTAGE, {"flapping": {1}}, False),
        (OUTAGE, {"flapping": {1}, "removed": {1}}, True),
        (OUTAGE, {"incidents": {1: an_incident(service_id=1)}, "removed": {1}}, True),
        (OUTAGE | {"alert_types": ()}, {"incidents": {1: an_incident(service_id=1)}}, True),
        (OUTAGE | ANNOUNCED | {"alert_types": ()}, {"incidents": {1: an_incident(service_id=1)}}, False),
    ],
    ids=["an alert fires", "none does", "well, and an alert only looks back", "ill", "comes and goes", "taken out", "taken out while ill", "for others only", "for others, and told"],
)
def test_when_it_is_over(about: dict[str, Any], what: dict[str, Any], *, is_over: bool) -> None:
    assert follow({1: replace(ONE, **about)}, known(**what))[1].over_at == (NOW if is_over else None)


def test_that_it_was_over_is_kept_and_taken_back() -> None:
    over = {1: replace(ONE, is_outage=True, over_at=ago(9))}
    assert follow(over, known())[1].over_at == ago(9)
    assert follow(over, known(incidents={1: an_incident(service_id=1)}))[1].over_at is None


def test_who_is_no_more_under_its_root_waits_anew_and_so_does_who_was_worked_on() -> None:
    under = {1: replace(ONE, is_outage=True, root_service_id=2), 2: replace(ONE, service_id=2, is_outage=True)}
    incidents = {sid: an_incident(service_id=sid) for sid in (1, 2)}
    assert follow(under, known(incidents=incidents, roots={1: 2}))[1].released_at is None
    released = follow(under, known(incidents=incidents))[1]
    assert (released.root_service_id, released.released_at) == (None, NOW)
    assert follow(under, known(incidents=incidents, roots={1: 2}, muted={2}))[1].root_service_id is None
    after_work = known(incidents=incidents, roots={1: 2}, maintenance_ended={1: ago(5)})
    assert follow(under, after_work)[1].released_at == ago(5)


def test_a_root_is_as_bad_as_the_worst_that_it_speaks_for() -> None:
    spoken = {
        1: replace(ONE, is_outage=True),
        2: replace(ONE, service_id=2, is_outage=True, severity=AlertSeverity.WARNING),
    }
    incidents = {sid: an_incident(service_id=sid) for sid in (1, 2)}
    assert follow(spoken, known(incidents=incidents, roots={1: 2}))[2].severity is AlertSeverity.CRITICAL
    assert follow(spoken, known(incidents=incidents))[2].severity is AlertSeverity.WARNING
