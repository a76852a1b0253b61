"""Which containers do we live by ourselves, so that restarting them would take our eyes or our hands?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthmon.heal.docker_facts import Container

OURSELVES = "ourselves"
OUR_NETWORK = "our_network"
SOCKET_PROXY = "socket_proxy"
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def off_limits(containers: Mapping[str, Container], docker_host: str) -> dict[str, str]:
    """Return by their ids the containers that must be left alone, and why: what answers at `docker_host`, and whose network we use."""
    found = {target_id: SOCKET_PROXY for target_id, container in containers.items() if _answers_at(container, docker_host)}
    for container in containers.values():
        if container.facts.untouchable == OURSELVES and container.facts.network_of:
            found[container.facts.network_of] = OUR_NETWORK
    return found


def _answers_at(container: Container, docker_host: str) -> bool:
    """Say whether a container can be the socket proxy that `docker_host` names, by its name, its address or the port it publishes."""
    parts = urlsplit(docker_host)
    if parts.scheme not in {"tcp", "http", "https"} or not parts.hostname:
        return False
    if parts.hostname in _LOCAL_NAMES:
        return parts.port in container.facts.published_ports
    return parts.hostname in container.names
