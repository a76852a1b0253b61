"""The part of the evaluator that knows which containers their own health checks call ill.

Such a verdict stands for the confirmations of a service that a probe asks, as soon as one look of ours fails, too; while
our looks succeed it is shown and not acted on. It calls for a look at once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from healthmon.model.status import ServiceStatus
from healthmon.store import probe_requests, targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.model.service import Service
    from healthmon.model.status import ServiceState
    from healthmon.store.connection import Connection


class Verdicts:
    """`standing` are the services whose container is ill by its own word."""

    def __init__(self, services: Iterable[tuple[Service, ServiceSettings]]) -> None:
        self._services = {service.service_id: configured for service, configured in services}
        self.standing: frozenset[int] = frozenset()
        self._to_wake: set[str] = set()

    def refresh(self, connection: Connection, states: Mapping[int, ServiceState], now: datetime) -> None:
        """Read what the healer published, and ask for a look at each service of which it is news."""
        before, self.standing = self.standing, targets.ill_by_their_own_word(connection)
        news = [sid for sid in self.standing - before if self._is_to_be_asked(sid, states.get(sid))]
        if not news:
            return
        with connection.transaction(durable=False):
            for sid in news:
                configured = self._services[sid]
                until = now + timedelta(seconds=configured.retry_interval_seconds + configured.timeout_seconds)
                probe_requests.ask(connection, sid, every_s=configured.retry_interval_seconds, until=until)
                self._to_wake.add(configured.program)

    def programs_to_wake(self) -> set[str]:
        """Return, once, the programs that have something to look at now."""
        programs, self._to_wake = self._to_wake, set()
        return programs

    def _is_to_be_asked(self, sid: int, state: ServiceState | None) -> bool:
        configured = self._services.get(sid)
        if configured is None or state is None or not configured.is_probed:
            return False
        return state.status is not ServiceStatus.UNHEALTHY
