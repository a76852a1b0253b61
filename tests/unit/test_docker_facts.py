"""What do the engine's words say of a container?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from healthmon.heal.docker_events import UNKNOWN_SIGNAL, read_event
from healthmon.heal.docker_facts import read_container, row_key
from healthmon.heal.docker_stops import OwnRestart, Remembered, Stop, own_restart
from healthmon.heal.docker_target import finish
from healthmon.heal.docker_words import read_signal, read_time
from healthmon.heal.own_container import own_container_ids
from healthmon.model.target import Target, TargetHealth, TargetState

NOTHING_REMEMBERED = Remembered()

ID = "036dbb132cf35658a040c2ccbbf96bf8c51abe9c968d386b0d39e2ef5228bd8c"
NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
STARTED = "2026-11-22T09:00:00.586133793Z"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def inspect(state: dict[str, Any] | None = None, config: dict[str, Any] | None = None, host: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    """An answer of Engine 20.10, cut down to what is read."""
    running = {"Status": "running", "Running": True, "Paused": False, "Restarting": False, "StartedAt": STARTED}
    return {
        "Id": ID,
        "Name": "/shop-api-1",
        "Image": "sha256:1",
        "RestartCount": 0,
        "State": {**running, "FinishedAt": "0001-01-01T00:00:00Z", "ExitCode": 0, "Error": "", "OOMKilled": False, **(state or {})},
        "Config": {"Labels": None, **(config or {})},
        "HostConfig": {"RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "AutoRemove": False, "PortBindings": {}, **(host or {})},
        "NetworkSettings": {"Ports": {}},
        **top,
    }


def target(raw: dict[str, Any], *, remembered: Remembered = NOTHING_REMEMBERED, own_ids: tuple[str, ...] = ()) -> Target:
    return finish(read_container(raw, own_ids=own_ids, now=NOW), remembered, now=NOW)


def test_the_plain_facts_are_taken_over() -> None:
    """Names lose their slash, times become UTC, labels become Compose's words."""
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "api", "com.docker.compose.config-hash": "abc"}
    raw = inspect(
        {"ExitCode": 137, "OOMKilled": True, "Error": "no such device"},
        {"Labels": labels, "StopTimeout": 60},
        {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 4}},
        RestartCount=3,
    )
    found = target(raw)
    assert (found.name, found.image_id, found.compose_project, found.compose_service, found.config_hash) == ("shop-api-1", "sha256:1", "shop", "api", "abc")
    assert (found.exit_code, found.oom_killed, found.error, found.restart_count) == (137, True, "no such device", 3)
    assert (found.restart_policy, found.restart_limit, found.stop_timeout_s) == ("on-failure", 4, 60)
    assert (found.incarnation.target_id, found.incarnation.started) == (ID, STARTED)
    assert found.started_at == datetime(2026, 11, 22, 9, 0, 0, 586133, tzinfo=UTC)


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        ({"Running": True, "Restarting": True, "Paused": True}, TargetState.PAUSED),
        ({"Running": True, "Restarting": True}, TargetState.RESTARTING),
        ({"Running": True}, TargetState.RUNNING),
        ({"Status": "exited", "Running": False}, TargetState.EXITED),
        ({"Status": "created", "Running": False}, TargetState.CREATED),
        ({"Status": "dead", "Running": False}, TargetState.DEAD),
        ({"Status": "removing", "Running": False}, TargetState.REMOVING),
        ({"Status": "stopped", "Running": False}, TargetState.EXITED),  # Podman's word
    ],
)
def test_paused_wins_over_restarting_over_running(flags: dict[str, Any], state: TargetState) -> None:
    """The engine's flags overlap."""
    assert target(inspect(flags)).state is state


@pytest.mark.parametrize(("configured", "seconds"), [(None, 10), (0, 0), (45, 45), (-1, 600), (3600, 600)])
def test_the_stop_timeout_is_the_containers_own_and_bounded(configured: int | None, seconds: int) -> None:
    """Without one it is the engine's ten seconds; -1 means for ever, which no healer waits."""
    assert target(inspect(config={"StopTimeout": configured})).stop_timeout_s == seconds


@pytest.mark.parametrize(
    ("host", "labels", "own_ids", "why"),
    [
        ({}, {}, (), ""),
        ({"AutoRemove": True}, {}, (), "auto_remove"),
        ({}, {"com.docker.swarm.task.id": "t"}, (), "swarm_task"),
        ({}, {"com.docker.compose.oneoff": "True"}, (), "one_off"),
        ({}, {"com.docker.compose.oneoff": "False"}, (), ""),
        ({"AutoRemove": True}, {}, (ID[:12],), "ourselves"),
        ({}, {}, (ID,), "ourselves"),
        ({}, {}, ("036dbb132cf4",), ""),
    ],
)
def test_some_containers_are_never_touched(host: dict[str, Any], labels: dict[str, str], own_ids: tuple[str, ...], why: str) -> None:
    """Swarm replaces its own, one-offs end by themselves, a restart removes others, and nobody restarts himself."""
    assert target(inspect(config={"Labels": labels}, host=host), own_ids=own_ids).untouchable == why


@pytest.mark.parametrize(
    ("host_ip", "ports"),
    [("0.0.0.0", (8080,)), ("::", (8080,)), ("", (8080,)), ("127.0.0.1", (8080,)), ("192.0.2.7", ())],
)
def test_ports_are_those_that_this_host_reaches(host_ip: str, ports: tuple[int, ...]) -> None:
    """A port bound to one outside address is not what localhost names."""
    published = {"80/tcp": [{"HostIp": host_ip, "HostPort": "8080"}], "53/udp": [{"HostIp": "", "HostPort": "53"}], "90/tcp": None}
    assert target(inspect(NetworkSettings={"Ports": published})).published_ports == ports


def test_a_stopped_container_keeps_the_ports_it_was_given() -> None:
    """What it publishes when it runs again; a port that the engine chooses has no number."""
    bindings = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "81/tcp": [{"HostIp": "", "HostPort": ""}], "82/tcp": [{"HostIp": "", "HostPort": "0"}]}
    assert target(inspect({"Running": False, "Status": "exited"}, host={"PortBindings": bindings})).published_ports == (8080,)


def health_state(status: str, *, streak: int, exit_code: int, age_s: float) -> dict[str, Any]:
    return {"Health": {"Status": status, "FailingStreak": streak, "Log": [{"ExitCode": exit_code, "End": ago(age_s).isoformat()}]}}


@pytest.mark.parametrize(
    ("state", "health"),
    [
        pytest.param({}, TargetHealth.NONE, id="no health check"),
        pytest.param({"Health": {"Status": "", "Log": None}}, TargetHealth.NONE, id="Podman's empty one"),
        pytest.param({"Health": {"Status": "starting", "FailingStreak": 0, "Log": []}}, TargetHealth.STARTING, id="starting"),
        pytest.param(health_state("healthy", streak=0, exit_code=0, age_s=20), TargetHealth.HEALTHY, id="healthy"),
        pytest.param(health_state("unhealthy", streak=3, exit_code=1, age_s=20), TargetHealth.UNHEALTHY, id="unhealthy"),
        pytest.param(health_state("unhealthy", streak=0, exit_code=1, age_s=20), TargetHealth.UNKNOWN, id="T05 no failed check"),
        pytest.param(health_state("unhealthy", streak=3, exit_code=0, age_s=20), TargetHealth.UNKNOWN, id="T05 the last check was good"),
        pytest.param(health_state("healthy", streak=0, exit_code=0, age_s=91), TargetHealth.UNKNOWN, id="T07 the monitor is dead"),
        pytest.param(health_state("unhealthy", streak=3, exit_code=1, age_s=91), TargetHealth.UNKNOWN, id="T07 unhealthy too"),
        pytest.param({**health_state("unhealthy", streak=3, exit_code=1, age_s=9), "Paused": True}, TargetHealth.NONE, id="T06 paused"),
        pytest.param({**health_state("unhealthy", streak=3, exit_code=1, age_s=9), "Running": False}, TargetHealth.NONE, id="not running"),
    ],
)
def test_health_is_taken_over_where_it_is_a_verdict(state: dict[str, Any], health: TargetHealth) -> None:
    """The engine says unhealthy when it stops looking, and goes on saying healthy when its monitor has died."""
    assert target(inspect(state)).health is health


def test_a_slow_health_check_is_trusted_for_longer() -> None:
    """Three intervals, or one interval and the check's own time."""
    minute = 60 * 10**9
    state = health_state("healthy", streak=0, exit_code=0, age_s=170)
    assert target(inspect(state, {"Healthcheck": {"Interval": minute}})).health is TargetHealth.HEALTHY
    assert target(inspect(state, {"Healthcheck": {"Interval": minute // 2, "Timeout": 2 * minute}})).health is TargetHealth.HEALTHY


def stops(*stops: Stop, own: tuple[OwnRestart, ...] = ()) -> Remembered:
    return Remembered(stops=stops, own_restarts=own)


EXITED = {"Status": "exited", "Running": False, "FinishedAt": ago(100).isoformat()}


@pytest.mark.parametrize(
    ("state", "config", "remembered", "by_person"),
    [
        pytest.param(EXITED, {}, stops(), False, id="a crash"),
        pytest.param(EXITED, {}, stops(Stop(signal=15, at=ago(102)), Stop(signal=0, at=ago(99))), True, id="T14 docker stop"),
        pytest.param(EXITED, {}, stops(Stop(signal=9, at=ago(101))), True, id="docker kill"),
        pytest.param({}, {}, stops(Stop(signal=15, at=ago(40))), True, id="T15 a stop under way"),
        pytest.param({}, {}, stops(Stop(signal=1, at=ago(40))), False, id="HUP is a reload"),
        pytest.param({}, {"StopSignal": "SIGUSR1"}, stops(Stop(signal=10, at=ago(40))), True, id="its own stop signal"),
        pytest.param({}, {"StopSignal": "SIGRTMIN+3"}, stops(Stop(signal=37, at=ago(40))), True, id="systemd's stop signal"),
        pytest.param({}, {}, stops(Stop(signal=3, at=ago(901))), False, id="a thread dump that it survived"),
        pytest.param(EXITED, {}, stops(Stop(signal=3, at=ago(1001))), False, id="a crash long after a thread dump"),
        pytest.param(EXITED, {}, stops(Stop(signal=15, at=ago(3700))), False, id="a stop of an earlier run"),
        pytest.param(EXITED, {}, stops(Stop(signal=15, at=ago(105)), own=(own_restart(ago(106), 10),)), False, id="our own restart"),
        pytest.param(EXITED, {}, stops(Stop(signal=15, at=ago(105)), own=(own_restart(ago(175), 10),)), False, id="at the end of our own restart"),
        pytest.param(EXITED, {}, stops(Stop(signal=15, at=ago(105)), own=(own_restart(ago(176), 10),)), True, id="after our own restart"),
    ],
)
def test_a_persons_stop_is_told_from_everything_else(state: dict[str, Any], config: dict[str, Any], remembered: Remembered, by_person: bool) -> None:  # noqa: FBT001
    """A stop since the last start that did not follow from a restart of ours."""
    assert target(inspect(state, config), remembered=remembered).stopped_by_person is by_person


@pytest.mark.parametrize(("text", "number"), [("15", 15), ("SIGTERM", 15), ("TERM", 15), ("sigkill", 9), ("SIGRTMIN+3", 37), ("", 0), (None, 0), ("NONSENSE", 0)])
def test_signals_are_read_in_every_spelling(text: str | None, number: int) -> None:
    """The engine writes numbers, people write names."""
    assert read_signal(text) == number


def test_times_are_read_as_the_engine_writes_them() -> None:
    """Nanoseconds are cut, offsets honoured, the year 1 is never."""
    assert read_time("2026-11-22T09:51:45.586133793Z") == datetime(2026, 11, 22, 9, 51, 45, 586133, tzinfo=UTC)
    assert read_time("2026-11-22T04:51:45.5-05:00") == datetime(2026, 11, 22, 9, 51, 45, 500000, tzinfo=UTC)
    assert (read_time("0001-01-01T00:00:00Z"), read_time(None)) == (None, None)


def test_an_event_is_read_with_its_signal() -> None:
    """The action of a health event carries its verdict behind a colon."""
    event = read_event({"Type": "container", "Action": "kill", "Actor": {"ID": ID, "Attributes": {"signal": "15"}}, "time": 1795341113, "timeNano": 1795341113594391518})
    assert event is not None
    assert (event.target_id, event.action, event.signal, event.at.year) == (ID, "kill", 15, 2026)
    health = read_event({"Action": "health_status: unhealthy", "Actor": {"ID": ID}, "timeNano": 1})
    assert health is not None
    assert health.action == "health_status"
    assert read_event({"Action": "prune", "Actor": {}}) is None


def test_a_row_of_the_list_changes_with_state_health_name_and_start_but_not_with_age() -> None:
    """Fifty idle containers cost one list."""

    def row(status: str, *, state: str = "running", name: str = "/a", endpoint: str = "1") -> dict[str, Any]:
        return {"State": state, "Status": status, "Names": [name], "NetworkSettings": {"Networks": {"bridge": {"EndpointID": endpoint}}}}

    first = row_key(row("Up 5 seconds (healthy)"))
    assert row_key(row("Up 2 days (healthy)")) == first
    others = [row("Up 5 seconds (unhealthy)"), row("Up 5 seconds (healthy)", name="/b"), row("Up 5 seconds (healthy)", endpoint="2"), row("Exited (1) 5 seconds ago", state="exited")]
    assert all(row_key(other) != first for other in others)


def test_our_own_container_is_known_inside_one_and_none_on_a_host() -> None:
    """A host's mounts name every container; only that of /etc/hostname is ours."""
    shm = f"30 25 0:50 / /var/lib/docker/containers/{ID}/mounts/shm rw - tmpfs shm rw"
    assert own_container_ids(hostname="db1", cgroup="0::/system.slice/healthmon.service", mountinfo=shm) == frozenset()
    mounted = f"31 25 254:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/vda1 rw"
    assert own_container_ids(hostname="db1", cgroup="0::/", mountinfo=mounted) == {ID}
    assert own_container_ids(hostname="db1", cgroup=f"9:cpu:/docker/{ID}", mountinfo="") == {ID}
    assert own_container_ids(hostname=ID[:12], cgroup="", mountinfo="") == {ID[:12]}


@pytest.mark.parametrize(
    ("action", "said", "number"),
    [
        ("kill", "15", 15),
        ("kill", "SIGRTMIN+x", UNKNOWN_SIGNAL),
        ("kill", "9" * 5_000, UNKNOWN_SIGNAL),
        ("kill", None, UNKNOWN_SIGNAL),
        ("stop", "HUP", 0),
        ("start", "SIGRTMIN+x", 0),
    ],
)
def test_a_label_cannot_break_an_event(action: str, said: str | None, number: int) -> None:
    """The engine writes a container's labels over an event's attributes."""
    event = read_event({"Action": action, "Actor": {"ID": ID, "Attributes": {"signal": said, "exitCode": "x"}}, "timeNano": 1})
    assert event is not None
    assert event.signal == number


def test_a_kill_whose_signal_a_label_hides_is_a_stop() -> None:
    killed = stops(Stop(signal=1, at=ago(1)))
    assert not target(inspect(), remembered=killed).stopped_by_person
    assert target(inspect(config={"Labels": {"signal": "HUP"}}), remembered=killed).stopped_by_person
    assert target(inspect(), remembered=stops(Stop(signal=UNKNOWN_SIGNAL, at=ago(1)))).stopped_by_person


DOUBTED = OwnRestart(since=ago(60), until=ago(-10), begins_by=ago(57))


@pytest.mark.parametrize(
    ("found", "returned_s_ago", "by_person"),
    [
        ([(15, 59), (9, 49), (0, 48)], None, False),  # ours, from its begin to its end
        ([(15, 40), (0, 39)], None, True),  # ours never reached the engine
        ([(15, 59), (15, 40)], None, True),  # a second one is a person's
        ([(15, 40), (9, 30), (0, 29)], 39, False),  # the engine was frozen, and made it when it came back
        ([(15, 20), (0, 19)], 39, True),
    ],
)
def test_a_stop_long_after_a_doubtful_call_is_a_persons(found: list[tuple[int, float]], returned_s_ago: float | None, by_person: bool) -> None:  # noqa: FBT001
    remembered = replace(
        stops(*(Stop(signal=number, at=ago(age_s)) for number, age_s in found), own=(DOUBTED,)),
        engine_returned_at=None if returned_s_ago is None else ago(returned_s_ago),
    )
    exited = inspect({"Running": False, "Status": "exited", "FinishedAt": ago(15).isoformat()})
    assert target(exited, remembered=remembered).stopped_by_person is by_person
