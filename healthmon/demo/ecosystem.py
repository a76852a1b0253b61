"""What does the demo watch, and how? The shipped configuration, on ports of its own and with impatient clocks."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

SHIPPED = "health_monitoring_config.json"
HOST = "127.0.0.1"
PAGE_PORT = 8080
DEMO = "demo-"  # how the names of its programs begin
PATIENT = "doc_store"  # who falls ill
CLOCKS = {"check_interval_seconds": 2, "timeout_seconds": 1, "confirmations": 2, "retry_interval_seconds": 0.5}
HEALING = {
    "enabled": True,
    "restart_unhealthy_services": True,
    "min_unhealthy_seconds": 2,
    "start_grace_seconds": 1,
    "startup_hold_seconds": 3,
    "engine_settle_seconds": 0,
}
KEPT = ("name", "critical", "expected_response_time", "group", "depends_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One service of the demo. `target` is the key and the value that say what to restart when it is ill."""

    name: str
    port: int
    target: tuple[str, str]


class Ecosystem(Protocol):
    """Services that can be made ill: programs of the demo's own supervisord, or containers."""

    @property
    def members(self) -> Sequence[Member]:
        """Return the services, in the order of the shipped configuration."""

    def make_ill(self, name: str) -> str:
        """Have a service answer badly until it is restarted. Return what was done, in words."""

    def close(self) -> None:
        """Remove whatever the demo's supervisord does not remove by stopping."""


def shipped() -> dict[str, Any]:
    """Return the shipped configuration: beside this file in an installation, in `config/` in a checkout."""
    packaged = resources.files(__package__).joinpath(SHIPPED)
    if packaged.is_file():
        text = packaged.read_text(encoding="utf-8")
    else:
        text = (Path(__file__).parents[2] / "config" / SHIPPED).read_text(encoding="utf-8")
    configuration: dict[str, Any] = json.loads(text)
    return configuration


def service_names() -> list[str]:
    return [service["name"] for service in shipped()["services"]]


def write_config(path: Path, members: Sequence[Member]) -> None:
    """Write the demo's configuration; its data lies beside it."""
    from_shipped = {service["name"]: service for service in shipped()["services"]}
    configuration = {
        **CLOCKS,
        "data_dir": str(path.parent.absolute()),
        "services": [_service(from_shipped[member.name], member) for member in members],
        "alert_rules": shipped()["alert_rules"],
        "self_healing": HEALING,
        "web": {"port": _page_port()},
    }
    path.write_text(json.dumps(configuration, indent=2) + "\n", encoding="utf-8")


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now: all are held until the last is found, so none comes twice."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind((HOST, 0))
        return [free.getsockname()[1] for free in sockets]


def _page_port() -> int:
    """Return the usual port of the page where it is free, else any that is."""
    with socket.socket() as usual:
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            usual.bind((HOST, PAGE_PORT))
        except OSError:
            return free_ports(1)[0]
    return PAGE_PORT


def _service(shipped_as: dict[str, Any], member: Member) -> dict[str, Any]:
    key, value = member.target
    return {
        **{kept: shipped_as[kept] for kept in KEPT if kept in shipped_as},
        "url": f"http://{HOST}:{member.port}/health",
        key: value,
    }
