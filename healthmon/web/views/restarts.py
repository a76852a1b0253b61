"""How many restarts were there, and what were they good for?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.model.heal import HealState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from healthmon.model.heal import Heal

MOST = 5
MADE = {
    HealState.VERIFIED: "helped",
    HealState.FAILED: "did not help",
    HealState.INCONCLUSIVE: "ended nobody knows how",
    HealState.SUPERSEDED: "overtaken by somebody else",
    HealState.RETURNED: "being verified",
    HealState.ISSUED: "under way",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """The restarts of seven days: each figure with what it counts, and the services that had most of them."""

    figures: tuple[tuple[str, int], ...]
    most: tuple[tuple[str, str], ...]  # name, and how many


def week(heals: Iterable[Heal], names: Mapping[int, str]) -> Week | None:
    """Return it; None where nothing was restarted, and nothing would have been."""
    found = [heal for heal in heals if heal.state in MADE or heal.state is HealState.WOULD_RESTART]
    if not found:
        return None
    states = Counter(heal.state for heal in found)
    made = [heal for heal in found if heal.state in MADE]
    services = Counter(names[heal.service_id] for heal in made if heal.service_id in names)
    return Week(
        figures=(
            ("made", len(made)),
            ("verified: it helped", states[HealState.VERIFIED]),
            ("ineffective", states[HealState.FAILED]),
            ("needless", sum(heal.needless is True for heal in found)),
            ("unclear", states[HealState.INCONCLUSIVE] + states[HealState.SUPERSEDED]),
            ("a dry run would have made", states[HealState.WOULD_RESTART]),
        ),
        most=tuple((name, str(count)) for name, count in services.most_common(MOST)),
    )


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
