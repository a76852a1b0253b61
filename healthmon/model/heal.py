"""What did we do, or would we have done, to heal a service?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from healthmon.model.target import Incarnation


class HealAction(StrEnum):
    RESTART = "restart"
    START = "start"  # of a container that its engine gave up on


class HealState(StrEnum):
    """The ledger's states. Arrows, and who moves along them:

    planned   -> issued        healer, before the call: the attempt is charged here
    planned   -> dropped       healer, when a fresh look forbids it: nothing is charged
    issued    -> returned      healer, when the engine said yes, or a later look proved it
    issued    -> failed        healer, when the engine said no, or a later look proved that nothing happened
    issued    -> gone          healer, when the container was removed meanwhile
    issued    -> dropped       healer, when surely nothing was sent
    issued    -> superseded    healer, when a person stopped it while our call was under way
    issued    -> inconclusive  healer, when the engine did not come back to tell
    returned  -> verified      evaluator, after fresh good checks of the new incarnation
    returned  -> failed        evaluator, when they did not come in time
    returned  -> inconclusive  evaluator, when no check told anything in that time
    returned  -> superseded    evaluator, when somebody else restarted or replaced it during verification
    """

    PLANNED = "planned"
    ISSUED = "issued"
    RETURNED = "returned"
    VERIFIED = "verified"
    FAILED = "failed"
    DROPPED = "dropped"
    GONE = "gone"
    INCONCLUSIVE = "inconclusive"
    SUPERSEDED = "superseded"
    WOULD_RESTART = "would_restart"  # a dry run: decided, recorded, not done


OPEN_HEALS = frozenset({HealState.PLANNED, HealState.ISSUED, HealState.RETURNED})
CHARGED_HEALS = frozenset(HealState) - {HealState.PLANNED, HealState.DROPPED, HealState.GONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heal:
    """One row of the ledger. `incarnation` is the one that the evidence speaks of: no other is acted on.

    `asked_by` is the person who wanted it, `why` and `forced` say how; None where the policy decided. `incident_id` is None
    where a person restarts what is not ill. `follows` is the heal of the container whose network it uses: one action, charged once.
    """

    heal_id: int
    service_id: int
    incident_id: int | None
    attempt: int
    action: HealAction
    state: HealState
    incarnation: Incarnation
    target_name: str
    stop_timeout_s: int
    planned_at: datetime
    issued_at: datetime | None = None
    returned_at: datetime | None = None
    closed_at: datetime | None = None
    new_incarnation: Incarnation | None = None
    detail: str = ""
    asked_by: str | None = None
    why: str = ""
    forced: bool = False
    follows: int | None = None
    signature: str = ""  # of the failure that it was made for; `failure` says it to people
    failure: str = ""
    needless: bool | None = None  # it would have recovered by itself, soon; None: nobody knows
