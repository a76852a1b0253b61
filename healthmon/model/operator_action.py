"""What did a person tell us to do?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class OperatorActionKind(StrEnum):
    ACKNOWLEDGE = "acknowledge"  # a person has seen it: no reminders, no escalation until it is over
    SILENCE = "silence"  # nobody is to be told of what matches
    END_SILENCE = "end_silence"
    MAINTENANCE = "maintenance"  # services are worked on: nobody is told, nothing is restarted, and the time does not count
    END_MAINTENANCE = "end_maintenance"
    HOLD = "hold"  # a service is not to be restarted for a time, whatever it looks like
    RELEASE = "release"  # it may be again
    HEAL_NOW = "heal_now"  # it is to be restarted now
    FALSE_ALARM = "false_alarm"  # an alert was about nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAction:
    """One act, from the command line or the page. What it does not need is None, or empty.

    `action_id` is 0 until it is stored. `until` ends an acknowledgement early, a silence, a maintenance and a hold.
    `force` restarts also what healing has given up on, or a person holds.
    """

    action_id: int = 0
    kind: OperatorActionKind
    made_at: datetime
    author: str
    reason: str = ""
    service: str | None = None
    until: datetime | None = None
    matchers: tuple[str, ...] = ()
    silence_id: int | None = None
    services: tuple[str, ...] = ()
    maintenance_id: int | None = None
    force: bool = False
    alert_id: int | None = None
