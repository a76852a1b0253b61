"""What is told of an alert that belongs to no conversation?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.notification import Affected

if TYPE_CHECKING:
    from healthmon.model.alert import Alert


def of_alert(alert: Alert, *, service: str, group: str, critical: bool) -> Affected:
    """Say it of whom it is about. What was over as it began is of a moment, and so has no end."""
    is_moment = alert.resolved_at == alert.triggered_at
    return Affected(
        conversation_id=0,
        service=service,
        group=group,
        critical=critical,
        severity=alert.severity,
        alert_id=alert.alert_id,
        alert_types=(alert.alert_type,),
        message=alert.message,
        started_at=alert.triggered_at,
        resolved_at=None if is_moment else alert.resolved_at,
        values=alert.values,
    )
