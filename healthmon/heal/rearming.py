"""Does something about a service that healing has given up on deserve another try?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.model.quarantine import Quarantine, Rearm
from healthmon.model.target import TargetKind

if TYPE_CHECKING:
    from healthmon.model.target import Target

BEFORE_ENGINE = timedelta(minutes=5)  # the engine starts its containers before it answers

WORDS = {
    Rearm.IMAGE: "it runs a new image",
    Rearm.CONFIGURATION: "it has a new configuration",
    Rearm.STARTED: "somebody started it",
    Rearm.RELEASED: "it was released",
    Rearm.ACKNOWLEDGED: "it was acknowledged",
    Rearm.DEPENDENCY: "what it depends on came back",
}


def way_out(service: str) -> str:
    """Return for people what makes healing try again."""
    return f"healing tries again after a new image or configuration, a start by hand, an acknowledgement, or `healthmon heal release {service}`"


def rearmed(held: Quarantine, target: Target | None, engine_returned_at: datetime | None, settles: timedelta) -> Rearm | None:
    """Return what the container, as it is now, gives as a reason to try again; None when it is as it was given up on."""
    if held.awaits_dependency:
        return Rearm.DEPENDENCY
    if target is None or held.incarnation is None:
        return None
    if target.image_id != held.image_id:
        return Rearm.IMAGE
    if target.config_hash != held.config_hash:
        return Rearm.CONFIGURATION
    if target.incarnation != held.incarnation and _is_by_hand(target, engine_returned_at, settles):
        return Rearm.STARTED
    return None


def _is_by_hand(target: Target, engine_returned_at: datetime | None, settles: timedelta) -> bool:
    """Tell a person's start from the engine's own: its restart policy counts, and a returning engine starts many."""
    if target.kind is not TargetKind.DOCKER or target.started_at is None or target.restart_count > 0:
        return False
    if engine_returned_at is None:
        return True
    return not engine_returned_at - BEFORE_ENGINE <= target.started_at <= engine_returned_at + settles
