"""A process `web` in a thread, on a free port, over a real database; and what asks it as a browser or curl would."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.demo.ecosystem import free_ports
from healthmon.log import Log
from healthmon.processes.directories import prepare_directories
from healthmon.processes.web import Web
from healthmon.store import services
from healthmon.store.opening import create_or_open
from tests.builders import a_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVICES = ({"name": "doc_store", "url": "http://127.0.0.1:1/", "critical": True}, {"name": "frontend", "url": "http://127.0.0.1:1/", "group": "web"})
HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(kw_only=True)
class Site:
    """`web` without its loop: `step` is called by the test, or by `start` until it serves."""

    directory: Path
    services: tuple[dict[str, Any], ...] = SERVICES
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = free_ports(1)[0]
        changes = {**self.settings, "web": {"port": self.port, **self.settings.get("web", {})}}
        self.config = a_config(self.directory, *self.services, **changes)
        prepare_directories(self.config.paths)
        self.database = create_or_open(self.config.paths.database)
        wanted = [(one.name, one.group, one.critical) for one in self.config.enabled_services()]
        self.known = services.sync(self.database, wanted, now=clock.now())
        self.web = Web(self.config, Log("web"))

    def close(self) -> None:
        self.web.close()
        self.database.close()

    def again(self) -> Web:
        """Serve anew on the same port, as after a crash."""
        made = Web(self.config, Log("web"))
        made.step()
        return made

    def ask(self, path: str, method: str = "GET", /, body: str | None = None, **headers: str) -> Answer:
        """Ask as curl would. Header names are written with `_` for `-`."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
            told = connection.getresponse()
            return Answer(status=told.status, headers={name.lower(): value for name, value in told.getheaders()}, body=told.read())
        finally:
            connection.close()
