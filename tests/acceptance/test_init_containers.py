"""Does `healthmon init` write what runs in real containers here, so that the file works as it is?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon import config as configuration
from tests.typing_commands import type_command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.containers import Docker

SERVES = ("sh", "-c", "mkdir -p /www && echo well > /www/health && exec httpd -f -p 80 -h /www")


def test_a_container_that_answers_is_asked_where_it_publishes_its_port(docker: Docker, tmp_path: Path) -> None:
    name = docker.name()
    docker.run(*SERVES, options=("--network", docker.network(), "--publish", "127.0.0.1::80"), name=name)
    port = docker.inspect(name)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    written = type_command(tmp_path, "init", "mine.json")
    assert written.returncode == 0, written.stderr
    [mine] = [one for one in configuration.load(tmp_path / "mine.json").services if one.container == name]
    assert mine.url == f"http://localhost:{port}/health"
    assert f"{mine.name:<24}{mine.url}\n" in written.stdout
    looked = type_command(tmp_path, "--config", "mine.json", "probe", mine.name)
    assert looked.returncode == 0, looked.stderr
