"""Which cases are measured, and for how long?"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Case:
    """`together`: all products at the same time, each beside the others, which idle; else one after the other, in turn."""

    title: str
    services: int
    interval_s: float
    settle_s: float
    window_s: float
    windows: int = 1  # in one run
    together: bool = False
    hanging: int = 0  # of the services, which take a request and never answer
    only: tuple[str, ...] = ()  # these products, for what the others cannot do or would take hours for

    def shortened(self) -> Case:
        """Return the same in a few seconds, to see that it works."""
        return replace(self, settle_s=8, window_s=10, windows=1, services=min(self.services, 1_000))


ALL = {
    "a30": Case(title="17 services every 30 s", services=17, interval_s=30, settle_s=45, window_s=60, windows=2, together=True),
    "a5": Case(title="17 services every 5 s", services=17, interval_s=5, settle_s=15, window_s=30, windows=3, together=True),
    "b": Case(title="1,000 services every 10 s", services=1_000, interval_s=10, settle_s=25, window_s=30),
    "c": Case(
        title="10,000 services every 30 s", services=10_000, interval_s=30, settle_s=45, window_s=60, only=("healthmon", "prometheus"),
    ),
    "i": Case(
        title="1,000 services every 10 s, of which 333 hang", services=1_000, interval_s=10, settle_s=30, window_s=30, hanging=333,
        only=("healthmon", "prometheus", "monit"),
    ),
    "steady": Case(title="1,000 services every 10 s, for 10 minutes", services=1_000, interval_s=10, settle_s=25, window_s=600, only=("healthmon",)),
}  # fmt: skip
START = "h"  # start to ready is measured otherwise
DEFAULT = ("a30", "a5", "b", "c", "i", START)
