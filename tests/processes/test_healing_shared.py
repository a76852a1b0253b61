"""Healing on a real engine where containers hang together, loop, or are replaced: T18, T19, T25, T36 to T38 of the traps."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from healthmon.store import target_starts
from tests.containers import STOPS_AT_ONCE, Docker, Observer, wait_for
from tests.processes.heal_world import HealWorld
from tests.processes.test_docker_services import CHECKED, WELL, become_ill

if TYPE_CHECKING:
    from pathlib import Path


def a_service(name: str, container: str) -> dict[str, Any]:
    return {"name": name, "type": "docker", "container": container}


def in_network_of(docker: Docker, provider: str, *options: str) -> tuple[str, str]:
    name = docker.name()
    return name, docker.run(*WELL, options=("--network", f"container:{provider}", *options), name=name)


def test_who_shares_a_network_follows_its_provider_in_the_same_action(docker: Docker, observer: Observer, tmp_path: Path) -> None:
    """T36: after the provider is verified, watched or not, charged to nobody; the kernel shows that both are in one network again."""
    vpn = docker.name()
    provider = docker.run(*WELL, options=(*CHECKED,), name=vpn)
    watched_name, watched = in_network_of(docker, vpn)
    _, unwatched = in_network_of(docker, vpn)
    with closing(HealWorld(tmp_path, a_service("vpn", vpn), a_service("downloads", watched_name), max_restart_attempts=1)) as world:
        world.wait_until(lambda: {world.status("vpn"), world.status("downloads")} == {"healthy"}, what="first looks")
        become_ill(docker, provider)
        world.wait_until(lambda: sorted(world.states_of_heals()) == ["inconclusive", "verified", "verified"], what="all three", timeout_s=40)
        own, *others = world.heals()
        assert (own.follows, {heal.follows for heal in others}) == (None, {own.heal_id})
        assert all(heal.issued_at and own.closed_at and heal.issued_at >= own.closed_at for heal in others)
        assert {heal.incarnation.target_id for heal in others} == {watched, unwatched}
        world.wait_until(lambda: world.incident("vpn") is None, what="the end")
    assert [observer.restarts(one) for one in (provider, watched, unwatched)] == [1, 1, 1]
    assert len({network_of(docker, one) for one in (provider, watched, unwatched)}) == 1


def network_of(docker: Docker, container: str) -> str:
    return docker.cli("exec", container, "readlink", "/proc/self/ns/net")


def test_whose_provider_does_not_run_waits_for_it_and_whose_is_gone_needs_a_person(docker: Docker, observer: Observer, tmp_path: Path) -> None:
    """T38, then T37: a restart would stop it and could not start it again; no attempt is made, and an alert says what to do."""
    vpn = docker.name()
    provider = docker.run(*STOPS_AT_ONCE, name=vpn)
    name, sharer = in_network_of(docker, vpn, *CHECKED)
    with closing(HealWorld(tmp_path, a_service("downloads", name))) as world:
        world.wait_until(lambda: world.status("downloads") == "healthy", what="a first verdict")
        docker.cli("stop", provider)
        become_ill(docker, sharer)
        world.wait_until(lambda: "whose network it uses" in world.healing("downloads"), what="the wait")
        docker.cli("rm", "--force", provider)
        world.wait_until(lambda: "create it anew" in world.healing("downloads"), what="the call for a person")
        world.wait_until(lambda: "needs_recreate" in world.firing(), what="the alert")
        world.go_on_for(0.5)
        assert world.heals() == []
    assert observer.restarts(sharer) == 0
    assert docker.state(sharer) == "running"


def test_what_its_engine_starts_again_and_again_is_told_as_that_and_left_to_it(docker: Docker, observer: Observer, tmp_path: Path) -> None:
    """T25."""
    name = docker.name()
    looping = docker.run("sh", "-c", "sleep 0.3; exit 1", options=("--restart", "always"), name=name)
    with closing(HealWorld(tmp_path, a_service("worker", name) | {"confirmations": 0})) as world:
        world.wait_until(lambda: "crash_loop" in world.firing(), what="the alert", timeout_s=40)
        assert "does not stay up" in world.healing("worker")
        assert world.heals() == []
    assert observer.restarts(looping) == 0
    docker.cli("rm", "--force", looping)


def test_what_was_deployed_anew_is_left_alone_until_it_was_healthy_once(docker: Docker, observer: Observer, tmp_path: Path) -> None:
    """T18, T19: a migration must not be interrupted; once it has been well, it is healed as ever."""
    name = docker.name()
    old = docker.run(*WELL, options=CHECKED, name=name)
    with closing(HealWorld(tmp_path, a_service("store", name))) as world:
        world.wait_until(lambda: world.status("store") == "healthy", what="a first verdict")
        docker.cli("rm", "--force", old)
        new = docker.run(*STOPS_AT_ONCE, options=CHECKED, name=name)  # ill from its first check on
        world.wait_until(lambda: "was not healthy yet" in world.healing("store"), what="the wait")
        world.go_on_for(0.5)
        assert world.heals() == []
        docker.cli("exec", new, "touch", "/well")
        world.wait_until(lambda: world.status("store") == "healthy", what="the end of the migration")
        become_ill(docker, new)
        world.wait_until(lambda: "returned" in world.states_of_heals(), what="a heal")
    assert observer.restarts(new) == 1


def test_a_new_image_that_was_never_healthy_needs_a_person(docker: Docker, tmp_path: Path) -> None:
    """No restart mends a bad deploy."""
    name = docker.name()
    old = docker.run(*WELL, options=(*CHECKED, "--label", "com.docker.compose.config-hash=1"), name=name)
    with closing(HealWorld(tmp_path, a_service("store", name), first_healthy_hold_seconds=2)) as world:
        world.wait_until(lambda: world.status("store") == "healthy", what="a first verdict")
        docker.cli("rm", "--force", old)
        docker.run(*STOPS_AT_ONCE, options=(*CHECKED, "--label", "com.docker.compose.config-hash=2"), name=name)
        world.wait_until(lambda: "never_healthy" in world.firing(), what="the alert")
        assert "a new configuration" in world.healing("store")
        assert world.heals() == []


def test_how_long_a_start_takes_is_learned(docker: Docker, tmp_path: Path) -> None:
    """Of the starts that were seen: how long this one ran before we came says nothing."""
    name = docker.name()
    container = docker.run(*WELL, options=CHECKED, name=name)
    image = str(docker.inspect(container)["Image"])
    with closing(HealWorld(tmp_path, a_service("store", name))) as world:

        def known() -> list[float]:
            return target_starts.seconds_to_answer(world.connection, world.ids["store"], image)

        world.wait_until(lambda: world.status("store") == "healthy", what="a first verdict")
        assert known() == []
        docker.cli("restart", container)
        world.wait_until(lambda: bool(known()), what="a sample")
        assert 0.1 < known()[0] < 5
        wait_for(lambda: target_starts.awaited(world.connection) == {}, what="nothing to wait for")
