"""Did the restart help? Only fresh looks at the new incarnation can say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from healthmon.model.check import CheckStatus
from healthmon.model.heal import Heal, HealState
from healthmon.model.target import Incarnation, TargetState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthmon.model.target import Target

GOOD_LOOKS = 3
AFTER_GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`state` is None while it is not decided; `until` is when it will be at the latest."""

    state: HealState | None
    detail: str
    until: datetime


def judge(
    heal: Heal,
    *,
    looks: Sequence[CheckStatus],
    target: Target | None,
    grace: timedelta,
    now: datetime,
) -> Verification:
    """Judge a heal that has returned, by the looks made since, oldest first, and the target as last seen.

    `grace` is how long the new run is left alone anyway.
    """
    returned_at = heal.returned_at or heal.planned_at
    until = returned_at + grace + AFTER_GRACE
    known = [look for look in looks if look is not CheckStatus.UNKNOWN]
    good = _good_at_end(known)
    if _is_another(target, heal.new_incarnation, returned_at):
        return Verification(state=HealState.SUPERSEDED, detail="it was restarted or replaced again meanwhile", until=until)
    if good >= GOOD_LOOKS and (target is None or target.state is TargetState.RUNNING):
        return Verification(state=HealState.VERIFIED, detail=f"{good} good checks of the new run", until=until)
    if now < until:
        return Verification(state=None, detail=f"{good} of {GOOD_LOOKS} good checks", until=until)
    if not known:
        return Verification(state=HealState.INCONCLUSIVE, detail="no check of the new run arrived", until=until)
    return Verification(state=HealState.FAILED, detail=f"{good} of {GOOD_LOOKS} good checks in time", until=until)


def _good_at_end(looks: Sequence[CheckStatus]) -> int:
    good = 0
    for look in reversed(looks):
        if look is not CheckStatus.HEALTHY:
            break
        good += 1
    return good


def _is_another(target: Target | None, new: Incarnation | None, returned_at: datetime) -> bool:
    """Facts from before the return speak of the old run: they are no sign of a foreign hand."""
    if target is None or new is None or target.observed_at <= returned_at:
        return False
    return target.state is TargetState.RUNNING and target.incarnation != new
