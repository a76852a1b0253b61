"""How is a connection to one of a host's addresses made within a look's time?"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from healthmon.probes.deadline import Phase
from healthmon.probes.resolve import Address, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthmon.probes.deadline import Deadline

# What one family of addresses may lack on this host while the other works: it does not speak for the host.
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def connect(host: str, port: int, deadline: Deadline, *, allow: Callable[[Address], None] | None = None) -> socket.socket:
    """Connect to the first address of `host` that answers, each with an equal share of the time left.

    `allow` raises for an address that we do not go to. Raises OSError: of several, the one that says most.
    """
    deadline.phase = Phase.RESOLVING
    deadline.target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    addresses = resolve(host, port, deadline)
    deadline.phase = Phase.CONNECTING
    errors: list[OSError] = []
    for number, address in enumerate(addresses):
        if allow is not None:
            allow(address)
        share_s = deadline.remaining_s() / (len(addresses) - number)
        try:
            connection = _connect(address, share_s, deadline)
        except OSError as error:
            errors.append(_in_view_of_routes(error, address))
            continue
        deadline.connected_after_s = deadline.elapsed_s()
        return connection
    raise _most_telling(errors)


def _connect(address: Address, timeout_s: float, deadline: Deadline) -> socket.socket:
    connection = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        deadline.hold(connection)
        connection.settimeout(timeout_s)
        connection.connect(address.sockaddr)
        connection.settimeout(deadline.remaining_s())
    except BaseException:
        connection.close()
        raise
    return connection


def _in_view_of_routes(error: OSError, address: Address) -> OSError:
    """Tell a network that a router far away cannot reach from one that this host has no route to.

    The kernel says ENETUNREACH for both; only the second is our own failure.
    """
    if error.errno == errno.ENETUNREACH and _has_route(address):
        return OSError(errno.EHOSTUNREACH, "a router on the way has no route to it")
    return error


def _has_route(address: Address) -> bool:
    """Ask the kernel for the way to an address: connecting a datagram socket sends nothing."""
    with socket.socket(address.family, socket.SOCK_DGRAM) as lookup:
        try:
            lookup.connect(address.sockaddr)
        except OSError:
            return False
        return True


def _most_telling(errors: list[OSError]) -> OSError:
    """Prefer a refusal to a missing route: an IPv6 address beside an IPv4 one often has none."""
    for error in errors:
        if error.errno not in _NO_ROUTE:
            return error
    return errors[-1] if errors else socket.gaierror(socket.EAI_NONAME, "no address")
