"""The notifier's way to Alertmanagers, on a real database, with real children: what stands is posted, again and again."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock, redaction
from healthmon.log import Log, set_up_file
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.model.maintenance import Maintenance
from healthmon.notify import channels
from healthmon.notify.alertmanager_pace import Pace
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.notifier import PROGRAM, Notifier
from healthmon.store import alerts, channel_states, facts, maintenances, services
from healthmon.store.opening import create_or_open, open_for_writing
from tests.builders import a_config
from tests.receivers import Answer, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from healthmon.model.delivery import ChannelState

# Python 3.12 warns of a fork beside threads, which are these tests' receivers; the notifier has none.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

QUICK = Pace(resend_s=0.6, idle_s=0.6, gap_s=0.05)
SLOW = Pace(gap_s=0.05)


class World:
    """A database with two services, and a notifier on it."""

    def __init__(self, directory: Path, pace: Pace, **alerting: Any) -> None:
        plain = [{"name": "doc_store", "url": "http://localhost:1/"}, {"name": "frontend", "url": "http://localhost:1/"}]
        self.config = a_config(directory, *plain, alerting=alerting)
        self.log = directory / "log"
        set_up_file(self.log, level="INFO")
        self.connection = create_or_open(self.config.paths.database)
        services.sync(self.connection, [("doc_store", "core", True), ("frontend", "platform", False)], now=clock.now())
        self.doorbell = Doorbell()
        self.pace = pace
        self.notifier = self.another()

    def another(self) -> Notifier:
        """A notifier as it is after a restart."""
        for secret in channels.secrets(self.config.alerting):
            redaction.hide(secret)
        connection = open_for_writing(self.config.paths.database)
        self.notifier = Notifier(self.config, self.doorbell, connection, Log(PROGRAM), pace=self.pace)
        return self.notifier

    def fire(self, service_id: int | None = 1, alert_type: str = "down", **changes: Any) -> Alert:
        alert = Alert(service_id=service_id, alert_type=alert_type, severity=AlertSeverity.CRITICAL, message="m", triggered_at=clock.now())
        alert = replace(alert, **changes)
        with self.connection.transaction(durable=True):
            return replace(alert, alert_id=alerts.add(self.connection, alert))

    def resolve(self, service_id: int = 1, alert_type: str = "down") -> None:
        with self.connection.transaction(durable=True):
            alerts.resolve(self.connection, service_id, alert_type, at=clock.now())

    def run_until(self, condition: Callable[[], bool], *, seconds: float = 15) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"what was waited for did not come; log: {self.log.read_text()}"
            self.doorbell.wait(min(0.05, self.notifier.step()))

    def state(self, name: str = "alertmanager") -> ChannelState | None:
        return channel_states.load(self.connection).get(name)

    def has_taken(self, channel: str) -> bool:
        state = self.state(channel)
        return state is not None and state.last_sent_at is not None

    def is_failing(self, name: str = "alertmanager") -> bool:
        state = self.state(name)
        return state is not None and state.failing_since is not None


@contextmanager
def world(directory: Path, *managers: Receiver, pace: Pace = SLOW, **alerting: Any) -> Iterator[World]:
    made = World(directory, pace, alertmanager=[f"http://127.0.0.1:{one.port}" for one in managers], **alerting)
    try:
        yield made
    finally:
        made.notifier.close()
        made.connection.close()
        made.doorbell.close()
        redaction._hidden.clear()
        logger = logging.getLogger("healthmon")
        for handler in logger.handlers:
            handler.close()
        logger.handlers = []


def posts(receiver: Receiver) -> list[list[tuple[str, str]]]:
    """Return of each request the services and rules in it."""
    return [[(one["labels"]["service"], one["labels"]["alertname"]) for one in request.document] for request in receiver.requests]


def test_with_nothing_to_report_it_is_shown_that_it_could_be(tmp_path: Path) -> None:
    with Receiver() as manager, world(tmp_path, manager, pace=QUICK) as here:
        here.run_until(lambda: len(manager.requests) == 2)
        state = here.state()
        assert state is not None
        assert state.last_sent_at is not None
    assert posts(manager) == [[], []]
    assert manager.requests[1].at - manager.requests[0].at > 0.5


def test_what_fires_is_posted_at_once_and_so_is_its_end_with_the_same_labels(tmp_path: Path) -> None:
    with Receiver() as manager, world(tmp_path, manager) as here:
        here.run_until(lambda: len(manager.requests) == 1 and not here.notifier.is_busy())
        here.fire()
        here.run_until(lambda: len(manager.requests) == 2 and not here.notifier.is_busy(), seconds=3)
        here.fire(alert_type="event", severity=AlertSeverity.INFO, resolved_at=clock.now())
        here.resolve()
        here.run_until(lambda: len(manager.requests) == 3 and not here.notifier.is_busy(), seconds=3)
    assert posts(manager) == [[], [("doc_store", "down")], [("doc_store", "down")]]
    [fired], [over] = (request.document for request in manager.requests[1:])
    assert (over["labels"], over["startsAt"]) == (fired["labels"], fired["startsAt"])
    assert clock.from_iso(over["endsAt"]) <= clock.now() < clock.from_iso(fired["endsAt"])
    assert here.log.read_text().count("alerts_handed_over") == 2


def test_what_fires_is_posted_again_and_again_with_a_later_end(tmp_path: Path) -> None:
    with Receiver() as manager, world(tmp_path, manager, pace=QUICK) as here:
        here.fire()
        here.run_until(lambda: len(manager.requests) == 3)
    found = [request.document[0] for request in manager.requests]
    assert len({str(one["labels"]) + one["startsAt"] for one in found}) == 1
    ends = [clock.from_iso(one["endsAt"]) for one in found]
    assert ends == sorted(set(ends))
    assert here.log.read_text().count("alerts_handed_over") == 1


def test_after_a_restart_all_is_posted_at_once_as_before(tmp_path: Path) -> None:
    with Receiver() as manager, world(tmp_path, manager) as here:
        here.fire()
        here.fire(None, "history_lost")
        here.run_until(lambda: len(manager.requests) == 1)
        here.notifier.close()
        here.another()
        here.run_until(lambda: len(manager.requests) == 2)
    first, second = ([(one["labels"], one["startsAt"]) for one in request.document] for request in manager.requests)
    assert first == second
    assert [labels["service"] for labels, _ in first] == ["doc_store", "healthmon"]


def test_that_a_service_is_worked_on_is_said_with_its_alert(tmp_path: Path) -> None:
    windows = [{"name": "move", "groups": ["core"], "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2038-01-01T00:00:00Z"}]
    with Receiver() as manager, world(tmp_path, manager, maintenance=windows) as here:
        by_hand = Maintenance(maintenance_id=0, services=("doc_store",), starts_at=clock.now(), ends_at=datetime(2039, 1, 1, tzinfo=UTC), author="ada", reason="new disks")
        for alert_type in ("down", "slow"):
            here.fire(alert_type=alert_type)
        here.fire(None, "history_lost")
        here.run_until(lambda: len(manager.requests) == 1)
        maintenances.add(here.connection, by_hand)
        here.notifier.close()
        here.another()
        here.run_until(lambda: len(manager.requests) == 2)
    before, after = ([one["annotations"].get("maintenance") for one in request.document] for request in manager.requests)
    assert before == ["until 2038-01-01 00:00:00 UTC, move"] * 2 + [None]
    assert after == ["until 2039-01-01 00:00:00 UTC, by ada: new disks"] * 2 + [None]


def test_the_alert_of_a_service_that_is_gone_ends_as_it_began(tmp_path: Path) -> None:
    with Receiver() as manager, world(tmp_path, manager) as here:
        here.fire()
        here.run_until(lambda: len(manager.requests) == 1 and not here.notifier.is_busy())
        services.sync(here.connection, [("frontend", "platform", False)], now=clock.now())
        here.resolve()
        here.run_until(lambda: len(manager.requests) == 2)
    assert manager.requests[0].document[0]["labels"] == manager.requests[1].document[0]["labels"]


def test_each_of_several_gets_all_and_one_that_is_slow_holds_up_no_other(tmp_path: Path) -> None:
    with Receiver() as good, Receiver(answer=Answer(pause_s=3)) as slow, world(tmp_path, slow, good) as here:
        here.fire()
        here.run_until(lambda: len(good.requests) == 1 and here.has_taken("alertmanager-2"), seconds=2.5)
        assert not here.has_taken("alertmanager")
        here.run_until(lambda: here.has_taken("alertmanager"))
    assert posts(good) == posts(slow) == [[("doc_store", "down")]]


def test_one_that_fails_is_said_once_tried_again_soon_and_gets_what_stands_then(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=503)) as manager, world(tmp_path, manager, pace=QUICK) as here:
        here.fire()
        here.run_until(lambda: len(manager.requests) == 3)
        assert here.is_failing()
        here.resolve()
        here.fire(2)
        manager.answer = Answer()
        here.run_until(lambda: not here.is_failing())
    assert posts(manager)[-1] == [("doc_store", "down"), ("frontend", "down")]
    said = here.log.read_text()
    assert said.count("alerts_not_handed_over") == 1
    assert said.count("alertmanager_works_again") == 1


def test_what_was_refused_is_not_posted_again_at_once(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=400, body=b'"bad label"')) as manager, world(tmp_path, manager) as here:
        here.run_until(here.is_failing)
        state = here.state()
        assert state is not None
        assert state.last_error == '400 Bad Request "bad label"'
        here.fire()
        until = time.monotonic() + 1
        here.run_until(lambda: time.monotonic() > until)
    assert len(manager.requests) == 1


def test_one_that_fails_for_long_is_told_on_another_channel_once(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=503)) as manager, Receiver() as web:
        hook = {"enabled": True, "url": web.url}
        with world(tmp_path, manager, pace=QUICK, webhook_notifications=hook) as here:
            here.fire()
            here.run_until(here.is_failing)
            assert web.requests == []
            with here.connection.transaction(durable=True):
                long_ago = clock.to_sql(clock.now() - timedelta(minutes=6))
                here.connection.change("UPDATE channel_states SET failing_since = ? WHERE failing_since IS NOT NULL", long_ago)
            here.run_until(lambda: len(web.requests) == 1)
            count = len(manager.requests)
            here.run_until(lambda: len(manager.requests) == count + 2)
            assert facts.noted(here.connection, facts.NOBODY_REACHED) is None
    [request] = web.requests
    assert request.document["title"].startswith("[CRITICAL] alertmanager did not deliver a message about doc_store on ")
    assert request.document["facts"]["not delivered"] == "503 Service Unavailable ok"
    assert here.log.read_text().count("ALERT type=undelivered") == 1


def test_who_tells_by_an_alertmanager_alone_hears_when_it_is_out_of_reach(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=503)) as manager, world(tmp_path, manager, pace=QUICK) as here:
        here.run_until(here.is_failing)
        with here.connection.transaction(durable=True):
            here.connection.change("UPDATE channel_states SET failing_since = ? WHERE failing_since IS NOT NULL", clock.to_sql(clock.now() - timedelta(minutes=6)))
        here.run_until(lambda: facts.noted(here.connection, facts.NOBODY_REACHED) == "alertmanager: 503 Service Unavailable ok")
        manager.answer = Answer()
        here.run_until(lambda: facts.noted(here.connection, facts.NOBODY_REACHED) == "")


def test_the_password_of_a_url_is_used_and_never_shown(tmp_path: Path) -> None:
    canary = "HMCANARY0123456789"
    echoing = Answer(status=403, body=canary.encode())
    with Receiver(answer=echoing) as manager, world(tmp_path) as here:
        url = f"http://hm:{canary}@127.0.0.1:{manager.port}/"
        here.config = a_config(tmp_path, {"name": "doc_store", "url": "http://localhost:1/"}, alerting={"alertmanager": url})
        here.notifier.close()
        here.another()
        here.run_until(here.is_failing)
        state = here.state()
        assert "Authorization" in manager.requests[0].headers
        assert state is not None
        assert state.last_error == "403 Forbidden •••"
        assert canary not in here.log.read_text()
