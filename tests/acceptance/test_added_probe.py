"""A package of somebody else's adds a kind of probe, as the README shows it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hostile import Server

if TYPE_CHECKING:
    import socket

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
[SOURCE] = re.findall(r"```python\n(# redis_probe\.py.*?)```", README, re.DOTALL)
[ENTRY] = re.findall(r"```toml\n(\[project\.entry-points.*?)```", README, re.DOTALL)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """As pip installs it: the module beside its metadata."""
    (tmp_path / "redis_probe.py").write_text(SOURCE)
    metadata = tmp_path / "redis_probe-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: redis-probe\nVersion: 1\n")
    [(name, value)] = re.findall(r'^(\w+) = "(.*)"$', ENTRY, re.MULTILINE)
    (metadata / "entry_points.txt").write_text(f"[healthmon.probes]\n{name} = {value}\n")
    return tmp_path


def probe(directory: Path, port: int, *, search: str, **service: object) -> subprocess.CompletedProcess[str]:
    config = directory / "config.json"
    services = [{"name": "cache", "type": "redis", "url": f"redis://127.0.0.1:{port}", **service}]
    config.write_text(json.dumps({"data_dir": str(directory), "services": services}))
    command = [sys.executable, "-m", "healthmon", "--config", str(config), "probe", "cache", "--json"]
    path = os.pathsep.join([str(Path(__file__).parents[2]), search])
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)


def pongs(connection: socket.socket, _server: Server) -> None:
    """Answer as Redis does."""
    asked = connection.recv(100)
    connection.sendall(b"+PONG\r\n" if asked == b"PING\r\n" else b"-ERR unknown command\r\n")


def test_it_is_short() -> None:
    assert len(SOURCE.splitlines()) < 40


def test_its_kind_is_asked_with_its_options(package: Path) -> None:
    with Server(pongs) as server:
        told = probe(package, server.port, search=str(package), options={"ping": "PING"})
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout)["status"] == "healthy"
        told = probe(package, server.port, search=str(package), options={"ping": "NONSENSE"})
    assert (told.returncode, json.loads(told.stdout)["reason"]) == (1, "body")


def test_without_the_package_the_configuration_is_refused(package: Path) -> None:
    told = probe(package, 1, search="")
    assert told.returncode == 2
    assert "must be one of http, tcp, tls, command, process, host, docker, or what an installed package adds; no package adds 'redis'" in told.stderr


def test_a_package_that_is_broken_says_so_and_is_nobodys_fault_but_its_own(package: Path) -> None:
    (package / "redis_probe.py").write_text("raise RuntimeError('no such luck')\n")
    told = probe(package, 1, search=str(package))
    assert (told.returncode, json.loads(told.stdout)["status"]) == (1, "unknown")
    assert "no such luck" in told.stdout
