"""Which conversation speaks for all services that are ill because of one container that nobody watches?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.model.alert import rank

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from healthmon.alerts.dependencies import Node
    from healthmon.model.alert import AlertSeverity
    from healthmon.model.conversation import Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """`severity` is the highest of all that it speaks for."""

    service_id: int
    severity: AlertSeverity


def speakers(conversations: Mapping[int, Conversation], roots: Mapping[int, Node], muted: Collection[int]) -> dict[str, Speaker]:
    """Return, for each container that services are ill because of, the one that speaks. `roots` and the rest are by service_id.

    Who has spoken goes on; else one that is not muted, of those the most severe, of those the first.
    """
    told_by: dict[str, list[Conversation]] = {}
    for sid, one in conversations.items():
        root = roots.get(sid)
        if isinstance(root, str):
            told_by.setdefault(root, []).append(one)
    return {
        root: Speaker(
            service_id=min(
                found,
                key=lambda one: (one.announced_at is None, one.service_id in muted, -rank(one.severity), one.conversation_id),
            ).service_id,
            severity=max((one.severity for one in found), key=rank),
        )
        for root, found in told_by.items()
    }
