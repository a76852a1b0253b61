"""Which conversations share a message? Whatever is to be said in one moment is said at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from healthmon.model.notification import NotificationKind
from healthmon.notify.decision import NotifyDecision, NotifyReason, NotifyVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping

# Bad news share a message, and so do good ones. A first word gives the message its kind, also one that only goes along.
_SHARED = (
    (NotificationKind.FIRING, NotificationKind.WORSENED),
    (NotificationKind.FLAPPING,),
    (NotificationKind.ESCALATED,),
    (NotificationKind.REMINDER,),
    (NotificationKind.RESOLVED,),
    (NotificationKind.REMOVED,),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One message about these conversations, in their order, and to whom it goes."""

    kind: NotificationKind
    members: tuple[int, ...]
    channels: tuple[str, ...] = ()


def batches(decisions: Mapping[int, NotifyDecision]) -> list[Batch]:
    """Return the messages that are due, of decisions by service. What still waited to be grouped goes along with the first."""
    return [batch for kinds in _SHARED if (batch := _batch(decisions, kinds)) is not None]


def routed(decisions: Mapping[int, NotifyDecision], channels: Mapping[int, tuple[str, ...]]) -> list[Batch]:
    """Return the messages that are due, of decisions and their channels by service: what goes elsewhere is said elsewhere."""
    return [
        replace(batch, channels=where)
        for where in dict.fromkeys(channels.values())
        for batch in batches({one: decision for one, decision in decisions.items() if channels.get(one) == where})
    ]


def _batch(decisions: Mapping[int, NotifyDecision], kinds: tuple[NotificationKind, ...]) -> Batch | None:
    if not any(decision.verdict is NotifyVerdict.SEND and decision.kind in kinds for decision in decisions.values()):
        return None
    members = tuple(one for one, decision in decisions.items() if decision.kind in kinds and _goes_along(decision))
    said = {decisions[one].kind for one in members}
    return Batch(kind=next(kind for kind in kinds if kind in said), members=members)


def _goes_along(decision: NotifyDecision) -> bool:
    return decision.verdict is NotifyVerdict.SEND or decision.reason is NotifyReason.GROUPING
