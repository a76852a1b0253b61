"""The document's five targets, each measured, and how sure one may be of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from healthmon.alerts import rule
from healthmon.history import slo
from healthmon.history.outcomes import Alarm, AlarmVerdict, Outage, Told
from healthmon.history.rollups import Counter
from healthmon.history.settings import SloSettings
from healthmon.history.slo import Budget, SloVerdict
from healthmon.status.uptime import HOUR, Booked, unhealthy_share
from tests.builders import NOW, ago

SETTINGS = SloSettings()
DAY_S = 86_400.0
MET, MISSED, UNKNOWN = SloVerdict.MET, SloVerdict.MISSED, SloVerdict.UNKNOWN


@pytest.mark.parametrize(
    ("booked", "value", "coverage", "verdict"),
    [
        (Booked(healthy_s=DAY_S), 100, 100, MET),
        (Booked(healthy_s=999, unhealthy_s=1), 99.9, pytest.approx(1.157, abs=0.01), MET),
        (Booked(healthy_s=998, unhealthy_s=2), 99.8, pytest.approx(1.157, abs=0.01), MISSED),
        (Booked(unknown_s=DAY_S), None, 0, UNKNOWN),
        (Booked(healthy_s=DAY_S / 2, maintenance_s=DAY_S / 2), 100, 100, MET),
    ],
)
def test_availability_is_of_the_known_time(booked: Booked, value: float | None, coverage: float, verdict: SloVerdict) -> None:
    found = slo.availability(booked, services=1, asked_s=DAY_S, settings=SETTINGS)
    assert (found.value, found.coverage, found.verdict) == (value if value is None else pytest.approx(value), coverage, verdict)


@pytest.mark.parametrize(("slow", "verdict"), [(5, MET), (6, MISSED)])
def test_the_95th_percentile_must_stay_below_its_target(slow: int, verdict: SloVerdict) -> None:
    counter = Counter()
    for number in range(100):
        counter.add(healthy=True, response_time_us=3_000_000 if number < slow else 500_000)
    found = slo.response_time(counter.counted(), coverage=100, settings=SETTINGS)
    assert (found.samples, found.verdict) == (100, verdict)
    assert slo.response_time(Counter().counted(), coverage=0, settings=SETTINGS).verdict is UNKNOWN


def told(*, after_s: float | None, lasted_s: float | None = 3_600) -> Told:
    opened = ago(7_200)
    return Told(
        service_id=1,
        opened_at=opened,
        acknowledged_at=None if after_s is None else opened + timedelta(seconds=after_s),
        over_at=None if lasted_s is None else opened + timedelta(seconds=lasted_s),
    )


ACKNOWLEDGEMENTS: list[tuple[str, list[Told], float | None, int, SloVerdict]] = [
    ("none", [], None, 0, UNKNOWN),
    ("in time", [told(after_s=60)], 1.0, 1, MET),
    ("too late", [told(after_s=600)], 10.0, 1, MISSED),
    ("never, and it is over long after", [told(after_s=None)], None, 1, MISSED),
    ("never, and it lasts", [told(after_s=None, lasted_s=None)], None, 1, MISSED),
    ("over before anybody had to", [told(after_s=None, lasted_s=200)], None, 0, UNKNOWN),
    ("one of three is never seen", [told(after_s=60), told(after_s=120), told(after_s=None)], 2.0, 3, MET),
]


@pytest.mark.parametrize(("case", "tolds", "value", "samples", "verdict"), ACKNOWLEDGEMENTS, ids=[case[0] for case in ACKNOWLEDGEMENTS])
def test_time_to_acknowledge(case: str, tolds: list[Told], value: float | None, samples: int, verdict: SloVerdict) -> None:
    found = slo.acknowledgement(tolds, NOW, SETTINGS)
    assert (found.value, found.samples, found.verdict) == (value, samples, verdict), case


def test_repair_is_the_mean_from_the_first_failed_check_to_the_first_good_one() -> None:
    outages = [Outage(service_id=1, started_at=ago(7_200), detected_at=ago(7_196), resolved_at=ago(7_200 - 60 * minutes)) for minutes in (10, 40)]
    assert (slo.repair(outages, SETTINGS).value, slo.repair(outages, SETTINGS).verdict) == (25.0, MET)
    assert outages[0].detect_s == 4
    assert slo.repair([], SETTINGS).verdict is UNKNOWN


def alarm(**changes: Any) -> Alarm:
    plain: dict[str, Any] = {
        "alert_id": 1,
        "service_id": 1,
        "alert_type": "high_response_time",
        "triggered_at": ago(3_600),
        "resolved_at": ago(3_500),
        "marked_by": None,
        "in_outage": False,
        "acknowledged": False,
    }
    return Alarm(**plain | changes)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, AlarmVerdict.UNPROVEN),
        ({"resolved_at": ago(3_300)}, AlarmVerdict.TRUE),
        ({"in_outage": True}, AlarmVerdict.TRUE),
        ({"acknowledged": True}, AlarmVerdict.TRUE),
        ({"in_outage": True, "marked_by": "ada"}, AlarmVerdict.MARKED),
        ({"resolved_at": None}, AlarmVerdict.OPEN),
    ],
)
def test_what_an_alert_turned_out_to_be(changes: dict[str, Any], verdict: AlarmVerdict) -> None:
    assert alarm(**changes).verdict is verdict


def test_false_alarms_are_a_share_of_those_that_are_over() -> None:
    alarms = [alarm(), alarm(resolved_at=None), *(alarm(in_outage=True) for _ in range(19))]
    found = slo.false_alarms(alarms, SETTINGS)
    assert (found.value, found.samples, found.verdict) == (5.0, 20, MISSED)
    assert slo.false_alarms([alarm(resolved_at=None)], SETTINGS).verdict is UNKNOWN


@pytest.mark.parametrize(("allowed_s", "spent_s", "left"), [(100, 25, 75), (100, 150, -50), (0, 0, 100), (0, 1, 0)])
def test_what_is_left_of_a_budget(allowed_s: float, spent_s: float, left: float) -> None:
    assert Budget(allowed_s=allowed_s, spent_s=spent_s).left_percent == left


def test_how_fast_a_budget_is_spent_and_when_it_is() -> None:
    """At three nines an hour may have 3.6 s: who is down for 36 s of it spends ten times too fast."""
    lately = Booked(healthy_s=3_564, unhealthy_s=36)
    assert slo.burn_rate(lately, target=99.9) == pytest.approx(10)
    assert slo.burn_rate(Booked(healthy_s=1), target=99.9) == 0
    assert slo.burn_rate(Booked(unknown_s=3_600), target=99.9) is None
    assert slo.lasts_s(slo.Budget(allowed_s=2_592, spent_s=2_556), lately, recent_s=3_600) == pytest.approx(3_600)
    assert slo.lasts_s(slo.Budget(allowed_s=100, spent_s=0), Booked(healthy_s=3_600), recent_s=3_600) is None
    assert slo.lasts_s(slo.Budget(allowed_s=100, spent_s=101), lately, recent_s=3_600) == 0


def test_a_months_budget_at_three_nines_is_43_minutes_less_maintenance() -> None:
    month_s = 30 * DAY_S
    [level] = slo.levels({1: Booked(healthy_s=month_s - DAY_S, maintenance_s=DAY_S)}, {1: Counter().counted()}, asked_s=month_s, target=99.9)
    assert level.budget.allowed_s == pytest.approx(29 * 86.4)


def test_budget_rules_are_asked_for_and_say_the_workbooks_factors() -> None:
    assert rule.of_budget(SETTINGS) == ()
    found = {one.name: one.condition.text for one in rule.of_budget(SloSettings(burn_rate_alerts=True))}
    assert found == {
        "error_budget_1h": "failure_ratio_1h > 0.0144 and failure_ratio_5m > 0.0144 and failure_ratio_1h * checks_1h >= 3",
        "error_budget_6h": "unhealthy_share_6h > 0.006 and failure_ratio_30m > 0.006",
        "error_budget_24h": "unhealthy_share_24h > 0.003 and unhealthy_share_2h > 0.003",
    }


def test_the_unhealthy_share_of_the_last_hours() -> None:
    booked = {NOW - number * HOUR: Booked(healthy_s=3_600 if number else 0, unhealthy_s=0 if number else 3_600) for number in range(5)}
    now = NOW + HOUR
    assert unhealthy_share(booked, now, 2 * HOUR) == pytest.approx(0.5)
    assert unhealthy_share(booked, now, 4 * HOUR) == pytest.approx(0.25)
    assert unhealthy_share({}, now, HOUR) is None
