"""What may keep messages from arriving: mail servers and webhooks in every mood. F66 to F70."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.model.notification import NotificationKind
from healthmon.processes.doorbell import ring
from healthmon.store.opening import create_or_open
from tests.containers import wait_for
from tests.faults.harness import row, since
from tests.faults.telling import hook, none_waits, outages, tell, telling
from tests.hostile import Server
from tests.receivers import Answer, Receiver, drips_smtp, smtp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.faults.agents import Agent


def chat(receiver: Receiver) -> dict[str, Any]:
    return {"slack_notifications": {"enabled": True, "webhook_url": receiver.url}}


def mail(*servers: Server) -> dict[str, Any]:
    """One address; of several servers only the first is used."""
    facts = {"enabled": True, "smtp_server": "127.0.0.1", "from_email": "hm@example.com", "to_email": "ops@example.com"}
    return {"email_notifications": {**facts, "smtp_port": servers[0].port}}


def change(host: Agent, sql: str) -> None:
    """Change the database from outside: the time that a thing has lasted, for one."""
    connection = create_or_open(host.paths.database)
    try:
        with connection.transaction(durable=True):
            connection.change(sql)
    finally:
        connection.close()
    ring(host.paths.doorbell("notifier"))


def states(host: Agent, channel: str) -> list[str]:
    return [state for (state,) in host.rows(f"SELECT state FROM deliveries WHERE channel = '{channel}' ORDER BY delivery_id")]


def mailed(replies: Mapping[str, str], seen: str) -> tuple[list[str], str]:
    """Send one mail to a server with these replies; return the delivery's state and error when `seen` stands in the log."""
    with Receiver() as web, Server(smtp(replies)) as server, telling(**mail(server), **hook(web)) as host:
        tell(host, ["email"], number=1)
        wait_for(lambda: seen in host.log("notifier"), timeout_s=20, what=f"{seen} in the log")
        booked = "SELECT last_error FROM deliveries WHERE channel = 'email' AND last_error IS NOT NULL"
        wait_for(lambda: host.rows(booked), timeout_s=10, what="the attempt to be booked")  # the log may be a commit ahead
        [(error,)] = host.rows(booked)
        if "parked" in states(host, "email"):
            wait_for(lambda: bool(web.requests), timeout_s=10, what="the next channel to tell of it")
        return states(host, "email"), str(error)


@row("F66-451", "a mail server greylists: the mail is tried again", bound_s=15)
def greylisted() -> float:
    began = time.monotonic()
    state, error = mailed({"RCPT": "451 greylisted"}, "message_not_sent")
    assert (state, error) == (["queued"], "451 greylisted"), f"it is {state}, {error}"
    return since(began)


@row("F66-421", "a mail server is too busy: the mail is tried again", bound_s=15, in_ci=False)
def busy() -> float:
    began = time.monotonic()
    state, error = mailed({"BANNER": "421 too busy"}, "message_not_sent")
    assert (state, error) == (["queued"], "421 too busy"), f"it is {state}, {error}"
    return since(began)


@row("F66-550", "a mail server refuses for good: parked, and the next channel is told", bound_s=15)
def refused() -> float:
    began = time.monotonic()
    state, error = mailed({"RCPT": "550 no such user"}, "type=undelivered")
    assert (state, error) == (["parked"], "550 no such user"), f"it is {state}, {error}"
    return since(began)


@row("F66-silent", "a mail server says nothing: the attempt ends, and the mail is tried again", bound_s=40, in_ci=False)
def silent() -> float:
    began = time.monotonic()
    state, error = mailed({"BANNER": ""}, "message_not_sent")
    assert state == ["queued"], f"it is {state}, {error}"
    return since(began)


@row("F66-hang", "a mail server hangs after it took the mail: sent, or repeated once with a word about it", bound_s=60, in_ci=False)
def hangs_after_mail() -> float:
    mails: list[str] = []
    with Server(smtp({"BODY": ""}, mails=mails)) as server, telling(**mail(server)) as host:
        tell(host, ["email"], number=1)
        began = time.monotonic()
        wait_for(lambda: len(mails) > 1, timeout_s=60, what="the repeat")
        took = since(began)
        assert "X-Healthmon-Idempotency-Key" in mails[0], "no key is in the mail"
        keys = {line for one in mails for line in one.splitlines() if line.startswith("X-Healthmon-Idempotency-Key")}
        assert len(keys) == 1, f"the repeat has another key: {keys}"
    return took


@row("F66-drip", "a mail server drips for ever: the sender is killed after 30 s, and other channels do not wait", bound_s=40, in_ci=False)
def dripping() -> float:
    with Receiver() as web, Server(drips_smtp) as server, telling(**mail(server), **hook(web)) as host:
        tell(host, ["email", "webhook"], number=1)
        began = time.monotonic()
        wait_for(lambda: bool(web.requests), timeout_s=3, what="the other channel")
        wait_for(lambda: "no end after 30 s" in host.log("notifier"), timeout_s=45, what="the end of the attempt")
        return since(began)


@row("F67", "webhooks answer 429 with Retry-After: honoured, within an hour, and no other channel waits", bound_s=15)
def paced() -> float:
    began = time.monotonic()
    asked, much = Answer(status=429, headers={"Retry-After": "120"}), Answer(status=429, headers={"Retry-After": "1000000000"})
    with Receiver(answer=asked) as web, Receiver(answer=much) as other, Receiver() as third:
        apprise = {"apprise": [f"json://127.0.0.1:{third.port}/"]}
        with telling(**hook(web), **chat(other), **apprise) as host:
            tell(host, ["webhook", "slack", "apprise-1"], number=1)
            query = """SELECT channel, (julianday(next_attempt_at) - julianday('now')) * 86400 FROM deliveries
                       WHERE closed_at IS NULL AND last_error IS NOT NULL"""
            wait_for(lambda: len(host.rows(query)) == 2, timeout_s=10, what="both attempts to be booked")
            pauses = dict(host.rows(query))
            assert 115 <= pauses["webhook"] <= 120, f"Retry-After: 120 became {pauses['webhook']:.0f} s"
            assert 3_590 <= pauses["slack"] <= 3_600, f"Retry-After: 10^9 became {pauses['slack']:.0f} s"
            wait_for(lambda: bool(third.requests), timeout_s=5, what="the other channel")
    return since(began)


def outage(count: int) -> float:
    """Queue `count` failures and half as many ends while the channel is down; let it come back and see what is told."""
    with Receiver(answer=Answer(status=503)) as web, telling(**hook(web)) as host:
        long_ago = clock.now() - timedelta(hours=3)
        tell(host, ["webhook"], number=1, at=long_ago)
        wait_for(lambda: bool(web.requests), timeout_s=10, what="a first attempt")
        for number in range(2, count + 1):
            tell(host, ["webhook"], number=number, at=long_ago)
        for number in range(1, count // 2 + 1):
            tell(host, ["webhook"], number=number, kind=NotificationKind.RESOLVED, at=long_ago)
        web.requests.clear()
        web.answer = Answer()
        began = time.monotonic()
        wait_for(lambda: none_waits(host), timeout_s=60, what="the queue to empty")
        took = since(began)
        told = [request.document for request in web.requests]
    assert all(document["delivered_late"] for document in told), "what is late does not say so"
    assert all(len(document["text"]) <= 3_500 for document in told), "a message is longer than a screen"
    counted = outages(web.requests)
    assert sorted(counted) == list(range(1, count + 1)), "not every outage was told"
    assert set(counted.values()) == {1}, "an outage was told twice"
    resolved = {one["conversation_id"] for document in told if document["event"] == "resolved" for one in document["services"]}
    assert resolved == set(range(1, count // 2 + 1)), "what is over was not told as such"
    most = 2 + count // 200
    assert len(told) <= most, f"{count} outages took {len(told)} messages"
    return took


@row("F68", "a channel is down, failures and ends queue up, it comes back: each outage told once, as it stands", bound_s=20, in_ci=False)
def channel_down() -> float:
    return outage(30)


@row("F68-5000", "the same with thousands of messages", bound_s=60, in_ci=False)
def channel_down_for_long() -> float:
    return outage(3_300)


@row("told-in", "from a message queued to the first byte at its receiver: the slowest of 50", bound_s=1, in_ci=False)
def latency() -> float:
    with Receiver() as web, telling(**hook(web)) as host:
        delays = []
        for number in range(1, 51):
            began = time.time()
            tell(host, ["webhook"], number=number)
            wait_for(lambda: none_waits(host), timeout_s=10, what="it to be sent")
            delays.append(web.requests[-1].at - began)
    delays.sort()
    print(f"told-in: median {delays[25]:.3f} s, slowest {delays[-1]:.3f} s of {len(delays)}", flush=True)  # noqa: T201  as above
    return delays[-1]


@row("F70", "every channel is dead: the log and `healthmon status` say that nobody can be told, until one works", bound_s=20, in_ci=False)
def all_dead() -> float:
    with Receiver(answer=Answer(status=500)) as web, Receiver(answer=Answer(status=403)) as other, telling(**hook(web), **chat(other)) as host:
        wait_for(lambda: host.statuses() == {"well": "healthy"}, timeout_s=20, what="the service to be healthy")
        tell(host, ["webhook", "slack"], number=1)
        wait_for(lambda: len(host.rows("SELECT 1 FROM channel_states WHERE failing_since IS NOT NULL")) == 2, timeout_s=10, what="both to fail")
        assert host.ask("status").returncode == 0, "it says so at once, when a moment's failure is nothing"
        began = time.monotonic()
        change(host, "UPDATE channel_states SET failing_since = datetime('now', '-6 minutes') WHERE failing_since IS NOT NULL")
        wait_for(lambda: "type=nobody_reached" in host.log("notifier"), timeout_s=10, what="the log to say so")
        assert host.ask("status").returncode == 1, "healthmon status says that all is well"
        took = since(began)
        web.answer = Answer()
        wait_for(lambda: "somebody_reached" in host.log("notifier"), timeout_s=30, what="it to be over")
        assert host.ask("status").returncode == 0, "healthmon status still says that nobody is reached"
        return took
