"""The notifier on a real database, with real children and real receivers: one step at a time."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from healthmon import clock, redaction
from healthmon import config as configuration
from healthmon.clock_step import ClockStep
from healthmon.log import set_up_file
from healthmon.model.delivery import DeliveryState, SendResult, SendStatus
from healthmon.model.notification import NotificationKind
from healthmon.notify import channels
from healthmon.notify.envelope import enclose
from healthmon.processes import child
from healthmon.processes.doorbell import Doorbell
from healthmon.processes.notifier import attempt, make, sending
from healthmon.store import channel_states, clock_steps, deliveries, facts, outbox
from healthmon.store.opening import create_or_open
from tests.builders import a_notification
from tests.hostile import Server, drips
from tests.receivers import Answer, Receiver, smtp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from healthmon.model.delivery import Delivery
    from healthmon.model.notification import Notification
    from healthmon.processes.notifier import Notifier

DAY = timedelta(hours=24)

# Python 3.12 warns of a fork beside threads, which are these tests' receivers; the notifier has none.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


class World:
    """A database, a notifier on it, and hands to move both."""

    def __init__(self, directory: Path, **alerting: Any) -> None:
        source = directory / "config.json"
        services = [{"name": "s", "url": "http://localhost:1/"}]
        source.write_text(json.dumps({"data_dir": str(directory), "services": services, "alerting": alerting}))
        self.config = configuration.load(source)
        set_up_file(directory / "log", level="INFO")
        self.log = directory / "log"
        self.connection = create_or_open(self.config.paths.database)
        self.doorbell = Doorbell()
        self.notifier = self.another()

    def another(self) -> Notifier:
        """A notifier as it is after a restart."""
        self.notifier = make(self.config)(self.doorbell)
        return self.notifier

    def tell(self, *channels: str, message: Notification | None = None, **changes: Any) -> int:
        now = clock.now()
        told = message or a_notification(**changes)
        told = replace(told, created_at=now)
        with self.connection.transaction(durable=True):
            return outbox.enqueue(self.connection, told, channels, lifetime=DAY)

    def run_until(self, condition: Callable[[], bool], *, seconds: float = 50) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"what was waited for did not come; log: {self.log.read_text()}"
            self.doorbell.wait(min(0.05, self.notifier.step()))

    def deliveries(self, channel: str) -> list[Delivery]:
        return deliveries.of_channel(self.connection, channel, limit=100)[::-1]

    def states(self, channel: str) -> list[str]:
        return [one.state.value for one in self.deliveries(channel)]

    def connection_rows(self, sql: str) -> list[tuple[str, ...]]:
        """Read the database also after the notifier is gone."""
        connection = create_or_open(self.config.paths.database)
        try:
            return [tuple(map(str, row)) for row in connection.rows(sql)]
        finally:
            connection.close()

    def make_due(self) -> None:
        """Let the pause between two attempts be over."""
        with self.connection.transaction(durable=True):
            self.connection.change("UPDATE deliveries SET next_attempt_at = ? WHERE closed_at IS NULL", clock.to_sql(clock.now()))
        self.notifier.close()
        self.another()


@contextmanager
def world(directory: Path, **alerting: Any) -> Iterator[World]:
    made = World(directory, **alerting)
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


def hook(receiver: Receiver) -> dict[str, Any]:
    return {"enabled": True, "url": receiver.url}


def mail(port: int, to: str = "a@example.com") -> dict[str, Any]:
    return {"enabled": True, "smtp_server": "127.0.0.1", "smtp_port": port, "from_email": "hm@example.com", "to_email": to}


def test_a_message_reaches_every_channel_and_is_marked_with_its_proof(tmp_path: Path) -> None:
    with Receiver() as web, Receiver() as chat, Server(smtp()) as post:
        blocks = {
            "webhook_notifications": hook(web),
            "slack_notifications": {"enabled": True, "webhook_url": chat.url},
            "email_notifications": mail(post.port),
            "apprise": [f"json://127.0.0.1:{web.port}/apprise"],
        }
        with world(tmp_path, **blocks) as here:
            names = ("email", "slack", "webhook", "apprise-1")
            here.tell(*names)
            here.run_until(lambda: all(here.states(name) == ["sent"] for name in names))
            [delivery] = here.deliveries("webhook")
            assert (delivery.attempts, delivery.unknown_attempts, delivery.proof) == (1, 0, "200 OK")
            assert channel_states.load(here.connection)["email"].last_sent_at is not None
    assert len(post.requests) == 1
    assert sorted(request.path for request in web.requests) == ["/apprise", "/in"]
    assert chat.requests[0].document["text"] == "[CRITICAL] doc_store is down on web-1"


def test_messages_of_one_channel_keep_their_order(tmp_path: Path) -> None:
    with Receiver() as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        numbers = [here.tell("webhook", conversation_id=number, service=f"s{number}") for number in range(1, 6)]
        here.run_until(lambda: here.states("webhook") == ["sent"] * 5)
    assert [request.document["notification_id"] for request in web.requests] == numbers


def test_a_slow_channel_holds_up_no_other(tmp_path: Path) -> None:
    with Receiver() as web, Receiver(answer=Answer(pause_s=3)) as chat:
        blocks = {"webhook_notifications": hook(web), "slack_notifications": {"enabled": True, "webhook_url": chat.url}}
        with world(tmp_path, **blocks) as here:
            for number in range(1, 4):
                here.tell("slack", "webhook", conversation_id=number)
            here.run_until(lambda: here.states("webhook") == ["sent"] * 3, seconds=2.5)
            assert "sent" not in here.states("slack")


def test_a_failure_is_tried_again_later_with_the_same_key_and_is_no_possible_repeat(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=503)) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook")
        here.run_until(lambda: here.deliveries("webhook")[0].last_error is not None)
        [delivery] = here.deliveries("webhook")
        assert (delivery.state, delivery.attempts, delivery.unknown_attempts) == (DeliveryState.QUEUED, 1, 0)
        assert 3 < (delivery.next_attempt_at - clock.now()).total_seconds() < 6.1
        assert channel_states.load(here.connection)["webhook"].last_error == "503 Service Unavailable ok"
        web.answer = Answer()
        here.make_due()
        here.run_until(lambda: here.states("webhook") == ["sent"])
        assert channel_states.load(here.connection)["webhook"].failing_since is None
    assert len({request.key for request in web.requests}) == 1
    assert [request.document["possible_repeat"] for request in web.requests] == [False, False]


def test_what_the_receiver_asked_for_is_honoured(tmp_path: Path) -> None:
    answer = Answer(status=429, headers={"Retry-After": "120"})
    with Receiver(answer=answer) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook")
        here.run_until(lambda: here.deliveries("webhook")[0].last_error is not None)
        assert 115 < (here.deliveries("webhook")[0].next_attempt_at - clock.now()).total_seconds() <= 120


def test_an_attempt_whose_end_nobody_saw_is_repeated_with_a_word_about_it(tmp_path: Path) -> None:
    with Receiver() as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook")
        [delivery] = here.deliveries("webhook")
        with here.connection.transaction(durable=True):
            deliveries.begin(here.connection, delivery.delivery_id, next_attempt_at=clock.now())  # and then a crash
        here.run_until(lambda: here.states("webhook") == ["sent"])
    [request] = web.requests
    assert request.document["possible_repeat"] is True
    assert "Possible repeat" in request.document["text"]


def test_a_channel_that_drips_is_cut_off_at_the_deadline_and_its_end_is_unknown(tmp_path: Path) -> None:
    before = psutil.Process().children()
    with Server(drips(b"HTTP/1.1 200", b" ")) as dripping:
        block = {"enabled": True, "url": dripping.url}
        with world(tmp_path, webhook_notifications=block) as here:
            here.notifier._lanes[0]._attempt._deadline_s = 1.0
            here.tell("webhook")
            here.run_until(lambda: here.deliveries("webhook")[0].last_error is not None)
            [delivery] = here.deliveries("webhook")
            assert (delivery.state, delivery.unknown_attempts) == (DeliveryState.QUEUED, 1)
            assert delivery.last_error == "no end after 1 s: the sender was stopped"
        assert psutil.Process().children() == before


def test_what_is_refused_is_parked_and_told_once_on_the_next_channel_that_works(tmp_path: Path) -> None:
    refusing = smtp({"RCPT": "550 5.1.1 no such user"})
    with Receiver() as web, Server(refusing) as post, world(tmp_path, webhook_notifications=hook(web), email_notifications=mail(post.port)) as here:
        here.tell("email")
        here.run_until(lambda: len(web.requests) == 1)
        here.tell("email", conversation_id=2)
        here.run_until(lambda: here.states("email") == ["parked", "parked"])
        here.run_until(lambda: here.states("webhook") == ["sent"])
    [request] = web.requests
    assert request.document["event"] == "undelivered"
    assert request.document["title"] == "[CRITICAL] email did not deliver a message about doc_store on web-1"
    assert request.document["facts"]["not delivered"] == "550 5.1.1 no such user"
    assert here.log.read_text().count("ALERT type=undelivered") == 2


def test_a_channel_that_works_again_is_reported_when_it_breaks_the_next_time(tmp_path: Path) -> None:
    with Receiver() as web, Receiver(answer=Answer(status=404)) as chat:
        blocks = {"webhook_notifications": hook(web), "slack_notifications": {"enabled": True, "webhook_url": chat.url}}
        with world(tmp_path, **blocks) as here:
            for number, status in enumerate((404, 200, 404), 1):
                chat.answer = Answer(status=status)
                here.tell("slack", conversation_id=number)
                here.run_until(lambda: here.states("slack").count("queued") == 0)
            here.run_until(lambda: len(web.requests) == 2)
            assert here.states("slack") == ["parked", "sent", "parked"]


def test_when_every_channel_fails_it_is_said_and_noted_until_one_works(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=503)) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook")
        here.run_until(lambda: here.deliveries("webhook")[0].last_error is not None)
        assert facts.noted(here.connection, facts.NOBODY_REACHED) is None
        with here.connection.transaction(durable=True):
            long_ago = clock.to_sql(clock.now() - timedelta(minutes=6))
            here.connection.change("UPDATE channel_states SET failing_since = ? WHERE failing_since IS NOT NULL", long_ago)
        here.notifier.step()
        assert facts.noted(here.connection, facts.NOBODY_REACHED) == "webhook: 503 Service Unavailable ok"
        assert "ERROR notifier ALERT type=nobody_reached" in here.log.read_text()
        web.answer = Answer()
        here.make_due()
        here.run_until(lambda: facts.noted(here.connection, facts.NOBODY_REACHED) == "")
        assert here.log.read_text().count("nobody_reached") == 1


def test_what_waits_for_a_channel_that_is_gone_from_the_configuration_is_parked_and_told_on_another(tmp_path: Path) -> None:
    with Receiver() as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("pager")
        here.tell("pager", "webhook", conversation_id=2)
        here.run_until(lambda: here.states("webhook") == ["sent"])
        here.notifier.close()
        here.another()
        assert here.states("pager") == ["parked"] * 2
        here.run_until(lambda: here.states("webhook") == ["sent"] * 2)
    events = [request.document["event"] for request in web.requests]
    assert events == ["firing", "undelivered"]  # the other was told by the webhook itself
    assert "pager did not deliver '[CRITICAL] doc_store is down on web-1': the channel is not configured any more" in here.log.read_text()


def configure(here: World, **alerting: Any) -> None:
    """Have the notifier start anew on another configuration."""
    here.notifier.close()
    source = here.config.paths.data_dir / "config.json"
    source.write_text(json.dumps(json.loads(source.read_text()) | {"alerting": alerting}))
    here.config = configuration.load(source)
    here.another()


def test_a_queue_goes_with_its_address_when_another_is_taken_out(tmp_path: Path) -> None:
    mails: list[str] = []
    with Server(smtp(mails=mails)) as post, world(tmp_path, email_notifications=mail(1, to="ann@example.com, ben@example.com")) as here:
        here.tell("email", "email-2")
        here.run_until(lambda: all(here.deliveries(name)[0].last_error for name in ("email", "email-2")))
        configure(here, email_notifications=mail(post.port, to="ben@example.com"))
        here.make_due()
        here.run_until(lambda: here.states("email") == ["sent"])
    assert [line for text in mails for line in text.splitlines() if line.startswith("To: ")] == ["To: ben@example.com"]
    rows = here.connection_rows("SELECT channel, state FROM deliveries ORDER BY delivery_id")
    assert [state for _, state in rows] == ["parked", "sent"]
    assert rows[0][0].startswith("email (was ")


def test_the_queue_of_an_address_goes_to_its_correction(tmp_path: Path) -> None:
    mails: list[str] = []
    with Server(smtp(mails=mails)) as post, world(tmp_path, email_notifications=mail(1, to="devosp@example.com")) as here:
        here.tell("email")
        here.run_until(lambda: here.deliveries("email")[0].last_error is not None)
        configure(here, email_notifications=mail(post.port, to="devops@example.com"))
        assert channel_states.load(here.connection)["email"].failing_since is None
        here.make_due()
        here.run_until(lambda: here.states("email") == ["sent"])
    assert "To: devops@example.com" in mails[0]


def test_what_was_given_up_while_no_other_channel_worked_is_told_when_one_does(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=503)) as web, Receiver(answer=Answer(status=404)) as chat:
        blocks = {"webhook_notifications": hook(web), "slack_notifications": {"enabled": True, "webhook_url": chat.url}}
        with world(tmp_path, **blocks) as here:
            here.tell("webhook", conversation_id=1)
            here.run_until(lambda: channel_states.load(here.connection)["webhook"].failing_since is not None)
            here.tell("slack", conversation_id=2, service="lost")
            here.run_until(lambda: here.states("slack") == ["parked"])
            assert len(here.deliveries("webhook")) == 1
            web.answer = Answer()
            here.make_due()
            here.run_until(lambda: here.states("webhook") == ["sent"] * 2)
    report = web.requests[-1].document
    assert (report["event"], report["service"]) == ("undelivered", "lost")
    assert report["facts"]["not delivered"] == "404 Not Found ok"


def test_the_only_channel_says_itself_what_it_did_not_deliver_when_it_works_again(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=404)) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook", service="lost")
        here.run_until(lambda: here.states("webhook") == ["parked"])
        web.answer = Answer()
        here.tell("webhook", conversation_id=2)
        here.run_until(lambda: here.states("webhook") == ["parked", "sent", "sent"])
    assert [(one.document["event"], one.document["service"]) for one in web.requests[1:]] == [("firing", "doc_store"), ("undelivered", "lost")]


def give_a_lifetime(here: World, lifetime: timedelta) -> None:
    """Have everything that waits expire so long after now, and be due for another attempt."""
    with here.connection.transaction(durable=True):
        here.connection.change("UPDATE deliveries SET expires_at = ? WHERE closed_at IS NULL", clock.to_sql(clock.now() + lifetime))
    here.make_due()


def test_what_nobody_took_in_its_lifetime_is_parked(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=503)) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook")
        here.run_until(lambda: here.deliveries("webhook")[0].last_error is not None)
        give_a_lifetime(here, timedelta(seconds=-1))
        here.run_until(lambda: here.states("webhook") == ["parked"])
        assert here.deliveries("webhook")[0].last_error == "its lifetime is over; 503 Service Unavailable ok"


def test_a_clock_that_is_set_forward_ends_no_lifetime_before_the_times_are_told_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver(answer=Answer(status=503)) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        before = clock.now()
        with here.connection.transaction(durable=True):
            clock_steps.keep_offset(here.connection, clock.boot_id(), before.timestamp() - clock.boottime())
        here.tell("webhook")
        here.run_until(lambda: here.deliveries("webhook")[0].last_error is not None)
        true_now = clock.now
        monkeypatch.setattr(clock, "now", lambda: true_now() + timedelta(days=2))
        here.make_due()
        here.run_until(lambda: len(web.requests) == 2 and not here.notifier.is_busy())
        assert here.states("webhook") == ["queued"]
        with here.connection.transaction(durable=True):
            clock_steps.follow(here.connection, ClockStep(before=before, after=before + timedelta(days=2)))
            clock_steps.keep_offset(here.connection, clock.boot_id(), clock.now().timestamp() - clock.boottime())
        web.answer = Answer()
        here.make_due()
        here.run_until(lambda: here.states("webhook") == ["sent"])


def test_after_an_outage_of_a_channel_each_service_is_told_once_as_it_stands(tmp_path: Path) -> None:
    with Receiver(answer=Answer(status=503)) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook", conversation_id=1, service="one")
        here.run_until(lambda: here.deliveries("webhook")[0].last_error is not None)
        for number in (2, 3):
            here.tell("webhook", conversation_id=number, service=f"s{number}")
        back = a_notification(NotificationKind.RESOLVED, conversation_id=1, service="one", resolved_at=clock.now())
        here.tell("webhook", message=back)
        web.answer = Answer()
        web.requests.clear()
        here.make_due()
        here.run_until(lambda: here.states("webhook").count("queued") == 0)
    told = [(request.document["event"], [one["service"] for one in request.document["services"]]) for request in web.requests]
    assert told == [("firing", ["s2", "s3"]), ("resolved", ["one"])]
    assert here.log.read_text().count("messages_combined") == 1


def test_a_stop_gives_what_is_under_way_time_to_end_well(tmp_path: Path) -> None:
    with Receiver(answer=Answer(pause_s=1)) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook")
        here.run_until(lambda: len(web.requests) == 1)
        here.notifier.close()
        here.another()
        assert here.states("webhook") == ["sent"]


def test_a_stop_waits_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("healthmon.processes.notifier.STOP_PATIENCE_S", 0.3)
    with Receiver(answer=Answer(pause_s=5)) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook")
        here.run_until(lambda: len(web.requests) == 1)
        began = time.monotonic()
        here.notifier.close()
        assert time.monotonic() - began < 2
        here.another()
        [delivery] = here.deliveries("webhook")
        assert (delivery.state, delivery.unknown_attempts) == (DeliveryState.QUEUED, 1)


def test_a_locked_database_delays_the_mark_and_repeats_nothing(tmp_path: Path) -> None:
    with Receiver(answer=Answer(pause_s=0.5)) as web, world(tmp_path, webhook_notifications=hook(web)) as here:
        here.tell("webhook")
        here.run_until(lambda: len(web.requests) == 1)
        here.notifier._connection._db.set_busy_timeout(50)
        with here.connection.transaction(durable=True):
            here.connection.change("UPDATE facts SET value = value")
            until = time.monotonic() + 1.5
            while time.monotonic() < until:
                with suppress(Exception):
                    here.notifier.step()
                time.sleep(0.05)
        here.run_until(lambda: here.states("webhook") == ["sent"])
    assert len(web.requests) == 1


def ended(one: child.Child) -> SendResult:
    until = time.monotonic() + 10
    while not one.is_over():
        assert time.monotonic() < until
        time.sleep(0.01)
    return one.end()


def test_a_child_says_what_came_of_it_cleaned_and_cut() -> None:
    said = SendResult(status=SendStatus.FAILED, detail="a\nb\x1b" + "c" * 900, retry_after_s=3.0)
    result = ended(child.begin(lambda: said, title="t"))
    assert (result.status, result.retry_after_s, len(result.detail)) == (SendStatus.FAILED, 3.0, 500)
    assert result.detail.startswith("a b c")


def test_a_child_that_breaks_or_is_killed_leaves_its_end_unknown() -> None:
    def breaks() -> SendResult:
        raise ZeroDivisionError

    broken = ended(child.begin(breaks, title="t"))
    assert broken.status is SendStatus.UNKNOWN
    killed = child.begin(partial(time.sleep, 60), title="t")  # type: ignore[arg-type]
    os.kill(killed.pid, signal.SIGKILL)
    assert ended(killed).status is SendStatus.UNKNOWN


def test_a_child_outlives_the_sigterm_of_its_group_and_not_its_parent() -> None:
    def grandchild() -> SendResult:
        inner = child.begin(partial(time.sleep, 60), title="t")  # type: ignore[arg-type]
        os.kill(inner.pid, signal.SIGTERM)
        time.sleep(0.2)
        return SendResult(status=SendStatus.SENT, detail=f"{inner.pid} {psutil.Process(inner.pid).status()}")

    result = ended(child.begin(grandchild, title="t"))
    pid, status = result.detail.split()
    assert status == psutil.STATUS_SLEEPING
    until = time.monotonic() + 5
    while psutil.pid_exists(int(pid)) and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "the grandchild outlived its parent"
        time.sleep(0.02)


def test_a_child_sends_mail_though_its_parent_has_sent_some(tmp_path: Path) -> None:
    with Server(smtp()) as post, world(tmp_path, email_notifications=mail(post.port)) as here:
        [channel] = channels.enabled(here.config.alerting)
        send = partial(sending.send, channel, enclose(a_notification(), at=clock.now(), possible_repeat=False))
        assert send().status is SendStatus.SENT
        assert ended(child.begin(send, title="t")).status is SendStatus.SENT


def test_the_notifier_itself_loads_no_sender() -> None:
    probe = "import sys, healthmon.processes.notifier; print(sorted({'apprise', 'requests'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    assert attempt.DEADLINE_S == 30.0


def test_no_secret_gets_into_the_log_the_database_or_a_list_of_arguments(tmp_path: Path) -> None:
    canary = "HMCANARY0123456789"
    echoing = Answer(status=403, body=f"no such token: {canary}, Bearer {canary}".encode())
    with Receiver(answer=echoing) as web, Receiver(answer=echoing) as chat, Server(smtp({"EHLO": f"502 {canary}", "HELO": f"550 {canary}"})) as post:
        blocks = {
            "webhook_notifications": {**hook(web), "headers": {"Authorization": f"Bearer {canary}"}, "hmac_secret": canary},
            "slack_notifications": {"enabled": True, "webhook_url": f"{chat.url}/{canary}"},
            "email_notifications": {**mail(post.port), "username": "hm", "password": canary, "encryption": "none"},
            "apprise": [f"json://user:{canary}@127.0.0.1:{web.port}/{canary}", f"tgram://{canary}/1"],
        }
        names = ("email", "slack", "webhook", "apprise-1", "apprise-2")
        with world(tmp_path, **blocks) as here:
            here.tell(*names)
            seen: set[str] = set()

            def all_tried() -> bool:
                for process in psutil.Process().children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        seen.update(process.cmdline())
                return all(here.deliveries(name)[0].last_error for name in names)

            here.run_until(all_tried)
            tables = ("deliveries", "notifications", "channel_states", "facts")
            stored = str([here.connection.rows(f"SELECT * FROM {table}") for table in tables])
        assert canary in str(web.requests[0].headers), "the secret was not even used"
        for where in (stored, here.log.read_text(), str(seen)):
            assert canary not in where
        assert "403 Forbidden no such token: •••" in stored
