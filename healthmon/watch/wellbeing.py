"""Is the agent as a whole ready, alive and well? What is made of the judgements on its processes, in one pure function.

Three questions with three askers. Ready: may who waits for the start go on? Alive: would starting everything anew be
worse than going on, for systemd's watchdog? Well: is monitoring as it should be, for the dead-man's receiver outside?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.watch.policy import ProgramState, WatchReason

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTLED = {ProgramState.RUNNING, ProgramState.STOPPED, ProgramState.FATAL}
PAGE = "web"  # without it monitoring is as it should be: an alert of its own tells that its port is taken
BRAKE = "healer"  # to stop it is how a person forbids restarts: no sign of an illness


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One process of ours, and what was made of it at the last look."""

    program: str
    state: ProgramState
    reason: WatchReason
    detail: str = ""
    has_beaten: bool  # since it was started
    has_begun: bool = True  # its work, and not only to wait for what it needs
    is_stuck: bool  # it lives, and says that it cannot work
    is_elsewhere: bool = False  # not under our supervisord, but in a unit of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Wellbeing:
    is_ready: bool
    is_alive: bool
    is_well: bool
    words: str  # one line for a person


def wellbeing(judged: Sequence[Judged], *, supervisor_problem: str) -> Wellbeing:
    """Return how all of it is. `supervisor_problem` is why supervisord does not answer; empty when it does."""
    if supervisor_problem:
        return Wellbeing(is_ready=False, is_alive=False, is_well=False, words=supervisor_problem)
    if not judged:
        return Wellbeing(is_ready=False, is_alive=True, is_well=False, words="no process is known yet")
    starting = [one for one in judged if _is_starting(one)]
    ill = [f"{one.program}: {_trouble(one)}" for one in judged if _trouble(one)]
    words = "; ".join(ill) or (f"starting: {', '.join(one.program for one in starting)}" if starting else f"{len(judged)} processes, all well")
    return Wellbeing(
        is_ready=all(one.is_elsewhere for one in starting),
        # What was given up, flaps or leaks is seen to; a start of everything would take the others away, and help nobody.
        is_alive=all(one.reason is not WatchReason.NO_HEARTBEAT or one.is_elsewhere for one in judged),
        is_well=not ill and not starting,
        words=words,
    )


def _is_starting(one: Judged) -> bool:
    if one.state is ProgramState.STARTING:
        return not (one.has_beaten and one.has_begun)  # supervisord believes it a second later, whatever it does
    return one.state not in SETTLED or (one.state is ProgramState.RUNNING and not one.has_beaten)


def _trouble(one: Judged) -> str:
    """Say what is wrong with one process; nothing when it is as it should be, or just being started."""
    if one.is_stuck and one.program != PAGE:
        return "cannot work, its log says why"
    if one.reason is WatchReason.STOPPED_BY_PERSON:
        return "" if one.program == BRAKE else "stopped by a person"
    if one.reason in {WatchReason.WELL, WatchReason.SUPERVISED}:
        return ""
    return f"{one.reason.value.replace('_', ' ')} {one.detail}".strip()
