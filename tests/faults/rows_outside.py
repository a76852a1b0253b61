"""What others do to us, or miss of us: a file written while it is read (F51), a service taken away (F52), a receiver that loses
what it took (F69), a host that goes dark (F71).
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from healthmon.errors import EXIT_FINE, EXIT_USAGE
from tests.containers import wait_for
from tests.faults.agents import agent
from tests.faults.edited import edited
from tests.faults.harness import row, since
from tests.faults.neighbours import Well, assert_never_unhealthy
from tests.faults.telling import hook, none_waits, outages, tell, telling
from tests.receivers import Receiver

if TYPE_CHECKING:
    from tests.reloading import Host

PIECES = 12
MESSAGES, EVERY_NTH_LOST = 40, 20
PING_S = 5.0  # the watchdog looks around every 5 s


@row("F51", f"a configuration is written in {PIECES} pieces, slowly, and applied after each: refused until it is whole, never half of it", bound_s=10, in_ci=False)
def slowly_written() -> float:
    with edited() as host:
        pids = host.pids()
        before = host.source.read_bytes()
        host.write("core/a", "agents/b", "more/c", "more/d")
        whole = host.source.read_bytes()
        host.source.write_bytes(before)
        slowest = 0.0
        with host.source.open("wb", buffering=0) as file:  # in place, as some editors and copies do
            for number in range(PIECES):
                file.write(whole[number * len(whole) // PIECES : (number + 1) * len(whole) // PIECES])
                slowest = max(slowest, _applied_whole_or_refused(host, is_whole=number + 1 == PIECES))
        found = host.wait_for_groups("core", "agents", "more")
        assert {name: found[name] for name in pids} == pids, "a process was started anew"
    return slowest


def _applied_whole_or_refused(host: Host, *, is_whole: bool) -> float:
    began = time.monotonic()
    done = host.healthmon("reload")
    took = since(began)
    names = {name for (name,) in host.rows("SELECT service_name FROM service_status")}
    if is_whole:
        assert done.returncode == EXIT_FINE, f"the whole file was refused: {done.stderr}"
    else:
        assert (done.returncode, names) == (EXIT_USAGE, {"a", "b"}), f"half a file counts: {done.returncode}, {names}"
    return took


@row("F52", "a service that people were told of is taken out, another is renamed: told once, closed, and no process stays behind", bound_s=15, in_ci=False)
def taken_out() -> float:
    rule = {"name": "service_down", "condition": "unhealthy", "severity": "critical"}
    with Receiver() as receiver, edited() as host:
        alerting = {**hook(receiver), "grouping": {"wait_seconds": 0, "interval_seconds": 0}}
        settings: dict[str, Any] = {"alerting": alerting, "alert_rules": [rule]}
        host.write("core/a", "agents/ill-b", "gone/ill-c", **settings)
        host.reload()
        wait_for(lambda: _told(receiver, "firing") == {"ill-b", "ill-c"}, timeout_s=20, what="both to be told of")
        host.write("core/a", "agents/ill-new", **settings)
        began = time.monotonic()
        host.reload()
        wait_for(lambda: _told(receiver, "removed") == {"ill-b", "ill-c"}, timeout_s=20, what="both to be closed")
        wait_for(lambda: "ill-new" in _told(receiver, "firing"), timeout_s=20, what="the new name to be told of")
        host.wait_for_groups("core", "agents")
        took = since(began)
        events = [request.document["event"] for request in receiver.requests]
        assert events.count("removed") <= 2, f"it was told again and again: {events}"
        assert host.rows("SELECT service_name FROM incidents JOIN services USING (service_id) WHERE resolved_at IS NULL") == [("ill-new",)]
        firing = host.rows("SELECT DISTINCT service_name FROM alerts WHERE status = 'firing'")
        assert firing == [("ill-new",)], f"alerts of what is gone still fire: {firing}"
        return took


def _told(receiver: Receiver, event: str) -> set[str]:
    return {one["service"] for request in receiver.requests if request.document["event"] == event for one in request.document["services"]}


@row("F69", f"a receiver says 200 and loses every {EVERY_NTH_LOST}th message: beyond what is promised; each is sent once, with its answer kept as proof", bound_s=30, in_ci=False)
def lost_behind_a_200() -> float:
    with Receiver() as receiver, telling(**hook(receiver)) as host:
        began = time.monotonic()
        for number in range(1, MESSAGES + 1):  # one by one: what waits together is told together
            tell(host, ["webhook"], number=number)
            wait_for(partial(none_waits, host), timeout_s=20, what="it to be sent")
        took = since(began)
        kept = [request for number, request in enumerate(receiver.requests, start=1) if number % EVERY_NTH_LOST]
        assert len(outages(kept)) == MESSAGES - MESSAGES // EVERY_NTH_LOST, "a message came twice"
        proofs = host.rows("SELECT state, proof IS NOT NULL, count(*) FROM deliveries GROUP BY 1, 2")
        assert proofs == [("sent", 1, MESSAGES)], f"who has to find out what became of a message finds {proofs}"
        host.assert_sound()
        return took


@row("F71", f"a host goes dark: who waits for a ping every {PING_S:g} s misses it within two", bound_s=2 * PING_S + 1, in_ci=False)
def dark_host() -> float:
    with Receiver() as outside, Well() as well:
        settings = {"ping_url": outside.url, "ping_seconds": PING_S}
        with agent([well.service()], watchdog=settings) as host:
            wait_for(lambda: len(outside.requests) >= 3, timeout_s=30, what="pings")
            gaps = [later.at - earlier.at for earlier, later in zip(outside.requests, outside.requests[1:], strict=False)]
            assert max(gaps[1:]) < 2 * PING_S, f"a ping was {max(gaps[1:]):.1f} s late while all was well"
            host.kill_everything()
            dark_at, heard = time.time(), len(outside.requests)
            time.sleep(2 * PING_S)  # so long one waits who was promised a ping each interval
            assert len(outside.requests) == heard, "it pings when it is dead"
            missed_s = 2 * PING_S - (dark_at - outside.requests[-1].at)
            host.start()
            wait_for(lambda: len(outside.requests) > heard, timeout_s=30, what="pings after the start")
            assert_never_unhealthy(host)
            host.assert_sound()
            return missed_s
