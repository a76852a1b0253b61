"""How many restarts were there, and what were they good for?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from healthmon.model.heal import HealState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthmon.model.heal import Heal

MADE = {
    HealState.VERIFIED: "helped",
    HealState.FAILED: "did not help",
    HealState.INCONCLUSIVE: "ended nobody knows how",
    HealState.SUPERSEDED: "overtaken by somebody else",
    HealState.RETURNED: "being verified",
    HealState.ISSUED: "under way",
}


def restarts(heals: Iterable[Heal]) -> str:
    """Return it in one line."""
    found = list(heals)
    states = Counter(heal.state for heal in found)
    made = sum(states[state] for state in MADE)
    parts = [f"{states[state]} {words}" for state, words in MADE.items() if states[state]]
    if needless := sum(heal.needless is True for heal in found):
        parts.append(f"{needless} needless: it would have recovered by itself")
    text = f"{made} restart{'' if made == 1 else 's'} in the last 7 days"
    text += f": {', '.join(parts)}" if parts else ""
    if would := states[HealState.WOULD_RESTART]:
        text += f". A dry run would have made {would}"
    return f"{text}."
