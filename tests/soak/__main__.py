"""`tools/soak [--minutes N] [--times N] [--leak BYTES]`: run an agent fast for a while, and say how its processes grow.

A line a process; exit status 1 when one grows. With a leak planted, of so many bytes a look, exit status 1 is what is to come.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.faults.agents import Agent
from tests.soak.soaking import soaking


class Leaking(Agent):
    module = "tests.soak.planted_leak"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long it is measured")
    parser.add_argument("--warm-up", type=float, default=2.0, help="minutes before that, which do not count", metavar="MINUTES")
    parser.add_argument("--times", type=float, default=100.0, help="the usual rate, which is 17 looks in 30 s, so many times")
    parser.add_argument("--leak", type=int, default=0, help="plant a leak in the probers: bytes a look", metavar="BYTES")
    given = parser.parse_args()
    os.environ["HEALTHMON_LEAK_BYTES"] = str(given.leak)
    warm_up_s = 60 * given.warm_up
    with soaking(times=given.times, kind=Leaking if given.leak else Agent) as soak:
        soak.run(seconds=warm_up_s + 60 * given.minutes)
        growths = soak.growths(warm_up_s=warm_up_s)
    print(f"{soak.looks} looks in {given.minutes + given.warm_up:g} minutes, of which {given.warm_up:g} to warm up")  # noqa: T201  its lines are what it is for
    for growth in growths:
        print(growth)  # noqa: T201  as above
    return int(any(growth.is_leak for growth in growths))


if __name__ == "__main__":
    sys.exit(main())
