"""Can the limits on restarts be reached, for all services and for each? Judged on plain values, as relations are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.config_source.node import Finding
from healthmon.config_source.relations import entries
from healthmon.heal import reach
from healthmon.heal.settings import HealSettings

if TYPE_CHECKING:
    from healthmon.config_source.node import Path, Plain


def findings(values: Plain) -> list[Finding]:
    """Return the limits of the file that can never be reached: one for self_healing, else one for each service."""
    shared = _numbers(values.get("self_healing") if isinstance(values, dict) else None)
    found = _finding(("self_healing",), shared, shared)
    if found is not None:
        return [found]
    own = {number: _numbers(entry.get("heal")) for number, entry in entries(values, "services").items()}
    each = (_finding(("services", number, "heal"), {**shared, **one}, one) for number, one in own.items())
    return [finding for finding in each if finding is not None]


def _finding(path: Path, written: dict[str, float], here: dict[str, float]) -> Finding | None:
    """Judge what is written; tell of it at the key that stands here."""
    settings = HealSettings.model_construct(None, **written)  # type: ignore[arg-type]  # what each may be is judged elsewhere
    judged = {key: float(getattr(settings, key)) for key in reach.JUDGED}
    judged |= {reach.HOUR: settings.hourly_limit, reach.DAY: settings.daily_limit}
    found = reach.unreachable(judged, written)
    if found is None or not {found.limit, found.bound} & here.keys():
        return None
    if found.limit in here:
        return Finding(path=(*path, found.limit), message=found.message)
    return Finding(path=(*path, found.bound), message=f"with it, {found.limit} of {found.message}")


def _numbers(block: Plain) -> dict[str, float]:
    if not isinstance(block, dict):
        return {}
    sound = ((key, value) for key, value in block.items() if key in reach.JUDGED and not isinstance(value, bool))
    # No cooldown at all is a value; what else must not be 0 is told where it stands.
    return {key: float(value) for key, value in sound if isinstance(value, int | float) and (value > 0 or key == reach.COOLDOWN)}
