"""An agent that asks some services that misbehave, with healthy ones beside them."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults import looks
from tests.faults.agents import agent
from tests.faults.metronome import metronome
from tests.hostile import Server, answers

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection, Iterator, Mapping

    from tests.faults.agents import Agent
    from tests.faults.metronome import Metronome

    Handler = Callable[[socket.socket, Server], None]

TIMEOUT_S = 1.0
INTERVAL_S = 1.0
BOUND_S = TIMEOUT_S + 0.5  # what a look may take in all
NEIGHBOURS = [f"good-{number}" for number in range(40)]  # enough looks for a percentile within few seconds
LOOKS_EACH = 5  # of which the first, and rechecks, do not count


@dataclass(frozen=True)
class Ill:
    """A service that misbehaves: what it does, how its failure is to be told, and what else is configured for it.

    A service of which nothing is to be told is healthy after all. `host` is where it is looked
    for; it listens there when there is a way.
    """

    handle: Handler
    told: str
    settings: dict[str, Any] = field(default_factory=dict)
    scheme: str = "http"
    host: str = "127.0.0.1"

    def server(self, at_first: Handler | None) -> Server:
        return Server(at_first or self.handle, host="127.0.0.1" if self.host == "127.0.0.1" else "0.0.0.0")

    def url(self, server: Server) -> str:
        return f"{self.scheme}://{self.host}:{server.port}/health"


class Asked:
    """The agent, and what it asks."""

    def __init__(self, host: Agent, ills: Mapping[str, Ill], servers: Mapping[str, Server], control: Metronome) -> None:
        self.host = host
        self._control = control
        self.servers = servers
        self._ills = ills

    def turn_ill(self) -> None:
        """Have the services misbehave that were well at first."""
        for name, ill in self._ills.items():
            self.servers[name].handle = ill.handle

    def wait_for_looks(self, names: Collection[str], count: int, *, timeout_s: float = 20) -> None:
        """Wait until each of these was looked at so often; end the wait when a look overruns, as a service sees it."""
        give_up_at = time.monotonic() + timeout_s
        while not looks.have(self.host, names, count):
            self.longest_held_s(at_most=BOUND_S)
            assert time.monotonic() < give_up_at, f"not {count} looks at each of {', '.join(names)} within {timeout_s:g} s"
            time.sleep(0.05)

    def longest_held_s(self, *, at_most: float = float("inf")) -> float:
        """Return for how long a look stayed on a connection, as the services measured it."""
        held = {name: server.longest_held_s() for name, server in self.servers.items()}
        for name, held_s in held.items():
            assert held_s <= at_most, f"a look held its service for {held_s:.1f} s: {name}"
        return max(held.values())

    def judge(self) -> float:
        """Check that each failure is told as it should be and the others are on schedule; return the longest look."""
        self.wait_for_looks(NEIGHBOURS, LOOKS_EACH)
        seen = looks.looks(self.host)
        mine = looks.of(self._ills, seen)
        for name, ill in self._ills.items():
            assert_told(name, ill.told, mine[name])
        neighbours = [look for look in seen if look.service not in mine]
        looks.assert_on_schedule(neighbours, interval_s=INTERVAL_S, host_late_s=self._control.late_s())
        return max(self.longest_held_s(at_most=BOUND_S), *(look.seconds for found in mine.values() for look in found))


def assert_told(name: str, told: str, found: Collection[looks.Seen]) -> None:
    """Check that a service was found ill, if it was to be, and that every failure of it is told so."""
    failures = [look.error for look in found if look.reason != "ok"]
    assert bool(failures) is bool(told), f"{name}: {len(failures)} of {len(found)} looks failed"
    for error in failures:
        assert told in error, f"{name}: told as {error!r}, not as {told!r}"


@contextmanager
def asking(ills: Mapping[str, Ill], *, at_first: Handler | None = None, **settings: Any) -> Iterator[Asked]:
    """Run an agent that asks ill services, and healthy ones beside them, for the length of a block."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(ill.server(at_first)) for name, ill in ills.items()}
        good = stack.enter_context(Server(answers()))
        services = [_service(name, ill.url(servers[name]), ill.settings) for name, ill in ills.items()]
        services += [_service(name, good.url, {}) for name in NEIGHBOURS]
        clocks: dict[str, Any] = {"check_interval_seconds": INTERVAL_S, "timeout_seconds": TIMEOUT_S, "log_level": "DEBUG"}
        host = stack.enter_context(agent(services, **clocks, **settings))
        yield Asked(host, ills, servers, stack.enter_context(metronome()))


def _service(name: str, url: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "url": url, "group": "core", **settings}
