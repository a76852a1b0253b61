"""Which ill service is ill because of another?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def roots(depends_on: Mapping[int, Sequence[int]], ill: Collection[int]) -> dict[int, int]:
    """Return, for each ill service that depends on an ill one, the service at the bottom of it.

    Of several, the one that is named first is followed. A chain goes through ill services only, and services that
    depend on each other in a circle have no bottom: each is its own.
    """
    found = {}
    for service in ill:
        root = _bottom(service, depends_on, ill)
        if root != service:
            found[service] = root
    return found


def _bottom(service: int, depends_on: Mapping[int, Sequence[int]], ill: Collection[int]) -> int:
    seen = [service]
    while True:
        following = next((other for other in depends_on.get(seen[-1], ()) if other in ill), None)
        if following is None:
            return seen[-1]
        if following in seen:
            return service
        seen.append(following)
