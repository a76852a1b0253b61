"""What does every verb need? The configuration, and where it came from."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import click

from healthmon import clock, config
from healthmon.history import report
from healthmon.history.report import Report
from healthmon.model.status import ServiceState
from healthmon.status.uptime import Uptime
from healthmon.store import services, states

if TYPE_CHECKING:
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.store.connection import Connection

BELIEVED_INTERVALS = 3


class Context:
    """The configuration of one command line, found and loaded when it is first asked for."""

    def __init__(self, source: Path | None) -> None:
        self._explicit = source

    @cached_property
    def source(self) -> Path:
        found = config.find(self._explicit).absolute()
        click.echo(f"healthmon: configuration {found}", err=True)
        return found

    @cached_property
    def config(self) -> Config:
        return config.load(self.source)


def read_report(connection: Connection, loaded: Config) -> Report:
    """Return how every configured service is now, as the database knows it."""
    now = clock.now()
    known = services.by_name(connection)
    seen, uptimes = states.load(connection), states.uptimes(connection)
    lines = []
    for settings in loaded.enabled_services():
        service = known.get(settings.name)
        if service is None:
            continue
        sid = service.service_id
        max_age = timedelta(seconds=BELIEVED_INTERVALS * settings.interval_seconds + settings.timeout_seconds)
        state = seen.get(sid, ServiceState(service_id=sid))
        lines.append(report.line(service, state, uptimes.get(sid, Uptime()), now=now, max_age=max_age))
    return Report(at=now, lines=tuple(lines))
