"""What JSON do receivers get? Ours, Datadog's events API, and the protocol of Slack's incoming webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from healthmon import clock
from healthmon.model.alert import AlertSeverity
from healthmon.model.notification import NotificationKind
from healthmon.notify import titles, wording
from healthmon.notify.paragraphs import NAME_CHARS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.model.notification import Affected, Notification
    from healthmon.notify.envelope import Envelope
    from healthmon.notify.settings import SlackSettings

DATADOG_TITLE_CHARS = 100
DATADOG_TAG_CHARS = 200
DATADOG_TAGS = 60
DATADOG_PAST = timedelta(hours=17)  # it refuses events that are older than 18 hours
SEVERITY_COLOURS = {AlertSeverity.CRITICAL: "#d32f2f", AlertSeverity.WARNING: "#f9a825", AlertSeverity.INFO: "#1976d2"}
GOOD_COLOUR = "#2e7d32"
DATADOG_TYPES = {AlertSeverity.CRITICAL: "error", AlertSeverity.WARNING: "warning", AlertSeverity.INFO: "info"}
CALM = (NotificationKind.RESOLVED, NotificationKind.TEST)


def ours(envelope: Envelope) -> dict[str, Any]:
    """Return our own document. The top-level fields about one service are those of the one that matters most."""
    told = envelope.notification
    affected = titles.in_order(told.affected)
    first = _service(affected[0]) if affected else {}
    return {
        "event": told.kind.value,
        "service": first.get("service"),
        "severity": told.severity.value,
        "message": first.get("message") or envelope.rendered.title,
        "timestamp": clock.to_iso(told.created_at),
        "alert_id": first.get("alert_id"),
        "status": _status(affected),
        "values": first.get("values", {}),
        "links": first.get("links", {}),
        "host": told.host,
        "group": first.get("group"),
        "facts": first.get("facts", {}),
        "healing": first.get("healing", ""),
        "services": list(map(_service, affected)),
        "title": envelope.rendered.title,
        "text": envelope.rendered.body,
        "notification_id": told.notification_id,
        "idempotency_key": envelope.key,
        "possible_repeat": envelope.possible_repeat,
        "delivered_late": envelope.late,
    }


def _status(affected: Sequence[Affected]) -> str:
    found = {_state(one) for one in affected}
    return next((state for state in ("firing", "removed", "resolved") if state in found), "test")


def _state(one: Affected) -> str:
    return "removed" if one.removed else "resolved" if one.is_resolved else "firing"


def _service(one: Affected) -> dict[str, Any]:
    return {
        "service": one.service,
        "group": one.group,
        "critical": one.critical,
        "severity": one.severity.value,
        "alert_id": one.alert_id,
        "alert_types": list(one.alert_types),
        "conversation_id": one.conversation_id,
        "message": one.message,
        "status": _state(one),
        "started_at": clock.to_iso(one.started_at),
        "resolved_at": None if one.resolved_at is None else clock.to_iso(one.resolved_at),
        "facts": dict(one.facts),
        "values": dict(one.values),
        "healing": one.healing,
        "dependents": list(one.dependents),
        "because_of": one.because_of or None,
        "news": one.news or None,
        "removed": one.removed or None,
        "links": dict(one.links),
    }


def datadog(envelope: Envelope) -> dict[str, Any]:
    """Return what `POST /api/v1/events` of Datadog reads (docs.datadoghq.com/api/latest/events)."""
    told = envelope.notification
    happened = max(told.created_at, envelope.at - DATADOG_PAST)
    shown = titles.names(titles.in_order(told.affected))
    mood = mood_of(told)
    return {
        "title": wording.one_line(envelope.rendered.title, DATADOG_TITLE_CHARS),
        "text": envelope.rendered.body,
        "alert_type": "success" if told.kind in CALM else DATADOG_TYPES[mood],
        "priority": "low" if told.kind in CALM or mood is AlertSeverity.INFO else "normal",
        "date_happened": int(happened.timestamp()),
        "host": wording.one_line(told.host, NAME_CHARS),
        "tags": _tags(envelope, shown),
        "aggregation_key": wording.one_line(f"healthmon-{told.host}-{shown[0] if shown else 'test'}", DATADOG_TITLE_CHARS),
    }


def mood_of(told: Notification) -> AlertSeverity:
    """Return how bad a message looks: that there is nothing more to be told of something is no bad news."""
    return AlertSeverity.INFO if told.kind is NotificationKind.REMOVED else told.severity


def _tags(envelope: Envelope, names: Sequence[str]) -> list[str]:
    told = envelope.notification
    groups = dict.fromkeys(one.group for one in told.affected)
    pairs = [("source", "healthmon"), ("event", told.kind.value), ("severity", told.severity.value)]
    pairs += [*(("group", group) for group in groups), *(("service", name) for name in names)]
    return [wording.one_line(f"{name}:{value}", DATADOG_TAG_CHARS) for name, value in pairs[:DATADOG_TAGS]]


def slack(envelope: Envelope, settings: SlackSettings) -> dict[str, Any]:
    """Return what an incoming webhook of Slack takes, and so do Mattermost's, Rocket.Chat's and others' that copy it.

    `mrkdwn` off and `mrkdwn_in` empty: nothing in our texts is markup. The three characters that still have a meaning
    are escaped, and mentions, which Mattermost looks for in plain text, are taken apart.
    """
    told = envelope.notification
    title, text = _inert(envelope.rendered.title), _inert(envelope.rendered.body)
    chosen = {"channel": settings.channel, "username": settings.username}
    return {
        **{name: value for name, value in chosen.items() if value},
        "text": title,
        "mrkdwn": False,
        "attachments": [
            {
                "color": GOOD_COLOUR if told.kind in CALM else SEVERITY_COLOURS[mood_of(told)],
                "fallback": title,
                "text": text,
                "mrkdwn_in": [],
                "ts": int(told.created_at.timestamp()),
            },
        ],
    }


def _inert(text: str) -> str:
    escaped = wording.without_mentions(text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
