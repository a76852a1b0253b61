"""A real Prometheus Alertmanager on a port of its own, and what it says to people and to whoever asks."""

from __future__ import annotations

import json
import socket
import subprocess
from typing import TYPE_CHECKING, Any, Self

from tests import needs
from tests.containers import wait_for
from tests.receivers import Receiver

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PACKAGE = "prometheus-alertmanager"
CONFIG = """
route: {{receiver: people, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: people, webhook_configs: [{{url: '{url}', send_resolved: true}}]}}]
"""


class Alertmanager:
    """One that tells each alert by itself and at once. `said` is what it told people; `kill` and `start` are kill -9."""

    def __init__(self, directory: Path) -> None:
        self._program = needs.program("prometheus-alertmanager", package=PACKAGE)
        self._amtool = needs.program("amtool", package=PACKAGE)
        self._directory = directory / "alertmanager"
        self._directory.mkdir()
        self._people = Receiver()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._people.__enter__()
        (self._directory / "config.yml").write_text(CONFIG.format(url=self._people.url))
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()
        self._people.__exit__(kind, error, at)

    def start(self) -> None:
        command = [
            self._program,
            f"--config.file={self._directory / 'config.yml'}",
            f"--storage.path={self._directory / 'storage'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--cluster.listen-address=",
        ]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: self._ask().returncode == 0, timeout_s=20, what="the Alertmanager to answer")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def alerts(self) -> list[dict[str, Any]]:
        """Return what fires there."""
        done = self._ask()
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    def alert(self) -> dict[str, Any]:
        """Return the only one that fires there, as soon as there is one."""
        [found] = wait_for(self.alerts, what="an alert in the Alertmanager")
        return found

    def said(self) -> list[tuple[str, str]]:
        """Return what it told people: firing or resolved, and which alert, by the hash of its labels."""
        told = [one for request in list(self._people.requests) for one in request.document["alerts"]]
        return [(one["status"], one["fingerprint"]) for one in told]

    def _ask(self) -> subprocess.CompletedProcess[str]:
        command = [self._amtool, f"--alertmanager.url={self.url}", "--output=json", "alert", "query"]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
