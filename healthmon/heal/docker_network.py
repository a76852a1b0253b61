"""How do this host and other containers reach a container, by the engine's answer to an inspect?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from healthmon.heal.docker_words import Json

_LOCAL_BINDS = frozenset({"", "0.0.0.0", "::", "::1"})  # noqa: S104  read, not bound


def published_ports(inspect: Json) -> tuple[int, ...]:
    """Return the TCP ports at which this host reaches the container, or would if it were running."""
    now = (inspect.get("NetworkSettings") or {}).get("Ports") or {}
    configured = inspect["HostConfig"].get("PortBindings") or {}
    binds = [
        bind for ports in (now, configured) for port, binds in ports.items() if port.endswith("/tcp") for bind in binds or ()
    ]
    return tuple(sorted({int(bind["HostPort"]) for bind in binds if bind.get("HostPort", "").isdecimal() and _is_local(bind)} - {0}))


def addresses(inspect: Json) -> frozenset[str]:
    """Return the names and addresses that a container has in its networks."""
    networks: Json = (inspect.get("NetworkSettings") or {}).get("Networks") or {}
    found: set[str] = set()
    for network in networks.values():
        settings: Json = network or {}
        found.update((*(settings.get("Aliases") or ()), str(settings.get("IPAddress") or "")))
    return frozenset(found - {""})


def shares_network_of(host: Json) -> str:
    """Return the id of the container whose network a container was made with; nothing for one with its own."""
    kind, _, provider = str(host.get("NetworkMode") or "").partition(":")
    return provider if kind == "container" else ""


def _is_local(bind: Json) -> bool:
    host = bind.get("HostIp") or ""
    return host in _LOCAL_BINDS or host.startswith("127.")
