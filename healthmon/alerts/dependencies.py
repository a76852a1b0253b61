"""Which ill service is ill because of another, or of a container that nobody watches?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    Node = int | str  # a service_id, or a container that no service watches


def roots(depends_on: Mapping[int, Sequence[Node]], ill: Collection[Node]) -> dict[int, Node]:
    """Return, for each ill service that depends on an ill one, what is at the bottom of it.

    Of several, the one that is named first is followed. A chain goes through ill services only, and services that
    depend on each other in a circle have no bottom: each is its own.
    """
    found = {}
    for service in ill:
        if isinstance(service, str):
            continue
        root = _bottom(service, depends_on, ill)
        if root != service:
            found[service] = root
    return found


def _bottom(service: int, depends_on: Mapping[int, Sequence[Node]], ill: Collection[Node]) -> Node:
    seen: list[Node] = [service]
    while True:
        last = seen[-1]
        leads_to = depends_on.get(last, ()) if isinstance(last, int) else ()
        following = next((other for other in leads_to if other in ill), None)
        if following is None:
            return seen[-1]
        if following in seen:
            return service
        seen.append(following)
