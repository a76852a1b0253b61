"""Whatever a condition does, and whatever nobody can tell of it: an alert fires once, not too soon, and ends once, not too soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from healthmon.alerts.lifecycle import AlertEvent, Move, Timing, advance, begin
from tests.fuzz.effort import effort

if TYPE_CHECKING:
    from healthmon.model.rule_state import RuleState

SECONDS = st.integers(0, 120)


class Alert(RuleBasedStateMachine):
    """The lifecycle beside a model of it that only counts known time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.state: RuleState | None = None
        self.is_told = False
        self.held_s = self.gone_s = 0.0  # known time: since it began to hold, since it ended
        self.last: bool | None = False

    @initialize(duration_s=SECONDS, keep_s=SECONDS)
    def settle(self, duration_s: int, keep_s: int) -> None:
        self.timing = Timing(duration=timedelta(seconds=duration_s), keep_firing=timedelta(seconds=keep_s))

    @rule(seconds=SECONDS, holds=st.sampled_from([True, True, False, False, None]))
    def look(self, seconds: int, holds: bool | None) -> None:  # noqa: FBT001  hypothesis gives it by name
        self.now += timedelta(seconds=seconds)
        self._count(seconds)
        if self.state is None and not holds:
            self.last = False
            return
        move = begin(1, "r", self.timing, self.now) if self.state is None else advance(self.state, self.timing, holds=holds, now=self.now)
        self._note(holds, began=self.state is None)
        self._judge(move, holds)
        self.state, self.last = move.state, holds

    def _count(self, seconds: int) -> None:
        """Known time goes on for what the last look said; while nobody can tell it stands still."""
        if self.last is True:
            self.held_s += seconds
        elif self.last is False:
            self.gone_s += seconds

    def _note(self, holds: bool | None, *, began: bool) -> None:  # noqa: FBT001
        if began:
            self.held_s = 0.0
        if holds:
            self.gone_s = 0.0

    def _judge(self, move: Move, holds: bool | None) -> None:  # noqa: FBT001
        if move.event is AlertEvent.FIRED:
            assert not self.is_told, "it fires while it fires"
            assert holds, "it fires, and does not hold"
            assert self.held_s >= self.timing.duration.total_seconds(), "it fires before its time"
            self.is_told = True
        elif move.event is AlertEvent.RESOLVED:
            assert self.is_told, "it ends, and never fired"
            assert holds is False, "it ends, and still holds, or nobody can tell"
            assert self.gone_s >= self.timing.keep_firing.total_seconds() or self.timing.keep_firing <= timedelta(0), "it ends before its time"
            self.is_told = False
        assert move.state is not None or not self.is_told, "what was told is forgotten without a word"
        assert move.due is None or move.due > self.now, "it is due in the past"
        if holds is None:
            assert move.event is AlertEvent.NOTHING, "something happens, and nobody can tell"


TestAlert = Alert.TestCase
TestAlert.settings = effort(60)
