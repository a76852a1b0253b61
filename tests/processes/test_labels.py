"""Containers that ask by a label to be watched, on a real engine: they come and go without a restart of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from healthmon import applied
from healthmon.processes import configuring
from healthmon.store import services
from tests.containers import STOPS_AT_ONCE, Docker, Observer
from tests.processes.heal_world import HealWorld
from tests.processes.test_docker_services import CHECKED, WELL, become_ill

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def a_world(docker: Docker, path: Path, monkeypatch: pytest.MonkeyPatch) -> HealWorld:
    """One service of the file, and a label that no other test's containers have; the healer looks at everything often."""
    monkeypatch.setattr("healthmon.processes.healer.RECONCILE_S", 0.3)
    monkeypatch.setattr("healthmon.processes.healer.discovering.MISSED_FOR_S", 1.0)
    name = docker.name()
    docker.run(*STOPS_AT_ONCE, name=name)
    described = {"name": "page", "type": "docker", "container": name}
    world = HealWorld(path, described, settings={"discovery": {"label": f"healthmon.{docker.session}", "autoheal_labels": False}})
    file = path / "config.json"
    file.write_text(world.config.model_dump_json(include={"data_dir", "discovery", "self_healing"})[:-1] + f', "services": [{json.dumps(described)}], "alert_rules": []}}')
    for directory in (world.config.paths.runtime / "locks", world.config.paths.runtime / "doorbells"):
        directory.mkdir(parents=True, exist_ok=True)
    configuring.start(file, author="test", newest=0)
    return world


def follow(world: HealWorld) -> None:
    """What the loop of every process does when a configuration was applied."""
    present = applied.require(world.config.paths)
    config = present.load(world.config.paths)
    world.evaluator.follow(config)
    world.healer.follow(config)
    world.ids = {name: one.service_id for name, one in services.by_name(world.connection).items()}


def test_a_labelled_container_is_watched_healed_and_forgotten(docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world(docker, tmp_path, monkeypatch)
    observer = Observer(docker, tmp_path)
    try:
        world.wait_until(lambda: world.status("page") == "healthy", what="the service of the file")
        name = docker.name()
        container = docker.run(*WELL, options=(*CHECKED, "--label", f"healthmon.{docker.session}=true"), name=name)
        world.wait_until(lambda: applied.require(world.config.paths).discovered != (), what="the discovery")
        follow(world)
        assert services.by_name(world.connection)[name].group == "labelled"
        world.wait_until(lambda: world.status(name) == "healthy", what="its first verdict")
        assert world.status("page") == "healthy"
        become_ill(docker, container)
        world.wait_until(lambda: world.states_of_heals() == ["verified"], what="a heal")
        assert observer.restarts(container) == 1
        docker.cli("rm", "--force", container)
        world.wait_until(lambda: applied.require(world.config.paths).discovered == (), what="it to be missed for long enough")
        follow(world)
        assert name not in services.by_name(world.connection)
    finally:
        observer.close()
        world.close()
