"""What somebody who is inside, or only listens, can get: secrets (canary), Docker calls (calls), restarts of others (forged)."""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import suppress
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import psutil

from healthmon import clock
from healthmon.model.heal import HealAction, HealState
from healthmon.model.target import Incarnation
from healthmon.store import heals
from healthmon.store.opening import open_for_writing
from tests.builders import a_heal
from tests.containers import STOPS_AT_ONCE, wait_for
from tests.faults.agents import agent
from tests.faults.controls import planted
from tests.faults.harness import row, since
from tests.faults.neighbours import free_port
from tests.faults.notes import figures
from tests.faults.ward import ward
from tests.hostile import Server, answers
from tests.receivers import Answer, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.agents import Agent
    from tests.faults.ward import HealingAgent, Ward

CANARY = "HMCANARY"
PLAIN = "hm-plain-word"  # what is no secret must be found by the same search
ALLOWED = re.compile(
    r"GET /v[\d.]+/(version|_ping|info|events|containers/json|containers/[0-9a-f]{64}/(json|stats|top|logs|changes)|images/[^/]+/json|networks/[^/]+)(\?\S*)?"
    r"|GET /(version|_ping)"
    r"|POST /v[\d.]+/containers/[0-9a-f]{64}/(restart|start)(\?\S*)?"
)


@row("canary", "a secret stands in every field that takes one, and every channel fails: it is in no log, table, page, argument or output", bound_s=60)
def secrets_stay() -> float:
    with Server(answers(status="500 no", body=PLAIN.encode())) as ill, Receiver(answer=Answer(status=500, body=b"refused")) as refusing:
        secret = (f"{CANARY}{number:02}{'x' * 20}" for number in range(100))
        services = [{"name": PLAIN, "url": ill.url, "group": "core", "confirmations": 0, "headers": {"Authorization": f"Bearer {next(secret)}"}}]
        alerting = _every_channel(refusing.port, secret)
        watchdog = {"ping_url": f"http://127.0.0.1:{refusing.port}/ping/{next(secret)}", "ping_seconds": 1}
        port = free_port()
        web = {"enabled": True, "port": port, "token": next(secret)}
        hooks = {"before": ["/bin/false"], "environment": {"TOKEN": next(secret)}}
        settings: dict[str, Any] = {"alerting": alerting, "watchdog": watchdog, "web": web, "self_healing": {"hooks": hooks}, "log_level": "DEBUG"}
        began = time.monotonic()
        rule = {"name": "service_down", "condition": "unhealthy", "severity": "critical"}
        with agent(services, alert_rules=[rule], **settings) as host:
            wait_for(lambda: host.rows("SELECT count(DISTINCT channel) FROM deliveries WHERE attempts > 0")[0][0] >= 4, timeout_s=60, what="every channel to fail")
            wait_for(lambda: "ping_failed" in host.log("watchdog"), timeout_s=20, what="the ping to fail")
            places = dict(_places(host, port))
            found = [name for name, text in places.items() if CANARY.encode() in text]
            assert not found, f"a secret stands in {', '.join(found)}"
            blind = [name for name in ("database", "log of evaluator", "healthmon report", "/api/v1/services") if PLAIN.encode() not in places[name]]
            assert not blind, f"the search does not see what stands in {', '.join(blind)}"
            figures(places=len(places))
            return since(began)


def _every_channel(port: int, secret: Iterator[str]) -> dict[str, Any]:
    at = f"http://127.0.0.1:{port}"
    return {
        "email_notifications": {"enabled": True, "smtp_server": "127.0.0.1", "smtp_port": port, "from_email": "a@example.com", "to_email": "b@example.com", "username": "u", "password": next(secret)},
        "slack_notifications": {"enabled": True, "webhook_url": f"{at}/services/{next(secret)}"},
        "webhook_notifications": {"enabled": True, "url": f"{at}/in/{next(secret)}?key={next(secret)}", "headers": {"X-Key": next(secret)}, "hmac_secret": next(secret)},
        "apprise": [f"json://user:{next(secret)}@127.0.0.1:{port}/{next(secret)}"],
        "alertmanager": f"http://u:{next(secret)}@127.0.0.1:{port}/",
        "grouping": {"wait_seconds": 0, "interval_seconds": 0},
    }


def _places(host: Agent, port: int) -> Iterator[tuple[str, bytes]]:
    """Yield all that can be read of an agent without its configuration: what is on the disk, what it shows, what `ps` shows."""
    for path in host.paths.data_dir.rglob("*"):
        if path.is_file() and path != host.source and path.name != "token" and "applied" not in str(path):
            name = f"log of {path.stem}" if path.suffix == ".log" else "database" if path == host.paths.database else str(path.relative_to(host.paths.data_dir))
            yield name, path.read_bytes()
    dump = subprocess.run(["sqlite3", str(host.paths.database), ".dump"], capture_output=True, check=False).stdout
    yield "database", dump
    for words in (("report",), ("status",), ("validate",), ("config", "history"), ("alerts",), ("incidents",), ("doctor",), ("processes",)):
        done = host.ask(*words)
        yield f"healthmon {' '.join(words)}", (done.stdout + done.stderr).encode()
    for process in [psutil.Process(host.process.pid), *psutil.Process(host.process.pid).children(recursive=True)]:
        with suppress(psutil.Error):  # a sender that is over by now
            yield f"arguments of {process.pid}", " ".join(process.cmdline()).encode()
    for page in ("/api/v1/services", "/api/v1/report", "/api/v1/alerts", "/api/v1/processes", "/metrics", "/", "/healthz"):
        yield page, _got(port, page)


def _got(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return repr(answer.getheaders()).encode() + answer.read()
    finally:
        connection.close()


@row("calls", "all that is asked of Docker while containers are watched, examined and healed is on a short list: nothing is made, run in or read out", bound_s=30)
def docker_calls() -> float:
    with ward() as the:
        patient = the.admit("a")
        proxy = the.proxy()
        with the.agent(host=proxy.host) as host:
            began = patient.make_ill()
            host.wait_for_heal("verified")
            took = since(began)
            wrong = sorted({line.rpartition(" ")[0] for line in proxy.lines if not ALLOWED.fullmatch(line.rpartition(" ")[0])})
            assert not wrong, f"asked of Docker: {', '.join(wrong)[:300]}"
            figures(calls=len(proxy.lines))
            the.check(host)
        patient.assert_restarts(1)
        return took


def _forge_one() -> tuple[float, str, str, int]:
    """Return how long a forged plan stood, what became of it, what the healer said, and how often the container was restarted."""
    with ward() as the:
        patient = the.admit("a")
        bystander = the.docker.run(*STOPS_AT_ONCE)
        with the.agent() as host:
            began = time.monotonic()
            _forge(host, the, bystander)
            wait_for(lambda: host.states() not in ([], ["planned"], ["issued"]), timeout_s=30, what="the plan to be over")
            took = since(began)
            host.assert_sound()
            found = took, host.states()[0], host.log("healer"), the.observer.actions(bystander).count("restart")
        patient.assert_restarts(0)
        return found


@row("forged", "somebody writes restarts of other containers into the database: refused, said, and nothing is touched", bound_s=15)
def forged_plans() -> float:
    took, state, said, restarts = _forge_one()
    assert restarts == 0, "another's container was restarted"
    assert state == "dropped", f"the ledger says {state}"
    assert "another_target" in said, "nobody says that a plan was refused"
    return took


@row("forged-control", "a planted bug (the healer believes whoever wrote a plan) is caught by the same harness", bound_s=30, in_ci=False)
def forged_control() -> float:
    with planted("tests.faults.planted_trust"):
        took, _, _, restarts = _forge_one()
    assert restarts == 1, f"{restarts} restarts were counted of 1: the harness is blind"
    return took


def _forge(host: HealingAgent, the: Ward, container: str) -> None:
    """Write what the evaluator writes, of a service that is configured, about a container that is not its own."""
    started = the.docker.inspect(container)["State"]["StartedAt"]
    plan = a_heal(
        HealState.PLANNED,
        heal_id=0,
        service_id=1,
        incident_id=None,
        action=HealAction.RESTART,
        incarnation=Incarnation(target_id=container, started=started),
        target_name="somebody-elses",
        planned_at=clock.now(),
    )
    connection = open_for_writing(host.paths.database)
    try:
        with connection.transaction(durable=True):
            heals.add(connection, plan)
    finally:
        connection.close()
