"""Does a port accept connections?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from healthmon.model.check import CheckReason, Outcome
from healthmon.probes.classify import failure
from healthmon.probes.connect import connect
from healthmon.probes.deadline import Deadline

if TYPE_CHECKING:
    from healthmon.probes.settings import ProbeSettings


class TcpProbe:
    """Connects to tcp://host:port and hangs up. The response time is what the connection took."""

    def __init__(self, settings: ProbeSettings) -> None:
        parts = urlsplit(settings.url)
        self._host = parts.hostname or ""
        self._port = parts.port or 0
        self._timeout_s = settings.timeout_seconds

    def ask(self) -> Outcome:
        with Deadline(self._timeout_s) as deadline:
            try:
                connect(self._host, self._port, deadline).close()
            except OSError as error:
                found = failure(error, deadline)
                if found is None:
                    raise
                return found
            return Outcome(reason=CheckReason.OK, response_time_s=deadline.connected_after_s)
