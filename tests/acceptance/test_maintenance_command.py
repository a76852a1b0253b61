"""`healthmon maintenance` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import clock
from healthmon.model.maintenance import Maintenance
from healthmon.store import maintenances, operator_actions, services
from healthmon.store.opening import create_or_open

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from healthmon.store.connection import Connection

Typed = subprocess.CompletedProcess[str]
WINDOWS = [
    {"name": "backup", "cron": "0 3 29 2 *", "duration_minutes": 30, "groups": ["default"]},
    {"name": "move", "starts_at": "2001-01-01T00:00:00Z", "ends_at": "2001-01-02T00:00:00Z"},
    {"name": "for ever", "starts_at": "2001-01-01T00:00:00Z", "ends_at": "2999-01-01T00:00:00Z", "services": ["doc_store"]},
]


@pytest.fixture
def healthmon(tmp_path: Path) -> Callable[..., Typed]:
    content: dict[str, Any] = {"services": [{"name": "doc_store", "url": "http://localhost:1"}], "alerting": {"maintenance": WINDOWS}}
    (tmp_path / "c.json").write_text(json.dumps(content | {"data_dir": str(tmp_path)}), encoding="utf-8")

    def run(*words: str) -> Typed:
        command = [sys.executable, "-m", "healthmon", "--config", str(tmp_path / "c.json"), "maintenance", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Connection]:
    opened = create_or_open(tmp_path / "health_monitoring.db")
    services.sync(opened, [("doc_store", "default", True)], now=clock.now())
    yield opened
    opened.close()


def test_start_and_end_are_written_down_for_the_agent(healthmon: Callable[..., Typed], database: Connection) -> None:
    typed = healthmon("start", "doc_store", "doc_store", "--for", "2h", "-m", "new disk", "--by", "ada")
    assert (typed.returncode, typed.stdout) == (0, "")
    assert "no agent is running" in typed.stderr
    assert healthmon("end", "7").returncode == 0
    start, end = operator_actions.waiting(database)
    assert (start.kind.value, start.services, start.author, start.reason) == ("maintenance", ("doc_store",), "ada", "new disk")
    assert start.until is not None
    assert timedelta(hours=2) - timedelta(minutes=1) < start.until - clock.now() <= timedelta(hours=2)
    assert (end.kind.value, end.maintenance_id) == ("end_maintenance", 7)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("start", "docstore", "--for", "2h", "-m", "x"), "there is no service 'docstore'; did you mean 'doc_store'?"),
        (("start", "--for", "2h", "-m", "x"), "Missing argument"),
        (("start", "doc_store", "-m", "x"), "Missing option '--for'"),
        (("start", "doc_store", "--for", "2h"), "Missing option '--reason'"),
        (("start", "doc_store", "--for", "2h", "-m", "two\nlines"), "--reason must be one line"),
        (("end", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(healthmon: Callable[..., Typed], database: Connection, words: tuple[str, ...], said: str) -> None:
    typed = healthmon(*words)
    assert (typed.returncode, typed.stdout) == (2, "")
    assert said in typed.stderr
    assert operator_actions.waiting(database) == []


def test_list_shows_what_is_worked_on_and_what_comes(healthmon: Callable[..., Typed], database: Connection) -> None:
    now = clock.now()
    begun = Maintenance(maintenance_id=0, services=("doc_store",), starts_at=now, ends_at=now + timedelta(hours=1), author="ada", reason="disk")
    maintenances.add(database, begun)
    by_hand, backup, move, for_ever = healthmon().stdout.splitlines()
    assert by_hand.startswith("maintenance 1 of doc_store until ")
    assert by_hand.endswith(" by ada: disk")
    assert backup.startswith("backup, for group default: next ")
    assert move == "move, for all services: over"
    assert for_ever.startswith("for ever, for doc_store: now, until 2999-01-01")
    found = json.loads(healthmon("list", "--json").stdout)
    assert [(one["maintenance_id"], one["name"], one["is_active"]) for one in found] == [
        (1, None, True),
        (None, "backup", False),
        (None, "move", False),
        (None, "for ever", True),
    ]
    assert found[2]["starts_at"] is None
