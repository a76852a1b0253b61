"""The demo's services as programs of its own supervisord, beside the monitor."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import TYPE_CHECKING

from healthmon.demo.ecosystem import DEMO, HOST, Member, free_ports
from healthmon.processes import programs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.config import Config
    from healthmon.processes.programs import Program

TARGET = "supervisor_program"


class LocalEcosystem:
    """Nothing to prepare and nothing to remove: supervisord starts and stops them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.members = [
            Member(name=name, port=port, target=(TARGET, DEMO + name))
            for name, port in zip(names, free_ports(len(names)), strict=True)
        ]

    def make_ill(self, name: str) -> str:
        port = next(member.port for member in self.members if member.name == name)
        connection = HTTPConnection(HOST, port, timeout=5)
        connection.request("POST", "/ill")
        connection.getresponse()
        connection.close()
        return "its process answers every request with 500 from now on, until it is restarted"

    def close(self) -> None:
        """Leave nothing: there is nothing."""


def demo_programs(config: Config) -> list[Program]:
    """Return the programs of the services that are the demo's own."""
    return [
        programs.ours(service.supervisor_program, config.paths, directory=config.paths.data_dir, start_s=1)
        for service in config.enabled_services()
        if service.supervisor_program is not None and service.supervisor_program.startswith(DEMO)
    ]
