"""The blocks of docs/HEALTH_MONITORING.md that need no systemd, run as they stand; `tools/document` runs all on a fresh machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from healthmon import config
from tests import needs
from tests.document import TOP, Block, blocks, configuration, example, script

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = [block for block in blocks() if block.is_command and not block.needs_a_host]
CONFIGURATIONS = [block for block in blocks() if block.is_configuration]
QUERY = re.compile(r'sqlite3 -readonly \S+ "(.*?)"', re.DOTALL)
QUERIES = [query for block in blocks() for query in QUERY.findall(block.text)]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody's checkout: the shipped configuration, in a hurry, and an editor that changes nothing."""
    directory = tmp_path_factory.mktemp("checkout")
    (directory / "config").mkdir()
    (directory / "bin").mkdir()
    text = (TOP / "config" / "health_monitoring_config.json").read_text()
    hasty = text.replace("{", '{ "retry_interval_seconds": 0.05, "web": { "enabled": false },', 1)
    (directory / "config" / "health_monitoring_config.json").write_text(hasty)
    for name, does in (("nano", "exit 0"), ("healthmon", f'exec {sys.executable} -P -m healthmon "$@"')):
        program = directory / "bin" / name
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    return directory


def run(checkout: Path, text: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HEALTHMON")}
    environment |= {"PATH": f"{checkout / 'bin'}:{environment['PATH']}", "PYTHONPATH": str(TOP)}
    return subprocess.run(["bash", "-c", text], cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_the_blocks_that_need_no_host_work_one_after_another(checkout: Path) -> None:
    needs.program("jq", package="jq")
    assert len(COMMANDS) >= 4
    for block in COMMANDS:
        done = run(checkout, script(block, follow_s=5))
        assert done.returncode == 0, f"{block.name}: {done.stdout}{done.stderr}"
        if "DEBUG" in block.text:
            assert "DEBUG once look service=interpreter" in done.stdout


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=lambda block: block.name)
def test_every_configuration_that_is_shown_can_be_used(tmp_path: Path, block: Block) -> None:
    (tmp_path / "c.json").write_text(configuration(block))
    config.load(tmp_path / "c.json")


def test_the_output_that_is_shown_has_the_keys_of_the_real_one(checkout: Path) -> None:
    done = run(checkout, "healthmon --config config/health_monitoring_config.json --once >/dev/null 2>&1; healthmon --config config/health_monitoring_config.json --dashboard")
    assert list(json.loads(done.stdout)["summary"]) == list(example())


def test_every_query_that_is_shown_is_answered(checkout: Path) -> None:
    sqlite3 = needs.program("sqlite3", package="sqlite3")
    run(checkout, "healthmon --config config/health_monitoring_config.json --once")
    assert len(QUERIES) == 5
    for query in QUERIES:
        done = subprocess.run([sqlite3, "-readonly", "health_monitoring.db", query], cwd=checkout, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout or "FROM alerts" in query


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {block.language for block in blocks()} <= {"bash", "json", "text"}
    assert {block.tag for block in blocks()} <= {"", "by-hand", "docker", "service", "update"}
