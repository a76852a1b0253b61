"""Does a port speak TLS, with a certificate that is to be trusted? For what is not asked over HTTP, such as mail and databases."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from healthmon.model.check import CheckReason, Outcome
from healthmon.probes import tls
from healthmon.probes.classify import failure, outcome
from healthmon.probes.connect import connect
from healthmon.probes.deadline import Deadline

if TYPE_CHECKING:
    from healthmon.probes.settings import ProbeSettings


class TlsProbe:
    """Makes the handshake with tls://host:port and hangs up. The response time is what connection and handshake took."""

    def __init__(self, settings: ProbeSettings) -> None:
        parts = urlsplit(settings.url)
        self._host = parts.hostname or ""
        self._port = parts.port or 0
        self._timeout_s = settings.timeout_seconds
        rules = settings.tls
        self._rules = partial(tls.context, verify=rules.verify, ca_file=rules.ca_file, strict=rules.strict)

    def ask(self) -> Outcome:
        with Deadline(self._timeout_s) as deadline:
            try:
                with tls.wrap(connect(self._host, self._port, deadline), self._host, deadline, self._rules()) as wrapped:
                    return Outcome(reason=CheckReason.OK, response_time_s=deadline.elapsed_s(), cert_expires_at=tls.expires_at(wrapped))
            except tls.TrustError as error:
                return outcome(CheckReason.INTERNAL, str(error))
            except Exception as error:
                found = failure(error, deadline)
                if found is None:
                    raise
                return found
