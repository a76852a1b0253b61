"""Faults of limits: a worker may open nothing more (F15), or begin no thread more (F16)."""

from __future__ import annotations

import resource
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.containers import wait_for
from tests.faults.agents import agent
from tests.faults.harness import CannotRunError, row, since
from tests.faults.neighbours import Well, assert_never_unhealthy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

LIMITED_S = 4.0
PIDS_CONTROLLERS = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))
SERVICES = 6  # whose looks need a thread each while their answers are slow
WITHOUT_THREAD = (
    "SELECT count(*), max(timestamp) FROM checks WHERE reason = 'no_resources' AND error_message LIKE '%thread%' HAVING count(*) > 0"
)


@contextmanager
def _limited(limit: int, values: dict[int, int]) -> Iterator[None]:
    """Lower the soft limit of these processes, by pid, for the length of a block."""
    before = {pid: psutil.Process(pid).rlimit(limit) for pid in values}
    assert all(before.values())
    for pid, value in values.items():
        psutil.Process(pid).rlimit(limit, (value, before[pid][1]))
    try:
        yield
    finally:
        for pid, limits in before.items():
            psutil.Process(pid).rlimit(limit, limits)


def _all_in_use(pids: Collection[int]) -> dict[int, int]:
    """Return limits at which these processes can open nothing: the lowest number of each that is free now and then."""
    always = {pid: _open(pid) for pid in pids}
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        for pid in pids:
            always[pid] &= _open(pid)
        time.sleep(0.01)
    return {pid: next(number for number in range(10_000) if number not in numbers) for pid, numbers in always.items()}


def _open(pid: int) -> set[int]:
    return {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}


@row("F15", "no worker can open a file any more: unknown, said once, nobody ends; all is well when it is lifted", bound_s=15)
def no_descriptors() -> float:
    with Well() as well, agent([well.service()]) as host:
        host.wait_until_all("healthy")
        before = host.pids()
        with _limited(resource.RLIMIT_NOFILE, _all_in_use(before.values())):
            host.wait_until_all("unknown")
            time.sleep(LIMITED_S)  # the fault itself
        began = time.monotonic()
        host.wait_until_all("healthy")
        took = since(began)
        assert host.pids() == before, "workers ended over it"
        for name in ("probe-core", "evaluator"):
            assert "step_failed" not in host.log(name), f"{name} took it for a bug"
        assert host.log("probe-core").count("no_resources") == 1, "the prober did not say it once"
        assert host.log("evaluator").count("service_unknown") == 1, "the evaluator did not say it once"
        assert_never_unhealthy(host)
        host.assert_sound()
        return took


@contextmanager
def _no_more_threads(pid: int) -> Iterator[None]:
    """Put a process into a control group that is full with it: a limit of the user does not bind root."""
    hierarchy = next((path for path in PIDS_CONTROLLERS if path.joinpath("cgroup.procs").exists()), PIDS_CONTROLLERS[0])
    before = hierarchy / _group_of(pid, hierarchy)
    group = hierarchy / f"healthmon-test-{pid}"
    try:
        group.mkdir()
        (group / "cgroup.procs").write_text(f"{pid}")
        (group / "pids.max").write_text((group / "pids.current").read_text())
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        raise CannotRunError(f"no control group that limits threads can be made: {error}") from error
    try:
        yield
    finally:
        (before / "cgroup.procs").write_text(f"{pid}")
        group.rmdir()


def _group_of(pid: int, hierarchy: Path) -> str:
    """Return the control group of a process, relative to its hierarchy's top: version 1, or 2."""
    lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    wanted = "pids" if hierarchy.name == "pids" else ""
    return next((path.lstrip("/") for _, controllers, path in lines if controllers == wanted), "")


@row("F16", "a worker can begin no thread any more: unknown, never unhealthy; all is well when it is lifted", bound_s=15, in_ci=False)
def no_threads() -> float:
    slow: dict[str, Any] = {"interval_seconds": 2, "timeout_seconds": 1.9}
    with Well() as well, agent([well.service(f"s{number}", **slow) for number in range(SERVICES)]) as host:
        host.wait_until_all("healthy")
        before = host.pids()
        with _no_more_threads(before["probe-core"]):
            well.thinks_s = 1.2  # now looks overlap, and each needs a thread of its own
            wait_for(lambda: host.rows(WITHOUT_THREAD), timeout_s=20, what="looks without a thread")
            time.sleep(4)
        [(lifted_at,)] = host.rows("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")  # a look's time is that of its beginning
        began = time.monotonic()
        good = f"SELECT count(DISTINCT service_id) FROM checks WHERE reason IS NULL AND timestamp > '{lifted_at}'"
        wait_for(lambda: host.rows(good) == [(SERVICES,)], timeout_s=20, what="a good look at each of them")
        host.wait_until_all("healthy")
        took = since(began)
        [(_, last)] = host.rows(WITHOUT_THREAD)
        assert last <= lifted_at, "threads were still missing when there were some again"
        assert host.pids() == before, "workers ended over it"
        assert_never_unhealthy(host)
        host.assert_sound()
        return took
