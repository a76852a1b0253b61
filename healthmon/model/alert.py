"""What does a person have to know?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


HEALING_QUARANTINED = "healing_quarantined"  # the alert type of what healing has given up on
HEALING_STORM = "healing_storm"  # of so many ill at once that restarts are no answer
CONFIGURATION_REFUSED = "configuration_refused"  # of a file that was to be applied and could not be
HISTORY_LOST = "history_lost"  # and of a database that is not what it was
DATABASE_REPLACED = "database_replaced"  # and of another one that was put in its place while it was in use


class AlertSeverity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


_RANKS = {AlertSeverity.INFO: 0, AlertSeverity.WARNING: 1, AlertSeverity.CRITICAL: 2}


def rank(severity: AlertSeverity) -> int:
    """Return how bad a severity is: more is worse."""
    return _RANKS[severity]


class AlertStatus(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"
    REMOVED = "removed"  # it did not end: its rule, or its service, was taken out of the configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of one service: at most one of a type is firing at a time. `alert_type` is the rule's name.

    `service_id` is None for what is about ourselves.
    """

    service_id: int | None
    alert_type: str
    severity: AlertSeverity
    message: str
    triggered_at: datetime
    started_at: datetime | None = None  # since when its condition held; None for an alert of a moment
    resolved_at: datetime | None = None
    is_removed: bool = False
    values: tuple[tuple[str, str], ...] = ()  # the operands that made it fire, for people
    alert_id: int = 0  # 0 until it is stored

    @property
    def why(self) -> str:
        """What its rule says, where its service and its name stand beside it."""
        return self.message.partition(f": {self.alert_type}: ")[2] or self.message

    @property
    def status(self) -> AlertStatus:
        if self.resolved_at is None:
            return AlertStatus.FIRING
        return AlertStatus.REMOVED if self.is_removed else AlertStatus.RESOLVED
