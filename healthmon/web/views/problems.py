"""What is wrong now, one entry an outage, what depends on it under its root; and what is done and told about each?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from healthmon.alerts.silences import silenced_by
from healthmon.clock import to_people
from healthmon.heal.condition import condition
from healthmon.model.alert import AlertSeverity, rank
from healthmon.model.delivery import DeliveryState
from healthmon.model.heal import HealState
from healthmon.web.views.moments import Moment, moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from healthmon.answers.overview import Standing
    from healthmon.history.report import ServiceLine
    from healthmon.model.alert import Alert
    from healthmon.model.conversation import Conversation
    from healthmon.model.delivery import Delivery
    from healthmon.model.heal import Heal

OURSELVES = "healthmon"
STEPS = {
    HealState.PLANNED: "a restart is about to be made",
    HealState.ISSUED: "is being restarted",
    HealState.RETURNED: "was restarted; waiting for good checks",
    HealState.VERIFIED: "a restart helped",
    HealState.FAILED: "a restart did not help",
    HealState.DROPPED: "a restart was called off",
    HealState.GONE: "its container was gone before a restart",
    HealState.INCONCLUSIVE: "nobody knows what a restart did",
    HealState.SUPERSEDED: "somebody else restarted or stopped it",
    HealState.WOULD_RESTART: "would have been restarted (dry run)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What became of the last message on one channel. `is_stuck` where it did not get through."""

    channel: str
    words: str
    is_stuck: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One outage, or what else fires. `name` is empty where it is about ourselves, and then there is nothing to do about it here."""

    key: str
    name: str
    href: str
    severity: AlertSeverity
    since: Moment
    cause: str  # one word
    what: str
    container: str  # how it is, where that tells something
    healing: str  # what the policy says
    restarts: str  # what became of them
    told: str
    is_acknowledged: bool
    rules: tuple[str, ...]
    dependents: tuple[tuple[str, str], ...] = ()  # name and address of what is ill because of it
    because_of: str = ""  # a container that nobody watches
    runbook: str = ""
    story: str = ""  # the address of its incident
    messages: tuple[Message, ...] = ()
    is_held: bool = False  # a person holds it back
    may_be_released: bool = False  # it is held back, or healing has given up on it
    quiet: str = ""  # the silence that keeps all of it quiet, or the hold


def problems(standing: Standing, runbooks: dict[str, str]) -> tuple[Problem, ...]:
    """Return what is wrong, worst and oldest first."""
    firing: dict[int | None, list[Alert]] = {}
    for alert in standing.alerts:
        firing.setdefault(alert.service_id, []).append(alert)
    lines = {line.service.service_id: line for line in standing.report.lines}
    troubled = [sid for sid in lines if sid in firing or sid in standing.report.incidents]
    found = {sid: _problem(lines[sid], firing.get(sid, []), standing, runbooks) for sid in troubled}
    ours = tuple(_of_ourselves(alert, standing.report.at) for alert in firing.get(None, []))
    return tuple(sorted((*ours, *_under_roots(found, standing)), key=lambda one: (-rank(one.severity), one.since.iso)))


def _under_roots(found: dict[int, Problem], standing: Standing) -> list[Problem]:
    """Fold what is ill because of another into that one, however long the chain."""
    roots = {sid: _root(sid, standing) for sid in found}
    folded: dict[int, list[Problem]] = {}
    for sid, root in roots.items():
        if root != sid and root in found:
            folded.setdefault(root, []).append(found[sid])
    kept = [sid for sid, root in roots.items() if root == sid or root not in found]
    return [replace(found[sid], dependents=tuple((one.name, one.href) for one in folded.get(sid, []))) for sid in kept]


def _root(sid: int, standing: Standing) -> int:
    seen = {sid}
    while (spoken := standing.conversations.get(sid)) is not None and spoken.root_service_id is not None:
        sid = spoken.root_service_id
        if sid in seen:
            break
        seen.add(sid)
    return sid


def _problem(line: ServiceLine, firing: Sequence[Alert], standing: Standing, runbooks: dict[str, str]) -> Problem:
    sid, now = line.service.service_id, standing.report.at
    incident, spoken = standing.report.incidents.get(sid), standing.conversations.get(sid)
    since = min([alert.started_at or alert.triggered_at for alert in firing] + ([] if incident is None else [incident.started_at]))
    report = standing.targets.get(sid)
    target = None if report is None else report.target
    messages = _messages(standing, spoken)
    return Problem(
        key=f"problem-{sid}",
        name=line.service.name,
        href=f"/services/{quote(line.service.name, safe='')}",
        severity=_severity(firing, is_critical=line.service.critical),
        since=moment(since, now),
        cause=line.reason.value if incident is not None else "",
        what=(line.error or incident.error_message or "") if incident is not None else "; ".join(alert.message for alert in firing),
        container="" if target is None or incident is None else f"{target.name} {condition(target)}",
        healing=(incident.healing or "") if incident is not None else "",
        restarts=_restarts(standing.heals.get(incident.incident_id, ()) if incident is not None else (), now),
        told=_told(spoken, now, with_channels=not messages),
        is_acknowledged=spoken is not None and spoken.is_acknowledged(now),
        rules=tuple(alert.alert_type for alert in firing),
        because_of=(spoken.because_of or "") if spoken is not None else "",
        runbook=runbooks.get(line.service.name, ""),
        story="" if incident is None else f"/incidents/{incident.incident_id}",
        messages=messages,
        is_held=sid in standing.report.holds,
        may_be_released=sid in standing.report.holds or (incident is not None and incident.quarantined_at is not None),
        quiet="; ".join(filter(None, (_silenced(line, firing, standing), _held(sid, standing)))),
    )


def _messages(standing: Standing, spoken: Conversation | None) -> tuple[Message, ...]:
    found = standing.deliveries.get(spoken.conversation_id, {}) if spoken is not None else {}
    return tuple(_message(one, standing, standing.report.at) for _, one in sorted(found.items()))


def _message(one: Delivery, standing: Standing, now: datetime) -> Message:
    why = one.last_error or "no reason is known"
    if one.state is DeliveryState.SENT:
        return Message(channel=one.channel, words=f"has it, since {moment(one.closed_at or now, now).age}", is_stuck=False)
    if one.state is DeliveryState.PARKED:
        return Message(channel=one.channel, words=f"did not get it, and will not: {why}", is_stuck=True)
    if not one.attempts:
        return Message(channel=one.channel, words="is about to get it", is_stuck=False)
    since = next((state.failing_since for state in standing.failing_channels if state.channel == one.channel), None)
    failing = "" if since is None else f", failing for {moment(since, now).age}"
    times = "once" if one.attempts == 1 else f"{one.attempts} times"
    return Message(channel=one.channel, words=f"does not have it yet{failing}, tried {times}: {why}", is_stuck=True)


def _silenced(line: ServiceLine, firing: Sequence[Alert], standing: Standing) -> str:
    """Return the silence that keeps quiet what fires; nothing when some of it is told."""
    now, found = standing.report.at, []
    for alert in firing:
        labels = {"service": line.service.name, "group": line.service.group, "alert": alert.alert_type, "severity": alert.severity.value}
        found.append(silenced_by(standing.silences, labels, now))
    silence = found[0] if found else None
    if silence is None or None in found:
        return ""
    return f"silenced until {to_people(silence.ends_at)} by {silence.author}: {silence.reason}"


def _held(sid: int, standing: Standing) -> str:
    hold = standing.report.holds.get(sid)
    return "" if hold is None else f"held back until {to_people(hold.ends_at)} by {hold.author}: {hold.reason}"


def _severity(firing: Sequence[Alert], *, is_critical: bool) -> AlertSeverity:
    """Return the worst that fires; what does not fire yet counts by its service."""
    if firing:
        return max((alert.severity for alert in firing), key=rank)
    return AlertSeverity.CRITICAL if is_critical else AlertSeverity.WARNING


def _restarts(heals: Sequence[Heal], now: datetime) -> str:
    if not heals:
        return ""
    last = heals[-1]
    attempt = f"attempt {last.attempt}: " if last.asked_by is None else f"for {last.asked_by}: "
    words = f"{attempt}{STEPS[last.state]} {moment(last.closed_at or last.planned_at, now).age} ago"
    return words if len(heals) == 1 else f"{words}; {len(heals)} entries in all"


def _told(spoken: Conversation | None, now: datetime, *, with_channels: bool) -> str:
    if spoken is None or (spoken.notified_at is None and not spoken.is_acknowledged(now)):
        return "nobody was told yet"
    if spoken.is_acknowledged(now):
        until = "" if spoken.acknowledged_until is None else f" until {to_people(spoken.acknowledged_until)}"
        why = f": {spoken.acknowledgement}" if spoken.acknowledgement else ""
        return f"acknowledged by {spoken.acknowledged_by}{until}{why}"
    told = "" if spoken.notified_at is None else f" {moment(spoken.notified_at, now).age} ago"
    return f"told{told} by {', '.join(spoken.told_channels)}" if with_channels and spoken.told_channels else f"told{told}"


def _of_ourselves(alert: Alert, now: datetime) -> Problem:
    return Problem(
        key=f"alert-{alert.alert_id}",
        name="",
        href="",
        severity=alert.severity,
        since=moment(alert.started_at or alert.triggered_at, now),
        cause=alert.alert_type,
        what=alert.message,
        container="",
        healing="",
        restarts="",
        told="",
        is_acknowledged=False,
        rules=(alert.alert_type,),
    )
