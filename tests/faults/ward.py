"""Who is healed in a fault row? Containers of the private engine, and services beside them that the test makes ill.

A service is an HTTP address of the test, with a container's name in the configuration: what it answers is the test's
decision. It says that it is well again as soon as its container was started once more, when `restart_helps`. Starts
are counted by a second observer of the engine, never by the agent.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from healthmon.failpoints import ENVIRONMENT as FAILPOINT
from tests.containers import STOPS_AT_ONCE, Docker, Observer, wait_for
from tests.faults import notes
from tests.faults.agents import Agent, held
from tests.faults.engine_proxy import EngineProxy
from tests.faults.patients import Desk, Patient
from tests.faults.private_engine import shared_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

IMPATIENT = {
    "enabled": True,
    "restart_unhealthy_services": True,
    "min_unhealthy_seconds": 0.5,
    "start_grace_seconds": 0.5,
    "startup_hold_seconds": 0.5,
    "engine_settle_seconds": 2,
    "restart_cooldown_minutes": 0.05,
}
OVER = {"verified", "failed", "dropped", "gone", "inconclusive", "superseded"}


class HealingAgent(Agent):
    """An agent whose healer can be waited for."""

    def healer_pid(self) -> int:
        """Return the newest healer's pid, also when supervisord does not call it running yet."""
        return int(wait_for(lambda: re.findall(r" healer started pid=(\d+)", self.log("healer")), what="a healer")[-1])

    def healer_peak_bytes(self) -> int:
        """Return the most memory that the healer had at once: what a huge answer took is given back afterwards."""
        status = Path(f"/proc/{self.healer_pid()}/status").read_text()
        return 1_024 * int(re.findall(r"VmHWM:\s+(\d+)", status)[0])

    def heals(self) -> list[tuple[str, str, str]]:
        """Return the ledger, oldest first: state, target, detail."""
        return self.rows("SELECT state, target_name, detail FROM heals ORDER BY heal_id")

    def states(self) -> list[str]:
        return [state for state, _, _ in self.heals()]

    def target(self, name: str) -> tuple[str | None, str]:
        """Return what is told of a service's container: its state, or None and why there is none known."""
        query = "SELECT service_name, state, problem FROM targets JOIN services USING (service_id)"
        told = {service: (state, problem or "") for service, state, problem in self.rows(query)}
        return told.get(name, (None, ""))

    def times_unreachable(self) -> int:
        """Count how often it said that the engine does not answer as an engine does."""
        return self.log("healer").count(" engine_unreachable ")

    def times_reachable(self) -> int:
        return self.log("healer").count(" engine_reachable ")

    def reachable_at(self) -> float:
        """Return when it last found the engine to be back, in seconds since 1970."""
        at = re.findall(r"^(\S+) INFO healer engine_reachable ", self.log("healer"), re.MULTILINE)[-1]
        return datetime.fromisoformat(at).timestamp()

    def wait_for_heal(self, *states: str, timeout_s: float = 30) -> None:
        """Wait until the newest heal is in one of these states."""
        self.wait_for_ledger(lambda ledger: ledger[-1:] and ledger[-1] in states, f"a heal that is {' or '.join(states)}", timeout_s)

    def wait_for_ledger(self, condition: Callable[[list[str]], Any], what: str, timeout_s: float) -> None:
        """Wait until the ledger's states, oldest first, are so."""
        try:
            wait_for(lambda: condition(self.states()), timeout_s=timeout_s, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error} (the ledger: {self.heals()})") from None


class Ward:
    """A session on the private engine, its patients, and a second observer."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.engine = shared_engine()
        self.docker = Docker(self.engine.host)
        stack.callback(self.docker.close)
        self.observer = Observer(self.docker, folder)
        stack.callback(self.observer.close)
        self._desk = Desk()
        stack.callback(self._desk.server_close)
        stack.callback(self._desk.shutdown)
        self.folder = folder
        self._stack = stack
        self._services: list[dict[str, Any]] = []

    @property
    def marker(self) -> Path:
        """The file that a failpoint makes when it kills or halts."""
        return self.folder / "marker"

    def admit(self, name: str, *command: str, options: tuple[str, ...] = (), **service: Any) -> Patient:
        """Run a container, and have a service beside it."""
        called = f"{self.docker.session}-{name}"
        container = self.docker.run(*(command or STOPS_AT_ONCE), options=options, name=called)
        patient = Patient(name, container, self.observer)
        self._desk.patients[name] = patient
        url = f"http://127.0.0.1:{self._desk.server_port}/{name}"
        self._services.append({"name": name, "url": url, "group": "core", "container": called, **service})
        return patient

    def watch(self, name: str, url: str, **service: Any) -> None:
        """Have a service beside them that has no container."""
        self._services.append({"name": name, "url": url, "group": "core", **service})

    def proxy(self) -> EngineProxy:
        """Put a proxy before the engine; what agents are made after this use it."""
        made = EngineProxy(self.folder / "proxy.sock", self.engine.socket)
        self._stack.callback(made.close)
        return made

    @contextmanager
    def agent(
        self,
        *,
        host: str = "",
        failpoint: str = "",
        environment: Mapping[str, str] = MappingProxyType({}),
        settings: Mapping[str, Any] = MappingProxyType({}),
        sees: bool = True,
        **self_healing: Any,
    ) -> Iterator[HealingAgent]:
        """Run an agent on the patients until the end of the block; `failpoint` happens in one life only.

        It is given to the block when it `sees` its containers. `settings` are those beside its `self_healing`.
        """
        environment = {"DOCKER_HOST": host or self.engine.host, **environment}
        if failpoint:
            environment[FAILPOINT] = f"{failpoint}@{self.marker}"
        with tempfile.TemporaryDirectory(prefix="hm-", ignore_cleanup_errors=True) as directory:
            healing = {**IMPATIENT, **self_healing}
            started = HealingAgent(Path(directory), self._services, environment=environment, self_healing=healing, **settings)
            earlier = self._restarts()
            with held(started):
                if sees:
                    self.wait_until_seen(started, {str(service["name"]) for service in self._services})
                yield started
            self._judge_restarts(started, self._restarts() - earlier)

    def wait_until_seen(self, host: HealingAgent, names: set[str]) -> None:
        """Wait until the agent knows these containers, and that they are well, so that a fault finds it at its work."""
        wait_for(lambda: {host.statuses().get(name) for name in names} == {"healthy"}, timeout_s=20, what="all to be healthy")
        wait_for(partial(_knows, host, names), timeout_s=20, what="the containers to be seen")

    def seen_after(self, act: str, host: HealingAgent, patient: Patient, state: str) -> float:
        """Do something to a container; return how long it took until the agent knew its new state."""
        began = time.monotonic()
        self.docker.cli(act, patient.container)
        wait_for(lambda: host.target(patient.name)[0] == state, timeout_s=45, what=f"the agent to see that it is {state}")
        return time.monotonic() - began

    def go_on(self, host: HealingAgent) -> float:
        """Let the healer go on that a failpoint halted; return when that was."""
        os.kill(host.healer_pid(), signal.SIGCONT)
        return time.monotonic()

    def healed_once(self, host: HealingAgent, patient: Patient, began: float, *, timeout_s: float = 30) -> float:
        """Hold that one restart, and no second one, has healed it; return how long that took."""
        host.wait_for_heal("verified", timeout_s=timeout_s)
        took = time.monotonic() - began
        self.check(host)
        assert host.states() == ["verified"], f"the ledger says {host.states()}"
        patient.assert_restarts(1)
        return took

    def check(self, host: HealingAgent, *, timeout_s: float = 45) -> None:
        """Hold what must hold when a row with patients is over: no heal is lost, no restart uncharged, no database damaged, one of each program."""
        host.wait_for_ledger(lambda ledger: set(ledger) <= OVER, "every heal to end", timeout_s)
        self._judge_restarts(host, self._restarts(), is_counted=False)
        host.assert_sound()

    def _restarts(self) -> Counter[str]:
        """Return how often the engine has seen each patient restarted so far, whoever wanted it."""
        return Counter({patient.name: self.observer.restarts(patient.container) for patient in self._desk.patients.values()})

    def _judge_restarts(self, host: HealingAgent, seen: Counter[str], *, is_counted: bool = True) -> None:
        """I2: nothing is restarted that was not charged before."""
        charged = Counter(name for (name,) in host.rows("SELECT target_name FROM heals WHERE issued_at IS NOT NULL"))
        extra = {name: (count, allowed) for name, count in seen.items() if count > (allowed := charged[f"{self.docker.session}-{name}"])}
        if is_counted:
            notes.count(restarts=seen.total(), extra=sum(count - allowed for count, allowed in extra.values()))
        for name, (count, allowed) in extra.items():
            raise AssertionError(f"{name}: the engine saw {count} restarts, the ledger knows of {allowed}")


def _knows(host: HealingAgent, names: set[str]) -> bool:
    return all(host.target(name)[0] is not None for name in names)


@contextmanager
def ward() -> Iterator[Ward]:
    """Open a ward on the private engine for the length of a block; nothing is left of it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hm-ward-")))
        yield Ward(folder, stack)
