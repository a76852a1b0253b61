"""What holds of healing over any history: crashes at any step, clocks that are set, people and engines that do as they like.

The invariants I1 to I7 are those of the specification; I7, that a limit can be reached, is in tests/unit/test_heal_reach.py.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from healthmon.model.target import TargetState
from tests.processes.healing_world import NAMES, HealingWorld

NAME = st.sampled_from(NAMES)
HEALER_POINTS = ("heal.begun", "heal.before_issue", "heal.issued", "heal.calling", "heal.answered", "heal.before_mark", "heal.marked")
EVALUATOR_POINTS = ("evaluator.before_commit", "evaluator.after_commit", "planner.before_commit", "planner.after_commit")


class Healing(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = HealingWorld()

    def teardown(self) -> None:
        self.world.close()

    @rule(seconds=st.sampled_from([1, 5, 20, 60, 300]), times=st.integers(1, 6))
    def time_passes(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self.world.pass_time(seconds)

    @rule(names=st.sets(NAME, min_size=1), curable=st.booleans(), seconds=st.sampled_from([20, 60, 300]))
    def services_are_ill_for_a_while(self, names: set[str], curable: bool, seconds: float) -> None:  # noqa: FBT001  hypothesis fills it
        for name in sorted(names):
            self.world.boxes[name].is_ill, self.world.boxes[name].is_curable = True, curable
        self.time_passes(seconds, 4)

    @rule(name=NAME, after_s=st.sampled_from([0, 60, 700]))
    def a_service_leaks(self, name: str, after_s: float) -> None:
        """From now on every run is ill after a time, whatever is done."""
        self.world.boxes[name].leaks_after_s = after_s

    @rule(names=st.sets(NAME))
    def services_recover(self, names: set[str]) -> None:
        for name in sorted(names):
            self.world.boxes[name].is_ill = False

    @rule(point=st.sampled_from((*HEALER_POINTS, *EVALUATOR_POINTS)))
    def the_power_goes_at(self, point: str) -> None:
        self.world.crash_at = point

    @rule()
    def the_evaluator_crashes_between_steps(self) -> None:
        self.world.crash_evaluator()

    @rule(seconds=st.sampled_from([-86_400.0, -3_600.0, -30.0, 30.0, 3_600.0, 86_400.0]))
    def the_clock_is_set(self, seconds: float) -> None:
        self.world.set_clock(seconds)

    @rule(name=NAME, act=st.sampled_from(["stop", "pause", "restart", "restart", "recreate", "update"]), back=st.integers(0, 4))
    def a_person_acts(self, name: str, act: str, back: int) -> None:
        """Mostly the person brings it back after a while, too."""
        box = self.world.boxes[name]
        if act in {"stop", "pause"}:
            box.state, box.by_person = (TargetState.EXITED, True) if act == "stop" else (TargetState.PAUSED, False)
            if back:
                self.time_passes(5 * back, 3)
        if act in {"recreate", "update"}:
            box.target_id = f"{int(box.target_id) + len(NAMES):064d}"  # nobody else's, ever
            box.image_id += "1" if act == "update" else ""
        if act == "pause" and back:
            box.state = TargetState.RUNNING
        elif back or act not in {"stop", "pause"}:
            box.start(self.world.now)

    @rule(name=NAME, act=st.sampled_from(["stop", "pause", "restart", "recreate"]))
    def a_person_will_act_between_a_plan_and_its_restart(self, name: str, act: str) -> None:
        self.world.meddle = lambda: self.a_person_acts(name, act, 0)

    @rule(name=NAME)
    def its_restart_policy_restarts_it(self, name: str) -> None:
        box = self.world.boxes[name]
        if box.state is TargetState.RUNNING:
            box.start(self.world.now, restart_count=box.restart_count + 1)

    @rule(mode=st.sampled_from(["ok", "ok", "ok", "ok", "refuses", "late", "never", "away"]))
    def the_engine_becomes(self, mode: str) -> None:
        if self.world.engine.mode == "away" and mode != "away":
            self.world.engine.returned_at = self.world.now - timedelta(seconds=1)
        self.world.engine.mode = mode

    @invariant()
    def everything_holds(self) -> None:
        self.world.assert_invariants()


TestHealing = Healing.TestCase
TestHealing.settings = settings(max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
