"""What does the engine's word about a container mean as a look at its service?

Where the container has a health check, its verdict; else, whether it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.heal.condition import condition
from healthmon.heal.matching import MatchProblem
from healthmon.model.check import CheckReason, Outcome
from healthmon.model.target import TargetHealth, TargetState

if TYPE_CHECKING:
    from healthmon.heal.matching import Match
    from healthmon.model.target import Target


def outcome(found: Match) -> Outcome | None:
    """Return what a look finds; None while the engine has not judged yet: then what was known before goes on."""
    if found.target is not None:
        return _of_target(found.target)
    if found.problem is MatchProblem.NOT_FOUND:
        return Outcome(reason=CheckReason.CONTAINER, error_message=found.text)
    reason = CheckReason.NO_ENGINE if found.problem is MatchProblem.ENGINE_UNREACHABLE else CheckReason.NO_DATA
    return Outcome(reason=reason, error_message=found.text)


def _of_target(target: Target) -> Outcome | None:
    if target.state is not TargetState.RUNNING:
        return Outcome(reason=CheckReason.CONTAINER, error_message=f"{target.name} {condition(target)}")
    match target.health:
        case TargetHealth.STARTING:
            return None
        case TargetHealth.UNHEALTHY:
            said = f": {target.health_output}" if target.health_output else " and says nothing"
            return Outcome(reason=CheckReason.HEALTHCHECK, error_message=f"its own health check fails{said}")
        case TargetHealth.UNKNOWN:
            return Outcome(reason=CheckReason.NO_DATA, error_message="the engine has no result of its health check that counts now")
    return Outcome(reason=CheckReason.OK)
