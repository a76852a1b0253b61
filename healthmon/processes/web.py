"""Serves pages, API and metrics. When its port is taken it tries again and says who holds it: nothing else waits for it."""

from __future__ import annotations

import errno
import gc
from contextlib import suppress
from typing import TYPE_CHECKING

from healthmon import clock, log
from healthmon.answers.report import Known
from healthmon.errors import HealthmonError, PortError
from healthmon.log import Log
from healthmon.model.alert import Alert, AlertSeverity
from healthmon.store import alerts
from healthmon.store.opening import open_for_working
from healthmon.web import app, secret
from healthmon.web.access import Access
from healthmon.web.hub import Hub
from healthmon.web.reader import Reader
from healthmon.web.serving import Serving, listen
from healthmon.web.settings import url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthmon.config import Config
    from healthmon.processes.doorbell import Doorbell
    from healthmon.store.connection import Connection
    from healthmon.web.settings import WebSettings

PROGRAM = "web"
NOT_SERVED = "pages_not_served"  # the alert type
LOOK_EVERY_S = 5.0
LOOK_AGAIN_S = 60.0  # for who has the port
ALERT_AFTER_S = 10.0
COLLECT_AFTER = 30_000  # objects more than at the last time; a page of a hundred rows holds twenty thousand at once
STUCK_S = 20.0  # the watchdog's patience is not much longer


def make(config: Config) -> Callable[[Doorbell], Web]:
    """Return what makes the process once its role is held."""

    def begin(_doorbell: Doorbell) -> Web:
        collect_seldom()
        return Web(config, Log(PROGRAM))

    return begin


def collect_seldom() -> None:
    """Let the collector look for circles of garbage after a page of many services, not thirty times while it is made.

    What is remembered of a thousand services is a hundred thousand objects: to go through them takes as long as to make the page.
    """
    gc.set_threshold(COLLECT_AFTER)


class Web:
    """One step listens, where it does not yet, or looks whether requests are answered."""

    def __init__(self, config: Config, log: Log) -> None:
        self._config = config
        self._log = log
        known = Known()
        self._reader = Reader(config.paths.database, known)
        self._watcher = Reader(config.paths.database, known, threads=1)  # who counts commits needs a connection of its own
        self._hub = Hub(config, self._watcher)
        self._access = Access(secret.load(config))
        self._serving: Serving | None = None
        self._notice = PortNotice(config.paths.database)

    def step(self) -> float:
        """Serve; return the seconds until the next look. Raises PortError while it cannot listen."""
        if self._serving is None:
            self._serving = self._begin()
            self._log.change("serving", url=url(self._config.web))
        elif not self._serving.answers(within_s=STUCK_S):
            raise RuntimeError("requests are not answered any more")  # a bug; after some of them we are started anew
        self._notice.is_served()
        return LOOK_EVERY_S

    def follow(self, _config: Config) -> bool:
        return False  # who looks on connects again

    def is_busy(self) -> bool:
        return False

    def close(self) -> None:
        if self._serving is not None:
            self._serving.stop(self._hub.end)
        self._reader.close()
        self._watcher.close()

    def _begin(self) -> Serving:
        settings = self._config.web
        try:
            sockets = listen(settings.host, settings.port)
        except OSError as error:
            raise PortError(self._notice.is_not_served(error, settings)) from error
        return Serving(app.make(self._config, self._reader, self._hub, self._access, self._log), sockets)


class PortNotice:
    """Tells people, by an alert of ours, when nothing is served for a while, why, and when that is over."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._since_s: float | None = None
        self._why = ""
        self._looked_at_s = 0.0
        self._is_settled = False  # the database says what is so: an earlier life may have left an alert

    def is_not_served(self, error: OSError, settings: WebSettings) -> str:
        """Return why, in words."""
        now_s = clock.monotonic()
        if self._since_s is None:
            self._since_s, self._is_settled = now_s, False
        if not self._why or now_s - self._looked_at_s > LOOK_AGAIN_S:
            self._why, self._looked_at_s = _why(error, settings), now_s
        if now_s - self._since_s > ALERT_AFTER_S:
            self._settle(self._fire)
        return self._why

    def is_served(self) -> None:
        if self._since_s is not None:
            self._since_s, self._is_settled, self._why = None, False, ""
        self._settle(self._resolve)

    def _settle(self, write: Callable[[Connection], None]) -> None:
        """Write it once. While the database cannot be written, the next step tries again."""
        if self._is_settled:
            return
        with suppress(HealthmonError):
            connection = open_for_working(self._database, patience_s=0.0)
            try:
                with connection.transaction(durable=True):
                    write(connection)
            finally:
                connection.close()
            self._is_settled = True

    def _fire(self, connection: Connection) -> None:
        alert = Alert(
            service_id=None, alert_type=NOT_SERVED, severity=AlertSeverity.WARNING, message=self._why, triggered_at=clock.now()
        )
        alerts.fire(connection, alert)

    def _resolve(self, connection: Connection) -> None:
        alerts.resolve(connection, None, NOT_SERVED, at=clock.now())


def _why(error: OSError, settings: WebSettings) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"the pages cannot be served at {url(settings)}: {error.strerror or error}; set web.host and web.port to what this host has"
    from healthmon.watch import host  # noqa: PLC0415  loads psutil, which only this trouble needs

    holders = log.clean(", ".join(host.listeners(settings.port))) or "somebody"
    return f"the pages cannot be served at {url(settings)}: {holders} has the port; end that, or set web.port to another one"
