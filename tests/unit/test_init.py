"""What does a first configuration say of what was found? Whatever it is, healthmon can use the file."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from healthmon import config as configuration
from healthmon.cli.init_found import Found, asked, of_compose, of_containers, of_ports
from healthmon.cli.init_text import written
from healthmon.config_source import yaml_text
from healthmon.errors import UsageError
from healthmon.model.target import TargetHealth, TargetState
from tests.builders import a_target
from tests.typing_commands import type_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPOSE = """
name: shop
x-base: &base { restart: unless-stopped }
services:
  web:
    <<: *base
    ports: ["127.0.0.1:%d:80", "9999:99/udp", "${PORT}:81"]
    depends_on: [db, nothing]
    healthcheck: { test: ["CMD", "curl", "-f", "http://localhost:80/ready"] }
  db: { healthcheck: { test: ["CMD-SHELL", "pg_isready"] } }
  cache: { ports: [{ target: 6379, published: "16379" }], container_name: cache }
  worker: { depends_on: { db: { condition: service_healthy } } }
  nonsense: 3
"""


@contextmanager
def a_server(path: str) -> Iterator[int]:
    """Serve 200 at one path, and 404 everywhere else."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == path else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_compose_file_becomes_services_that_healthmon_can_use(tmp_path: Path) -> None:
    with a_server("/ready") as port:
        (tmp_path / "compose.yml").write_text(COMPOSE % port)
        told = type_command(tmp_path, "init", "--compose", "compose.yml", "mine.json")
    assert told.returncode == 0, told.stderr
    loaded = configuration.load(tmp_path / "mine.json")
    found = {one.name: (one.type, one.url, one.group, one.container or one.compose_service, one.depends_on) for one in loaded.services}
    assert found == {
        "web": ("http", f"http://localhost:{port}/ready", "shop", "web", ("db",)),
        "db": ("docker", "", "shop", "db", ()),
        "cache": ("tcp", "tcp://localhost:16379", "shop", "cache", ()),
        "worker": ("docker", "", "shop", "worker", ("db",)),
    }
    assert not loaded.self_healing.switched_on
    assert "did not answer" in (tmp_path / "mine.json").read_text()


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("mine")
    told = type_command(tmp_path, "init", "mine.json")
    assert (told.returncode, (tmp_path / "mine.json").read_text()) == (2, "mine")
    assert "exists already" in told.stderr


@pytest.mark.parametrize("text", ["services: [", "services: 3", "[]", "\x00", "services: {}"])
def test_what_is_no_compose_file_is_refused_and_nothing_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "compose.yml").write_text(text)
    told = type_command(tmp_path, "init", "--compose", "compose.yml", "mine.json")
    assert told.returncode == 2
    assert len(told.stderr.splitlines()) == 1
    assert not (tmp_path / "mine.json").exists()


def test_a_container_is_asked_where_it_answers_and_else_by_its_own_check() -> None:
    with a_server("/healthz") as port:
        running = a_target(name="shop-web-1", compose_project="shop", compose_service="web", published_ports=(port,))
        own = replace(running, name="db", compose_project="", compose_service="", published_ports=(1,), health=TargetHealth.HEALTHY)
        silent = replace(own, name="mail", health=TargetHealth.NONE)
        left_out = [replace(own, state=TargetState.EXITED), replace(own, untouchable="one_off")]
        found = asked(of_containers([running, own, silent, *left_out]))
    assert [(one.name, one.kind, one.url, one.answers) for one in found] == [
        ("db", "docker", "", True),
        ("mail", "tcp", "tcp://localhost:1", False),
        ("web", "http", f"http://localhost:{port}/healthz", True),
    ]


def test_a_port_of_a_container_is_not_found_twice() -> None:
    assert [one.name for one in of_ports({80: "nginx", 81: "", 82: "docker-proxy"}, taken=[82])] == ["nginx", "port-81"]


NAMES = [
    (("web", "a"), ("web", "b")),
    (("web", ""), ("web", "")),
    (("x" * 90, "y" * 90), ("x" * 90, "y" * 90)),
    (('a b/c"d', "ü ñ"), ("", "")),
    (("web", "a"), ("a-web", ""), ("web", "b")),
]


@pytest.mark.parametrize("names", NAMES)
def test_names_are_each_there_once_and_such_as_healthmon_takes(tmp_path: Path, names: tuple[tuple[str, str], ...]) -> None:
    file = tmp_path / "config.json"
    file.write_text(written([Found(name=name, group=group, container=f"c{number}") for number, (name, group) in enumerate(names)], "*/ host"))
    assert len(configuration.load(file).services) == len(names)


def test_a_file_with_aliases_of_aliases_costs_nothing() -> None:
    bomb = "a: &a [x]\n" + "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(20))
    assert of_compose(yaml_text.foreign(bomb), "p") == []
    with pytest.raises(UsageError):
        yaml_text.foreign("[" * 100_000)
