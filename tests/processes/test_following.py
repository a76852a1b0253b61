"""Does a process that takes in another configuration go on with what is under way, and remember what it knew?"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import pytest

from healthmon import applied
from healthmon import config as configuration
from healthmon.errors import StoreBusyError
from healthmon.log import Log
from healthmon.log_level import Follower
from healthmon.model.check import CheckStatus
from healthmon.model.heal import HealState
from healthmon.processes import following
from healthmon.processes.followed import Followed
from healthmon.processes.trouble import Trouble
from healthmon.store import conversations, heals, incidents, services
from tests.builders import a_config
from tests.hostile import Server, answers
from tests.processes import test_healer, test_notifier
from tests.processes.evaluator_world import BAD, GOOD, World, a_world, patient
from tests.processes.test_prober import start  # noqa: F401  a fixture
from tests.receivers import Answer, Receiver
from tests.unit.test_configuring import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.paths import Paths
    from healthmon.processes.following import Following
    from tests.processes.test_prober import Bench


STAYS, ANEW = "stays", "anew"


# The loop.


class Worker:
    """Follows as it is told to: STAYS, ANEW, or an error."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.steps = self.closed = 0

    def step(self) -> float:
        self.steps += 1
        return 1.0

    def follow(self, _config: Config) -> bool:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer == STAYS

    def is_busy(self) -> bool:
        return False

    def close(self) -> None:
        self.closed += 1


def a_followed(place: Place, *workers: Worker) -> tuple[Followed, Following, list[Worker]]:
    made = list(workers[1:])
    follower, records = following.begin(place.paths), Log("t")
    verbosity = Follower(place.paths.log_level, configured="INFO", records=records)
    return Followed(workers[0], follower, lambda _config: made.pop(0), Trouble(records), verbosity), follower, made


def test_what_was_read_before_the_fork_is_not_read_again_until_another_is_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_read_ahead", None)
    place, records, reads = Place(tmp_path), Log("t"), Counter[str]()
    read = applied.read

    def counted(paths: Paths) -> applied.Applied | None:
        reads["of the file"] += 1
        return read(paths)

    monkeypatch.setattr(applied, "read", counted)
    config = following.read_ahead(place.paths)
    reads.clear()
    follower = following.begin(place.paths)
    assert follower.config is config
    assert follower.news(records) is None
    assert not reads
    place.reload()
    reads.clear()
    assert follower.news(records) is not None
    assert following.begin(place.paths).number == 2
    assert reads["of the file"] == 2


def test_what_refers_to_another_file_is_read_again_by_each_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_read_ahead", None)
    place = Place(tmp_path)
    (tmp_path / "token").write_text("yesterday")
    place.write({"name": "a", "url": "http://127.0.0.1:1/", "headers": {"X-Token": "${file:token}"}})
    place.reload()
    following.read_ahead(place.paths)
    (tmp_path / "token").write_text("today")
    [service] = following.begin(place.paths).config.services
    assert service.headers["X-Token"].get_secret_value() == "today"


def test_a_worker_that_follows_stays_and_one_that_does_not_is_made_anew(tmp_path: Path) -> None:
    place, first, second = Place(tmp_path), Worker(STAYS, ANEW), Worker()
    followed, _, _ = a_followed(place, first, second)
    place.reload()
    assert (followed.step(), followed.number, first.closed) == (0.0, 2, 0)
    place.reload()
    assert (followed.step(), followed.number, first.closed) == (0.0, 3, 1)
    assert (followed.step(), second.steps) == (1.0, 1)


def test_who_cannot_follow_now_goes_on_with_what_it_has_and_tries_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "RETRY_S", 0.2)
    place, worker = Place(tmp_path), Worker(StoreBusyError("locked"), STAYS)
    followed, _, _ = a_followed(place, worker)
    place.reload()
    assert [followed.step() for _ in range(3)] == [0.0, 1.0, 1.0]
    assert (followed.number, worker.steps) == (1, 2)
    time.sleep(0.3)
    followed.step()
    assert (followed.number, worker.closed) == (2, 0)


def test_a_bug_while_following_gives_way_to_a_new_worker(tmp_path: Path) -> None:
    place, first, second = Place(tmp_path), Worker(KeyError("bug")), Worker()
    followed, _, _ = a_followed(place, first, second)
    place.reload()
    followed.step()
    followed.step()
    assert (followed.number, first.closed, second.steps) == (2, 1, 1)


# A prober.


def with_services(bench: Bench, *members: dict[str, Any]) -> Config:
    return a_config(bench.config.data_dir, *members)


def test_a_look_under_way_counts_and_no_service_that_stays_is_asked_twice(start: Callable[..., Bench]) -> None:  # noqa: F811
    asked, gate = Counter[str](), threading.Event()

    def answer(path: str) -> str:
        asked[path] += 1
        if path == "/slow":
            gate.wait(5)
        return "200 OK"

    with Slow(answer) as server:
        slow = {"name": "slow", "url": f"{server.url}/slow", "interval_seconds": 3_600.0, "timeout_seconds": 6.0}
        quick = {"name": "quick", "url": f"{server.url}/quick", "interval_seconds": 3_600.0}
        bench = start(slow, quick)
        until(lambda: asked["/slow"] == 1, bench)
        for critical in (True, False, True):
            assert bench.worker.follow(with_services(bench, {**slow, "critical": critical}, quick, {**quick, "name": "new"}))
            bench.worker.step()
        gate.set()
        found = bench.until(lambda found: len(found) == 3)
    assert {check.status for check in found} == {CheckStatus.HEALTHY}
    assert asked == {"/slow": 1, "/quick": 2}  # one of them for `new`


def test_a_service_that_goes_and_comes_back_while_it_is_asked_is_asked_once(start: Callable[..., Bench]) -> None:  # noqa: F811
    asked, gate = Counter[str](), threading.Event()

    def answer(path: str) -> str:
        asked[path] += 1
        gate.wait(5)
        return "200 OK"

    with Slow(answer) as server:
        entry = {"name": "a", "url": f"{server.url}/a", "interval_seconds": 3_600.0, "timeout_seconds": 6.0}
        other = {"name": "b", "url": f"{server.url}/b", "group": "elsewhere"}
        bench = start(entry)
        until(lambda: asked["/a"] == 1, bench)
        bench.worker.follow(with_services(bench, other))
        bench.worker.step()
        bench.worker.follow(with_services(bench, entry, other))
        bench.worker.step()
        gate.set()
        found = bench.until(lambda found: len(found) == 1)
        bench.worker.step()
    assert (found[0].status, asked) == (CheckStatus.HEALTHY, {"/a": 1})


def test_of_a_service_that_is_gone_nothing_is_heard_any_more(start: Callable[..., Bench]) -> None:  # noqa: F811
    with Server(answers()) as server:
        bench = start({"name": "a", "url": server.url, "interval_seconds": 0.1, "timeout_seconds": 0.1}, {"name": "b", "url": server.url})
        bench.until(lambda found: len(found) >= 3)
        bench.worker.follow(with_services(bench, {"name": "b", "url": server.url}))
        before = len([check for check in bench.written() if check.service_id == bench.ids["a"]])
        time.sleep(0.5)
        bench.until(lambda found: [check.service_id for check in found].count(bench.ids["b"]) >= 2)
        assert len([check for check in bench.written() if check.service_id == bench.ids["a"]]) <= before + 1  # one that was over


def until(holds: Callable[[], bool], bench: Bench) -> None:
    give_up_at = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < give_up_at
        bench._bell.wait(min(bench.worker.step(), 0.1))


class Slow:
    """A server whose answers are the test's, given the path."""

    def __init__(self, answer: Callable[[str], str]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, _, words = answer(self.path).partition(" ")
                self.send_response(int(code), words)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


# The evaluator.


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    yield from a_world(tmp_path, monkeypatch)


def without(config: Config, name: str) -> Config:
    left = tuple(one.model_copy(update={"depends_on": ()}) for one in config.services if one.name != name)
    return config.model_copy(update={"services": left})


def test_an_outage_of_a_service_that_stays_goes_on_and_one_of_a_service_that_is_gone_is_closed_as_removed(world: World) -> None:
    for sid in (1, 2):
        world.look(GOOD, service_id=sid)
    world.step()
    world.fail(1)
    world.fail(2)
    before = incidents.open_incidents(world.connection)
    assert len(before) == 2
    world.evaluator.follow(without(world.config, "doc_store"))
    world.step()
    assert incidents.open_incidents(world.connection) == [before[1]]
    assert incidents.latest_resolved(world.connection)[1].resolution == "removed"
    assert list(services.by_name(world.connection)) == ["frontend"]
    world.evaluator.follow(world.config)  # and comes back, unknown, with its history
    world.step()
    assert services.by_name(world.connection)["doc_store"].service_id == 1
    world.fail(1)
    assert len(incidents.open_incidents(world.connection)) == 2


def test_neither_the_hold_of_the_start_nor_a_planned_restart_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = patient(tmp_path, monkeypatch)
    held_since = world.evaluator._planning.held_since
    world.fail(1)
    world.pass_time(25)
    world.look(BAD)
    world.step()
    planned = heals.open_heals(world.connection)
    assert [heal.state for heal in planned] == [HealState.PLANNED]
    for _ in range(5):
        world.evaluator.follow(world.config)
        world.step()
    assert world.evaluator._planning.held_since == held_since
    assert heals.open_heals(world.connection) == planned
    world.connection.close()


def test_a_service_that_nobody_looks_at_is_missed_as_soon_however_often_is_reloaded(world: World) -> None:
    world.look(GOOD)
    world.step()
    for _ in range(20):
        world.now += timedelta(seconds=1)
        world.evaluator.follow(world.config)
        world.step()
    assert world.evaluator._watching.states[1].status == "unknown"


def test_who_flaps_is_known_over_a_reload_of_those_that_stay_and_of_those_that_come_back(world: World) -> None:
    for number in range(24):
        world.look(BAD if number % 2 else GOOD)
        world.look(BAD if number % 2 else GOOD, service_id=2)
    world.step()
    before = dict(world.evaluator._watching.flapping)
    assert before[1].is_flapping
    world.evaluator.follow(without(world.config, "doc_store"))
    world.step()
    assert world.evaluator._watching.flapping == {2: before[2]}
    world.evaluator.follow(world.config)
    world.step()
    assert world.evaluator._watching.flapping == before


def test_what_people_were_told_is_not_told_again_for_a_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {"alerting": {"slack_notifications": {"enabled": True, "webhook_url": "http://x/", "channel": "#x"}, "grouping": {"wait_seconds": 0}}}
    settings = {"alert_rules": [{"name": "down", "condition": "status == 'unhealthy'", "severity": "critical"}], **told}
    world = World(tmp_path, settings=settings)
    world.set_clocks(monkeypatch)
    world.look(GOOD)
    world.step()
    world.fail(1)
    world.pass_time(120)
    before = world.connection.rows("SELECT notification_id, kind FROM notifications")
    assert len(before) == 1
    for _ in range(5):
        world.evaluator.follow(world.config)
        world.pass_time(1)
    assert world.connection.rows("SELECT notification_id, kind FROM notifications") == before
    assert len(conversations.open_conversations(world.connection)) == 1
    world.connection.close()


# The healer.


def test_a_restart_under_way_goes_on_and_the_next_is_made_by_the_new_settings(tmp_path: Path) -> None:
    world = test_healer.World(tmp_path)
    world.engine.slow.clear()
    heal_id = world.plan()
    world.wait_until(lambda: world.engine.calls != [], what="the call")
    assert world.healer.follow(a_config(tmp_path, {"name": "other", "url": "http://localhost:2"}))
    assert world.healer.is_busy()
    world.engine.slow.set()
    assert world.end(heal_id).state is HealState.RETURNED
    assert len(world.engine.calls) == 1
    world.close()


# The notifier.


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_message_that_is_being_sent_arrives_once_and_the_next_goes_the_new_way(tmp_path: Path) -> None:
    with (
        Receiver(answer=Answer(pause_s=1.5)) as old,
        Receiver() as new,
        test_notifier.world(tmp_path, webhook_notifications=test_notifier.hook(old)) as here,
    ):
        here.tell("webhook")
        here.run_until(lambda: len(old.requests) == 1)
        here.notifier.follow(with_webhook(tmp_path, new))
        here.tell("webhook")
        here.notifier.step()
        assert (len(new.requests), here.states("webhook")) == (0, ["queued", "queued"])
        here.run_until(lambda: here.states("webhook") == ["sent", "sent"])
        assert (len(old.requests), len(new.requests)) == (1, 1)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_what_is_being_sent_to_a_channel_that_is_taken_away_is_sent_and_what_waits_for_it_is_parked(tmp_path: Path) -> None:
    with Receiver(answer=Answer(pause_s=1.0)) as old, test_notifier.world(tmp_path, webhook_notifications=test_notifier.hook(old)) as here:
        here.tell("webhook")
        here.tell("webhook")
        here.run_until(lambda: len(old.requests) == 1)
        here.notifier.follow(with_webhook(tmp_path, None))
        here.run_until(lambda: here.states("webhook") == ["sent", "parked"])
        assert len(old.requests) == 1


def with_webhook(directory: Path, receiver: Receiver | None) -> Config:
    source = directory / "config.json"
    said = json.loads(source.read_text())
    said["alerting"] = {} if receiver is None else {"webhook_notifications": test_notifier.hook(receiver)}
    source.write_text(json.dumps(said))
    return configuration.load(source)
