"""How are the processes of one agent killed at many named points, each many times, while the whole chain works?

Every process has one point armed at a time: the file that its failpoint would make is missing. Once it has died there, the
next of its points is armed, the one with the fewest deaths first, so that the work goes on in between.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import TYPE_CHECKING

from healthmon.failpoints import ENVIRONMENT
from tests.faults.harness import since

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.faults.agents import Agent

POINTS: Mapping[str, tuple[str, ...]] = {
    "probe-core": ("prober.looked", "prober.stored"),
    "evaluator": (
        *("evaluator.before_commit", "evaluator.after_commit", "planner.before_commit", "planner.after_commit"),
        *("alerts.before_commit", "alerts.after_commit"),
    ),
    "healer": (
        *("healer.published", "heal.begun", "heal.before_issue", "heal.issued", "heal.calling"),
        *("heal.answered", "heal.before_mark", "heal.marked"),
    ),
    "notifier": ("notifier.begun", "notifier.sent", "notifier.marked", "alertmanager.sent"),
}
ALL = tuple(point for points in POINTS.values() for point in points)
STUCK_S = 120.0


class Reaper:
    """Who kills: by the files in `folder`, one for each point."""

    def __init__(self, folder: Path, kills: int) -> None:
        self.deaths: Counter[str] = Counter(dict.fromkeys(ALL, 0))
        self._marks = {point: folder / point for point in ALL}
        self._kills = kills
        self._armed: dict[str, str] = {}
        for mark in self._marks.values():
            mark.touch()

    @property
    def environment(self) -> dict[str, str]:
        return {ENVIRONMENT: ";".join(f"{point}@{mark}" for point, mark in self._marks.items())}

    def reap(self, work: Callable[[], None]) -> float:
        """Have `work` done again and again until there were enough deaths at every point; return how long that took."""
        began = last = time.monotonic()
        while left := [point for point in ALL if self.deaths[point] < self._kills]:
            before = self.deaths.total()
            for program in POINTS:
                self._look_after(program)
            last = time.monotonic() if self.deaths.total() > before else last
            assert since(last) < STUCK_S, f"nobody dies any more at {', '.join(left)} ({dict(self.deaths)})"
            work()
            time.sleep(0.02)
        return since(began)

    def _look_after(self, program: str) -> None:
        armed = self._armed.get(program)
        if armed is not None and self._marks[armed].exists():
            self.deaths[armed] += 1
            del self._armed[program]
        if program not in self._armed:
            following = min(POINTS[program], key=lambda point: self.deaths[point])
            if self.deaths[following] < self._kills:
                self._armed[program] = following
                self._marks[following].unlink()


def restart_at_once(host: Agent) -> None:
    """Have supervisord start again at once what ends, without the second that it gives a program to prove itself."""
    for program in POINTS:
        conf = host.paths.programs / f"{program}.conf"
        conf.write_text(re.sub(r"startsecs = \d+", "startsecs = 0", conf.read_text()))
    host.ctl("update", *POINTS)
    host.wait_until_running()
