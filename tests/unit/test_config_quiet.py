"""Is every mistake in what keeps messages back located and clear?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import config
from healthmon.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SERVICES = [{"name": "doc_store", "url": "http://a"}, {"name": "frontend", "url": "http://b", "group": "web"}]
NIGHTLY = {"name": "backup", "cron": "0 3 * * *", "duration_minutes": 30}
ONCE = {"name": "move", "starts_at": "2027-03-01T22:00:00+01:00", "ends_at": "2027-03-02T00:00:00Z"}


def problems(path: Path, alerting: dict[str, Any]) -> list[str]:
    """Return what is said about an `alerting` block, without the place in the text."""
    path.write_text(json.dumps({"services": SERVICES, "alerting": alerting}), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        config.load(path)
    return [f"{problem.key.removeprefix('alerting.')}: {problem.message}" for problem in raised.value.problems]


MAINTENANCE: list[tuple[dict[str, Any], str]] = [
    (NIGHTLY | {"cron": "0 3 31 2 *"}, "cron: is no cron expression: look at its day-of-month; write as in '0 3 * * sun'"),
    (NIGHTLY | {"cron": "0 0 29 2 */7"}, "cron: names a moment that does not come within 5 years: check day and month"),
    (NIGHTLY | {"timezone": "Mars/Olympus"}, "timezone: is no time zone that this host knows: write as in 'Europe/Berlin' or 'UTC'"),
    (NIGHTLY | {"timezone": "../../etc/passwd"}, "timezone: is no time zone that this host knows: write as in 'Europe/Berlin' or 'UTC'"),
    ({"name": "b", "cron": "0 3 * * *"}, "duration_minutes: is missing, and cron is given: say how long it lasts each time"),
    (NIGHTLY | {"duration_minutes": 0}, "duration_minutes: must be greater than 0, not 0"),
    (NIGHTLY | {"duration_minutes": 1440}, "duration_minutes: is so long that cron begins it again before it is over: it would never end"),
    (ONCE | {"duration_minutes": 5}, "duration_minutes: goes with cron only: work that is done once lasts from starts_at to ends_at"),
    (NIGHTLY | {"starts_at": ONCE["starts_at"]}, "starts_at: does not go with cron, which says when it begins: take one of them out"),
    ({"name": "m", "starts_at": ONCE["starts_at"]}, "ends_at: is missing: give starts_at and ends_at, or cron and duration_minutes"),
    (ONCE | {"ends_at": ONCE["starts_at"]}, "ends_at: must be later than starts_at"),
    (
        ONCE | {"ends_at": "2027-03-02T00:00:00"},
        "ends_at: must be a date and a time with its zone, as in '2027-03-01T22:00:00+01:00' or '2027-03-01T21:00:00Z'",
    ),
    (
        ONCE | {"starts_at": 5},
        "starts_at: must be a date and a time with its zone, as in '2027-03-01T22:00:00+01:00' or '2027-03-01T21:00:00Z'",
    ),
    (NIGHTLY | {"services": ["docstore"]}, "services[0]: 'docstore' is not a monitored service; did you mean 'doc_store'?"),
    (NIGHTLY | {"groups": ["wep"]}, "groups[0]: 'wep' is not the group of any service; did you mean 'web'?"),
    (NIGHTLY | {"services": []}, "services: must not be empty: leave it out"),
]


@pytest.mark.parametrize(("entry", "said"), MAINTENANCE, ids=[said[:60] for _, said in MAINTENANCE])
def test_mistake_in_maintenance(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    assert problems(tmp_path / "c.json", {"maintenance": [entry]}) == [f"maintenance[0].{said}"]


def test_neither_cron_nor_times(tmp_path: Path) -> None:
    missing = "is missing: give starts_at and ends_at, or cron and duration_minutes"
    found = problems(tmp_path / "c.json", {"maintenance": [{"name": "m"}]})
    assert found == [f"maintenance[0].starts_at: {missing}", f"maintenance[0].ends_at: {missing}"]


def test_name_that_is_taken(tmp_path: Path) -> None:
    found = problems(tmp_path / "c.json", {"maintenance": [NIGHTLY, ONCE | {"name": "backup"}]})
    assert found == ["maintenance[1].name: 'backup' is already the name of alerting.maintenance[0]: rename one"]


def test_windows_that_are_right_load(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    entries = [NIGHTLY | {"timezone": "Europe/Berlin", "groups": ["web"]}, ONCE | {"services": ["doc_store"]}]
    path.write_text(json.dumps({"services": SERVICES, "alerting": {"maintenance": entries}}), encoding="utf-8")
    assert [entry.name for entry in config.load(path).alerting.maintenance] == ["backup", "move"]


WEBHOOK = {"webhook_notifications": {"enabled": True, "url": "http://127.0.0.1:1/"}, "apprise": ["json://a"]}
ROUTES: list[tuple[dict[str, Any], str]] = [
    ({"channels": ["webhok"]}, "channels[0]: 'webhok' is not a channel that is switched on; did you mean 'webhook'?"),
    ({"channels": ["slack"]}, "channels[0]: 'slack' is not a channel that is switched on: there is webhook, apprise-1"),
    ({"channels": []}, "channels: must not be empty: leave it out"),
    ({}, "channels: is missing: Where the messages go: email, email-2 …, slack, webhook, apprise-1 …"),
    ({"channels": ["webhook"], "hours": "8-20"}, "hours: must be from when to when, as in '08:00-20:00', or '20:00-08:00' for the night"),
    ({"channels": ["webhook"], "hours": "08:00-08:00"}, "hours: ends as it begins: leave it out for the whole day"),
    ({"channels": ["webhook"], "timezone": "CET+1"}, "timezone: is no time zone that this host knows: write as in 'Europe/Berlin' or 'UTC'"),
    ({"channels": ["webhook"], "services": ["docstore"]}, "services[0]: 'docstore' is not a monitored service; did you mean 'doc_store'?"),
    ({"channels": ["webhook"], "days": ["monday"]}, "days[0]: must be 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun', not the text 'monday'"),
    ({"channels": ["webhook"], "severities": ["bad"]}, "severities[0]: must be 'critical', 'warning' or 'info', not the text 'bad'"),
]


@pytest.mark.parametrize(("entry", "said"), ROUTES, ids=[said[:60] for _, said in ROUTES])
def test_mistake_in_a_route(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    assert problems(tmp_path / "c.json", {**WEBHOOK, "routes": [entry]}) == [f"routes[0].{said}"]


def test_channels_are_not_judged_while_it_is_not_clear_which_there_are(tmp_path: Path) -> None:
    broken = {"webhook_notifications": {"enabled": True}, "routes": [{"channels": ["webhook"]}]}
    assert problems(tmp_path / "c.json", broken) == ["webhook_notifications.url: is missing, and enabled is true: add it, or set enabled to false"]


STEP = {"after_minutes": 15, "channels": ["webhook"]}
ESCALATION: list[tuple[list[dict[str, Any]], str]] = [
    ([STEP, STEP], "[1].after_minutes: must be more than the 15 of the step before it"),
    ([STEP | {"channels": ["pager"]}], "[0].channels[0]: 'pager' is not a channel that is switched on: there is webhook, apprise-1"),
    ([STEP | {"after_minutes": 0}], "[0].after_minutes: must be greater than 0, not 0"),
    ([{"channels": ["webhook"]}], "[0].after_minutes: is missing: So long after the first message about an outage. Each step later than the one before it."),
]


@pytest.mark.parametrize(("steps", "said"), ESCALATION, ids=[said[:60] for _, said in ESCALATION])
def test_mistake_in_the_escalation(tmp_path: Path, steps: list[dict[str, Any]], said: str) -> None:
    assert problems(tmp_path / "c.json", {**WEBHOOK, "escalation": steps}) == [f"escalation{said}"]
