"""Whatever comes of looks, in whatever order, and whoever restarts a service: its status is what the looks of it confirm."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from healthmon.model.check import Check, CheckKind, CheckReason, CheckStatus, Outcome
from healthmon.model.status import ServiceState, ServiceStatus
from healthmon.status import machine, uptime
from healthmon.status.machine import StatusEvent, Step
from tests.builders import NOW
from tests.fuzz.effort import effort

SECONDS = st.integers(0, 300)
FAILURES = [CheckReason.REFUSED, CheckReason.TIMEOUT, CheckReason.STATUS]
OURS = [CheckReason.NO_NETWORK, CheckReason.NO_RESOURCES, CheckReason.INTERNAL]
MAX_GAP = timedelta(seconds=90)
SAID = {ServiceStatus.HEALTHY: StatusEvent.HEALTHY, ServiceStatus.UNHEALTHY: StatusEvent.UNHEALTHY, ServiceStatus.UNKNOWN: StatusEvent.UNKNOWN}


class Service(RuleBasedStateMachine):
    """The machine beside a model of it that knows nothing but the list of all looks."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.state = ServiceState(service_id=1)
        self.status = ServiceStatus.UNKNOWN  # as the model has it
        self.failed: list[datetime] = []  # the failures in a row, whatever of ours lies between them
        self.ours = 0  # failures of our own in a row
        self.evidence: list[datetime] = []  # failures of the present incarnation
        self.scheduled = 0
        self.booked_s = 0.0
        self.accounted_from: datetime | None = None

    @initialize(confirmations=st.integers(0, 4))
    def settle(self, confirmations: int) -> None:
        self.confirmations = confirmations

    @rule(seconds=SECONDS, kind=st.sampled_from(list(CheckKind)))
    def it_answers(self, seconds: int, kind: CheckKind) -> None:
        step = self._look(seconds, kind, CheckReason.OK)
        was_soft = self.failed and self.status is not ServiceStatus.UNHEALTHY
        self.failed, self.evidence = [], []
        if kind is CheckKind.SCHEDULED or self.status is not ServiceStatus.HEALTHY:
            self.scheduled = 0
        self._judge(step, ServiceStatus.HEALTHY, otherwise=StatusEvent.CLEARED if was_soft else StatusEvent.NOTHING)

    @rule(seconds=SECONDS, kind=st.sampled_from(list(CheckKind)), reason=st.sampled_from([*FAILURES, CheckReason.HEALTHCHECK]))
    def it_fails(self, seconds: int, kind: CheckKind, reason: CheckReason) -> None:
        step = self._look(seconds, kind, reason)
        self.failed.append(self.now)
        self.evidence.append(self.now)
        self.scheduled += kind is CheckKind.SCHEDULED
        is_confirmed = len(self.failed) > self.confirmations or reason is CheckReason.HEALTHCHECK
        begins = len(self.failed) == 1 and self.status is not ServiceStatus.UNHEALTHY
        wanted = ServiceStatus.UNHEALTHY if is_confirmed else self.status
        self._judge(step, wanted, otherwise=StatusEvent.FAILING if begins else StatusEvent.NOTHING)

    @rule(seconds=SECONDS, kind=st.sampled_from(list(CheckKind)), reason=st.sampled_from(OURS))
    def we_fail(self, seconds: int, kind: CheckKind, reason: CheckReason) -> None:
        step = self._look(seconds, kind, reason)
        if self.ours > self.confirmations:
            self._lose(step)
        else:
            self._judge(step, self.status)

    @rule(seconds=SECONDS)
    def nothing_is_heard_of_it_for_long(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self._lose(machine.lose_sight(self.state, at=self.now))

    @rule(seconds_ago=SECONDS)
    def its_container_turns_out_to_have_begun_anew(self, seconds_ago: int) -> None:
        started_at = self.now - timedelta(seconds=seconds_ago)
        self.state = machine.meet_incarnation(self.state, started_at)
        if self.evidence and self.evidence[0] < started_at:
            self.evidence = []

    def _look(self, seconds: int, kind: CheckKind, reason: CheckReason) -> Step:
        self.now += timedelta(seconds=seconds)
        check = Check(service_id=1, kind=kind, checked_at=self.now, outcome=Outcome(reason=reason))
        self.ours = self.ours + 1 if check.status is CheckStatus.UNKNOWN else 0
        return machine.advance(self.state, check, confirmations=self.confirmations)

    def _lose(self, step: Step) -> None:
        if self.status is not ServiceStatus.UNKNOWN:
            self.failed, self.evidence = [], []
        self._judge(step, ServiceStatus.UNKNOWN)

    def _judge(self, step: Step, wanted: ServiceStatus, *, otherwise: StatusEvent = StatusEvent.NOTHING) -> None:
        """Hold a step against what the model makes of it: a status is told when it changes, and only then."""
        assert step.state.status is wanted, f"it is {step.state.status}, and the looks say {wanted}"
        assert step.event is (SAID[wanted] if wanted is not self.status else otherwise), f"it says {step.event}"
        if wanted is not self.status:
            assert step.state.status_since == self.now, "it changed another time than now"
            assert step.state.previous_status in {self.status, None}
        self.state, self.status = self._accounted(step.state), wanted

    def _accounted(self, after: ServiceState) -> ServiceState:
        """Book the time as the evaluator does: what a soft failure will be is not known yet."""
        if machine.is_soft(after):
            return after
        self.booked_s += sum((span.end - span.start).total_seconds() for span in uptime.spans_until(self.state, after, self.now, max_gap=MAX_GAP))
        self.accounted_from = self.accounted_from or self.now
        return replace(after, accounted_until=self.now)

    @invariant()
    def what_it_remembers_is_what_was_seen(self) -> None:
        assert self.state.streak_confirmations == max(0, len(self.failed) - 1)
        assert self.state.streak_started_at == (self.failed[0] if self.failed else None)
        assert self.state.evidence_failures == len(self.evidence)
        assert self.state.evidence_started_at == (self.evidence[0] if self.evidence else None)
        assert self.state.evidence_last_at == (self.evidence[-1] if self.evidence else None)
        assert self.state.consecutive_failures == self.scheduled
        if self.accounted_from is not None and self.state.accounted_until is not None:
            assert self.booked_s == (self.state.accounted_until - self.accounted_from).total_seconds(), "a second is booked twice, or not at all"
        assert machine.is_soft(self.state) is (bool(self.failed) and self.status is not ServiceStatus.UNHEALTHY)


TestService = Service.TestCase
TestService.settings = effort(60)
