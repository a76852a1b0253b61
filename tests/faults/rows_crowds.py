"""A thousand services that hang at once: F64, and a thousand names that no resolver answers: F61-crowd."""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import psutil

from healthmon.probes import resolve
from healthmon.probes.lanes import ACTIVE, MAX_SLOW, SPARE
from tests.faults import looks
from tests.faults.agents import agent
from tests.faults.harness import row
from tests.faults.metronome import metronome
from tests.faults.namespace import alone
from tests.faults.rows_networks import black_hole_resolver
from tests.hostile import Hole, Server, answers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.agents import Agent

CROWD = [f"crowd-{number}" for number in range(1_000)]
WELL = [f"good-{number}" for number in range(40)]
CROWD_INTERVAL_S, CROWD_TIMEOUT_S = 10.0, 4.0  # as many in flight as there are places, and rechecks on top
INTERVAL_S = 1.0
MAX_THREADS = MAX_SLOW + SPARE + ACTIVE + 4
MAX_RSS_MIB = 128
MAX_FILES = 1_000  # below the usual limit of 1,024
WATCHED_S = 25.0
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def _crowd(urls: dict[str, str]) -> Iterator[Agent]:
    """Run an agent over a crowd, and over 40 services that answer."""
    clocks = {"interval_seconds": CROWD_INTERVAL_S, "timeout_seconds": CROWD_TIMEOUT_S}
    with Server(answers()) as good:
        services = [{"name": name, "url": url, "group": "core", **clocks} for name, url in urls.items()]
        services += [{"name": name, "url": good.url, "group": "core"} for name in WELL]
        with agent(services, check_interval_seconds=INTERVAL_S, timeout_seconds=INTERVAL_S, log_level="DEBUG") as host:
            host.before.sizes.clear()  # the crowd still hangs at the end: its threads are in use
            yield host


def _watch(host: Agent, *, max_threads: int = MAX_THREADS) -> None:
    """Watch the prober's size while all of the crowd hang."""
    prober = psutil.Process(host.pids()["probe-core"])
    ends_at = time.monotonic() + WATCHED_S
    while time.monotonic() < ends_at:
        threads, rss_mib, files = prober.num_threads(), prober.memory_info().rss >> 20, prober.num_fds()
        assert threads <= max_threads, f"the prober has {threads} threads"
        assert rss_mib <= MAX_RSS_MIB, f"the prober has {rss_mib} MiB"
        assert files <= MAX_FILES, f"the prober has {files} open files"
        time.sleep(0.5)


def _well(host: Agent) -> list[looks.Seen]:
    return [look for look in looks.looks(host) if look.service in WELL]


@row("F64", "1,000 services hang from the start: 40 that answer stay on schedule, threads and memory are bounded", bound_s=CROWD_TIMEOUT_S + 0.5, in_ci=False, alone=True)
def crowd_that_hangs() -> float:
    with Hole() as hole, _crowd(dict.fromkeys(CROWD, hole.url)) as host, metronome() as control:
        _watch(host)
        looks.assert_on_schedule(_well(host), interval_s=INTERVAL_S, host_late_s=control.late_s())
        hanging = [look for look in looks.looks(host) if look.service not in WELL]
        assert len(hanging) > len(CROWD), f"only {len(hanging)} looks at the crowd"
        assert {look.reason for look in hanging} == {"timeout"}, "not every look at the crowd timed out"
        return max(look.seconds for look in hanging)


@row("F64-at-once", "1,000 healthy services begin to hang at once: 40 that answer are soon on schedule again", bound_s=CROWD_TIMEOUT_S + 2, in_ci=False, alone=True)
def crowd_that_begins_to_hang() -> float:
    """Return the longest pause between two looks at a service that answers all the time."""
    with Hole() as hole:
        hole.answer = GOOD
        with _crowd(dict.fromkeys(CROWD, hole.url)) as host, metronome() as control:
            host.wait_until_all("healthy", timeout_s=30)
            hole.answer = b""
            began = time.time()
            _watch(host)
            seen = looks.of(WELL, _well(host))
            settled = [look for mine in seen.values() for look in mine if look.began_at > began + CROWD_INTERVAL_S + 2 * CROWD_TIMEOUT_S]
            looks.assert_on_schedule(settled, interval_s=INTERVAL_S, host_late_s=control.late_s())
            return max(after.began_at - before.began_at for mine in seen.values() for before, after in pairwise(mine))


@row("F61-crowd", "no resolver answers for 1,000 names: 40 other services stay on schedule, threads and files are bounded", bound_s=CROWD_TIMEOUT_S + 0.5, in_ci=False, alone=True)
@alone
def crowd_of_names() -> float:
    with black_hole_resolver(), _crowd({name: f"http://{name}.internal/" for name in CROWD}) as host, metronome() as control:
        _watch(host, max_threads=MAX_THREADS + resolve.MAX_LOOKUPS + resolve.SPARE)
        looks.assert_on_schedule(_well(host), interval_s=INTERVAL_S, host_late_s=control.late_s())
        lost = [look for look in looks.looks(host) if look.service not in WELL]
        assert {look.reason for look in lost} == {"no_network"}, "not every look at the crowd was our own failure"
        return max(look.seconds for look in lost)
