"""The main job on a real engine: 17 containers, the shipped configuration, healing switched on, four kinds of trouble.

Nothing is tuned: the clocks are the ones that users get, so this takes some minutes. What happened to each container is
counted by a second observer, which listens to the engine's own events.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.containers import Docker, Observer, wait_for

TOP = Path(__file__).parents[2]
SHIPPED = TOP / "config" / "health_monitoring_config.json"
WEDGED, DEAD, GAVE_UP, PAUSED, STOPPED = "doc_store", "code_analyzer", "log_collector", "frontend", "github_mcp"

ANSWER = """
while read -r line && [ ${#line} -gt 1 ]; do :; done
if test -e /wedged; then status="500 Internal Server Error"; else status="200 OK"; fi
printf "HTTP/1.1 $status\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n"
"""
# It dies when /dead appears, and stays up again from its STARTS-th start on: at 2, the one retry of on-failure:1 is too few.
SERVE = """
trap 'exit 0' TERM
rm -f /wedged
if test -e /dead; then
  echo start >> /dead
  if [ $(grep -c start /dead) -lt $STARTS ]; then exit 3; fi
  rm /dead
fi
nc -ll -p 8080 -e sh -c "$ANSWER" &
while ! test -e /dead; do sleep 1; done
exit 3
"""


class Ecosystem:
    """The 17 containers of the Compose project `hackathon`, and what happens to them."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self.ids: dict[str, str] = {}
        network = docker.network()
        for service in json.loads(SHIPPED.read_text())["services"]:
            self.ids[service["name"]] = self._start(service, network)

    def _start(self, service: dict[str, Any], network: str) -> str:
        name, port = service["name"], service["url"].split(":")[2].split("/")[0]
        compose_service = service["container"].removeprefix("hackathon-").removesuffix("-1")
        policy, starts = ("on-failure:1", 2) if name == GAVE_UP else ("unless-stopped", 1)
        options = (
            *("--network", network, "--publish", f"127.0.0.1:{port}:8080", "--restart", policy),
            *("--label", "com.docker.compose.project=hackathon"),
            *("--label", f"com.docker.compose.service={compose_service}"),
            *("--env", f"ANSWER={ANSWER}", "--env", f"STARTS={starts}"),
        )
        return self._docker.run("sh", "-c", SERVE, options=options, name=service["container"])

    def touch(self, name: str, path: str) -> None:
        self._docker.cli("exec", self.ids[name], "touch", path)

    def cause_trouble(self) -> None:
        self.touch(WEDGED, "/wedged")
        self.touch(DEAD, "/dead")
        self.touch(GAVE_UP, "/dead")
        self._docker.cli("pause", self.ids[PAUSED])
        self._docker.cli("stop", "--time", "2", self.ids[STOPPED])


class Agent:
    """healthmon with nothing but the shipped configuration, and healing switched on."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.source = directory / "health_monitoring_custom.json"
        settings = json.loads(SHIPPED.read_text())
        settings["self_healing"] |= {"enabled": True, "restart_unhealthy_services": True}
        self.source.write_text(json.dumps(settings))
        self._environment = {**os.environ, "PYTHONPATH": str(TOP)}
        self._process = subprocess.Popen(self._command("run"), cwd=directory, env=self._environment)

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "healthmon", "--config", str(self.source), *words]

    def services(self) -> dict[str, dict[str, Any]]:
        done = subprocess.run(
            self._command("report"),
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        found = json.loads(done.stdout)["services"] if done.returncode == 0 else []
        return {service["service_name"]: service for service in found}

    def statuses(self) -> dict[str, str]:
        return {name: service["current_status"] for name, service in self.services().items()}

    def ledger(self) -> list[tuple[str, str, str]]:
        """Return (service, action, state) of every heal, through the shell that operators use."""
        query = "SELECT service_name, action, state FROM heals JOIN services USING (service_id) ORDER BY heal_id"
        database = self._directory / "health_monitoring.db"
        done = subprocess.run([needs.program("sqlite3", package="sqlite3"), database, query], capture_output=True, text=True, check=True, timeout=60)
        return [(words[0], words[1], words[2]) for words in (line.split("|") for line in done.stdout.splitlines())]

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)


@pytest.mark.timeout(420)
def test_only_what_a_restart_heals_is_restarted_and_exactly_once(docker: Docker, tmp_path: Path) -> None:
    ecosystem = Ecosystem(docker)
    observer = Observer(docker, tmp_path)
    agent = Agent(tmp_path)
    try:
        wait_for(lambda: set(agent.statuses().values()) == {"healthy"}, timeout_s=60, what="all 17 to be healthy")
        matched = {name: service["container"] for name, service in agent.services().items()}
        assert len(matched) == 17
        assert matched["analysis_service"] == "hackathon-analysis-service-1"

        ecosystem.cause_trouble()
        wait_for(lambda: (WEDGED, "restart", "verified") in agent.ledger(), timeout_s=240, what="the wedged one to be healed")
        ill = {PAUSED, STOPPED}
        wait_for(
            lambda: {name for name, status in agent.statuses().items() if status != "healthy"} == ill,
            timeout_s=240,
            what="everything but the paused and the stopped one to be healthy",
        )

        assert sorted(agent.ledger()) == [(WEDGED, "restart", "verified"), (GAVE_UP, "start", "verified")]
        restarts = {name: observer.restarts(container) for name, container in ecosystem.ids.items()}
        assert {name: count for name, count in restarts.items() if count} == {WEDGED: 1}
        assert docker.state(ecosystem.ids[PAUSED]) == "paused"
        assert docker.state(ecosystem.ids[STOPPED]) == "exited"
        assert docker.inspect(ecosystem.ids[DEAD])["RestartCount"] >= 1
        actions = observer.actions(ecosystem.ids[GAVE_UP])
        after_its_death = actions[actions.index("die") :]
        assert after_its_death.count("start") == 2  # the engine's one retry, and ours
    finally:
        assert agent.stop() == 0
        observer.close()
