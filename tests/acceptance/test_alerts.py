"""From an ill service to the message in somebody's hands, with the real agent, and what a person says back."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.containers import wait_for
from tests.faults.agents import Agent, agent
from tests.hostile import Server, answers
from tests.receivers import Receiver, smtp

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

RULES = [{"name": "service_down", "condition": "status == 'unhealthy'", "severity": "critical", "duration_minutes": 0.02}]
ILL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class World:
    """What answers the agent's questions, and who is told."""

    def __init__(self, stack: ExitStack) -> None:
        self.is_ill = False
        self.mails: list[str] = []
        self.hook, self.slack = stack.enter_context(Receiver()), stack.enter_context(Receiver())
        self.mail = stack.enter_context(Server(smtp(mails=self.mails)))
        self._well = answers()
        self.service = stack.enter_context(Server(self._answer))

    def _answer(self, connection: socket.socket, server: Server) -> None:
        if self.is_ill:
            connection.recv(65_536)
            connection.sendall(ILL)
        else:
            self._well(connection, server)

    def posted(self) -> list[dict[str, Any]]:
        return [request.document for request in self.hook.requests]


@contextmanager
def told() -> Iterator[tuple[Agent, World]]:
    """An agent that watches two services, one on the other, and tells three channels."""
    with ExitStack() as stack:
        world = World(stack)
        alerting = {
            "grouping": {"wait_seconds": 1.5},
            "email_notifications": {
                "enabled": True,
                "smtp_server": "127.0.0.1",
                "smtp_port": world.mail.port,
                "from_email": "health-monitor@company.com",
                "to_email": "devops@company.com",
            },
            "slack_notifications": {"enabled": True, "webhook_url": world.slack.url, "channel": "#infrastructure-alerts"},
            "webhook_notifications": {"enabled": True, "url": world.hook.url},
        }
        first = {"name": "doc_store", "critical": True, "runbook_url": "https://wiki.company.com/doc"}
        services: list[dict[str, Any]] = [
            {**one, "url": world.service.url, "group": "core"} for one in (first, {"name": "frontend", "depends_on": ["doc_store"]})
        ]
        with agent(services, alert_rules=RULES, alerting=alerting) as host:
            wait_for(lambda: set(host.statuses().values()) == {"healthy"}, timeout_s=20, what="both to be healthy")
            yield host, world


@pytest.mark.timeout(120)
def test_one_message_and_one_recovery_reach_every_channel_and_a_person_can_answer() -> None:
    with told() as (host, world):
        world.is_ill = True
        wait_for(lambda: world.hook.requests and world.slack.requests and world.mails, timeout_s=30, what="the first message")
        [message] = world.posted()
        assert (message["event"], message["service"], message["severity"]) == ("firing", "doc_store", "critical")
        assert message["links"] == {"runbook": "https://wiki.company.com/doc"}
        assert "500" in message["message"]
        assert [one["dependents"] for one in message["services"]] == [["frontend"]]
        assert "Subject: [CRITICAL] doc_store is down on" in world.mails[0]
        assert world.slack.requests[0].document["channel"] == "#infrastructure-alerts"

        shown = host.ask("alerts")
        assert (shown.returncode, "under doc_store" in shown.stdout) == (1, True)
        acknowledged = host.ask("alerts", "ack", "doc_store", "--reason", "on it", "--by", "ada")
        assert (acknowledged.returncode, acknowledged.stdout.strip()) == (0, "doc_store is acknowledged by ada until it is over")
        assert "acknowledged by ada" in host.ask("alerts", "list").stdout
        listed = json.loads(host.ask("alerts", "list", "--json").stdout)
        values = {(one["service_name"], one["alert_type"]): one["values"] for one in listed}
        assert values["doc_store", "service_down"] == {"status": "unhealthy"}

        world.is_ill = False
        wait_for(lambda: len(world.hook.requests) == len(world.slack.requests) == len(world.mails) == 2, timeout_s=30, what="the recovery")
        _, over = world.posted()
        assert (over["event"], over["status"], over["alert_id"]) == ("resolved", "resolved", message["alert_id"])
        assert over["title"].startswith("[RESOLVED] doc_store is back on")
        story = host.ask("alerts", "show", "doc_store").stdout
        assert story.count("sent") >= 6
        assert "no alert of healthmon is firing" in host.ask("alerts", "show", "healthmon").stdout
        assert host.ask("alerts", "false", str(message["alert_id"]), "--reason", "a test").returncode == 0
        [reviewed] = [one for one in json.loads(host.ask("alerts", "review", "--json").stdout) if one["alert_type"] == "service_down"]
        assert (reviewed["fired"], reviewed["acknowledged"], reviewed["false"], reviewed["ignored"]) == (2, 1, 1, 0)
        assert host.ask("alerts").returncode == 0
        host.assert_sound()


@pytest.mark.timeout(120)
def test_what_is_silenced_reaches_nobody_and_a_channel_can_be_tried() -> None:
    with told() as (host, world):
        silenced = host.ask("alerts", "silence", "group=core", "--for", "1h", "--reason", "a test")
        assert silenced.stdout.startswith("silence 1 of doc_store, frontend holds until "), silenced.stderr
        world.is_ill = True
        wait_for(lambda: host.rows("SELECT 1 FROM alerts WHERE status = 'firing' LIMIT 1"), timeout_s=30, what="the alert")
        tried = host.ask("alerts", "test", "webhook")
        assert (tried.returncode, "webhook took it in" in tried.stdout) == (0, True), tried.stderr
        assert [one["event"] for one in world.posted()] == ["test"]
        assert host.ask("alerts", "test", "email").returncode == 0
        assert "[TEST]" in world.mails[0]
        assert host.ask("alerts", "channels").stdout.count("works") == 2, "what was tried by hand counts as well"
        assert host.ask("alerts", "unsilence", "1").stdout.strip() == "silence 1 is over"
        wait_for(lambda: len(world.hook.requests) == 2, timeout_s=30, what="what the silence held back")
        assert world.posted()[1]["event"] == "firing"
        assert "works" in host.ask("alerts", "channels").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["alerts", "ack", "doc_stor"], "did you mean 'doc_store'?"),
        (["alerts", "ack", "doc_store"], "there is no outage of doc_store to acknowledge"),
        (["alerts", "silence", "servic=x", "--for", "1h", "--reason", "r"], "did you mean 'service'?"),
        (["alerts", "silence", "service", "--for", "1h", "--reason", "r"], "is no matcher: write as in service=doc_store"),
        (["alerts", "silence", "service=x", "--for", "soon", "--reason", "r"], "is no length of time: write as in 90s, 30m, 2h or 1d12h"),
        (["alerts", "silence", "service=x", "--for", "1h", "--reason", "a\nb"], "--reason must be one line"),
        (["alerts", "silence", "service=doc_stroe", "--for", "1h", "--reason", "r"], "there is no service that is 'doc_stroe'; did you mean 'doc_store'?"),
        (["alerts", "unsilence", "7"], "there is no silence 7 to end"),
        (["alerts", "test", "emial"], "did you mean 'email'?"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(quiet_agent: Agent, words: list[str], said: str) -> None:
    done = quiet_agent.ask(*words)
    lines = [line for line in done.stderr.splitlines() if "configuration" not in line and not line.startswith(("Usage:", "Try "))]
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(lines)
    assert len([line for line in lines if line.strip()]) == 1


@pytest.fixture(scope="module")
def quiet_agent() -> Iterator[Agent]:
    with told() as (host, _):
        yield host
