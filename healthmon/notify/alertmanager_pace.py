"""When is an Alertmanager told again?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from healthmon.model.delivery import SendResult, SendStatus
from healthmon.notify import retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The clocks of what is handed over, with the values that Prometheus itself uses (rules/manager.go)."""

    resend_s: float = 60.0  # an Alertmanager keeps alerts in memory only: after its restart, this brings them back
    idle_s: float = 300.0  # with nothing to report: shows that it could be reported
    gap_s: float = 2.0  # many that fire one after the other go together
    lasts: timedelta = timedelta(minutes=4)  # two posts in a row may be lost before what fires ends there by itself
    resolved_for: timedelta = timedelta(minutes=15)  # so long it is said again that something is over

    @property
    def max_ahead(self) -> timedelta:
        """How far its clock may be ahead of ours before what fires ends there between two posts."""
        return self.lasts - timedelta(seconds=self.resend_s)


def next_s(pace: Pace, result: SendResult, *, failures: int, is_idle: bool, spread: float) -> float:
    """Return the seconds from one attempt to the next, after so many failures in a row, this one among them.

    What was refused is not tried any sooner: of several alerts, those without fault were taken.
    """
    if result.status is SendStatus.SENT:
        return pace.idle_s if is_idle else pace.resend_s
    if result.status is SendStatus.REFUSED:
        return pace.resend_s
    pause_s = retry.pause(failures, spread=spread).total_seconds()
    return max(min(pause_s, pace.resend_s), result.retry_after_s or 0.0)
