"""The part of the watchdog that remembers, of each program, what was heard and seen of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from healthmon.processes.programs import WATCHDOG
from healthmon.watch.heartbeat import BEAT_EVERY_S
from healthmon.watch.policy import (
    FIRST_BEAT_WITHIN_S,
    FLAPPING_STARTS,
    HUNG_AFTER_S,
    LEAKING_SAMPLES,
    Observed,
    ProgramState,
    WatchReason,
)
from healthmon.watch.wellbeing import Judged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from healthmon.model.process import ProcessSample
    from healthmon.watch.heartbeat import Beat
    from healthmon.watch.policy import WatchDecision
    from healthmon.watch.supervisor_rpc import ProgramInfo


@dataclass(slots=True, kw_only=True)
class _Charge:
    """One program. A new pid is a new process, of which nothing is known yet."""

    pid: int = 0
    started_at_s: float = 0.0
    last_beat_s: float | None = None
    is_busy: bool = False
    number: int = 0  # of the configuration that it works with
    is_stuck: bool = False
    memory_bytes: deque[int] = field(default_factory=lambda: deque(maxlen=LEAKING_SAMPLES))
    starts_s: deque[float] = field(default_factory=lambda: deque(maxlen=FLAPPING_STARTS))
    revivals: int = 0
    last_revival_s: float | None = None

    def become(self, pid: int, now: float) -> None:
        if pid != self.pid:
            self.pid, self.started_at_s = pid, now
            self.last_beat_s, self.is_busy, self.is_stuck, self.number = None, False, False, 0
            self.memory_bytes.clear()
            if pid > 0:
                self.starts_s.append(now)

    def excuse(self, now: float) -> None:
        self.started_at_s = now
        if self.last_beat_s is not None:
            self.last_beat_s = now

    def begin_anew(self, now: float) -> None:
        self.excuse(now)
        self.memory_bytes.clear()


class Charges:
    """What the watchdog looks after: our programs but itself, which supervisord looks after."""

    def __init__(self, names: Iterable[str], now: float) -> None:
        self._charges: dict[str, _Charge] = {}
        self.follow(names, now)

    def follow(self, names: Iterable[str], now: float) -> None:
        """Look after these from now on; those that stay are known already."""
        self._charges = {name: self._charges.get(name) or _Charge(started_at_s=now) for name in names if name != WATCHDOG}

    def is_ours(self, name: str) -> bool:
        return name in self._charges

    def heard(self, beat: Beat, now: float) -> None:
        charge = self._charges.get(beat.program)
        if charge is None:
            return
        charge.become(beat.pid, now)
        charge.last_beat_s, charge.is_busy, charge.is_stuck = now, beat.is_busy, beat.is_stuck
        charge.number = beat.number
        charge.revivals, charge.last_revival_s = 0, None

    def all_are_heard(self, infos: Collection[ProgramInfo], now: float) -> bool:
        """Tell whether each of our programs was heard lately, those of `infos` as the process that supervisord has told of."""
        pids = {info.name: info.pid if info.state is ProgramState.RUNNING else 0 for info in infos}
        return bool(infos) and all(
            charge.last_beat_s is not None and now - charge.last_beat_s < 2 * BEAT_EVERY_S and pids.get(name, charge.pid) == charge.pid
            for name, charge in self._charges.items()
        )

    def lagging(self, number: int) -> list[str]:
        """Return the programs that are at work, and do not work with the configuration of this number yet."""
        return sorted(name for name, charge in self._charges.items() if charge.last_beat_s is not None and 0 < charge.number < number)

    def weighed(self, sample: ProcessSample) -> None:
        charge = self._charges.get(sample.program)
        if charge is not None and charge.pid == sample.pid:
            charge.memory_bytes.append(sample.uss_bytes)

    def see(self, info: ProgramInfo, now: float) -> Observed:
        """Take in what supervisord says, and return all that is known."""
        charge = self._charges[info.name]
        charge.become(info.pid, now)
        return Observed(
            state=info.state,
            started_at_s=charge.started_at_s,
            last_beat_s=charge.last_beat_s,
            is_busy=charge.is_busy,
            memory_bytes=tuple(charge.memory_bytes),
            starts_s=tuple(charge.starts_s),
            revivals=charge.revivals,
            last_revival_s=charge.last_revival_s,
        )

    def judged(self, name: str, state: ProgramState, decision: WatchDecision) -> Judged:
        """Return what is made of a program that our supervisord runs."""
        charge = self._charges[name]
        return Judged(
            program=name,
            state=state,
            reason=decision.reason,
            detail=decision.detail,
            has_beaten=charge.last_beat_s is not None,
            has_begun=charge.number > 0,
            is_stuck=charge.is_stuck,
        )

    def elsewhere(self, here: Collection[str], now: float) -> list[Judged]:
        """Return what is made of our programs that our supervisord does not run: others look after them, we listen."""
        return [_from_afar(name, charge, now) for name, charge in self._charges.items() if name not in here]

    def revived(self, name: str, now: float) -> None:
        charge = self._charges[name]
        charge.revivals += 1
        charge.last_revival_s = now

    def revivals(self, name: str) -> int:
        return self._charges[name].revivals

    def dealt_with(self, name: str, now: float) -> None:
        """Judge a process that was told to end, or killed, only by what it does from now: it is given time for that."""
        self._charges[name].begin_anew(now)

    def forgive(self, now: float) -> None:
        """Count everybody's silence from now: it was we who did not listen."""
        for charge in self._charges.values():
            charge.excuse(now)


def _from_afar(name: str, charge: _Charge, now: float) -> Judged:
    is_new = charge.last_beat_s is None and now - charge.started_at_s <= FIRST_BEAT_WITHIN_S
    is_fresh = charge.last_beat_s is not None and now - charge.last_beat_s <= HUNG_AFTER_S
    return Judged(
        program=name,
        state=ProgramState.RUNNING,
        reason=WatchReason.WELL if is_new or is_fresh else WatchReason.NO_HEARTBEAT,
        has_beaten=charge.last_beat_s is not None,
        is_stuck=charge.is_stuck,
        is_elsewhere=True,
    )
