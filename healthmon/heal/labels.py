"""Which containers that no configuration names ask by their labels to be watched and healed, and as which services?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from healthmon.heal.settings import DiscoverySettings
    from healthmon.model.target import Target

GROUP = "labelled"
CRITICAL = "healthmon.critical"
AUTOHEAL = "autoheal"
AUTOHEAL_STOP_TIMEOUT = "autoheal.stop.timeout"
OURS, THEIRS = "healthmon.", "autoheal"  # how the labels begin that are kept of a container
MAX_NAME_CHARS = 64
MAX_STOP_TIMEOUT_S = 600
_YES = "true"


def kept(labels: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return those of a container's labels that may ask something of us."""
    return tuple(sorted((key, str(value)) for key, value in labels.items() if key.startswith((OURS, THEIRS))))


def asking(settings: DiscoverySettings) -> str:
    """Return for people which containers ask to be watched."""
    labels = (settings.label, AUTOHEAL if settings.autoheal_labels else None)
    return f"the containers labelled {' or '.join(f'{label}={_YES}' for label in labels if label is not None)}"


def labelled(seen: Iterable[Target], settings: DiscoverySettings, *, watched: Collection[str], taken: Collection[str]) -> list[dict[str, Any]]:
    """Return the services that containers ask to be, as they would stand in a file.

    `watched` are the ids of those that the file's services are, `taken` their names: what a person wrote counts.
    """
    wanted = [one for one in seen if _asks(one, settings) and one.incarnation.target_id not in watched and not one.untouchable]
    return [_service(one) for one in sorted(wanted, key=lambda one: one.name) if one.name not in taken and len(one.name) <= MAX_NAME_CHARS]


def stop_timeout_s(target: Target, settings: DiscoverySettings) -> int:
    """Return how long a container is given to stop: its own time, or what a label says that docker-autoheal reads."""
    said = dict(target.labels).get(AUTOHEAL_STOP_TIMEOUT, "")
    if not settings.autoheal_labels or not (said.isascii() and said.isdecimal()):
        return target.stop_timeout_s
    return min(int(said), MAX_STOP_TIMEOUT_S)


def _asks(target: Target, settings: DiscoverySettings) -> bool:
    labels = dict(target.labels)
    if settings.label is not None and settings.label in labels:
        return labels[settings.label].lower() == _YES  # also a no to docker-autoheal's
    return settings.autoheal_labels and labels.get(AUTOHEAL, "").lower() == _YES


def _service(target: Target) -> dict[str, Any]:
    critical = dict(target.labels).get(CRITICAL, "").lower() == _YES
    return {"name": target.name, "type": "docker", "container": target.name, "group": GROUP, "critical": critical}
