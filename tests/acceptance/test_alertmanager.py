"""Alerts in a real Alertmanager: they fire, last, end as they began, and outlive both sides' sudden deaths."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.processes.doorbell import ring
from healthmon.store import alerts, services
from healthmon.store.opening import create_or_open
from tests.alertmanagers import Alertmanager
from tests.builders import a_config
from tests.containers import wait_for
from tests.faults.agents import agent

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[2]
LASTS_S = 6
NAME = 'Dök "Störe" 🚒 a=b,{c}'
NOTIFIER = f"""
import sys
from datetime import timedelta
from pathlib import Path
from healthmon import config
from healthmon.log import Log
from healthmon.notify.alertmanager_pace import Pace
from healthmon.processes import configuring, loop
from healthmon.processes.following import Following
from healthmon.processes.notifier import Notifier
from healthmon.store.opening import open_for_writing

loop.prepare_directories(config.load(Path(sys.argv[1])).paths)
applied, loaded = configuring.start(Path(sys.argv[1]), author="a test", newest=0)
pace = Pace(resend_s=1.0, idle_s=1.0, gap_s=0.1, lasts=timedelta(seconds={LASTS_S}), resolved_for=timedelta(seconds=30))
database = loaded.paths.database
loop.run(
    "notifier", Following(applied, loaded),
    make=lambda config: lambda doorbell: Notifier(loaded, doorbell, open_for_writing(database), Log("notifier"), pace=pace),
)
"""


class Host:
    """A notifier as a process of its own, whose minutes are seconds, and a hand that opens and closes alerts."""

    def __init__(self, directory: Path, manager: Alertmanager) -> None:
        plain = {"name": NAME, "url": "http://localhost:1/"}
        self._source = directory / "config.json"
        self._source.write_text(json.dumps({"data_dir": str(directory), "services": [plain], "alerting": {"alertmanager": manager.url}}))
        config = a_config(directory, plain)
        self._bell = config.paths.doorbell("notifier")
        self._connection = create_or_open(config.paths.database)
        services.sync(self._connection, [(NAME, "core", True)], now=clock.now())
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-P", "-c", NOTIFIER, str(self._source)], env={"PYTHONPATH": str(TOP)})

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        self._connection.close()

    def fire(self, alert_type: str = "down", *, service_id: int | None = 1, is_moment: bool = False) -> None:
        now = clock.now()
        facts: dict[str, Any] = {"severity": AlertSeverity.CRITICAL, "message": "m", "resolved_at": now if is_moment else None}
        alert = Alert(service_id=service_id, alert_type=alert_type, triggered_at=now, **facts)
        with self._connection.transaction(durable=True):
            alerts.add(self._connection, alert)

    def resolve(self) -> None:
        with self._connection.transaction(durable=True):
            alerts.resolve(self._connection, 1, "down", at=clock.now())
        ring(self._bell)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path) as started:
        yield started


@pytest.fixture
def host(tmp_path: Path, manager: Alertmanager) -> Iterator[Host]:
    started = Host(tmp_path, manager)
    yield started
    started.close()


def test_an_alert_outlasts_its_end_and_ends_as_it_began(manager: Alertmanager, host: Host) -> None:
    host.fire()
    first = manager.alert()
    assert first["labels"] == {
        "alertname": "down",
        "service": NAME,
        "group": "core",
        "severity": "critical",
        "instance": first["labels"]["instance"],
        "job": "healthmon",
        "critical": "true",
    }
    wait_for(lambda: manager.alert()["updatedAt"] > first["endsAt"], timeout_s=20, what="a post after the first one's end")
    assert manager.alert()["startsAt"] == first["startsAt"]
    ends_at = clock.from_iso(manager.alert()["endsAt"])
    host.resolve()
    wait_for(lambda: len(manager.said()) == 2, what="the word that it is over")
    assert clock.now() < ends_at, "it only ran out: its end was posted under other labels, or not at all"
    assert manager.said() == [("firing", first["fingerprint"]), ("resolved", first["fingerprint"])]
    assert manager.alerts() == []


def test_a_second_alert_is_not_ended_by_the_first_that_is_over(manager: Alertmanager, host: Host) -> None:
    host.fire()
    first = manager.alert()
    host.resolve()
    wait_for(lambda: len(manager.said()) == 2, what="the word that it is over")
    host.fire()
    second = manager.alert()
    wait_for(lambda: manager.alert()["updatedAt"] > second["endsAt"], what="a post after the first one's end")
    assert manager.alert()["startsAt"] == second["startsAt"] > first["startsAt"]
    assert [status for status, _ in manager.said()] == ["firing", "resolved", "firing"]


def test_a_killed_notifier_leaves_no_gap_and_no_alert_that_nobody_ends(manager: Alertmanager, host: Host) -> None:
    host.fire()
    first = manager.alert()
    host.kill()
    host.start()
    wait_for(lambda: manager.alert()["updatedAt"] > first["endsAt"], what="a post after the first one's end")
    host.kill()
    host.resolve()
    host.start()
    wait_for(lambda: manager.alerts() == [], timeout_s=LASTS_S + 10, what="the end of the alert")
    wait_for(lambda: len(manager.said()) == 2, what="the word that it is over")
    assert manager.said() == [("firing", first["fingerprint"]), ("resolved", first["fingerprint"])]


def test_a_killed_alertmanager_has_all_again_within_a_minute(manager: Alertmanager, host: Host) -> None:
    host.fire()
    before = manager.alert()
    manager.kill()
    manager.start()
    after = manager.alert()
    assert [after[name] for name in ("labels", "startsAt", "fingerprint")] == [before[name] for name in ("labels", "startsAt", "fingerprint")]
    host.resolve()
    wait_for(lambda: manager.said()[-1][0] == "resolved", what="the word that it is over")


def test_what_fires_ends_by_itself_when_healthmon_dies(manager: Alertmanager, host: Host) -> None:
    host.fire()
    first = manager.alert()
    host.kill()
    wait_for(lambda: ("resolved", first["fingerprint"]) in manager.said(), timeout_s=LASTS_S + 10, what="the end of the alert")


def test_more_than_one_request_holds_and_what_lasted_but_a_moment(manager: Alertmanager, host: Host) -> None:
    for number in range(300):
        host.fire(f"rule {number}")
    host.fire("history_lost", service_id=None, is_moment=True)
    wait_for(lambda: len(manager.alerts()) == 301, timeout_s=20, what="all alerts in the Alertmanager")
    [ours] = [one for one in manager.alerts() if one["labels"]["alertname"] == "history_lost"]
    assert ours["labels"]["service"] == "healthmon"


@contextmanager
def a_service() -> Iterator[tuple[str, list[HTTPStatus]]]:
    """Serve; what is answered is the only item of the list."""
    answer = [HTTPStatus.OK]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", answer
        finally:
            server.shutdown()
            thread.join()


def test_the_whole_agent_tells_and_after_its_restart_ends_what_it_began(manager: Alertmanager) -> None:
    rule = {"name": "down", "condition": "unhealthy", "severity": "critical"}
    with a_service() as (url, answer):
        watched = [{"name": "doc_store", "url": url, "group": "core", "runbook_url": "https://wiki.example.com/"}]
        with agent(watched, alert_rules=[rule], alerting={"alertmanager": manager.url}) as host:
            wait_for(lambda: host.statuses() == {"doc_store": "healthy"}, timeout_s=20, what="the service to be healthy")
            answer[0] = HTTPStatus.INTERNAL_SERVER_ERROR
            wait_for(lambda: host.rows("SELECT 1 FROM alerts"), timeout_s=20, what="the alert")
            first = manager.alert()
            assert first["annotations"]["error"] == "expected 200-299, got 500 Internal Server Error"
            assert first["annotations"]["runbook_url"] == "https://wiki.example.com/"
            host.stop()
            host.start()
            answer[0] = HTTPStatus.OK
            wait_for(lambda: len(manager.said()) == 2, timeout_s=40, what="the word that it is over")
    assert manager.said() == [("firing", first["fingerprint"]), ("resolved", first["fingerprint"])]
