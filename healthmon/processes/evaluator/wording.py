"""The part of the evaluator that gathers what people are told of a service. The words of a message are in notify/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.notification import Affected
from healthmon.notify.cause import cause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.config import ServiceSettings
    from healthmon.model.conversation import Conversation
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.alerting import Firing
    from healthmon.processes.evaluator.scene import Scene


class Wording:
    """Knows what is configured of each service, and reads the rest from the scene."""

    def __init__(self, services: Iterable[tuple[Service, ServiceSettings]], *, host: str) -> None:
        self._services = {service.service_id: (service, configured) for service, configured in services}
        self.host = host

    def affected(self, conversation: Conversation, firing: list[Firing], scene: Scene, dependents: tuple[str, ...]) -> Affected:
        """Return what is told of one service."""
        sid = conversation.service_id
        service, configured = self._services[sid]
        incident = scene.incidents.get(sid) or scene.latest.get(sid)
        state, report = scene.states[sid], scene.reports.get(sid)
        began = incident if incident is not None and conversation.is_outage else None
        links = () if configured.runbook_url is None else (("runbook", configured.runbook_url),)
        return Affected(
            conversation_id=conversation.conversation_id,
            service=service.name,
            group=configured.group,
            critical=configured.critical,
            severity=conversation.severity,
            alert_id=firing[0].alert_id if firing else 0,
            alert_types=tuple(one.rule for one in firing),
            message=_message(service.name, firing, state.last_error, is_over=conversation.over_at is not None),
            started_at=conversation.opened_at if began is None else began.started_at,
            resolved_at=conversation.over_at,
            facts=cause(state, None if report is None else report.target, "" if report is None else report.problem or ""),
            values=tuple({value: None for one in firing for value in one.values}),
            healing="" if began is None else began.healing or "",
            dependents=dependents,
            links=links,
        )


def _message(name: str, firing: list[Firing], error: str | None, *, is_over: bool) -> str:
    if is_over:
        return f"{name} is well again" if not firing else f"{name} is back; still: {firing[0].message}"
    if error is not None:
        return f"{name} is unhealthy: {error}"
    return firing[0].message if firing else f"{name} is unhealthy"
