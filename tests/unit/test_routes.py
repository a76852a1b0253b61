"""Which route takes a message, at which hour, on which clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from healthmon.alerts.settings import minutes_of
from healthmon.model.alert import AlertSeverity
from healthmon.model.notification import NotificationKind
from healthmon.notify.batches import Batch, routed
from healthmon.notify.decision import NotifyDecision, NotifyReason, NotifyVerdict
from healthmon.notify.routes import Route, Routing, Subject, takes

SUBJECT = Subject(service="doc_store", group="core", severity=AlertSeverity.CRITICAL)
NOON = "2026-11-22 12:00"  # a Sunday


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def a_route(**changes: Any) -> Route:
    known: dict[str, Any] = {"channels": ("slack",)} | changes
    if "hours" in known:
        known["hours"] = minutes_of(known["hours"])
    plain: dict[str, Any] = {key: frozenset(value) if isinstance(value, set) else value for key, value in known.items()}
    return Route(**plain)


CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("one that names nothing", {}, NOON, True),
    ("its severity", {"severities": {AlertSeverity.CRITICAL}}, NOON, True),
    ("another severity", {"severities": {AlertSeverity.WARNING}}, NOON, False),
    ("its service", {"services": {"doc_store"}}, NOON, True),
    ("its group", {"groups": {"core"}}, NOON, True),
    ("another group, and its service", {"groups": {"web"}, "services": {"doc_store"}}, NOON, True),
    ("another service", {"services": {"frontend"}}, NOON, False),
    ("all must fit", {"services": {"doc_store"}, "severities": {AlertSeverity.WARNING}}, NOON, False),
    ("within its hours", {"hours": "08:00-20:00"}, NOON, True),
    ("its first minute", {"hours": "12:00-20:00"}, NOON, True),
    ("its last minute is outside", {"hours": "08:00-12:00"}, NOON, False),
    ("until midnight", {"hours": "20:00-24:00"}, "2026-11-22 23:59", True),
    ("by day, not for the night", {"hours": "20:00-08:00"}, NOON, False),
    ("in the evening", {"hours": "20:00-08:00"}, "2026-11-22 20:00", True),
    ("in the early morning", {"hours": "20:00-08:00"}, "2026-11-22 07:59", True),
    ("on its clock: 13:00 in Berlin in winter", {"hours": "13:00-14:00", "timezone": "Europe/Berlin"}, NOON, True),
    ("14:00 in summer", {"hours": "13:00-14:00", "timezone": "Europe/Berlin"}, "2026-07-05 12:00", False),
    ("on its day", {"days": {"sun"}}, NOON, True),
    ("on another", {"days": {"mon", "tue"}}, NOON, False),
    ("its day on its clock", {"days": {"mon"}, "timezone": "Pacific/Auckland"}, NOON, True),
    ("the night that began on its day", {"days": {"sat"}, "hours": "20:00-08:00"}, "2026-11-22 07:00", True),
    ("not the one that begins after it", {"days": {"sat"}, "hours": "20:00-08:00"}, "2026-11-22 21:00", False),
]


@pytest.mark.parametrize(("case", "route", "moment", "taken"), CASES, ids=[case[0] for case in CASES])
def test_route(case: str, route: dict[str, Any], moment: str, taken: bool) -> None:  # noqa: FBT001  a row of a table
    assert takes(a_route(**route), SUBJECT, at(moment)) is taken, case


def test_the_first_that_takes_it_decides_and_what_none_takes_goes_to_all() -> None:
    night, core = a_route(channels=("pager",), hours="20:00-08:00"), a_route(channels=("slack", "email"), groups={"core"})
    routing = Routing(every=("email", "slack", "pager"), routes=(night, core))
    assert routing.channels_of(SUBJECT, at(NOON)) == ("slack", "email")
    assert routing.channels_of(SUBJECT, at("2026-11-22 23:00")) == ("pager",)
    other = Subject(service="frontend", group="web", severity=AlertSeverity.CRITICAL)
    assert routing.channels_of(other, at(NOON)) == ("email", "slack", "pager")
    assert Routing(every=("email",)).channels_of(other, at(NOON)) == ("email",)


def test_which_route_takes_everything() -> None:
    assert a_route().takes_everything
    assert not a_route(hours="08:00-20:00").takes_everything


@pytest.mark.parametrize("hours", ["8-20", "08:00", "08:60-09:00", "24:00-08:00", "08:00-24:01", "08:00-08:00", "8:00-20:00", "08:00 - 20:00"])
def test_what_are_no_hours_are_refused(hours: str) -> None:
    with pytest.raises(ValueError, match=r"must be from when|no day has|ends as it begins"):
        minutes_of(hours)


FIRST = NotifyDecision(verdict=NotifyVerdict.SEND, reason=NotifyReason.FIRST_WORD, kind=NotificationKind.FIRING)
WAITING = NotifyDecision(verdict=NotifyVerdict.WAIT, reason=NotifyReason.GROUPING, kind=NotificationKind.FIRING)
WORSE = NotifyDecision(verdict=NotifyVerdict.SEND, reason=NotifyReason.WORSENED, kind=NotificationKind.WORSENED)


def test_what_goes_elsewhere_is_said_elsewhere() -> None:
    both, one = ("email", "slack"), ("email",)
    found = routed({1: FIRST, 2: WORSE, 3: WAITING, 4: WAITING}, {1: both, 2: one, 3: both, 4: ("slack",)})
    assert found == [
        Batch(kind=NotificationKind.FIRING, members=(1, 3), channels=both),
        Batch(kind=NotificationKind.WORSENED, members=(2,), channels=one),
    ]  # 4 waits: nothing goes where it would go along
