"""What holds of what people are told, over any history of outages, crashes of the evaluator and people's silences.

T1  of each outage: one beginning, then one end, and nothing after it
T2  an outage of five minutes is told, by itself or under what it is because of, unless it is silenced
T3  once all has been well for long, nothing is left open, and whoever heard of an outage has heard of its end
T4  nobody is told of a service that never failed
T5  whom a message named as ill because of another is named again when that is over, as back or as not, and who is not is told
    of until it is, unless it is silenced
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from healthmon import clock
from healthmon.model.check import CheckKind
from healthmon.model.operator_action import OperatorAction, OperatorActionKind
from healthmon.processes.evaluator import reporting
from healthmon.store import operator_actions, services
from tests.processes.alert_timeline import DOWN, SLOW, WEBHOOK, Timeline
from tests.processes.evaluator_world import BAD, GOOD

if TYPE_CHECKING:
    from healthmon.model.notification import Affected, Notification

MEMORY = Path("/dev/shm")
IDS = {"doc_store": 1, "frontend": 2, "spare": 3}  # the second needs the first, the third nobody
BEGINNINGS, ENDS = {"firing", "flapping"}, {"resolved", "removed"}
CALM_HALVES = 40  # what flapped is steady by then
CRASHES = ("alerts.before_commit", "alerts.after_commit")
LONG_HALVES = 14  # half minutes: five, and what is waited for before a first word


class CrashError(BaseException):
    """The evaluator is gone."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """So many half minutes in which these services fail every look, and what happens before."""

    ill: frozenset[str]
    halves: int
    event: str = ""


class World(Timeline):
    """Three services, told of by one webhook."""

    def __init__(self, stack: ExitStack, **grouping: float) -> None:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)))
        told = WEBHOOK | {"grouping": {"repeat_seconds": 0, **grouping}}
        everything: dict[str, Any] = {"alert_rules": [DOWN, SLOW], "alerting": told, "max_consecutive_failures": 1_000}
        super().__init__(path, settings=everything, enabled=False)
        stack.callback(self.connection.close)
        self.crash_at = ""
        for name, clocked in (("now", lambda: self.now), ("monotonic", self.monotonic), ("boottime", self.monotonic)):
            stack.enter_context(patch.object(clock, name, clocked))
        stack.enter_context(patch.object(reporting, "reach", self._reach))
        clocks = {"interval_seconds": 30.0, "timeout_seconds": 10.0, "retry_interval_seconds": 2.0}
        first, second = (service.model_copy(update=clocks) for service in self.config.services)
        wanted = (first, second, first.model_copy(update={"name": "spare"}))
        self.config = self.config.model_copy(update={"services": wanted})
        services.sync(self.connection, [(one.name, one.group, one.critical) for one in wanted], now=self.now)
        self.evaluator = self.a_new_evaluator()
        self.failed: set[str] = set()
        self.ill_for = dict.fromkeys(IDS, 0)  # half minutes without a good look, of which nobody silenced anything
        self.quiet_until = self.now
        self.was_silenced = False

    def _reach(self, point: str) -> None:
        if point == self.crash_at:
            self.crash_at = ""
            raise CrashError

    def step(self) -> float:
        try:
            return super().step()
        except CrashError:
            self.evaluator = self.a_new_evaluator()
            return super().step()

    def happen(self, event: str) -> None:
        if event in CRASHES:
            self.crash_at = event
        elif event == "restart":
            self.evaluator = self.a_new_evaluator()
        elif event in {"acknowledge", "silence"}:
            kind = OperatorActionKind(event)
            until = self.now + timedelta(minutes=4)
            if event == "silence":
                self.quiet_until, self.was_silenced = until, True
            matchers = ("severity=*",) if event == "silence" else ()
            said = OperatorAction(kind=kind, made_at=self.now, author="ada", reason="r", service="doc_store", matchers=matchers, until=until)
            operator_actions.add(self.connection, said)

    def pass_half(self, ill: frozenset[str]) -> None:
        for _ in range(2):
            self.now += timedelta(seconds=13)
            self.step()
        for name, sid in IDS.items():
            reason = BAD if name in ill else GOOD
            self.look(reason, service_id=sid)
            if reason is BAD:
                self.failed.add(name)
                for _ in range(2):
                    self.look(BAD, CheckKind.RECHECK, service_id=sid)
            self.ill_for[name] = self.ill_for[name] + 1 if reason is BAD and self.now >= self.quiet_until else 0
        self.step()


def entries(messages: list[Notification]) -> list[tuple[str, Affected]]:
    return [(message.kind.value, one) for message in messages for one in message.affected]


def assert_t1(world: World) -> None:
    said: dict[int, list[str]] = {}
    for kind, one in entries(world.messages()):
        said.setdefault(one.conversation_id, []).append(kind)
    for kinds in said.values():
        assert kinds[0] in BEGINNINGS, kinds  # by the message's own event, for who files by it
        assert not ENDS & set(kinds[:-1]), kinds


def assert_t2(world: World) -> None:
    rows = world.connection.rows("SELECT service_name, told_dependents FROM conversations JOIN services USING (service_id) WHERE closed_at IS NULL AND announced_at IS NOT NULL")
    told = " ".join(str(text) for row in rows for text in row)
    for name, halves in world.ill_for.items():
        assert halves < LONG_HALVES or name in told, f"{name} is down for {halves / 2} min, and people know of {rows}"


def assert_t3(world: World) -> None:
    assert world.connection.rows("SELECT 1 FROM conversations WHERE closed_at IS NULL") == []
    assert world.connection.rows("SELECT 1 FROM alert_log WHERE resolved_at IS NULL") == []
    last = {one.conversation_id: kind for kind, one in entries(world.messages())}
    assert set(last.values()) <= ENDS, last


def assert_t5(world: World) -> None:
    found = entries(world.messages())
    named: dict[int, set[str]] = {}
    for number, (kind, one) in enumerate(found):
        if kind not in ENDS:
            named.setdefault(one.conversation_id, set()).update(one.dependents)
            continue
        missing = dict(one.facts).get("not back yet", "")
        assert named.get(one.conversation_id, set()) == {*one.dependents, *filter(None, missing.split(", "))}
        for name in filter(None, () if world.was_silenced else missing.split(", ")):
            assert any(other.service == name for _, other in found[number:]) or _is_open(found[:number], name), f"nobody hears that {name} is back"


def _is_open(found: list[tuple[str, Affected]], name: str) -> bool:
    kinds = [kind for kind, one in found if one.service == name]
    return bool(kinds) and kinds[-1] not in ENDS


SEGMENTS = st.lists(
    st.builds(
        Segment,
        ill=st.frozensets(st.sampled_from(sorted(IDS))),
        halves=st.sampled_from([1, 2, 3, 5, LONG_HALVES + 2]),
        event=st.sampled_from(["", "", "restart", "acknowledge", "silence", *CRASHES]),
    ),
    min_size=1,
    max_size=9,
)


@settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(segments=SEGMENTS, wait_s=st.sampled_from([0.0, 30.0]), spread_s=st.sampled_from([60.0, 300.0]))
@example(segments=[Segment(ill=frozenset({"doc_store", "frontend"}), halves=16), Segment(ill=frozenset({"frontend"}), halves=1)], wait_s=0.0, spread_s=60.0)
def test_what_is_told_can_be_trusted_and_so_can_silence(segments: list[Segment], wait_s: float, spread_s: float) -> None:
    with ExitStack() as stack:
        world = World(stack, wait_seconds=wait_s, interval_seconds=spread_s)
        for _ in range(2):
            world.pass_half(frozenset())
        for segment in segments:
            world.happen(segment.event)
            for _ in range(segment.halves):
                world.pass_half(segment.ill)
            assert_t1(world)
            assert_t2(world)
        for _ in range(CALM_HALVES):
            world.pass_half(frozenset())
        assert_t1(world)
        assert_t3(world)
        assert {one.service for _, one in entries(world.messages())} <= world.failed
        assert_t5(world)
