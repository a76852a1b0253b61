"""The commands that answer, typed as the user's document writes them, over two real services."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.processes.roles import is_held, try_lock
from healthmon.store.opening import create_or_open
from tests import needs
from tests.containers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[2]
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


class Answering(BaseHTTPRequestHandler):
    """`/ill` answers 500, anything else 200."""

    def do_GET(self) -> None:
        self.send_response(HTTPStatus.INTERNAL_SERVER_ERROR if self.path == "/ill" else HTTPStatus.OK)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class User:
    """Somebody in a directory with a configuration of two services; `ill` says whether the second answers 500."""

    def __init__(self, directory: Path, port: int, *, ill: bool) -> None:
        self.directory = directory
        services = [
            {"name": "interpreter", "url": f"http://127.0.0.1:{port}/health", "critical": True, "expected_response_time": 2.0},
            {"name": "frontend", "url": f"http://127.0.0.1:{port}/{'ill' if ill else 'health'}"},
        ]
        settings = {"services": services, "check_interval_seconds": 1, "timeout_seconds": 1, "retry_interval_seconds": 0.05}
        (directory / "config").mkdir()
        (directory / "config" / "health_monitoring_config.json").write_text(json.dumps(settings))

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "healthmon", *words],
            cwd=self.directory,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def queries(self, sql: str) -> list[str]:
        """Ask the database in the shell that operators use; return the lines of the answer."""
        sqlite3 = needs.program("sqlite3", package="sqlite3")
        done = subprocess.run(
            [sqlite3, "health_monitoring.db", sql],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.split()

    def reads(self, *words: str) -> dict[str, Any]:
        done = self.types(*words)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "HEALTHMON_CONFIG"} | {"PYTHONPATH": str(TOP)}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def user(tmp_path: Path, port: int) -> User:
    return User(tmp_path, port, ill=True)


def test_once_looks_stores_and_says_by_its_exit_code_whether_all_is_well(tmp_path: Path, port: int) -> None:
    (tmp_path / "well").mkdir()
    (tmp_path / "ill").mkdir()
    assert User(tmp_path / "well", port, ill=False).types("--once").returncode == 0
    done = User(tmp_path / "ill", port, ill=True).types("--once")
    assert done.returncode == 1
    assert "DEGRADED: 1 of 2 services are healthy, 1 unhealthy" in done.stdout
    assert "expected 200-299, got 500 Internal Server Error" in done.stdout
    assert "WARNING" in done.stderr


def test_once_confirms_a_failure_before_it_calls_it_one(user: User) -> None:
    user.types("--once")
    query = "SELECT kind, count(*) FROM checks GROUP BY kind; SELECT current_status FROM service_status"
    assert user.queries(query) == ["0|2", "1|2", "healthy", "unhealthy"]


def test_the_report_has_what_the_document_shows(user: User) -> None:
    user.types("--once")
    report = user.reads("--report")
    assert UTC_TIME.fullmatch(report["timestamp"])
    assert report["overall_health"] == "degraded"
    assert report["summary"] == {
        "total_services": 2,
        "healthy_services": 1,
        "unhealthy_services": 1,
        "unknown_services": 0,
        "critical_unhealthy": 0,
        "health_percentage": 50.0,
    }
    service = report["services"][0]
    assert (service["service_name"], service["current_status"], service["consecutive_failures"]) == ("interpreter", "healthy", 0)
    assert UTC_TIME.fullmatch(service["last_healthy"])
    assert UTC_TIME.fullmatch(service["last_updated"])
    assert set(service) >= {"uptime_percentage", "critical", "group", "response_time", "error_message", "container"}


def test_the_dashboard_has_trends_from_history(user: User) -> None:
    user.types("--once")
    dashboard = user.reads("--dashboard")
    assert dashboard["summary"]["health_percentage"] == 50.0
    trends = dashboard["trends"]
    assert [(hour["checks"], hour["healthy_checks"]) for hour in trends["hourly_health"]] in ([(2, 1)], [(1, 1), (1, 0)], [(1, 0), (1, 1)])
    assert [(one["service_name"], one["checks"]) for one in trends["response_times"]] == [("frontend", 1), ("interpreter", 1)]
    assert trends["alert_counts"] == {"critical": 0, "warning": 0, "info": 0}


def test_the_documents_jq_lines_work(user: User) -> None:
    user.types("--once")
    jq = needs.program("jq", package="jq")
    for flag, query in (("--dashboard", ".summary"), ("--report", ".services")):
        line = f"{sys.executable} -P -m healthmon {flag} 2>/dev/null | {jq} '{query}'"
        done = subprocess.run(line, shell=True, cwd=user.directory, env=_environment(), capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)


def test_what_was_seen_long_ago_is_unknown_now(user: User) -> None:
    user.types("--once")
    shift = "UPDATE service_states SET last_checked_at = '2026-01-01 00:00:00.000'"
    user.queries(shift)
    report = user.reads("report")
    assert report["summary"]["unknown_services"] == 2
    assert report["services"][0]["error_message"].startswith("no check since 2026-01-01")


def test_status_is_a_table_worst_first_and_says_that_nothing_is_watching(user: User) -> None:
    user.types("--once")
    done = user.types("status")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("DEGRADED")
    assert [line.split()[1] for line in lines[2:4]] == ["frontend", "interpreter"]
    assert "\x1b" not in done.stdout
    assert "nothing is watching now" in done.stderr
    assert json.loads(user.types("status", "--json").stdout)["overall_health"] == "degraded"


def test_probe_says_everything_about_one_look_and_stores_nothing(user: User) -> None:
    done = user.types("probe", "frontend", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["status"], found["status_code"], found["reason"]) == (1, "unhealthy", 500, "status")
    assert user.types("probe", "interpreter").returncode == 0
    assert not (user.directory / "health_monitoring.db").exists()


def test_db_path_is_where_the_database_will_lie(user: User) -> None:
    assert user.types("db", "path").stdout.strip() == str(user.directory / "health_monitoring.db")


def test_every_command_says_on_stderr_which_configuration_it_used(user: User) -> None:
    done = user.types("db", "path")
    assert str(user.directory / "config" / "health_monitoring_config.json") in done.stderr


def test_once_beside_a_running_agent_asks_it_and_starts_nothing(user: User) -> None:
    command = [sys.executable, "-P", "-m", "healthmon"]
    with subprocess.Popen(command, cwd=user.directory, env=_environment(), stderr=subprocess.DEVNULL) as agent:
        try:
            wait_for(lambda: '"healthy_services": 1,' in user.types("report").stdout, timeout_s=30, what="the agent's first round")
            done = user.types("--once")
            assert "an agent is running" in done.stderr
            assert done.returncode == 1
            assert "nothing is watching" not in user.types("status").stderr
        finally:
            agent.terminate()
            assert agent.wait(20) == 0


def test_once_writes_nothing_while_an_evaluator_that_it_cannot_see_may_begin(user: User) -> None:
    """A stock supervisord holds no agent's lock; its evaluator, just starting anew, must wait until the round is over."""
    user.types("--once")
    locks = user.directory / ".healthmon" / "locks"
    evaluator = try_lock(locks / "evaluator.lock")
    assert evaluator is not None
    before = user.queries("SELECT count(*) FROM checks")
    assert "an agent is running" in user.types("--once").stderr
    assert user.queries("SELECT count(*) FROM checks") == before
    os.close(evaluator)
    command = [sys.executable, "-P", "-m", "healthmon", "--once"]
    with subprocess.Popen(command, cwd=user.directory, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as round_:
        wait_for(lambda: is_held(locks / "evaluator.lock") and is_held(locks / "agent.lock"), what="the round to hold both roles")
        assert round_.wait(30) == 1
    assert not is_held(locks / "evaluator.lock")


def test_with_the_evaluator_s_role_taken_and_no_database_nothing_advises_to_make_one(user: User) -> None:
    locks = user.directory / ".healthmon" / "locks"
    locks.mkdir(parents=True)
    evaluator = try_lock(locks / "evaluator.lock")
    assert evaluator is not None
    for verb in ("once", "status", "report", "dashboard"):
        done = user.types(verb)
        assert done.returncode == 3
        assert "was deleted or moved away: put it back" in done.stderr
    os.close(evaluator)
    assert not (user.directory / "health_monitoring.db").exists()


def test_status_and_report_say_what_healing_does_about_an_open_incident_and_only_about_that(user: User) -> None:
    user.types("--once")
    user.queries("UPDATE incidents SET healing = 'hold: stopped_by_person'")
    ill, well = (next(one for one in user.reads("report")["services"] if one["service_name"] == name) for name in ("frontend", "interpreter"))
    assert (ill["healing"], ill["incident_id"]) == ("hold: stopped_by_person", 1)
    assert UTC_TIME.fullmatch(ill["incident_since"])
    assert [well[key] for key in ("healing", "incident_id", "incident_since")] == [None] * 3
    told = [line for line in user.types("status").stdout.splitlines() if "healing" in line]
    assert told == ["healing of frontend: hold: stopped_by_person"]


def test_without_an_open_incident_nothing_is_said_of_healing(tmp_path: Path, port: int) -> None:
    user = User(tmp_path, port, ill=False)
    user.types("--once")
    assert "healing" not in user.types("status").stdout


def test_status_fails_when_all_is_well_but_nobody_could_be_told_otherwise(tmp_path: Path, port: int) -> None:
    user = User(tmp_path, port, ill=False)
    user.types("--once")
    assert user.types("status").returncode == 0
    user.queries("INSERT INTO facts (name, value) VALUES ('nobody_reached', 'email: 550 no such user')")
    done = user.types("status")
    assert done.returncode == 1
    assert "nobody can be told of anything: every channel fails (email: 550 no such user)" in done.stderr


def test_a_service_that_the_database_does_not_know_is_unknown(user: User) -> None:
    user.types("--once")
    path = user.directory / "config" / "health_monitoring_config.json"
    settings = json.loads(path.read_text())
    new = {"name": "new", "url": settings["services"][0]["url"], "critical": True, "group": "late"}
    path.write_text(json.dumps(settings | {"services": [settings["services"][0], new]}))
    report = user.reads("report")
    assert (report["overall_health"], report["summary"]["total_services"], report["summary"]["unknown_services"]) == ("degraded", 2, 1)
    line = report["services"][1]
    assert [line[key] for key in ("service_name", "current_status", "error_message", "critical", "group")] == [
        "new",
        "unknown",
        "never checked",
        True,
        "late",
    ]
    path.write_text(json.dumps(settings | {"services": [new]}))
    done = user.types("status")
    assert done.returncode == 1
    assert "DEGRADED: 0 of 1 services are healthy, 1 unknown" in done.stdout
    assert "never checked" in done.stdout


def test_run_and_once_beside_a_slow_once_say_what_is_at_work(user: User) -> None:
    user.types("--once")
    path = user.directory / "config" / "health_monitoring_config.json"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = {"name": "slow", "url": f"http://127.0.0.1:{silent.getsockname()[1]}/", "timeout_seconds": 8}
        path.write_text(json.dumps({"services": [slow], "retry_interval_seconds": 0.05}))
        command = [sys.executable, "-P", "-m", "healthmon", "--once"]
        with subprocess.Popen(command, cwd=user.directory, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as round_:
            wait_for(lambda: is_held(user.directory / ".healthmon" / "locks" / "evaluator.lock"), what="the round to begin")
            run, once, programs = user.types("run"), user.types("once"), user.types("programs")
            assert round_.poll() is None
            round_.terminate()
    assert run.returncode == programs.returncode == 2
    assert f"another healthmon (pid {round_.pid}, `once`) is at work on {user.directory}: wait" in run.stderr
    assert f"another `healthmon once` (pid {round_.pid}) is at work" in once.stderr
    assert "stop it first" in programs.stderr


def test_once_beside_an_agent_that_has_just_started_says_so(user: User) -> None:
    locks = user.directory / ".healthmon" / "locks"
    locks.mkdir(parents=True)
    agent = try_lock(locks / "agent.lock")
    assert agent is not None
    done = user.types("--once")
    assert done.returncode == 1
    assert "it has just started and has no data yet" in done.stderr
    assert not (user.directory / "health_monitoring.db").exists()
    create_or_open(user.directory / "health_monitoring.db").close()
    done = user.types("--once")
    assert done.returncode == 1
    assert "nothing has been checked yet" in done.stderr
    os.close(agent)


def test_help_of_ctl_keeps_its_examples_on_lines_of_their_own(user: User) -> None:
    assert "  healthmon ctl restart probe-core" in user.types("ctl", "--help").stdout.splitlines()


def test_help_names_every_command(user: User) -> None:
    said = user.types("--help").stdout
    assert {"once", "report", "dashboard", "run", "demo", "status", "probe", "validate", "ctl", "db"} <= set(said.split())


def test_validate_warns_of_credentials_that_anybody_on_the_way_can_read(tmp_path: Path) -> None:
    email = {"enabled": True, "smtp_server": "mail.example.com", "smtp_port": 25, "from_email": "a@b.c", "to_email": "d@e.f"}
    alerting = {
        "email_notifications": email | {"username": "a", "password": "hunter2", "encryption": "none"},
        "webhook_notifications": {"enabled": True, "url": "http://example.com/hook", "headers": {"Authorization": "Bearer hunter2"}},
    }
    settings = {"services": [{"name": "a", "url": "http://127.0.0.1:1/"}], "alerting": alerting}
    (tmp_path / "c.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "healthmon", "validate", "c.json"],
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    warnings = [line for line in done.stdout.splitlines() if line.startswith("warning: ")]
    assert [line.split(": ")[1] for line in warnings] == ["email_notifications", "webhook_notifications"]
    assert "told to email, webhook" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_validate_says_what_a_configuration_means(tmp_path: Path) -> None:
    shipped = TOP / "config" / "health_monitoring_config.json"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "healthmon", "validate", str(shipped)],
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert "17 services in 4 groups" in done.stdout
    assert "healing is off" in done.stdout
    assert not any(line.startswith("note: ") for line in done.stdout.splitlines())
    assert "6 alert rules; what they find is told to nobody, for no channel is switched on" in done.stdout
    assert list(tmp_path.iterdir()) == []
