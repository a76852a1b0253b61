"""Does everything run under one supervisord, once, and end with it? With real processes and the real supervisorctl."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from healthmon.demo.ecosystem import free_ports
from healthmon.processes.console import Console, Screen, pretty
from healthmon.processes.roles import is_held, try_lock
from healthmon.store.opening import create_or_open, open_for_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HEALTHMON = (sys.executable, "-P", "-m", "healthmon")
PROGRAMS = {"evaluator", "healer", "keeper", "notifier", "probe-agents", "probe-core", "watchdog", "web"}
TOP = Path(__file__).parents[2]


class Host:
    """A directory in which agents are started, and everything that was started in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.source = directory / "config.json"
        services = [{"name": f"in_{group}", "url": "http://127.0.0.1:1/", "group": group} for group in ("core", "agents")]
        settings = {"data_dir": str(directory), "services": services, "web": {"port": free_ports(1)[0]}}
        self.source.write_text(json.dumps(settings), encoding="utf-8")
        self._started: list[subprocess.Popen[bytes]] = []
        self._seen: set[psutil.Process] = set()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start an agent in the background; what it says goes to `said`."""
        with (self.directory / "said").open("wb") as said:
            environment = {**os.environ, "PYTHONPATH": str(TOP)}
            process = subprocess.Popen(words, cwd=self.directory, stdout=said, stderr=said, env=environment)
        self._started.append(process)
        return process

    def run(self) -> subprocess.Popen[bytes]:
        return self.start(*HEALTHMON, "--config", str(self.source), "run")

    def said(self) -> str:
        return (self.directory / "said").read_text(encoding="utf-8")

    def healthmon(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*HEALTHMON, "--config", str(self.source), *words],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(TOP)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def states(self) -> dict[str, str]:
        """Return the programs' states as stock supervisorctl tells them."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.directory / "supervisord.conf"), "status"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
        return {words[0]: words[1] for words in (line.split() for line in told.splitlines()) if len(words) > 1}

    def wait_until_running(self) -> None:
        wait_for(lambda: self.states() == dict.fromkeys(PROGRAMS, "RUNNING"), seconds=30)

    def workers(self, agent: subprocess.Popen[bytes]) -> list[psutil.Process]:
        found = psutil.Process(agent.pid).children(recursive=True)
        self._seen.update(found)
        return found

    def end(self) -> None:
        for process in self._started:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()
        for worker in self._seen:
            with suppress(psutil.NoSuchProcess):
                worker.kill()


@pytest.fixture
def host() -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="hm-") as directory:  # pytest's own is too long for the path of a socket
        found = Host(Path(directory).resolve())
        yield found
        found.end()


def wait_for(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.05)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_run_starts_every_program_and_stops_all_of_them(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    workers = host.workers(agent)
    assert len(workers) == len(PROGRAMS)
    assert {worker.exe() for worker in workers} == {psutil.Process(agent.pid).exe()}
    agent.terminate()
    assert agent.wait(20) == 0
    assert gone(workers)


def test_workers_are_forks_that_hold_nothing_of_their_parent_open(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    for worker in host.workers(agent):
        assert worker.cmdline()[0].startswith("healthmon: ")
        held = [str(path.readlink()) for path in Path(f"/proc/{worker.pid}/fd").iterdir() if path.is_symlink()]
        assert not [path for path in held if path.endswith(("agent.lock", "supervisord.log"))]


def test_supervisorctl_stops_starts_and_restarts_one_program_alone(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    others = {worker.pid for worker in host.workers(agent) if "probe-core" not in worker.cmdline()[0]}
    assert host.healthmon("ctl", "stop", "probe-core").returncode == 0
    assert host.states()["probe-core"] == "STOPPED"
    assert host.healthmon("ctl", "start", "probe-core").returncode == 0
    assert host.healthmon("ctl", "restart", "probe-core").returncode == 0
    host.wait_until_running()
    assert others < {worker.pid for worker in host.workers(agent)}


def test_supervisors_own_reload_starts_everything_anew_under_the_same_agent(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    before = host.workers(agent)
    assert host.healthmon("ctl", "reload").returncode == 0
    wait_for(lambda: gone(before), seconds=20)
    host.wait_until_running()
    assert agent.poll() is None
    assert try_lock(host.directory / ".healthmon" / "locks" / "agent.lock") is None


def test_a_worker_that_dies_is_started_again(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    victim = next(worker for worker in host.workers(agent) if "evaluator" in worker.cmdline()[0])
    victim.kill()
    wait_for(lambda: gone([victim]), seconds=5)
    host.wait_until_running()
    assert len(host.workers(agent)) == len(PROGRAMS)


def test_a_second_run_on_the_same_data_is_refused(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    second = host.healthmon("run")
    assert second.returncode == 2
    assert f"another healthmon (pid {agent.pid}) runs on {host.directory}; `healthmon ctl status` shows it" in second.stderr
    assert host.states() == dict.fromkeys(PROGRAMS, "RUNNING")


def test_after_a_killed_supervisord_its_workers_end_and_a_new_one_has_one_of_each(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    old = host.workers(agent)
    agent.kill()
    agent.wait()
    again = host.run()
    wait_for(lambda: gone(old), seconds=5)
    host.wait_until_running()
    titles = [worker.cmdline()[0] for worker in host.workers(again)]
    assert sorted(titles) == sorted(f"healthmon: {program}" for program in PROGRAMS)


def test_stock_supervisord_runs_the_same_programs(host: Host) -> None:
    listed = host.healthmon("programs")
    assert set(listed.stdout.split()) == PROGRAMS
    agent = host.start(sys.executable, "-m", "supervisor.supervisord", "-n", "-c", "supervisord.conf")
    host.wait_until_running()
    workers = host.workers(agent)
    second = host.healthmon("run")
    assert second.returncode == 2
    assert f"(pid {agent.pid})" in second.stderr
    agent.terminate()
    assert agent.wait(40) == 0
    assert gone(workers)


def test_what_is_removed_under_a_running_agent_is_put_back(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    before = {worker.pid for worker in host.workers(agent)}
    for name in (".healthmon", "logs"):
        shutil.rmtree(host.directory / name)
    wait_for(lambda: host.states() == dict.fromkeys(PROGRAMS, "RUNNING"), seconds=20)
    assert {worker.pid for worker in host.workers(agent)} == before
    log = host.directory / "logs" / "supervisord.log"
    wait_for(lambda: log.exists() and "our log was removed" in log.read_text(encoding="utf-8"), seconds=10)
    locks = [host.directory / ".healthmon" / "locks" / f"{role}.lock" for role in ("agent", *PROGRAMS)]
    wait_for(lambda: all(map(is_held, locks)), seconds=10)
    second = host.healthmon("run")
    assert (second.returncode, "another healthmon" in second.stderr) == (2, True)
    assert host.healthmon("ctl", "reload").returncode == 0  # it reads its program files again
    wait_for(lambda: before.isdisjoint(worker.pid for worker in host.workers(agent)), seconds=20)
    host.wait_until_running()
    agent.terminate()
    assert agent.wait(20) == 0


def test_an_agent_whose_directory_another_one_took_over_gives_way(host: Host) -> None:
    first = host.run()
    host.wait_until_running()
    old = host.workers(first)
    first.send_signal(signal.SIGSTOP)  # so that it is late to put anything back
    for worker in old:
        worker.suspend()
    shutil.rmtree(host.directory / ".healthmon")
    second = host.run()
    wait_for(lambda: len(host.workers(second)) == len(PROGRAMS), seconds=20)
    host.wait_until_running()
    first.send_signal(signal.SIGCONT)
    for worker in old:
        worker.resume()
    assert first.wait(30) == 0
    assert gone(old)
    assert host.states() == dict.fromkeys(PROGRAMS, "RUNNING")
    assert len(host.workers(second)) == len(PROGRAMS)


@pytest.mark.timeout(120)
def test_a_deleted_database_is_waited_for_with_a_clear_error_and_another_in_its_place_is_taken(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    database = host.directory / "health_monitoring.db"
    before = set(host.workers(agent))
    database.unlink()
    users = PROGRAMS - {"watchdog", "web"}  # what is served says it to who asks

    def say(text: str, names: Iterable[str]) -> bool:
        return all(text in (host.directory / "logs" / f"{name}.log").read_text(encoding="utf-8") for name in names)

    wait_for(lambda: say("was deleted or moved away while in use: put it back", users), seconds=45)
    assert not database.exists()
    for verb in ("status", "once", "report", "dashboard"):
        told = host.healthmon(verb)
        assert told.returncode == 3
        assert f"an agent is running on {host.directory}, and its database {database} was deleted" in told.stderr
        assert "makes one round" not in told.stderr
    assert host.healthmon("programs").returncode == 2
    assert not database.exists()
    assert set(host.workers(agent)) == before
    create_or_open(database).close()
    wait_for(lambda: say("was replaced while in use", users), seconds=45)
    wait_for(lambda: host.states() == dict.fromkeys(PROGRAMS, "RUNNING"), seconds=90)
    assert host.healthmon("status").returncode == 1


def test_programs_beside_an_agent_is_refused_and_changes_nothing(host: Host) -> None:
    host.run()
    host.wait_until_running()
    other = host.directory / "other.json"
    services = [{"name": "other", "url": "http://127.0.0.1:1/", "group": "other"}]
    other.write_text(json.dumps({"data_dir": str(host.directory), "services": services}), encoding="utf-8")
    before = {path.name: path.read_bytes() for path in (host.directory / ".healthmon" / "programs").iterdir()}
    told = host.healthmon("--config", str(other), "programs")
    assert told.returncode == 2
    assert "stop it first" in told.stderr
    assert {path.name: path.read_bytes() for path in (host.directory / ".healthmon" / "programs").iterdir()} == before
    connection = open_for_reading(host.directory / "health_monitoring.db")
    assert connection.rows("SELECT count(*) FROM services WHERE removed_at IS NULL") == [(2,)]
    connection.close()


def test_ctl_works_with_a_broken_configuration(host: Host) -> None:
    host.run()
    host.wait_until_running()
    host.source.write_text("{", encoding="utf-8")
    told = host.healthmon("ctl", "stop", "healer")
    assert told.returncode == 0
    assert "config.json" in told.stderr
    assert "the agent goes on with configuration 1 of " in told.stderr
    assert host.states()["healer"] == "STOPPED"
    (host.directory / "elsewhere").mkdir()
    words = ("ctl", "--data-dir", str(host.directory), "status", "evaluator")
    command = [*HEALTHMON, *words]
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    elsewhere = host.directory / "elsewhere"
    told = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, "RUNNING" in told.stdout) == (0, True)
    command = [*HEALTHMON, "--config", str(host.source), "ctl", "status"]
    told = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 2
    assert "config.json" in told.stderr


def test_a_client_that_went_away_while_supervisord_was_frozen_is_told_to_its_log_alone(host: Host) -> None:
    agent = host.run()
    host.wait_until_running()
    agent.send_signal(signal.SIGSTOP)
    body = b"<?xml version='1.0'?><methodCall><methodName>supervisor.getAllProcessInfo</methodName></methodCall>"
    for _ in range(3):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(str(host.directory / ".healthmon" / "supervisor.sock"))
            client.sendall(b"POST /RPC2 HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    agent.send_signal(signal.SIGCONT)
    log = host.directory / "logs" / "supervisord.log"
    wait_for(lambda: "Broken pipe" in log.read_text(encoding="utf-8"), seconds=10)
    assert host.states() == dict.fromkeys(PROGRAMS, "RUNNING")
    agent.terminate()
    assert agent.wait(20) == 0
    assert "uncaptured" not in host.said()


def test_a_hang_up_applies_the_file_while_there_is_a_terminal_and_ends_all_in_good_order_when_it_was_closed(host: Host) -> None:
    """Its output is a file: what counts is the terminal that it belongs to."""
    pid, screen = pty.fork()
    if pid == 0:
        os.environ["PYTHONPATH"] = str(TOP)
        os.dup2(os.open(host.directory / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        os.chdir(host.directory)
        os.execv(HEALTHMON[0], [*HEALTHMON, "--config", str(host.source), "run"])
    try:
        host.wait_until_running()
        os.kill(pid, signal.SIGHUP)
        log = host.directory / "logs" / "watchdog.log"
        wait_for(lambda: "reload_begun by=SIGHUP" in log.read_text(encoding="utf-8"), seconds=10)
    finally:
        os.close(screen)
    wait_for(lambda: os.waitpid(pid, os.WNOHANG) == (pid, 0), seconds=20)


def test_run_with_its_stderr_closed_runs(host: Host) -> None:
    agent = host.start("sh", "-c", 'exec "$@" 2>&-', "sh", *HEALTHMON, "--config", str(host.source), "run")
    host.wait_until_running()
    agent.terminate()
    assert agent.wait(20) == 0


def test_ctl_says_when_nothing_runs(host: Host) -> None:
    told = host.healthmon("ctl", "status")
    assert told.returncode == 3
    assert f"nothing runs on {host.directory}" in told.stderr


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda host: host.source.write_text('{"services": [{"nam": "x"}]}', encoding="utf-8"), "nam"),
        (lambda host: (host.directory / "logs").write_text("in the way", encoding="utf-8"), "logs"),
        (lambda host: (host.directory / "health_monitoring.db").write_text("no database at all, " * 100, encoding="utf-8"), "database"),
    ],
    ids=["configuration", "directory", "database"],
)
def test_nothing_is_started_when_something_stands_in_the_way(host: Host, spoil: Callable[[Host], object], words: str) -> None:
    spoil(host)
    told = host.healthmon("run")
    assert told.returncode in {2, 3}
    assert words in told.stderr
    assert "Traceback" not in told.stderr
    assert not (host.directory / ".healthmon" / "supervisor.sock").exists()


def test_the_console_shows_records_and_survives_a_screen_that_takes_none(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write_end, b"x" * 4096)
    os.set_blocking(write_end, True)
    console = Console(tmp_path / "console.sock", Screen(write_end).show)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as worker:
        worker.sendto(b"not shown", str(tmp_path / "console.sock"))
        console.handle_read_event()
        os.read(read_end, 1 << 20)
        worker.sendto(b"shown \x1b[2J", str(tmp_path / "console.sock"))
        console.handle_read_event()
    assert os.read(read_end, 1 << 20).endswith(b"shown  [2J\n")
    console.close()
    os.close(read_end)
    os.close(write_end)


def test_a_record_is_pretty_on_a_terminal() -> None:
    shown = pretty("2025-09-18T10:30:15.123Z WARNING evaluator incident_opened service=doc_store")
    assert "\x1b[33mincident_opened\x1b[0m service=doc_store" in shown
    assert pretty("something else") == "something else"
