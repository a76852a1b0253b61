"""The part of the evaluator that gathers what people are told of a service. The words of a message are in notify/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.model.heal import CHARGED_HEALS, HealState
from healthmon.model.notification import Affected
from healthmon.notify.cause import HEALING_OFF, Seen, cause, newest
from healthmon.settings import without_secrets
from healthmon.status import flapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from healthmon.config import ServiceSettings
    from healthmon.heal.settings import HealSettings
    from healthmon.model.alert import Alert
    from healthmon.model.container_dependency import ContainerDependency
    from healthmon.model.conversation import Conversation
    from healthmon.model.heal import Heal
    from healthmon.model.incident import Incident
    from healthmon.model.service import Service
    from healthmon.processes.evaluator.alerting import Firing
    from healthmon.processes.evaluator.scene import Scene
    from healthmon.store.targets import TargetReport

LAST_CHECK = "last check"
NO_RULE = "no rule of the configuration asks for it any more"
NO_SERVICE = "the configuration does not have it any more, or has it switched off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is kept of one outage. `made` are its heals, `dependents` the names of who is ill because of it."""

    made: Sequence[Heal] = ()
    last_lines: tuple[str, ...] = ()
    starts: int = 0  # of its target within the last hour
    dependents: tuple[str, ...] = ()
    not_back: tuple[str, ...] = ()  # of those that people were told are ill because of it, when it is over
    because: ContainerDependency | None = None
    first: Alert | None = None
    news: str = ""
    is_removed: bool = False


class Wording:
    """Knows what is configured of each service, and reads the rest from the scene."""

    def __init__(self, services: Iterable[tuple[Service, ServiceSettings]], healing: HealSettings, *, host: str, pages: str | None) -> None:
        """`pages` is where people find ours, if they can."""
        self._pages = pages
        self._services = {service.service_id: (service, configured) for service, configured in services}
        self._heals = {sid for sid, (_, configured) in self._services.items() if healing.for_service(configured.heal).switched_on}
        self.host = host

    def affected(self, conversation: Conversation, firing: Sequence[Firing], scene: Scene, background: Background) -> Affected:
        """Return what is told of one service."""
        because = background.because
        sid = conversation.service_id
        service, configured = self._services[sid]
        incident = (scene.incidents.get(sid) or scene.latest.get(sid)) if conversation.is_outage else None
        message = _message(firing, incident, background.first)
        changes = scene.flapping[sid].changes if conversation.flapping_at is not None else 0
        if changes:
            message = f"flapping: {changes} changes in the last {flapping.WINDOW} checks"
        return Affected(
            conversation_id=conversation.conversation_id,
            service=service.name,
            group=configured.group,
            critical=configured.critical,
            severity=conversation.severity,
            alert_id=conversation.alert_id,
            alert_types=conversation.alert_types,
            message=message,
            started_at=_started_at(conversation, incident),
            resolved_at=conversation.over_at,
            is_outage=conversation.is_outage,
            facts=(
                *_because(because, conversation),
                *(() if conversation.over_at else self._facts(sid, scene, message, background.starts)),
                *_last_lines(background, conversation),
                *_not_back(background),
            ),
            values=tuple({value: None for one in firing for value in one.values}),
            healing=_healed(background.made) if conversation.over_at else self._healing(sid, incident),
            dependents=background.dependents,
            because_of="" if because is None else f"{because.name} {because.trouble}",
            news=background.news,
            removed=NO_RULE if background.is_removed else "",
            links=self._links(sid),
        )

    def farewell(self, conversation: Conversation, service: Service, *, now: datetime) -> Affected:
        """Return what is told last of a service that is not watched any more."""
        return Affected(
            conversation_id=conversation.conversation_id,
            service=service.name,
            group=service.group,
            critical=service.critical,
            severity=conversation.severity,
            alert_id=conversation.alert_id,
            alert_types=conversation.alert_types,
            message="",
            started_at=conversation.started_at,
            resolved_at=now,
            is_outage=conversation.is_outage,
            removed=NO_SERVICE,
        )

    def event(self, alert: Alert) -> Affected:
        """Return what is told of something that is no outage."""
        service, configured = self._services[alert.service_id or 0]
        return Affected(
            conversation_id=0,
            service=service.name,
            group=configured.group,
            critical=configured.critical,
            severity=alert.severity,
            alert_id=alert.alert_id,
            alert_types=(alert.alert_type,),
            message=alert.why,
            started_at=alert.started_at or alert.triggered_at,
            values=alert.values,
        )

    def _links(self, sid: int) -> tuple[tuple[str, str], ...]:
        service, configured = self._services[sid]
        page = None if self._pages is None else f"{self._pages.rstrip('/')}/services/{quote(service.name)}"
        return tuple((name, link) for name, link in (("runbook", configured.runbook_url), ("page", page)) if link is not None)

    def _facts(self, sid: int, scene: Scene, message: str, starts: int) -> tuple[tuple[str, str], ...]:
        """Return the cause, without what the message says already; that there is no container matters to who heals it."""
        report = scene.reports.get(sid)
        problem = "" if report is None or sid not in self._heals else report.problem or ""
        found = cause(scene.states[sid], Seen() if report is None else _seen(report, problem, starts))
        return (("asked", self._asked(sid)), *((name, value) for name, value in found if name != LAST_CHECK or not value.endswith(message)))

    def _asked(self, sid: int) -> str:
        return without_secrets(self._services[sid][1].url)

    def _healing(self, sid: int, incident: Incident | None) -> str:
        if incident is None:
            return ""
        return incident.healing or "" if sid in self._heals else HEALING_OFF


def _seen(report: TargetReport, problem: str, starts: int) -> Seen:
    return Seen(target=report.target, problem=problem, change=report.change, changed_at=report.changed_at, starts_1h=starts)


def _because(because: ContainerDependency | None, conversation: Conversation) -> tuple[tuple[str, str], ...]:
    if because is not None:
        which = f"{because.name} (container {because.container}, not monitored)" if because.container else because.name
        return (("because of", f"{which} {because.trouble}"),)
    was = conversation.because_of if conversation.over_at else None
    return (("it was because of", was),) if was else ()


def _last_lines(background: Background, conversation: Conversation) -> tuple[tuple[str, str], ...]:
    """Return what the container said last; of what is over, nobody wants to know."""
    told = "" if conversation.over_at else newest(background.last_lines)
    return (("last log lines", told),) if told else ()


def _not_back(background: Background) -> tuple[tuple[str, str], ...]:
    return (("not back yet", ", ".join(background.not_back)),) if background.not_back else ()


def _started_at(conversation: Conversation, incident: Incident | None) -> datetime:
    """Return when it began: of what flapped, the first time."""
    if incident is None:
        return conversation.started_at
    return min(incident.started_at, conversation.started_at) if conversation.told_flapping else incident.started_at


def _message(firing: Sequence[Firing], incident: Incident | None, first: Alert | None) -> str:
    """Return what failed: of an outage the look that began it, else what the first rule says, or said."""
    if incident is not None:
        return incident.error_message or incident.reason.value
    if firing:
        return firing[0].why
    return "" if first is None else first.why


def _healed(made: Sequence[Heal]) -> str:
    """Return what of ours helped, if it did."""
    if not made or made[-1].state is not HealState.VERIFIED:
        return ""
    times = sum(heal.state in CHARGED_HEALS for heal in made)
    return "restarted once" if times == 1 else f"restarted {times} times"
