"""May what a person wants restarted now be restarted? Waiting is left out, protections are not.

Nothing that only waits for time or proof stands in a person's way, and no attempt is charged. What protects the service
(quarantine, somebody's hold, an ill dependency, a storm) takes `force`; what makes a restart impossible, or is nobody's to
allow from here, stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.heal.decision import HealDecision, HealVerdict
from healthmon.heal.gave_up import engine_gave_up
from healthmon.heal.policy import GATES
from healthmon.heal.words import in_words
from healthmon.model.heal import HealAction

if TYPE_CHECKING:
    from healthmon.heal.situation import Situation

ALWAYS = frozenset({"switched_on", "nothing_under_way", "target_known", "may_be_touched", "target_state", "engine_settled"})
UNLESS_FORCED = frozenset({"not_held", "not_in_maintenance", "dependencies", "no_storm"})


def refusal(situation: Situation, *, force: bool) -> str | None:
    """Return why it is not done, in words with the way out, or None."""
    for gate in GATES:
        answer = gate.ask(situation)
        if not isinstance(answer, HealDecision):
            continue
        if gate.name in ALWAYS:
            return _stays(answer, situation)
        protects = gate.name in UNLESS_FORCED or answer.verdict is HealVerdict.QUARANTINE
        if protects and not force:
            return f"not restarted; healing: {in_words(answer, dry_run=False)}; add --force to restart it all the same"
    return None


def action(situation: Situation) -> HealAction:
    return HealAction.START if engine_gave_up(situation.target) else HealAction.RESTART


def _stays(answer: HealDecision, situation: Situation) -> str:
    if not situation.settings.switched_on:
        return "healing is switched off for it in the configuration, and then healthmon touches nothing: restart it yourself"
    return f"not restarted; healing: {in_words(answer, dry_run=False)}"
