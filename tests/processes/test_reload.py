"""Is a file applied while everything runs, all of it or nothing? With real processes, a real target, and its own count."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from healthmon.store import facts
from healthmon.store.opening import open_for_reading
from tests.reloading import EVERY_S, HEALTHMON, Host, reloading, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def host() -> Iterator[Host]:
    with reloading() as found:
        yield found


def test_services_and_groups_come_and_go_and_nobody_else_notices(host: Host) -> None:
    """Of the services that stay no look is missed, and of the groups that stay no process is started anew."""
    wait_for(lambda: len(host.target.asked["a"]) > 3, seconds=10)
    began, before = time.monotonic(), host.pids()

    host.write("core/a", "core/ill", "agents/b")  # a service more
    assert "added: ill" in host.reload().stdout
    assert host.pids() == before
    wait_for(lambda: host.rows("SELECT 1 FROM incidents WHERE resolved_at IS NULL"), seconds=15)

    host.write("core/a", "core/ill2", "agents/b", "new/c")  # one has another name, and a group is new
    said = host.reload().stdout
    assert ("added: ill2, c" in said, "removed: ill" in said) == (True, True)
    with_new = host.wait_for_groups("core", "agents", "new")
    assert {name: with_new[name] for name in before} == before
    wait_for(lambda: host.rows("SELECT 1 FROM incidents WHERE resolution = 'removed'"), seconds=5)
    wait_for(lambda: host.target.asked["c"] and host.target.asked["ill2"], seconds=5)
    asked = len(host.target.asked["ill"])

    host.write("new/a", "agents/b", "new/c")  # a group is gone, and a service of it is in another
    host.reload()
    without = host.wait_for_groups("agents", "new")
    assert without == {name: pid for name, pid in with_new.items() if name != "probe-core"}
    assert host.rows("SELECT service_name FROM service_status ORDER BY 1") == [("a",), ("b",), ("c",)]

    number = host.number()
    host.agent.send_signal(signal.SIGHUP)
    wait_for(lambda: host.number() > number, seconds=5)
    assert host.pids() == without
    assert [one["number"] for one in json.loads(host.healthmon("config", "history", "--json").stdout)] == [4, 3, 2, 1]
    differs = host.healthmon("config", "diff", "1", "2")
    assert (differs.returncode, '+      "name": "ill"' in differs.stdout) == (1, True)
    time.sleep(2 * EVERY_S)
    assert len(host.target.asked["ill"]) == asked
    gap_s = host.target.longest_gap_s("b", began)
    assert gap_s < 2 * EVERY_S, f"b was not looked at for {gap_s:.2f} s"
    assert host.target.longest_gap_s("a", began) < 2 * EVERY_S + 2, "a has a new process, which has its first looks within 2 s"


def test_without_an_agent_a_reload_says_what_to_do(tmp_path: Path) -> None:
    source = tmp_path / "c.json"
    source.write_text(json.dumps({"data_dir": str(tmp_path), "services": [{"name": "a", "url": "http://127.0.0.1:1/"}]}))
    command = [*HEALTHMON, "--config", str(source), "reload"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert f"no agent runs with {source}: the file is valid, and `healthmon run` starts one with it" in done.stderr
    source.write_text("{")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "c.json:1:1" in done.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["c.json"]


def test_many_reloads_at_once_end_in_the_last_one(host: Host) -> None:
    before, began = host.pids(), time.monotonic()

    def write_and_reload(number: int) -> int:
        if number % 2:
            host.write("core/a", "agents/b", f"extra/n{number}")
        else:
            host.write("core/a", f"core/n{number}", "agents/b")
        host.agent.send_signal(signal.SIGHUP)
        return host.healthmon("reload").returncode if number % 10 == 0 else 0

    with ThreadPoolExecutor(4) as pool:
        codes = []
        for number in range(100):
            codes.append(pool.submit(write_and_reload, number))
            time.sleep(0.1)
        assert {one.result() for one in codes} == {0}
    host.write("core/a", "agents/b", "last/z")
    host.reload()
    found = host.wait_for_groups("core", "agents", "last")
    assert {name: found[name] for name in before} == before
    assert host.rows("SELECT service_name FROM service_status ORDER BY 1") == [("a",), ("b",), ("z",)]
    assert sorted(path.stem for path in host.paths.programs.glob("*.conf")) == sorted(found)
    assert host.target.longest_gap_s("b", began) < 2 * EVERY_S
    wait_for(lambda: host.target.asked["z"], seconds=5)


def test_a_file_that_is_refused_changes_nothing_and_is_told_everywhere(host: Host) -> None:
    before, number = host.pids(), host.number()
    host.source.write_text('{"services": [{"nam": "x"}]}', encoding="utf-8")
    done = host.healthmon("reload")
    assert done.returncode == 2
    assert "config.json:1:16: services[0].nam" in done.stderr
    assert "nothing was changed" in done.stderr
    assert (host.pids(), host.number()) == (before, number)
    for verb in ("status", "report"):
        told = host.healthmon(verb)
        assert "the file cannot be used" in told.stderr
        assert f"the agent goes on with configuration {number}" in told.stderr
        assert "a" in told.stdout
    connection = open_for_reading(host.paths.database)
    assert "services[0].nam" in str(facts.noted(connection, facts.CONFIGURATION_REFUSED))
    connection.close()
    alert = "SELECT message FROM alerts WHERE alert_type = 'configuration_refused' AND resolved_at IS NULL"
    wait_for(lambda: "services[0].nam" in str(host.rows(alert)), seconds=5)
    host.agent.send_signal(signal.SIGHUP)
    log = host.paths.log("watchdog")
    wait_for(lambda: "ALERT type=configuration_refused" in log.read_text(encoding="utf-8"), seconds=5)
    victim = host.pids()["probe-core"]
    os.kill(victim, signal.SIGKILL)  # who starts anew works with what is applied, and not with the file
    wait_for(lambda: host.pids().get("probe-core") not in {None, victim}, seconds=10)
    host.write("core/a", "agents/b", database_path="another.db")
    assert "database_path cannot change while the agent runs" in host.healthmon("reload").stderr
    assert "the file was refused: database_path cannot change" in host.healthmon("status").stderr
    host.write("core/a", "agents/b")
    host.reload()
    wait_for(lambda: not host.rows(alert), seconds=5)
    assert "goes on with" not in host.healthmon("status").stderr


POINTS = ("reload.read", "reload.checked", "reload.applied", "reload.programs_written", "reload.added", "reload.stopped", "reload.converged")


def test_a_reload_that_is_killed_anywhere_leaves_the_old_or_the_new_and_soon_all_of_it(host: Host) -> None:
    """Its work, done where it can be killed; what the watchdog finds then, it brings to an end."""
    work = f"""
from pathlib import Path
from healthmon.paths import Paths
from healthmon.processes import following
from healthmon.processes.watchdog.reloading import _reload
_reload(following.begin(Paths(data_dir=Path({str(host.directory)!r}), database=Path("x"))).paths, "t")
"""
    groups = ("core", "agents")
    for turn, point in enumerate(POINTS):
        wanted = ("core", f"turn{turn}")
        before = host.number()
        host.write("core/a", f"turn{turn}/b")
        host.rpc.stop("watchdog")
        wait_for(lambda: "watchdog" not in host.pids(), seconds=10)
        environment = {**host.environment, "HEALTHMON_FAILPOINT": point}
        done = subprocess.run([sys.executable, "-P", "-c", work], cwd=host.directory, env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL, (point, done.stderr)
        is_applied = host.number() > before
        assert is_applied == (turn >= 2), point
        groups = wanted if is_applied else groups
        core = host.pids()["probe-core"]
        host.rpc.start("watchdog")
        assert host.wait_for_groups(*groups)["probe-core"] == core
        assert {path.stem for path in host.paths.programs.glob("probe-*.conf")} == {f"probe-{group}" for group in groups}


def test_a_start_with_a_file_that_cannot_be_used_goes_on_with_the_last_one_where_that_is_wanted(host: Host) -> None:
    """A reboot in the night after an edit that was refused is no moment to stop watching."""
    host.end()
    good = host.source.read_text(encoding="utf-8")
    host.source.write_text(good.replace('"services"', '"servces"'), encoding="utf-8")
    told = host.healthmon("run")
    assert (told.returncode, "servces" in told.stderr) == (2, True)
    told = host.healthmon("run", "--last-good", HEALTHMON_DATA_DIR=str(host.directory / "elsewhere"))
    assert (told.returncode, "servces" in told.stderr) == (2, True), "nothing was ever applied there"

    host.environment["HEALTHMON_DATA_DIR"] = str(host.directory)
    asked = len(host.target.asked["a"])
    host.start("--last-good")
    wait_for(lambda: len(host.target.asked["a"]) > asked, seconds=20)
    said = (host.directory / "said").read_text(encoding="utf-8")
    assert "goes on with configuration 1, applied" in said
    assert host.rows("SELECT message LIKE '%servces%' FROM alerts WHERE alert_type = 'configuration_refused' AND resolved_at IS NULL") == [(1,)]
    assert "the file cannot be used" in host.healthmon("status").stderr

    host.source.write_text(good, encoding="utf-8")
    host.reload()
    assert host.rows("SELECT 1 FROM alerts WHERE alert_type = 'configuration_refused' AND resolved_at IS NULL") == []


def test_a_start_without_its_file_goes_on_with_the_last_one_and_the_file_can_be_had_again(host: Host) -> None:
    """Removed by mistake, then a reboot in the night: watching goes on, it is told, and what the file said is not lost."""
    host.end()
    good = host.source.read_text(encoding="utf-8")
    host.source.unlink()
    told = host.healthmon("run", HEALTHMON_DATA_DIR=str(host.directory))
    assert (told.returncode, "there is no such file" in told.stderr) == (2, True)
    told = host.healthmon("--config", "other.json", "run", "--last-good", HEALTHMON_DATA_DIR=str(host.directory))
    assert (told.returncode, "other.json" in told.stderr) == (2, True), "what was applied was another file"

    host.environment["HEALTHMON_DATA_DIR"] = str(host.directory)
    asked = len(host.target.asked["a"])
    host.start("--last-good")
    wait_for(lambda: len(host.target.asked["a"]) > asked, seconds=20)
    assert "goes on with configuration 1, applied" in (host.directory / "said").read_text(encoding="utf-8")
    assert host.rows("SELECT message LIKE '%no such file%' FROM alerts WHERE alert_type = 'configuration_refused' AND resolved_at IS NULL") == [(1,)]
    seen = host.healthmon("status")
    assert (seen.returncode < 2, "the file is gone" in seen.stderr, "a" in seen.stdout) == (True, True, True), seen.stderr
    refused = host.healthmon("reload")
    assert (refused.returncode, "No such file" in refused.stderr) == (2, True), refused.stderr

    printed = host.healthmon("config", "applied")
    assert (printed.returncode, printed.stdout) == (0, good)
    host.source.write_text(printed.stdout, encoding="utf-8")
    host.reload()
    assert host.rows("SELECT 1 FROM alerts WHERE alert_type = 'configuration_refused' AND resolved_at IS NULL") == []
