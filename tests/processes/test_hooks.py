"""A person's commands before and after a restart, on real processes: bounded, told what it is about, and in nobody's way."""

from __future__ import annotations

import os
import select
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from healthmon import child_process, redaction
from healthmon.child_process import Ended
from healthmon.errors import EngineError
from healthmon.model.heal import HealAction, HealState
from healthmon.model.hook_run import HookMoment, HookRun
from healthmon.model.target import Target
from healthmon.store import heals, hook_runs
from tests.builders import a_target
from tests.containers import wait_for
from tests.processes.test_healer import World

if TYPE_CHECKING:
    from pathlib import Path

SH = "/bin/sh"


def run(*command: str, timeout_s: float = 10.0, stopping: threading.Event | None = None, **environment: str) -> Ended:
    return child_process.run(command, environment, timeout_s=timeout_s, stopping=stopping or threading.Event())


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0] == "Z"


def test_a_command_is_run_without_a_shell_and_without_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2-hunter2")
    assert run("/bin/echo", "$HOME; `id`", "a b") == Ended(exit_code=0, problem="", output="$HOME; `id` a b\n")
    ended = run("/usr/bin/env", HEALTHMON_SERVICE="doc_store")
    assert ended.output == "HEALTHMON_SERVICE=doc_store\n"
    assert run(SH, "-c", "pwd; cat; exit 3", PATH="/bin:/usr/bin") == Ended(exit_code=3, problem="", output="/\n")


def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    assert run("/nowhere/at-all").problem == "/nowhere/at-all is not there, or not executable"
    script = tmp_path / "hook"
    script.write_text("#!/nowhere/at-all\n")
    script.chmod(0o755)
    ended = run(str(script))
    assert ended.exit_code not in {0, None}
    assert "No such file" in ended.output


def test_what_hangs_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    began_s = time.monotonic()
    ended = run(SH, "-c", f"sleep 100 & echo $! $$ > {pids}; echo begun; trap '' TERM; wait", timeout_s=0.5, PATH="/bin:/usr/bin")
    assert (ended.exit_code, ended.problem, ended.output) == (None, "killed after 0.5 s", "begun\n")
    assert time.monotonic() - began_s < 5
    for pid in pids.read_text().split():
        wait_for(lambda pid=pid: is_gone(int(pid)), what=f"{pid} to be gone")  # type: ignore[misc]


def test_nobody_waits_for_what_it_leaves_in_the_background() -> None:
    began_s = time.monotonic()
    ended = run(SH, "-c", "sleep 100 & echo $!", PATH="/bin:/usr/bin")
    assert (ended.exit_code, time.monotonic() - began_s < 5) == (0, True)
    wait_for(lambda: is_gone(int(ended.output)), what="the rest of its group to be gone")


@pytest.mark.parametrize("command", ["exec >&- 2>&-; sleep 100", "yes"])
def test_one_that_says_nothing_more_or_far_too_much_is_bounded(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, real = [], select.poll

    def counted() -> Any:
        looks.append(real())
        return looks[-1]

    monkeypatch.setattr(select, "poll", counted)
    ended = run(SH, "-c", command, timeout_s=0.5, PATH="/bin:/usr/bin")
    assert ended.problem == "killed after 0.5 s"
    assert len(ended.output) <= child_process.MAX_OUTPUT_BYTES
    most = child_process.AT_ONCE * (0.5 / child_process.LOOK_EVERY_S + 2)  # without the pause it looked 78,404 times
    assert 1 <= len(looks) <= most, "it is watched without running in circles"


def test_it_ends_with_us() -> None:
    stopping = threading.Event()
    threading.Timer(0.3, stopping.set).start()
    assert run("/bin/sleep", "100", stopping=stopping).problem == "killed, for healthmon stops"


# In the healer


def a_world(path: Path, **hooks: Any) -> World:
    return World(path, hooks={"timeout_seconds": 5, **hooks}, forensics=False)


def runs(world: World, heal_id: int) -> list[HookRun]:
    return hook_runs.of_heal(world.connection, heal_id)


def end(world: World, heal_id: int) -> list[HookRun]:
    world.end(heal_id)
    return runs(world, heal_id)


def test_both_are_run_around_the_call_and_know_what_it_is_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_hidden", {"hunter2-hunter2"})
    said = "echo $HEALTHMON_MOMENT $HEALTHMON_SERVICE $HEALTHMON_CONTAINER $HEALTHMON_ACTION $HEALTHMON_STATE $TOKEN"
    world = a_world(tmp_path, before=[SH, "-c", said], after=[SH, "-c", said + "; exit 4"], environment={"TOKEN": "hunter2-hunter2"})
    before, after = end(world, world.plan())
    assert (before.moment, before.exit_code, before.output) == (HookMoment.BEFORE, 0, "before store store restart planned •••")
    assert (after.moment, after.exit_code, after.output) == (HookMoment.AFTER, 4, "after store store restart returned •••")
    assert world.engine.calls == [HealAction.RESTART]
    assert after.words.startswith("hook after the restart: exit code 4 after ")
    world.close()


def test_a_hook_that_fails_or_is_not_there_stops_no_restart(tmp_path: Path) -> None:
    world = a_world(tmp_path, before=["/nowhere/at-all"])
    heal_id = world.plan()
    [before] = end(world, heal_id)
    assert (before.exit_code, "not there" in before.problem) == (None, True)
    assert world.heal(heal_id).state is HealState.RETURNED
    world.close()


def test_a_hanging_hook_holds_up_no_other_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T34: its own restart waits until it is killed; another one that is planned meanwhile is made at once."""
    begun = tmp_path / "begun"
    world = a_world(tmp_path, before=[SH, "-c", f"touch {begun}; sleep 100"])
    heal = type(world.config.services[1].heal).model_validate_json('{"hooks": {}}')
    quick = world.config.services[1].model_copy(update={"heal": heal, "container": "other"})
    other = replace(a_target().incarnation, target_id="d" * 64)
    stores = world.engine.target
    assert isinstance(stores, Target)
    others = replace(stores, incarnation=other, name="other")
    monkeypatch.setattr(world.engine, "observe", lambda: [stores, others])
    world.healer.close()
    world.healer = world.a_new_healer(world.config.model_copy(update={"services": (world.config.services[0], quick)}))
    hanging = world.plan()
    world.wait_until(begun.exists, what="the hook to hang")
    world.engine.target = others
    planned = replace(heals.get(world.connection, hanging), heal_id=0, service_id=2, incarnation=other)
    second = heals.add(world.connection, planned)
    world.wait_until(lambda: world.heal(second).state is HealState.RETURNED, what="the other restart")
    assert world.heal(hanging).state is HealState.PLANNED
    world.close()


def test_what_a_person_holds_back_while_evidence_is_kept_is_not_drained(tmp_path: Path) -> None:
    world = a_world(tmp_path, before=["/bin/true"])
    heal_id = world.plan()
    heal = world.heal(heal_id)
    heals.close(world.connection, heal, HealState.DROPPED, at=heal.planned_at, detail="a person holds it back")
    acting = world.healer._acting
    acting._run(heal, world.config.self_healing)
    assert runs(world, heal_id) == []
    assert world.engine.calls == []
    world.close()


def test_after_a_restart_that_the_engine_refused_the_hook_is_told_so(tmp_path: Path) -> None:
    world = a_world(tmp_path, after=[SH, "-c", "echo $HEALTHMON_STATE: $HEALTHMON_DETAIL"])
    world.engine.answers = [EngineError("no space left on device")]
    [after] = end(world, world.plan())
    assert after.output == "failed: no space left on device"
    world.close()
