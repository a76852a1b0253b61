"""Which addresses does a name have, found out within a look's time?

`getaddrinfo` cannot be interrupted: with a resolver that does not answer it takes 10 to 20 seconds. So a name is
looked up in a thread of its own, which a look can leave; looks that want the same name meanwhile share it, so that
there is never more than one such thread a name. Each holds a socket, too, and outlives many looks: so there is a limit
to them, and a look waits for its turn within its own time. No address is remembered: the system has its own cache.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from healthmon.probes.deadline import Deadline

MAX_LOOKUPS = 400  # at once; with as many looks in flight they stay below the usual limit of 1,024 open files
SPARE = 50  # more of them, for names that were found last time
IN_HOSTS_FILE = frozenset({"localhost"})  # answered from /etc/hosts, without the network


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What to connect to: a family and what `socket.connect` takes."""

    family: socket.AddressFamily
    sockaddr: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        return ipaddress.ip_address(str(self.sockaddr[0]).partition("%")[0])


@dataclass(slots=True, kw_only=True)
class _Lookup:
    done: threading.Event = field(default_factory=threading.Event)
    addresses: list[Address] = field(default_factory=list)
    error: OSError | UnicodeError | None = None


_changed = threading.Condition()  # some lookup is over
_running: dict[tuple[str, int], _Lookup] = {}
_found: set[tuple[str, int]] = set()  # what the last lookup had an address for


def resolve(host: str, port: int, deadline: Deadline) -> list[Address]:
    """Return the addresses of `host`, in the system's order of preference.

    Raises socket.gaierror, and TimeoutError when the resolver takes longer than the look has time.
    """
    if host in IN_HOSTS_FILE or _is_literal(host):
        return _ask_system(host, port)
    lookup = _join(host, port, deadline)
    if not lookup.done.wait(deadline.remaining_s()):
        raise TimeoutError
    if lookup.error is not None:
        raise _again(lookup.error)
    return lookup.addresses


def _join(host: str, port: int, deadline: Deadline) -> _Lookup:
    with _changed:
        if not _changed.wait_for(lambda: _may_join((host, port)), deadline.remaining_s()):
            raise TimeoutError
        lookup = _running.get((host, port))
        if lookup is None:
            lookup = _Lookup()
            threading.Thread(target=_run, args=(host, port, lookup), name=f"resolve {host}", daemon=True).start()
            _running[host, port] = lookup
        return lookup


def _may_join(name: tuple[str, int]) -> bool:
    """Tell whether a name is being looked up already, or may be now."""
    return name in _running or len(_running) < MAX_LOOKUPS + (SPARE if name in _found else 0)


def _run(host: str, port: int, lookup: _Lookup) -> None:
    try:
        lookup.addresses = _ask_system(host, port)
    except (OSError, UnicodeError) as error:
        lookup.error = error
    finally:
        with _changed:
            del _running[host, port]
            (_found.add if lookup.addresses else _found.discard)((host, port))
            _changed.notify_all()
        lookup.done.set()


def _ask_system(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Address(family=family, sockaddr=sockaddr) for family, _, _, _, sockaddr in found]


def _again(error: OSError | UnicodeError) -> OSError:
    """Copy an error that several looks share: raising one object in two threads would mix their tracebacks."""
    if isinstance(error, socket.gaierror):
        return socket.gaierror(*error.args)
    if isinstance(error, UnicodeError):
        return socket.gaierror(socket.EAI_NONAME, "not a valid name")
    return OSError(*error.args)


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
