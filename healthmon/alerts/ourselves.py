"""What is said of an alert about healthmon itself, and when?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.alert import HEALING_STORM
from healthmon.model.notification import NotificationKind

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from healthmon.model.alert import Alert

OURSELVES = "healthmon"  # the service, and the group, of what is about ourselves
TOLD_BY_ITS_SERVICES = frozenset({HEALING_STORM})  # each of their messages says that and why nothing is restarted


def is_never_told(alert: Alert, *, is_known: bool) -> bool:
    """Tell whether there is nothing to say of an alert: it was over before anybody was told, or what it says is said elsewhere."""
    is_blip = not is_known and alert.resolved_at is not None and alert.resolved_at > alert.triggered_at
    return is_blip or alert.alert_type in TOLD_BY_ITS_SERVICES


def due_at(alert: Alert, *, is_known: bool, wait: timedelta) -> datetime:
    """Return when an alert, or its end where people know of its beginning, has waited long enough for others."""
    return wait + (alert.resolved_at if is_known and alert.resolved_at is not None else alert.triggered_at)


def kind_of(alert: Alert, *, is_known: bool) -> NotificationKind:
    """Return which message it is: what is over as it begins is an event, whatever its severity."""
    if is_known:
        return NotificationKind.RESOLVED
    return NotificationKind.FIRING if alert.resolved_at is None else NotificationKind.EVENT
