"""The engine's own word as evidence, on a real engine: services that are containers, and verdicts beside our own looks."""

from __future__ import annotations

import http.server
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.model.check import CheckReason
from healthmon.store import looks
from tests.containers import STOPS_AT_ONCE, Docker, Observer, wait_for
from tests.processes.heal_world import HealWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHECKED = (  # ill as soon as there is no /well any more; a restart does not bring it back, `touch` does
    "--health-cmd", "test -f /well || { echo the well is dry; exit 1; }",
    "--health-interval", "0.25s",
    "--health-retries", "2",
)  # fmt: skip
WELL = ("sh", "-c", "touch /well; trap 'exit 0' TERM; trap : HUP; while :; do sleep 1000 & wait; done")


def a_service(docker: Docker, *options: str, command: tuple[str, ...] = WELL) -> tuple[str, dict[str, Any]]:
    """Run a container; return its id, and the service that it is."""
    name = docker.name()
    container = docker.run(*command, options=options, name=name)
    return container, {"name": "store", "type": "docker", "container": name}


def become_ill(docker: Docker, container: str) -> None:
    docker.cli("exec", container, "rm", "/well")


def wait_for_verdict(docker: Docker, container: str, verdict: str) -> None:
    wait_for(lambda: docker.inspect(container)["State"]["Health"]["Status"] == verdict, what=f"{container[:12]} to be {verdict}")


def test_the_engines_verdict_is_hard_at_once_and_heals(docker: Docker, observer: Observer, tmp_path: Path) -> None:
    """One look of ours tells of several failed ones of its own: no floor, no confirmation. A second observer counts."""
    container, service = a_service(docker, *CHECKED)
    with closing(HealWorld(tmp_path, service, min_unhealthy_seconds=3600)) as world:
        world.wait_until(lambda: world.status("store") == "healthy", what="its first verdict")
        become_ill(docker, container)
        world.wait_until(lambda: world.states_of_heals() == ["verified"], what="a verified heal")
        assert world.status("store") == "healthy"
    assert observer.restarts(container) == 1


def test_one_without_a_health_check_is_well_while_it_runs(docker: Docker, observer: Observer, tmp_path: Path) -> None:
    """That it ended is confirmed by further looks, for it may be on its way up; what its policy leaves stopped stays so."""
    container, service = a_service(docker, command=STOPS_AT_ONCE)
    with closing(HealWorld(tmp_path, service)) as world:
        world.wait_until(lambda: world.status("store") == "healthy", what="a look")
        docker.cli("exec", "--detach", container, "sh", "-c", "kill -TERM 1")  # it may end with what it kills
        world.wait_until(lambda: "leaves it stopped" in world.healing("store"), what="the decision")
        state = world.state("store")
        assert state is not None
        assert (state.last_reason, state.streak_confirmations >= 2) == (CheckReason.CONTAINER, True)
        assert "exited with code 0" in str(state.last_error)
        assert world.heals() == []
    assert observer.restarts(container) == 0


def test_a_restart_by_a_person_makes_nobody_ill(docker: Docker, observer: Observer, tmp_path: Path) -> None:
    """While its check has not judged the new run, what was known before goes on."""
    container, service = a_service(docker, *CHECKED)
    with closing(HealWorld(tmp_path, service)) as world:
        world.wait_until(lambda: world.status("store") == "healthy", what="its first verdict")
        docker.cli("restart", container)
        world.go_on_for(1.5)
        assert (world.status("store"), world.incident("store"), world.heals()) == ("healthy", None, [])
    assert observer.restarts(container) == 1


@pytest.mark.parametrize("how", ["stop", "pause"])
def test_the_word_for_a_check_that_was_switched_off_is_no_verdict(docker: Docker, observer: Observer, tmp_path: Path, how: str) -> None:
    """T05, T06, T15: at a stop or a pause the engine says unhealthy without a failed check; a person's act stays as it is."""
    slow = ("sh", "-c", "touch /well; trap : TERM; while :; do sleep 1000 & wait; done")
    container, service = a_service(docker, *CHECKED, command=slow)
    with closing(HealWorld(tmp_path, service)) as world:
        world.wait_until(lambda: world.status("store") == "healthy", what="its first verdict")
        act = docker.begin("stop", "--time", "2", container) if how == "stop" else docker.begin("pause", container)
        world.wait_until(lambda: world.status("store") == "unhealthy", what="the end")
        world.go_on_for(1.0)
        act.wait(20)
        state = world.state("store")
        assert state is not None
        assert (state.last_reason, world.heals()) == (CheckReason.CONTAINER, [])
        assert "leaves it alone" in world.healing("store")
    assert observer.restarts(container) == 0
    assert docker.state(container) == ("exited" if how == "stop" else "paused")


def test_a_container_that_is_not_there_is_down(docker: Docker, tmp_path: Path) -> None:
    with closing(HealWorld(tmp_path, {"name": "store", "type": "docker", "container": docker.name()})) as world:
        world.wait_until(lambda: world.status("store") == "unhealthy", what="its absence to be confirmed")
        state = world.state("store")
        assert state is not None
        assert "there is no container named" in str(state.last_error)
        world.wait_until(lambda: "knows nothing to restart" in world.healing("store"), what="the decision")


def test_looks_are_on_schedule_and_one_look_answers_for_all(docker: Docker, tmp_path: Path) -> None:
    """A quiet hour costs a list an interval, and its rows are those of the document's history."""
    described = [a_service(docker, command=STOPS_AT_ONCE)[1] | {"name": f"s{number}", "interval_seconds": 0.5} for number in range(3)]
    begun = clock.now()
    with closing(HealWorld(tmp_path, *described)) as world:
        world.go_on_for(2.6)
        rows = [check for check in looks.last_scheduled(world.connection, begun, limit=99) if check.is_good]
        assert {world.ids[f"s{number}"]: 0 for number in range(3)}.keys() == {check.service_id for check in rows}
        assert len({check.checked_at for check in rows}) * 3 == len(rows)
        assert 2 <= len(rows) / 3 <= 7  # a busy machine leaves some out


class Page(http.server.BaseHTTPRequestHandler):
    """Answers 200 while it is well, else 500."""

    is_well = True

    def do_GET(self) -> None:
        self.send_response(200 if type(self).is_well else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[str]:
    Page.is_well = True
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_verdict_beside_looks_of_our_own_stands_for_their_confirmations_and_not_for_them(docker: Docker, observer: Observer, tmp_path: Path, page: str) -> None:
    """While we are answered it calls for a look and is shown; with the first look that fails it is as good as confirmed."""
    container, service = a_service(docker, *CHECKED)
    patient = {"type": "http", "url": page, "confirmations": 50, "retry_interval_seconds": 30.0, "interval_seconds": 0.5}
    with closing(HealWorld(tmp_path, service | patient, min_unhealthy_seconds=3600)) as world:
        world.wait_until(lambda: world.status("store") == "healthy", what="a good look")
        become_ill(docker, container)
        wait_for_verdict(docker, container, "unhealthy")
        world.go_on_for(1.5)
        assert (world.status("store"), world.heals()) == ("healthy", [])
        Page.is_well = False
        world.wait_until(lambda: bool(world.heals()), what="a heal", timeout_s=5)
        world.wait_until(lambda: world.states_of_heals() == ["returned"], what="its return")
    assert observer.restarts(container) == 1


def test_without_a_verdict_our_own_looks_need_their_confirmations(docker: Docker, tmp_path: Path, page: str) -> None:
    """T08: no health check is neither good nor bad."""
    _, service = a_service(docker, command=STOPS_AT_ONCE)
    patient = {"type": "http", "url": page, "confirmations": 2, "retry_interval_seconds": 30.0, "interval_seconds": 30.0}
    with closing(HealWorld(tmp_path, service | patient)) as world:
        Page.is_well = False
        world.go_on_for(1.5)
        assert (world.status("store"), world.heals()) == ("unknown", [])
