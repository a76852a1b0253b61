"""Has the engine given up on a container that nobody stopped?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.model.target import TargetState

if TYPE_CHECKING:
    from healthmon.model.target import Target


def engine_gave_up(target: Target | None) -> bool:
    """Tell whether a container's own restart policy will not bring it back although nobody stopped it.

    The engine never tries again after a start that failed, nor when `on-failure` has used up its retries.
    """
    if target is None or target.state is not TargetState.EXITED or target.stopped_by_person:
        return False
    if target.restart_policy in {"", "no"}:
        return False
    used_up = (
        target.restart_policy == "on-failure"
        and target.exit_code != 0
        and 0 < target.restart_limit <= target.restart_count
    )
    return bool(target.error) or used_up
