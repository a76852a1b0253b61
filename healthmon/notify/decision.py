"""What can be decided about telling of one outage, and for which reason?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.alert import AlertSeverity
    from healthmon.model.notification import NotificationKind


class NotifyVerdict(StrEnum):
    SEND = "send"
    WAIT = "wait"  # time alone lifts it: `until` says when
    HOLD = "hold"  # something else has to change first
    CLOSE = "close"  # nothing is left to say


class NotifyReason(StrEnum):
    FIRST_WORD = "first_word"
    WORSENED = "worsened"
    NEEDS_PERSON = "needs_person"
    FLAPPING = "flapping"  # said once, instead of a first word and a recovery for each time
    SETTLED = "settled"  # it does not flap any more, and is ill
    SPREAD = "spread"  # more services are ill because of this one
    RECOVERED = "recovered"
    ESCALATED = "escalated"  # nobody acknowledged it: others are told, too
    REMINDER = "reminder"
    REMOVED = "removed"  # it did not end: what it was about was taken out of the configuration
    OVER_BEFORE_TOLD = "over_before_told"
    GROUPING = "grouping"  # others may fail, or recover, in the same moment
    UNDER_ROOT = "under_root"  # what it depends on is ill: that one's message names it
    ROOT_IN_DOUBT = "root_in_doubt"  # what it depends on has just failed a look
    NAMED_IN_DOUBT = "named_in_doubt"  # those that it was told to make ill were not looked at since it is over
    SILENCED = "silenced"
    MAINTENANCE = "maintenance"
    ACKNOWLEDGED = "acknowledged"
    TOLD = "told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of an escalation, known by its minutes after the first message."""

    after_minutes: float
    channels: tuple[str, ...]
    severities: frozenset[AlertSeverity]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyDecision:
    """What to say about one conversation now. `until` is set for WAIT only, `kind` for SEND and for what is grouped.

    `steps` are those of the escalation that are taken with it: they say to whom it goes.
    """

    verdict: NotifyVerdict
    reason: NotifyReason
    until: datetime | None = None
    kind: NotificationKind | None = None
    steps: tuple[Step, ...] = ()
