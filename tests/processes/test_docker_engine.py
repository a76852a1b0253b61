"""How are containers seen and restarted, on a real Docker Engine? People are played by the docker command."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.heal.docker_client import Client
from healthmon.heal.docker_engine import DockerEngine
from healthmon.heal.docker_inspections import UnansweredError
from healthmon.heal.docker_logs import last_lines
from healthmon.log import Log
from healthmon.model.heal import HealAction
from healthmon.model.target import Target, TargetHealth, TargetState
from tests.containers import IGNORES_TERM, STOPS_AT_ONCE, Docker, Observer, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from healthmon.heal.docker_events import Event
    from healthmon.heal.docker_facts import Container

RESTART, START = HealAction.RESTART, HealAction.START


@contextmanager
def engine_of(*, host: str = "", allowance_s: float = 30.0) -> Iterator[DockerEngine]:
    engine = DockerEngine(Log("test"), environment={"DOCKER_HOST": host}, allowance_s=allowance_s)
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    with engine_of() as made:
        yield made


class Wakes:
    """Counts the calls of `on_event`."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.count += 1


def follow(engine: DockerEngine) -> Wakes:
    """Follow events, and return when they flow."""
    wakes = Wakes()
    engine.events(wakes)
    wait_for(lambda: wakes.count, what="the stream to open")
    return wakes


def observed(engine: DockerEngine, container_id: str) -> Target:
    found = {target.incarnation.target_id: target for target in engine.observe()}
    return found[container_id]


# What is seen


def test_a_running_container_is_seen_with_its_facts(docker: Docker, engine: DockerEngine) -> None:
    """Both ways of looking agree on everything but the moment."""
    name, network = docker.name(), docker.network()
    options = ("--network", network, "--publish", "127.0.0.1::80", "--stop-timeout", "7", "--restart", "on-failure:4")
    container = docker.run(*STOPS_AT_ONCE, options=options, name=name)
    seen, looked = observed(engine, container), engine.look(container)
    assert (seen.state, seen.name, seen.health, seen.stop_timeout_s) == (TargetState.RUNNING, name, TargetHealth.NONE, 7)
    assert (seen.restart_policy, seen.restart_limit, seen.untouchable) == ("on-failure", 4, "")
    assert seen.published_ports == (int(docker.inspect(container)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]),)
    assert (looked.incarnation, looked.published_ports) == (seen.incarnation, seen.published_ports)
    assert seen.started_at is not None
    assert clock.now() - seen.started_at < timedelta(minutes=1)


def test_states_are_seen_as_they_are(docker: Docker, engine: DockerEngine) -> None:
    """Paused, crashed, looping, given up, never started: each tells itself apart."""
    paused = docker.run(*STOPS_AT_ONCE)
    crashed = docker.run("sh", "-c", "exit 3")
    looping = docker.run("false", options=("--restart", "always"))
    given_up = docker.run("false", options=("--restart", "on-failure:1"))
    failed = docker.run("/not/there", check=False)
    docker.cli("pause", paused)
    wait_for(lambda: docker.inspect(given_up)["RestartCount"] == 1, what="the one retry")
    for ended in (crashed, given_up):
        docker.wait_for_state(ended, "exited")
    wait_for(lambda: docker.inspect(looping)["RestartCount"] >= 3, what="a crash loop")
    wait_for(lambda: observed(engine, looping).state is TargetState.RESTARTING, what="the pause of the loop")
    seen = {target.incarnation.target_id: target for target in engine.observe()}
    assert seen[paused].state is TargetState.PAUSED
    assert (seen[crashed].state, seen[crashed].exit_code) == (TargetState.EXITED, 3)
    assert seen[looping].restart_count >= 3
    assert (seen[given_up].state, seen[given_up].restart_limit, seen[given_up].restart_count) == (TargetState.EXITED, 1, 1)
    assert (seen[failed].state, seen[failed].started_at) == (TargetState.CREATED, None)
    assert "no such file" in seen[failed].error
    docker.cli("rm", "--force", looping)


def test_containers_that_a_restart_would_harm_are_marked(docker: Docker, engine: DockerEngine) -> None:
    """Swarm's tasks, Compose's one-offs and those that vanish when they stop."""
    task = docker.run(*STOPS_AT_ONCE, options=("--label", "com.docker.swarm.task.id=x"))
    assert observed(engine, task).untouchable == "swarm_task"
    one_off = docker.run(*STOPS_AT_ONCE, options=("--label", "com.docker.compose.oneoff=True"))
    auto_remove = docker.run(*STOPS_AT_ONCE, options=("--rm",))
    assert observed(engine, one_off).untouchable == "one_off"
    assert observed(engine, auto_remove).untouchable == "auto_remove"


def test_health_follows_the_engines_own_check(docker: Docker, engine: DockerEngine) -> None:
    """Starting, healthy, unhealthy, without an event stream to help."""
    command = ("sh", "-c", "touch /ok; trap 'rm /ok' HUP; while :; do sleep 1000 & wait; done")
    options = ("--health-cmd", "test -f /ok", "--health-interval", "200ms", "--health-retries", "1")
    container = docker.run(*command, options=options)
    wait_for(lambda: observed(engine, container).health is TargetHealth.HEALTHY, what="healthy")
    docker.cli("kill", "--signal", "HUP", container)
    wait_for(lambda: observed(engine, container).health is TargetHealth.UNHEALTHY, what="unhealthy")
    docker.cli("rm", "--force", container)


def test_idle_containers_cost_one_list(docker: Docker, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what changed is inspected again; a restart that no event told of is a change."""
    container, other = docker.run(*IGNORES_TERM), docker.run(*IGNORES_TERM)
    before = observed(engine, container)
    inspected: list[str] = []
    inspect = engine._inspect
    monkeypatch.setattr(engine, "_inspect", lambda target_id: inspected.append(target_id) or inspect(target_id))  # type: ignore[func-returns-value]
    assert observed(engine, container).incarnation == before.incarnation
    assert not {container, other} & set(inspected)
    docker.cli("restart", "--time", "0", container)
    assert observed(engine, container).incarnation != before.incarnation
    assert other not in inspected


def test_a_removed_container_is_gone(docker: Docker, engine: DockerEngine) -> None:
    """Not in observe, and the error for everything else; the name alone brings nothing back."""
    name = docker.name()
    former = docker.run(*STOPS_AT_ONCE, name=name)
    assert observed(engine, former).name == name
    docker.cli("rm", "--force", former)
    present = docker.run(*STOPS_AT_ONCE, name=name)
    assert former not in {target.incarnation.target_id for target in engine.observe()}
    before = observed(engine, present)
    with pytest.raises(EngineGoneError, match="not there any more"):
        engine.look(former)
    with pytest.raises(EngineGoneError, match="not there any more"):
        engine.carry_out(RESTART, former, 1)
    assert engine.look(present).incarnation == before.incarnation


# What is done


def test_a_restart_makes_another_incarnation_of_the_same_container(docker: Docker, engine: DockerEngine, observer: Observer) -> None:
    """The engine said yes, and an independent observer saw exactly one restart."""
    container = docker.run(*STOPS_AT_ONCE)
    before = engine.look(container)
    engine.carry_out(RESTART, container, 5)
    after = engine.look(container)
    assert after.incarnation.target_id == before.incarnation.target_id
    assert after.incarnation.started != before.incarnation.started
    assert after.state is TargetState.RUNNING
    wait_for(lambda: observer.restarts(container) == 1, what="the observer to see it")


def test_a_container_that_has_exited_is_started(docker: Docker, engine: DockerEngine) -> None:
    """The other action."""
    container = docker.run("sh", "-c", "test -f /second && sleep 1000; touch /second; false")
    docker.wait_for_state(container, "exited")
    engine.carry_out(START, container, 5)
    assert engine.look(container).state is TargetState.RUNNING


def test_a_start_that_fails_is_refused_with_the_engines_reason(docker: Docker, engine: DockerEngine) -> None:
    """Engine 20.10 answers 400: it is known that nothing runs."""
    container = docker.run("/not/there", check=False)
    with pytest.raises(EngineError, match=r"refused to start .* no such file") as refused:
        engine.carry_out(START, container, 5)
    assert refused.type is EngineError


def test_a_restart_that_outlasts_our_patience_is_unknown_and_still_happens(docker: Docker, observer: Observer) -> None:
    """The engine does not stop because its client went away."""
    container = docker.run(*IGNORES_TERM)
    with engine_of() as engine:
        before = engine.look(container)
        engine._connection.client().timeout = -1.5  # type: ignore[assignment]  # with the two seconds of the stop, half a second
        with pytest.raises(EngineUnknownError, match="gave no clear answer"):
            engine.carry_out(RESTART, container, 2)
        assert engine.look(container).incarnation == before.incarnation
        wait_for(lambda: engine.look(container).incarnation != before.incarnation, what="the engine to finish")
    wait_for(lambda: observer.restarts(container) == 1, what="the observer to see it")


def test_only_the_calls_of_the_list_are_made(docker: Docker, engine: DockerEngine) -> None:
    """Names, kill and stop never leave the process."""
    name = docker.name()
    container = docker.run(*STOPS_AT_ONCE, name=name)
    engine.observe()
    with pytest.raises(EngineError, match="refused to ask Docker for POST"):
        engine.carry_out(RESTART, name, 1)
    for forbidden in (engine._connection.client().kill, engine._connection.client().stop, engine._connection.client().pause):
        with pytest.raises(EngineError, match="not among the calls"):
            forbidden(container)
    assert docker.state(container) == "running"


def test_how_the_run_before_ended_is_remembered(docker: Docker, engine: DockerEngine) -> None:
    """The engine itself forgets it with the next start."""
    follow(engine)
    container = docker.run("sh", "-c", "test -e /again && sleep 1000; touch /again; exit 7")
    docker.wait_for_state(container, "exited")
    docker.cli("start", container)
    wait_for(lambda: observed(engine, container).previous_exit_code == 7, what="the code of the run before")
    assert observed(engine, container).exit_code == 0
    assert not observed(engine, container).previous_oom_killed


def test_a_label_that_hides_exit_codes_is_not_read_as_one(docker: Docker, engine: DockerEngine) -> None:
    wakes = follow(engine)
    container = docker.run("sh", "-c", "test -e /again && sleep 1000; touch /again; exit 7", options=("--label", "exitCode=5"))
    docker.wait_for_state(container, "exited")
    before = wakes.count
    docker.cli("start", container)
    wait_for(lambda: wakes.count > before and observed(engine, container).state is TargetState.RUNNING, what="the start")
    assert observed(engine, container).previous_exit_code is None


# What it said


@pytest.mark.parametrize("options", [(), ("--tty",)])
def test_the_last_lines_are_read_with_a_terminal_and_without(docker: Docker, engine: DockerEngine, options: tuple[str, ...]) -> None:
    said = "for n in 1 2 3 4 5 6; do echo line $n; done; sleep 1; echo no memory left >&2; exit 3"  # the engine mixes what comes at once
    container = docker.run("sh", "-c", said, options=options)
    docker.wait_for_state(container, "exited")
    wanted = ("line 3", "line 4", "line 5", "line 6", "no memory left")
    assert last_lines(engine.read_logs(container)) == wanted


def test_logs_that_nobody_keeps_are_an_error_of_this_container_alone(docker: Docker, engine: DockerEngine) -> None:
    container = docker.run(*STOPS_AT_ONCE, options=("--log-driver", "none"))
    engine.observe()
    with pytest.raises(EngineError, match="read the logs"):
        engine.read_logs(container)
    assert engine.reachable_since is not None
    with pytest.raises(EngineGoneError):
        engine.read_logs("f" * 64)


# What a restart erases


def test_an_examination_tells_all_that_a_restart_erases_and_nothing_secret(docker: Docker, engine: DockerEngine) -> None:
    health = ("--health-cmd", "echo no answer from the disk; false", "--health-interval", "1s", "--health-retries", "1")
    container = docker.run("sh", "-c", "echo DB_PASSWORD=hunter2-hunter2; sleep 1000", options=(*health, "--env", "KEY=hunter2-hunter2"))
    follow(engine)
    wait_for(lambda: docker.inspect(container)["State"]["Health"]["FailingStreak"] > 0, what="an unhealthy container")
    parts = {one.part.name: one.part for one in engine.examine(container)}
    text = {name: " ".join(one.lines) for name, one in parts.items()}
    assert list(parts) == ["container", "docker health", "log", "processes", "events", "usage"]
    assert "Status: running" in text["container"]
    assert "no answer from the disk" in text["docker health"]
    assert "DB_PASSWORD=•••" in text["log"]
    assert "sleep 1000" in text["processes"]
    assert "WCHAN" in text["processes"]
    assert "start" in text["events"]
    assert "MiB of" in text["usage"] or parts["usage"].problem
    assert "hunter2" not in " ".join(text.values())


def test_of_a_container_that_is_gone_each_part_says_so(docker: Docker, engine: DockerEngine) -> None:
    container = docker.run(*STOPS_AT_ONCE)
    docker.cli("rm", "--force", container)
    found = list(engine.examine(container))
    assert ["not there any more" in one.part.problem for one in found] == [True, True, True, False, True]


# Who did it


def test_a_stop_under_way_is_a_persons(docker: Docker, engine: DockerEngine) -> None:
    """Seen while the container still runs, and after it has stopped, until somebody starts it."""
    follow(engine)
    container = docker.run(*IGNORES_TERM)
    assert not observed(engine, container).stopped_by_person
    stopping = docker.begin("stop", "--time", "5", container)
    wait_for(lambda: observed(engine, container).stopped_by_person, timeout_s=2, what="the mark")
    assert observed(engine, container).state is TargetState.RUNNING
    docker.cli("kill", container)
    stopping.wait(10)
    stopped = engine.look(container)
    assert (stopped.state, stopped.stopped_by_person) == (TargetState.EXITED, True)
    docker.cli("start", container)
    wait_for(lambda: not observed(engine, container).stopped_by_person, what="the mark to go")


def test_a_stop_before_our_start_is_known(docker: Docker, engine: DockerEngine) -> None:
    """The engine tells the events of the past too."""
    stopped, crashed = docker.run(*STOPS_AT_ONCE), docker.run("false")
    docker.cli("stop", stopped)
    docker.wait_for_state(crashed, "exited")
    follow(engine)
    wait_for(lambda: observed(engine, stopped).stopped_by_person, what="the mark")
    assert not observed(engine, crashed).stopped_by_person


def test_a_persons_restart_leaves_no_mark(docker: Docker, engine: DockerEngine) -> None:
    """While it stops it is marked, and afterwards it is not."""
    follow(engine)
    container = docker.run(*IGNORES_TERM)
    restarting = docker.begin("restart", "--time", "2", container)
    wait_for(lambda: observed(engine, container).stopped_by_person, timeout_s=2, what="the mark")
    restarting.wait(10)
    wait_for(lambda: not observed(engine, container).stopped_by_person, what="the mark to go")


def test_a_reload_leaves_no_mark(docker: Docker, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """HUP stops nothing."""
    noted = spy_on_events(engine, monkeypatch)
    follow(engine)
    container = docker.run(*STOPS_AT_ONCE)
    docker.cli("kill", "--signal", "HUP", container)
    wait_for(lambda: any(event.target_id == container and event.action == "kill" for event, _ in noted), what="the event")
    assert not observed(engine, container).stopped_by_person


def test_our_own_restart_is_nobodys_stop(docker: Docker, engine: DockerEngine, observer: Observer) -> None:
    """Neither while it stops nor afterwards; the next stop is a person's again."""
    follow(engine)
    container = docker.run(*IGNORES_TERM)
    healing = threading.Thread(target=engine.carry_out, args=(RESTART, container, 1))
    healing.start()
    wait_for(lambda: "kill" in observer.actions(container), what="the kill")
    while healing.is_alive():
        assert not observed(engine, container).stopped_by_person
    healing.join()
    wait_for(lambda: observer.restarts(container) == 1, what="the restart")
    assert not observed(engine, container).stopped_by_person
    docker.cli("stop", "--time", "0", container)
    wait_for(lambda: observed(engine, container).stopped_by_person, what="the mark")


def test_an_unfinished_restart_of_an_earlier_process_is_nobodys_stop(docker: Docker, engine: DockerEngine) -> None:
    """A healer that was killed while it restarted a container finds it stopped, and may start it."""
    container = docker.run(*STOPS_AT_ONCE)
    engine.adopt(container, clock.now(), 5)
    docker.cli("stop", container)  # as our own restart would have, before its start failed
    follow(engine)
    other = docker.run("true")
    wait_for(lambda: observed(engine, other), what="the events to be read")
    assert (observed(engine, container).state, observed(engine, container).stopped_by_person) == (TargetState.EXITED, False)
    assert engine.has_stopped(container)


def test_a_stop_some_time_after_a_restart_that_may_never_have_begun_is_a_persons(docker: Docker, engine: DockerEngine) -> None:
    container = docker.run(*STOPS_AT_ONCE)
    engine.adopt(container, clock.now() - timedelta(seconds=5), 10)
    follow(engine)
    docker.cli("stop", container)
    wait_for(lambda: observed(engine, container).stopped_by_person, what="the person's stop")
    assert not engine.has_stopped(container)


# What does not fit


def test_one_odd_container_does_not_end_the_view_of_all(docker: Docker, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its last facts, a new one is left out, and to look at it is an error that a heal can bear."""
    known, fine = docker.run(*STOPS_AT_ONCE), docker.run(*STOPS_AT_ONCE)
    before = observed(engine, known)
    inspect = Client.inspect_container
    odd = {known}
    monkeypatch.setattr(Client, "inspect_container", lambda client, one: {"Id": one, "Name": "/odd"} if one in odd else inspect(client, one))
    docker.cli("restart", "--time", "0", known)
    odd.add(docker.run(*STOPS_AT_ONCE))
    seen = {target.incarnation.target_id: target for target in engine.observe()}
    assert seen[known].incarnation == before.incarnation
    assert fine in seen
    assert not (odd - {known}) & seen.keys()
    with pytest.raises(EngineError, match="what Docker says of odd is not understood"):
        engine.look(known)
    assert engine.reachable_since is not None


def test_one_odd_row_does_not_end_the_view_of_all(docker: Docker, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list may hold surprises too."""
    fine = docker.run(*STOPS_AT_ONCE)
    listing = Client.containers
    monkeypatch.setattr(Client, "containers", lambda client, **options: [{"Names": ["/odd"]}, None, *listing(client, **options)])
    assert observed(engine, fine).state is TargetState.RUNNING


def test_a_look_that_has_no_time_for_all_says_so(docker: Docker, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one goes on where it ended."""
    made = {docker.run(*STOPS_AT_ONCE), docker.run(*STOPS_AT_ONCE)}
    monkeypatch.setattr("healthmon.heal.docker_inspections.BEGIN_FOR_S", 0.0001)
    first = engine.observe()
    assert engine.is_behind
    assert not made <= {target.incarnation.target_id for target in first}
    monkeypatch.undo()
    assert made <= {target.incarnation.target_id for target in engine.observe()}
    assert not engine.is_behind


# How it stays in touch


def test_an_event_wakes_within_a_second(docker: Docker, engine: DockerEngine) -> None:
    """A crash is known at once, and close ends the thread at once."""
    wakes = follow(engine)
    container = docker.run(*STOPS_AT_ONCE)
    observed(engine, container)
    before = wakes.count
    docker.begin("kill", container).wait(10)
    wait_for(lambda: wakes.count > before, timeout_s=1, what="the event")
    assert engine._follower is not None
    begun = time.monotonic()
    engine.close()
    assert time.monotonic() - begun < 1
    assert not engine._follower._thread.is_alive()


def test_what_nobody_uses_wakes_nobody_and_is_seen_with_everything_else(docker: Docker, engine: DockerEngine) -> None:
    """Containers that come and go beside those of services cost no look of their own."""
    ours, other = docker.run(*STOPS_AT_ONCE), docker.run(*STOPS_AT_ONCE)
    before = observed(engine, ours).incarnation, observed(engine, other).incarnation
    follow(engine)
    engine.observe()
    engine.heed({ours}, {other}, new=False)
    docker.cli("restart", "--time", "0", other)
    docker.cli("restart", "--time", "0", ours)
    seen: dict[str, Target] = {}

    def glanced() -> bool:
        glimpse = engine.glance()
        seen.update({} if glimpse is None else {one.incarnation.target_id: one for one in glimpse.targets})
        return ours in seen and seen[ours].incarnation != before[0]

    wait_for(glanced, what="ours, started anew")
    assert other not in seen
    assert observed(engine, other).incarnation != before[1]


def test_a_silent_stream_is_opened_again_and_misses_nothing(docker: Docker, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is how a dead stream looks: it is replaced, and what the next one repeats is no news."""
    calls = [(method, path, 0.2 if path == "/events" else read_s) for method, path, read_s in _calls()]
    monkeypatch.setattr("healthmon.heal.docker_client._CALLS", calls)
    opened: list[int] = []
    open_stream = engine._open_stream
    monkeypatch.setattr(engine, "_open_stream", lambda since: opened.append(1) or open_stream(since))  # type: ignore[func-returns-value]
    noted = spy_on_events(engine, monkeypatch)
    container = docker.run(*IGNORES_TERM)
    follow(engine)
    wait_for(lambda: len(opened) > 3, what="new streams")
    news = [event.key for event, is_new in noted if is_new]
    assert len(news) == len(set(news))
    stopping = docker.begin("stop", "--time", "5", container)
    wait_for(lambda: observed(engine, container).stopped_by_person, what="the mark")
    docker.cli("kill", container)
    stopping.wait(10)


def spy_on_events(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Event, bool]]:
    """Return a list that grows with every event and whether it was new."""
    noted: list[tuple[Event, bool]] = []
    note = engine._memory.note

    def spy(event: Event) -> bool:
        is_new = note(event)
        noted.append((event, is_new))
        return is_new

    monkeypatch.setattr(engine._memory, "note", spy)
    return noted


def _calls() -> tuple[tuple[str, str, float | None], ...]:
    from healthmon.heal import docker_client  # noqa: PLC0415  the table that the test shortens

    return docker_client._CALLS


def test_making_an_engine_asks_nothing() -> None:
    """A host without Docker starts as fast as any."""
    with engine_of(host="unix:///nowhere/docker.sock") as engine:
        assert engine.reachable_since is None


def test_an_absent_engine_is_named_with_its_remedy(tmp_path: Path) -> None:
    """No socket, a file that is none, a socket that nobody listens at, a version that is too old, ssh."""
    silent = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(silent))
    (tmp_path / "file").write_text("")
    for host, remedy in (
        (f"unix://{tmp_path}/none.sock", r"no Docker socket at .*/none\.sock: is Docker installed and running\?"),
        (f"unix://{tmp_path}/file", "nothing listens at .*/file: start Docker"),
        (f"unix://{silent}", r"nothing listens at .*/silent\.sock: start Docker"),
        ("tcp://127.0.0.1:1", "127.0.0.1:1"),
        ("ssh://somewhere", "run an agent on that host instead"),
        ("nonsense://x", "Invalid bind address"),
    ):
        with engine_of(host=host) as engine:
            with pytest.raises(EngineUnreachableError, match=remedy):
                engine.observe()
            with pytest.raises(EngineUnreachableError):
                engine.carry_out(RESTART, "0" * 64, 1)
            assert engine.reachable_since is None


def test_a_return_is_told_apart_from_the_first_contact(docker: Docker, tmp_path: Path) -> None:
    """After an absence everything has to settle; at our own start it has not."""
    path = tmp_path / "docker.sock"
    path.symlink_to("/var/run/docker.sock")
    container = docker.run(*STOPS_AT_ONCE)
    with engine_of(host=f"unix://{path}") as engine:
        engine.observe()
        first = engine.reachable_since
        assert first is not None
        assert engine.returned_at is None
        path.unlink()
        with pytest.raises(EngineUnreachableError, match="no Docker socket"):
            engine.observe()
        assert engine.reachable_since is None
        path.symlink_to("/var/run/docker.sock")
        assert observed(engine, container).state is TargetState.RUNNING
        assert engine.returned_at == engine.reachable_since
        assert engine.returned_at is not None
        assert engine.returned_at >= first


def test_looks_alone_tell_of_an_absence_too(docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that froze with our restart in its hands is only looked at: its return must be noticed by that."""
    monkeypatch.setattr("healthmon.heal.docker_client._CALLS", [(method, path, 0.3) for method, path, _ in _calls()])
    path, frozen = tmp_path / "docker.sock", tmp_path / "frozen.sock"
    path.symlink_to("/var/run/docker.sock")
    container = docker.run(*STOPS_AT_ONCE)
    with engine_of(host=f"unix://{path}") as engine, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(frozen))
        listening.listen()  # and never answers
        engine.look(container)
        assert (engine.reachable_since is None, engine.returned_at) == (False, None)
        path.unlink()
        path.symlink_to(frozen)
        with pytest.raises(EngineUnreachableError, match="overloaded or frozen"):
            engine.look(container)
        assert engine.reachable_since is None
        path.unlink()
        path.symlink_to("/var/run/docker.sock")
        engine.look(container)
        assert engine.returned_at == engine.reachable_since
        assert engine.returned_at is not None


def test_one_container_that_hangs_is_no_absence_of_the_engine(docker: Docker, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others' restarts would have to wait for it to settle."""
    container = docker.run(*STOPS_AT_ONCE)
    engine.look(container)

    def hang(_target_id: str) -> Container:
        raise UnansweredError("too slow")

    monkeypatch.setattr(engine, "_inspect", hang)
    with pytest.raises(EngineUnreachableError, match="too slow"):
        engine.look(container)
    assert (engine.reachable_since is None, engine.returned_at) == (False, None)


def test_a_connection_lost_by_another_thread_is_still_returned(docker: Docker) -> None:
    """Whoever asked for it gets an error of its own from it, not a None."""

    class Losing(DockerEngine):
        """Loses every connection in the moment in which it is made."""

        @property
        def _api(self) -> Client | None:
            return None

        @_api.setter
        def _api(self, _made: Client | None) -> None:
            """Another thread was faster."""

    container = docker.run(*STOPS_AT_ONCE)
    losing = Losing(Log("test"), environment={})
    assert losing.look(container).state is TargetState.RUNNING


def test_the_event_stream_survives_an_absence(docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread waits for the engine, and the healer is woken when it can look again."""
    monkeypatch.setattr("healthmon.heal.docker_follower.UNREACHABLE_PAUSE_S", 0.1)
    path = tmp_path / "docker.sock"
    with engine_of(host=f"unix://{path}") as engine:
        wakes = Wakes()
        engine.events(wakes)
        assert wakes.count == 0
        path.symlink_to("/var/run/docker.sock")
        wait_for(lambda: wakes.count, what="the return")
        container = docker.run("true")
        wait_for(lambda: observed(engine, container).state is TargetState.EXITED, what="its end")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b'{"ApiVersion":"1.20","MinAPIVersion":"1.12"}', r"speaks API 1\.20: healthmon needs 1\.24, upgrade Docker"),
        (b'{"ApiVersion":"1.60","MinAPIVersion":"1.55"}', r"no API older than 1\.55: healthmon knows 1\.51, upgrade healthmon"),
        (b"<html>", "no answer from Docker"),
    ],
)
def test_an_engine_without_a_common_version_is_refused_plainly(answer: bytes, text: str, tmp_path: Path) -> None:
    """The versions are named, and who has to be upgraded."""
    with _answering(tmp_path / "old.sock", answer), engine_of(host=f"unix://{tmp_path}/old.sock") as engine, pytest.raises(EngineUnreachableError, match=text):
        engine.observe()


@contextmanager
def _answering(path: Path, *bodies: bytes) -> Iterator[None]:
    """Listen at `path`; give one request after the other its answer, and hang up on those that are left over."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=_serve, args=(listening, list(bodies)))
        thread.start()
        yield
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _serve(listening: socket.socket, bodies: list[bytes]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return  # shut down
        with connection:
            if connection.recv(65_536) and bodies:
                body = bodies.pop(0)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body))


def test_an_engine_that_hangs_up_on_a_restart_leaves_it_unknown(tmp_path: Path) -> None:
    """The request was sent, so it may happen."""
    path = tmp_path / "cut.sock"
    with _answering(path, b'{"ApiVersion":"1.41"}'), engine_of(host=f"unix://{path}") as engine, pytest.raises(EngineUnknownError):
        engine.carry_out(RESTART, "0" * 64, 1)


VERSION = b'{"ApiVersion":"1.41"}'


@pytest.mark.parametrize(
    "bodies",
    [
        (b"null",),
        (b"[1]",),
        (b'{"ApiVersion":1.41}',),
        (VERSION, b"null"),
        (VERSION, b"5"),
        (VERSION, b'{"Id":"0"}'),
        (VERSION, b"[1, null]"),
        (VERSION, b'[{"Id":5}]'),
        (VERSION, b'[{"Id":"../images"}]'),
    ],
)
def test_what_no_engine_says_is_an_engine_that_is_not_there(bodies: tuple[bytes, ...], tmp_path: Path) -> None:
    """Not a host without containers, and no bug of ours."""
    with _answering(tmp_path / "odd.sock", *bodies), engine_of(host=f"unix://{tmp_path}/odd.sock") as engine, pytest.raises(EngineUnreachableError):
        engine.observe()


@contextmanager
def _speaking(path: Path, *pieces: bytes, pause_s: float = 0.0) -> Iterator[None]:
    """Listen at `path`, and send these pieces as the answer to every request."""
    closing = threading.Event()

    def speak(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if connection.recv(65_536):
                for piece in pieces:
                    connection.sendall(piece)
                    if closing.wait(pause_s):
                        return

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=speak, args=(listening.accept()[0],), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=accept)
        thread.start()
        yield
        closing.set()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("at_once", [0, len(HEAD) + 3], ids=["head", "body"])
def test_an_answer_that_drips_ends_when_its_time_is_over(at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("healthmon.heal.docker_client._CALLS", [(method, path, 0.6) for method, path, _ in _calls()])
    answer = HEAD + VERSION + bytes(1_000)
    dripping = (answer[:at_once], *(answer[number : number + 1] for number in range(at_once, len(answer))))
    with _speaking(tmp_path / "slow.sock", *dripping, pause_s=0.05), engine_of(host=f"unix://{tmp_path}/slow.sock") as engine:
        begun = time.monotonic()
        with pytest.raises(EngineUnreachableError, match="overloaded or frozen"):
            engine.observe()
        assert 0.5 < time.monotonic() - begun < 2


def test_an_answer_without_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("healthmon.heal.docker_answer.MAX_ANSWER_BYTES", 100_000)
    with _speaking(tmp_path / "huge.sock", HEAD, *[bytes(10_000)] * 20), engine_of(host=f"unix://{tmp_path}/huge.sock") as engine:
        with pytest.raises(EngineUnreachableError, match="far more than Docker has to say"):
            engine.observe()
        assert engine.reachable_since is None


def test_an_event_without_end_is_not_kept_and_ends_its_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("healthmon.heal.docker_answer.MAX_EVENT_BYTES", 100_000)
    event = b'{"Action": "die", "id": "x", "time": 1}\n'
    pieces = (HEAD, VERSION[:-1], b"}\n", event, *[bytes(10_000)] * 20)
    with _speaking(tmp_path / "huge.sock", *pieces), engine_of(host=f"unix://{tmp_path}/huge.sock") as engine:
        engine._connection._api = engine._connection._new_client("1.41")
        assert [seen.action for seen in engine._open_stream(clock.now())] == ["die"]


def test_an_engine_that_fails_at_its_events_is_asked_again_soon(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in trouble, and forbids nothing; until it tells them, nothing is touched."""
    container = docker.run(*STOPS_AT_ONCE)
    monkeypatch.setattr("healthmon.heal.docker_follower.UNREACHABLE_PAUSE_S", 0.05)
    with monkeypatch.context() as trouble, engine_of() as engine:
        _answer_events_with(trouble, 503)
        follow(engine)
        assert observed(engine, container).untouchable == "no_events"
        assert engine.returned_at is None
        trouble.undo()
        wait_for(lambda: observed(engine, container).untouchable == "", timeout_s=5, what="events")


def _answer_events_with(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    real = requests.Session.send

    def answer(self: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        response = real(self, request, **kwargs)
        if "/events" in str(request.url):
            response.status_code = status
        return response

    monkeypatch.setattr(requests.Session, "send", answer)


@pytest.mark.parametrize("label", ["signal=SIGRTMIN+x", "signal=HUP", "exitCode=many"])
def test_a_label_over_an_events_attributes_hides_no_stop(docker: Docker, engine: DockerEngine, label: str) -> None:
    follow(engine)
    container = docker.run(*STOPS_AT_ONCE, options=("--label", label))
    docker.cli("stop", container)
    wait_for(lambda: observed(engine, container).stopped_by_person, what="the person's stop")
    assert engine.returned_at is None


def test_without_events_nothing_may_be_touched(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket proxy may forbid them; as soon as it does not any more, all is as before."""
    container = docker.run(*STOPS_AT_ONCE)
    monkeypatch.setattr("healthmon.heal.docker_follower.REFUSED_PAUSE_S", 0.05)
    with monkeypatch.context() as proxy, engine_of() as engine:
        _answer_events_with(proxy, 403)
        follow(engine)
        assert observed(engine, container).untouchable == "no_events"
        assert engine.look(container).untouchable == "no_events"
        assert engine.returned_at is None
        proxy.undo()
        wait_for(lambda: observed(engine, container).untouchable == "", what="events")


def test_a_rename_wakes(docker: Docker, engine: DockerEngine) -> None:
    container = docker.run(*STOPS_AT_ONCE)
    wakes = follow(engine)
    time.sleep(0.3)  # what came before it
    before = wakes.count
    docker.cli("rename", container, docker.name())
    wait_for(lambda: wakes.count > before, what="the event")
