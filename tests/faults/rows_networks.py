"""Networks that swallow, refuse or are not there at all, each in a network namespace: F61, F63 and F65."""

from __future__ import annotations

import socket
import tempfile
import threading
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.containers import wait_for
from tests.faults import looks
from tests.faults.asking import BOUND_S, Asked, Ill, asking
from tests.faults.harness import row
from tests.faults.namespace import alone, command, mount
from tests.hostile import answers

if TYPE_CHECKING:
    from collections.abc import Iterator

RESOLVER = "127.0.0.53"
DOMAINS = ("alpha.example", "beta.example", "gamma.example")
AWAY, GATEWAY = "192.0.2.1", "192.0.2.53"
HEALS_AT_ONCE = {"enabled": True, "restart_unhealthy_services": True, "min_unhealthy_seconds": 0, "startup_hold_seconds": 0}


@contextmanager
def black_hole_resolver() -> Iterator[set[bytes]]:
    """Have every DNS query swallowed; yields the queries that were."""
    swallowed: set[bytes] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole, tempfile.TemporaryDirectory(prefix="hm-") as directory:
        hole.bind((RESOLVER, 53))
        hole.settimeout(0.2)
        over = threading.Event()
        thread = threading.Thread(target=_swallow, args=(hole, swallowed, over))
        thread.start()
        resolv, hosts = Path(directory, "resolv.conf"), Path(directory, "hosts")
        resolv.write_text(f"nameserver {RESOLVER}\nsearch {' '.join(DOMAINS)}\n")
        hosts.write_text("127.0.0.1 localhost\n127.0.0.1 known.internal\n")
        mount(resolv, "/etc/resolv.conf")
        mount(hosts, "/etc/hosts")
        try:
            yield swallowed
        finally:
            over.set()
            thread.join()


def _swallow(hole: socket.socket, swallowed: set[bytes], over: threading.Event) -> None:
    while not over.is_set():
        with suppress(TimeoutError):
            swallowed.add(hole.recv(512))


@row("F61", "DNS queries are swallowed, with three search domains: looks end in time, other names are not held up", bound_s=BOUND_S, alone=True)
@alone
def swallowed_queries() -> float:
    lost = "the resolver gave no address of"
    ills = {
        "one-label": Ill(answers(), lost, host="nowhere"),
        "its-twin": Ill(answers(), lost, host="nowhere"),
        "two-labels": Ill(answers(), lost, host="nowhere.internal"),
        **{f"another-{number}": Ill(answers(), lost, host=f"another{number}.internal") for number in range(5)},
        "in-hosts-file": Ill(answers(), "", host="known.internal"),
        "localhost": Ill(answers(), "", host="localhost"),
    }
    with black_hole_resolver() as swallowed, asking(ills) as asked:
        asked.wait_for_looks(ills, 4)
        assert any(b"\x07nowhere\x05alpha\x07example" in query for query in swallowed), "no query for a search domain was swallowed"
        longest_s = asked.judge()
        _assert_ours(asked, [name for name, ill in ills.items() if ill.told])
    return longest_s


def _assert_ours(asked: Asked, names: list[str]) -> None:
    """What fails for want of a network is unknown: no check of the service failed, and nothing is held against it."""
    host = asked.host
    wait_for(lambda: {host.statuses()[name] for name in names} == {"unknown"}, what="all of them to be unknown")
    mine = looks.of(names, looks.looks(host))
    reasons = {look.reason for found in mine.values() for look in found} - {"ok"}
    assert reasons == {"no_network"}, f"the reasons are {sorted(reasons)}"
    counted = {name for (name,) in host.rows("SELECT service_name FROM health_checks WHERE status = 'unhealthy'")}
    assert not counted & set(names), f"a failure of ours is a failed check of {min(counted)}"
    assert host.rows("SELECT count(*) FROM incidents") == [(0,)], "there is an incident"
    assert host.rows("SELECT count(*) FROM heals") == [(0,)], "a heal was planned"


@row("F63", "connections are swallowed (full backlog, dropped SYN) or refused on the way: told in time, and whose failure it is", bound_s=BOUND_S, in_ci=False)
@alone
def swallowed_connections() -> float:
    dropped, no_route = "127.0.0.71", "127.0.0.72"
    command("iptables", "-A", "INPUT", "-p", "tcp", "-d", dropped, "-j", "DROP")
    command("iptables", "-A", "INPUT", "-p", "tcp", "-d", no_route, "-j", "REJECT", "--reject-with", "icmp-net-unreachable")
    command("ip", "route", "add", "blackhole", "192.0.2.71")
    command("ip", "route", "add", "prohibit", "192.0.2.72")
    with _full_backlog() as port:
        ills = {
            "dropped": Ill(answers(), "no connection to", host=dropped),
            "full": Ill(answers(), "no connection to", {"url": f"http://127.0.0.1:{port}/"}),
            "router": Ill(answers(), "a router on the way has no route to it", host=no_route),
            "black-hole": Ill(answers(), "this host cannot get to", host="192.0.2.71"),
            "prohibited": Ill(answers(), "this host cannot get to", host="192.0.2.72"),
        }
        with asking(ills) as asked:
            asked.wait_for_looks(ills, 4)
            wanted = {name: "unknown" if "this host" in ill.told else "unhealthy" for name, ill in ills.items()}
            wait_for(partial(_are, asked, wanted), what=f"the statuses to be {wanted}")
            return asked.judge()


def _are(asked: Asked, wanted: dict[str, str]) -> bool:
    return wanted.items() <= asked.host.statuses().items()


@contextmanager
def _full_backlog() -> Iterator[int]:
    """Yield a port that listens, but has no room for one connection more."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])
        for filler in fillers:
            filler.close()


@row("F65", "the host loses its network: what is beyond it is unknown and never healed, and comes back with it", bound_s=BOUND_S, alone=True)
@alone
def no_network() -> float:
    with tempfile.TemporaryDirectory(prefix="hm-") as directory:
        resolv = Path(directory, "resolv.conf")
        resolv.write_text(f"nameserver {GATEWAY}\n")
        mount(resolv, "/etc/resolv.conf")
        command("ip", "address", "add", f"{AWAY}/32", "dev", "lo")
        away = {f"away-{number}": Ill(answers(), f"this host cannot get to {AWAY}", host=AWAY) for number in range(8)}
        named = {"named": Ill(answers(), "the resolver has no answer for", host="somebody.internal")}
        with asking(away | named, self_healing=HEALS_AT_ONCE) as asked:
            wait_for(partial(_are, asked, dict.fromkeys(away, "healthy")), what="what is beyond the network to be healthy")
            command("ip", "address", "del", f"{AWAY}/32", "dev", "lo")
            _assert_ours(asked, [*away, *named])
            longest_s = asked.judge()
            command("ip", "address", "add", f"{AWAY}/32", "dev", "lo")
            wait_for(partial(_are, asked, dict.fromkeys(away, "healthy")), what="them to be healthy again")
            return longest_s
