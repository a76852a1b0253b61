"""What a TCP probe finds out, and how a look's time is kept while names are resolved."""

from __future__ import annotations

import errno
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from healthmon.model.check import CheckReason, CheckStatus, Outcome
from healthmon.probes import deadline, make, resolve
from healthmon.probes.settings import ProbeSettings
from tests import hostile
from tests.containers import wait_for
from tests.hostile import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 0.4


def ask(host: str, port: int) -> Outcome:
    probe = make(ProbeSettings(type="tcp", url=f"tcp://{host}:{port}", timeout_seconds=TIMEOUT_S))
    began = time.monotonic()
    outcome = probe.ask()
    assert time.monotonic() - began < TIMEOUT_S + 0.5
    return outcome


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize(("listen", "host"), [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "localhost"), ("::1", "[::1]")])
def test_a_port_that_accepts_is_healthy(listen: str, host: str) -> None:
    with Server(hostile.is_deaf, host=listen) as server:
        outcome = ask(host, server.port)
    assert outcome.reason is CheckReason.OK
    assert outcome.response_time_s is not None


def test_a_closed_port_is_refused(closed_port: int) -> None:
    outcome = ask("localhost", closed_port)
    assert outcome.reason is CheckReason.REFUSED
    assert outcome.error_message == f"refused: nothing listens on localhost:{closed_port}"


def test_a_resolver_that_hangs_is_our_failure_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    lookups: list[str] = []

    def hang(host: str, *_: Any, **__: Any) -> list[Any]:
        lookups.append(host)
        over.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    outcomes = [ask("black.hole", 80), ask("black.hole", 80)]
    over.set()
    while resolve._running:
        pass
    assert {outcome.reason for outcome in outcomes} == {CheckReason.NO_NETWORK}
    assert outcomes[0].error_message == "the resolver gave no address of black.hole:80 within 0.4 s"
    assert lookups == ["black.hole"]  # the second look shared the first one's


class Resolver:
    """Finds names that begin with `good` at once, and leaves others hanging until it is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.asked: list[str] = []
        self._here = socket.getaddrinfo("127.0.0.1", 1, type=socket.SOCK_STREAM)

    def getaddrinfo(self, host: str, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(host)
        if not host.startswith("good"):
            self.over.wait()
        return self._here


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    yield made
    made.over.set()
    while resolve._running:
        pass


def test_lookups_at_once_are_limited_and_who_was_found_last_time_has_places_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
    resolver: Resolver,
) -> None:
    monkeypatch.setattr(resolve, "MAX_LOOKUPS", 2)
    monkeypatch.setattr(resolve, "SPARE", 1)
    assert ask("good.known", 1).reason is CheckReason.REFUSED
    for host in ("lost.one", "lost.two", "lost.three", "good.new"):
        assert ask(host, 1).reason is CheckReason.NO_NETWORK
    assert resolver.asked == ["good.known", "lost.one", "lost.two"]
    assert ask("good.known", 1).reason is CheckReason.REFUSED


def test_a_look_waits_for_its_turn_to_resolve(monkeypatch: pytest.MonkeyPatch, resolver: Resolver) -> None:
    monkeypatch.setattr(resolve, "MAX_LOOKUPS", 1)
    assert ask("lost.one", 1).reason is CheckReason.NO_NETWORK
    threading.Timer(TIMEOUT_S / 4, resolver.over.set).start()
    assert ask("good.new", 1).reason is CheckReason.REFUSED


ERRORS = {
    "no such name": (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), CheckReason.DNS),
    "resolver down": (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), CheckReason.NO_NETWORK),
    "no memory": (socket.gaierror(socket.EAI_MEMORY, "Memory allocation failure"), CheckReason.NO_RESOURCES),
    "not a name": (UnicodeError("label too long"), CheckReason.DNS),
    "no descriptors": (OSError(errno.EMFILE, "Too many open files"), CheckReason.NO_RESOURCES),
}


@pytest.mark.parametrize(("error", "reason"), ERRORS.values(), ids=ERRORS)
def test_why_a_name_was_not_resolved(monkeypatch: pytest.MonkeyPatch, error: Exception, reason: CheckReason) -> None:
    def fail(*_: Any, **__: Any) -> list[Any]:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert ask("some.host", 80).reason is reason
    assert not resolve._running


CONNECT_ERRORS = {
    errno.ECONNREFUSED: CheckReason.REFUSED,
    errno.EHOSTUNREACH: CheckReason.UNREACHABLE,
    errno.ECONNRESET: CheckReason.RESET,
    errno.ETIMEDOUT: CheckReason.TIMEOUT,
    errno.ENETUNREACH: CheckReason.NO_NETWORK,
    errno.ENETDOWN: CheckReason.NO_NETWORK,
    errno.EPERM: CheckReason.NO_NETWORK,
    errno.EACCES: CheckReason.NO_NETWORK,
    errno.EINVAL: CheckReason.NO_NETWORK,
    errno.EAFNOSUPPORT: CheckReason.NO_NETWORK,
    errno.ENONET: CheckReason.UNREACHABLE,
    errno.ENOPROTOOPT: CheckReason.UNREACHABLE,
    errno.EMFILE: CheckReason.NO_RESOURCES,
    errno.ENOBUFS: CheckReason.NO_RESOURCES,
    errno.EADDRNOTAVAIL: CheckReason.NO_RESOURCES,
}


@pytest.mark.parametrize(("number", "reason"), CONNECT_ERRORS.items())
def test_whose_failure_a_connection_s_error_is(monkeypatch: pytest.MonkeyPatch, number: int, reason: CheckReason) -> None:
    class Failing(socket.socket):
        def connect(self, _address: Any) -> None:
            raise OSError(number, "said the kernel")

    monkeypatch.setattr(socket, "socket", Failing)
    outcome = ask("127.0.0.1", 80)
    assert outcome.reason is reason
    ours = reason in {CheckReason.NO_NETWORK, CheckReason.NO_RESOURCES}
    assert (outcome.status is CheckStatus.UNKNOWN) is ours


def test_a_router_that_has_no_route_is_not_this_host_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says the same of both; whether this host knows a way is asked without sending anything."""

    class Refused(socket.socket):
        def connect(self, address: Any) -> None:
            if self.type == socket.SOCK_STREAM:
                raise OSError(errno.ENETUNREACH, "Network is unreachable")
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Refused)
    outcome = ask("127.0.0.1", 80)
    assert outcome.reason is CheckReason.UNREACHABLE
    assert outcome.status is CheckStatus.UNHEALTHY
    assert outcome.error_message == "127.0.0.1:80 cannot be reached: a router on the way has no route to it"


def test_a_family_without_a_route_does_not_hide_what_the_other_says(
    monkeypatch: pytest.MonkeyPatch,
    closed_port: int,
) -> None:
    no_route = (socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("2001:db8::1", closed_port, 0, 0))
    refusing = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", closed_port))

    class Routeless(socket.socket):
        def connect(self, address: Any) -> None:
            if self.family == socket.AF_INET6:
                raise OSError(errno.ENETUNREACH, "Network is unreachable")
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Routeless)
    for found in ([no_route, refusing], [refusing, no_route]):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=found, **__: found)
        assert ask("two.addresses", closed_port).reason is CheckReason.REFUSED


def test_looks_are_ended_again_once_there_are_threads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = deadline._Keeper()
    look = deadline.Deadline(0.05)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", _no_more_threads)
        with pytest.raises(RuntimeError):
            keeper.watch(look)
    keeper.watch(look)
    wait_for(lambda: look.fired)


def _no_more_threads(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
