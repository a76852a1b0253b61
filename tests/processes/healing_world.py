"""Four services on containers of an engine that a test plays, with the real evaluator, ledger and restarts of the healer.

Time is the test's. Whatever is asked of the engine is written down with a clock that nobody can set: the oracle.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from healthmon import clock
from healthmon.errors import EngineError, EngineGoneError, EngineUnknownError, EngineUnreachableError
from healthmon.heal import policy
from healthmon.heal.decision import HealDecision, HealVerdict
from healthmon.log import Log
from healthmon.model.check import CheckKind, CheckReason
from healthmon.model.heal import Heal, HealAction, HealState
from healthmon.model.status import ServiceStatus
from healthmon.model.target import Incarnation, Target, TargetState
from healthmon.processes import healer
from healthmon.processes.evaluator import Evaluator, planning
from healthmon.processes.healer.restart import Restart
from healthmon.store import checks, heals, probe_requests, services, storms, targets
from healthmon.store.opening import create_or_open
from healthmon.store.targets import TargetReport
from tests.builders import NOW, a_check, a_config, a_target

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY = Path("/dev/shm")
NAMES = ("base", "app", "other", "extra")
SETTINGS = {
    "enabled": True,
    "restart_unhealthy_services": True,
    "max_restart_attempts": 2,
    "restart_cooldown_minutes": 2,
    "min_unhealthy_seconds": 5,
    "start_grace_seconds": 10,
    "startup_hold_seconds": 20,
    "engine_settle_seconds": 20,
    "reset_after_minutes": 5,
    "service_budget_per_hour": 3,
    "service_budget_per_day": 5,
    "host_budget_per_10_minutes": 3,
    "host_budget_per_hour": 6,
    "concurrency": 1,
}
CONFIRMED = 3  # failed looks, with two confirmations
EVIDENCE_MAX_AGE_S = 30.0
PLAN_MAX_AGE_S = 60.0
LONGEST_HEAL_S = 1_600.0  # 10 s to stop, 10 minutes of an engine that does not tell, the verdict, and the steps of a test


class CrashError(BaseException):
    """The power is gone, at a point that the test named."""


@dataclass
class Box:
    """A container as it really is."""

    target_id: str
    run: int = 1
    state: TargetState = TargetState.RUNNING
    by_person: bool = False
    restart_count: int = 0
    image_id: str = "sha256:1"
    started_at: datetime = NOW
    is_ill: bool = False
    is_curable: bool = True
    leaks_after_s: float = 0.0

    @property
    def incarnation(self) -> Incarnation:
        return Incarnation(target_id=self.target_id, started=f"run {self.run}")

    def start(self, now: datetime, *, restart_count: int = 0) -> None:
        self.run += 1
        self.state, self.by_person, self.restart_count, self.started_at = TargetState.RUNNING, False, restart_count, now
        self.is_ill = self.is_ill and not self.is_curable


@dataclass
class PlayedEngine:
    """Answers as it is told to: `mode` is ok, refuses, late, never or away."""

    world: HealingWorld
    mode: str = "ok"
    returned_at: datetime | None = None
    late: list[tuple[float, str]] = field(default_factory=list)  # what happens later, and when

    def look(self, target_id: str) -> Target:
        if self.mode == "away":
            raise EngineUnreachableError("it is away")
        self._catch_up()
        return self.world.target(self.world.box_of(target_id))

    def carry_out(self, action: HealAction, target_id: str, stop_timeout_s: int) -> None:  # noqa: ARG002  the Protocol's
        if self.mode == "away":
            raise EngineUnreachableError("it is away")
        self.world.judge_call(action, target_id)
        if self.mode == "refuses":
            raise EngineError("refused")
        if self.mode in {"late", "never"}:
            if self.mode == "late":
                self.late.append((self.world.monotonic() + 20, target_id))
            raise EngineUnknownError("no answer")
        self.world.box_of(target_id).start(self.world.now)

    def adopt(self, target_id: str, issued_at: datetime, stop_timeout_s: int) -> None:
        """Nothing is remembered of whom a stop was."""

    def has_stopped(self, target_id: str) -> bool:  # noqa: ARG002  the Protocol's
        return False

    def _catch_up(self) -> None:
        due = [target_id for at, target_id in self.late if at <= self.world.monotonic()]
        self.late = [one for one in self.late if one[1] not in due]
        for target_id in due:
            with suppress(EngineGoneError):  # removed meanwhile
                self.world.box_of(target_id).start(self.world.now)


class _Waiting:
    """Stands for the event that tells a restart to stop: a wait lets the test's time pass."""

    def __init__(self, world: HealingWorld) -> None:
        self._world = world

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float) -> bool:
        self._world.now += timedelta(seconds=seconds)
        return False


class HealingWorld:
    """Every claim about a call to the engine is asserted when it is made."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.now, self.jumped_s = NOW, 0.0
        path = Path(self._stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)))
        for name, clocked in (("now", lambda: self.now), ("monotonic", self.monotonic), ("boottime", self.monotonic)):
            self._patch(clock, name, clocked)
        self.crash_at = ""
        for module in (healer.restart, healer.ledger_row, planning_module()):
            self._patch(module, "reach", self._reach)
        self.meddle: Callable[[], None] = _nothing  # what somebody does between a plan and its restart
        self.decisions: dict[int, HealDecision] = {}
        self._patch(planning, "decide", self._decide)
        pace = {"interval_seconds": 3_600.0, "timeout_seconds": 10.0, "retry_interval_seconds": 20.0}
        wanted = [{"name": name, "url": "http://localhost:1", "depends_on": ["base"] if name == "app" else [], **pace} for name in NAMES]
        self.config = a_config(path, *wanted, self_healing=SETTINGS, alert_rules=[], max_consecutive_failures=1_000_000)
        self.connection = create_or_open(self.config.paths.database)
        self._stack.callback(self.connection.close)
        found = services.sync(self.connection, [(name, "default", False) for name in NAMES], now=NOW)
        self.ids = {name: found[name].service_id for name in NAMES}
        self.boxes = {name: Box(target_id=f"{number:064d}", started_at=NOW - timedelta(hours=2)) for number, name in enumerate(NAMES)}
        self.engine = PlayedEngine(self)
        self.looks: dict[str, list[tuple[float, bool, Incarnation]]] = {name: [] for name in NAMES}
        self.calls: list[tuple[float, str]] = []  # when what was asked of the engine
        self._opened: dict[int, float] = {}
        self.log = Log("evaluator")
        self.evaluator = Evaluator(self.config, self.connection, self.log)
        self.pass_time(1)

    def close(self) -> None:
        self._stack.close()

    def monotonic(self) -> float:
        return 10_000.0 + (self.now - NOW).total_seconds() - self.jumped_s

    def set_clock(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.jumped_s += seconds

    def pass_time(self, seconds: float) -> None:
        """Let time pass; then everybody is looked at, and evaluator and healer do what follows."""
        self.now += timedelta(seconds=seconds)
        self._publish()
        for name, box in self.boxes.items():
            box.is_ill = box.is_ill or 0 < box.leaks_after_s < (self.now - box.started_at).total_seconds()
            self._look_at(name, CheckKind.SCHEDULED)
        self._evaluate()
        for _ in range(4):
            asked = [name for name in NAMES if (until := probe_requests.asked_until(self.connection, self.ids[name])) and until > self.now]
            for name in asked:
                self._look_at(name, CheckKind.REQUESTED)
            self.now += timedelta(seconds=2)
            self._publish()
            self._evaluate()
            if heals.open_heals(self.connection):
                self.meddle()
                self.meddle = _nothing
            self._heal()

    def box_of(self, target_id: str) -> Box:
        for box in self.boxes.values():
            if box.target_id == target_id:
                return box
        raise EngineGoneError(f"there is no {target_id[:12]} any more")

    def target(self, box: Box) -> Target:
        return a_target(
            incarnation=box.incarnation,
            name="box",
            state=box.state,
            stopped_by_person=box.by_person,
            restart_count=box.restart_count,
            image_id=box.image_id,
            started_at=box.started_at,
            observed_at=self.now,
        )

    def judge_call(self, action: HealAction, target_id: str) -> None:
        """Assert, of a call that reaches the engine, all that must hold of it."""
        at = self.monotonic()
        box = self.box_of(target_id)
        name = next(name for name, one in self.boxes.items() if one is box)
        assert action is HealAction.RESTART, "nothing here was ever given up by its engine"
        assert (box.state, box.by_person) == (TargetState.RUNNING, False), "a person wants it as it is"
        failed = self._failed_last(name, box.incarnation)
        assert len(failed) >= CONFIRMED, "I2: too few failed looks of this run, or a good one since"
        assert at - failed[-1] <= EVIDENCE_MAX_AGE_S + PLAN_MAX_AGE_S, "I2: the evidence is stale"
        if (storm := storms.open_one(self.connection)) is not None:
            assert self.now - storm.began_at >= timedelta(minutes=5), "nothing is restarted in a storm for five minutes"
        self.calls.append((at, name))

    def assert_invariants(self) -> None:
        open_heals = heals.open_heals(self.connection)
        assert len({heal.service_id for heal in open_heals}) == len(open_heals), "I1: two at once of one service"
        self._assert_budgets()
        at = self.monotonic()
        self._opened = {heal.heal_id: self._opened.get(heal.heal_id, at) for heal in open_heals}
        assert all(at - opened < LONGEST_HEAL_S for opened in self._opened.values()), "I4: a heal without an end"
        for decision in self.decisions.values():
            assert (decision.verdict is HealVerdict.WAIT) == (decision.until is not None), "I5: a wait has an end"

    def _assert_budgets(self) -> None:
        """I3, by a clock that nobody sets: a heal is charged in the instant of its call, but for the moment of its commit."""
        limits = (("service_budget_per_hour", 3_600, True), ("service_budget_per_day", 86_400, True), ("host_budget_per_10_minutes", 600, False), ("host_budget_per_hour", 3_600, False))
        for key, window_s, is_own in limits:
            for at, name in self.calls:
                inside = [one for one in self.calls if at <= one[0] < at + window_s - 1 and (not is_own or one[1] == name)]
                assert len(inside) <= SETTINGS[key], f"I3: {key}"

    def _failed_last(self, name: str, run: Incarnation) -> list[float]:
        """Return when the looks at this run failed that came after its last good one."""
        failed: list[float] = []
        for at, healthy, of in self.looks[name]:
            failed = [] if healthy or of != run else [*failed, at]
        return failed

    def _decide(self, situation: Any) -> HealDecision:
        decision = policy.decide(situation)
        if decision.verdict is HealVerdict.ACT and situation.state.service_id == self.ids["app"]:
            base = self.ids["base"]
            root = self.evaluator._watching.states[base]
            assert root.status is not ServiceStatus.UNHEALTHY, "I6: its root is ill"
            assert base not in {heal.service_id for heal in heals.open_heals(self.connection)}, "I6: its root is not verified"
        assert not (decision.verdict is HealVerdict.WAIT and decision.until is not None and decision.until <= situation.now), "I5: it waits for what is past"
        assert decision.until is None or decision.until <= situation.now + timedelta(days=1), "I5: it waits for ever"
        self.decisions[situation.state.service_id] = decision
        return decision

    def _publish(self) -> None:
        if self.engine.mode == "away":
            problem = TargetReport(observed_at=self.now, problem="the engine is away")
            targets.publish(self.connection, dict.fromkeys(self.ids.values(), problem))
            return
        reports = {self.ids[name]: TargetReport(observed_at=self.now, target=self.target(box), matched_by="container") for name, box in self.boxes.items()}
        targets.publish(self.connection, reports)

    def _look_at(self, name: str, kind: CheckKind) -> None:
        self.now += timedelta(milliseconds=5)
        box = self.boxes[name]
        is_dragged_down = name == "app" and self.boxes["base"].is_ill
        healthy = box.state is TargetState.RUNNING and not box.is_ill and not is_dragged_down
        checks.append(self.connection, [a_check(CheckReason.OK if healthy else CheckReason.STATUS, at=self.now, kind=kind, service_id=self.ids[name])])
        self.looks[name].append((self.monotonic(), healthy, box.incarnation))

    def _evaluate(self) -> None:
        self.decisions.clear()
        try:
            self.evaluator._next_due = 0.0
            self.evaluator._watching._arrived = dict.fromkeys(self.evaluator._watching._arrived, self.monotonic())
            self.evaluator.step()
        except CrashError:
            self.crash_evaluator()

    def crash_evaluator(self) -> None:
        self.evaluator = Evaluator(self.config, self.connection, self.log)

    def _heal(self) -> None:
        for heal in heals.open_heals(self.connection):
            if heal.state in {HealState.PLANNED, HealState.ISSUED}:
                self._carry_out(heal)

    def _carry_out(self, heal: Heal) -> None:
        settings = self.config.self_healing
        waiting: Any = _Waiting(self)
        engine: Any = self.engine
        try:
            Restart(heal, engine, self.connection, self.log, waiting).run(settings)
        except CrashError:
            return  # the next healer takes it up

    def _reach(self, point: str) -> None:
        if point == self.crash_at:
            self.crash_at = ""
            raise CrashError(point)

    def _patch(self, where: Any, name: str, value: Callable[..., Any]) -> None:
        self._stack.enter_context(patch.object(where, name, value))


def _nothing() -> None:
    """Nobody meddles."""


def planning_module() -> Any:
    """Return the module that names the points of the evaluator."""
    from healthmon.processes import evaluator  # noqa: PLC0415  beside the class of that name

    return evaluator
