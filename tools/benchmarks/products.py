"""How is each product run, so that it asks the same services at the same interval as the others?

In its natural configuration, on ports and in a directory of its own: nothing of an installed service is read, written,
started or stopped. What it started is ended by its pid.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import peers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
TOP = HERE.parents[1]
GROUPS = 4
END_WITHIN_S = 20


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to watch. `urls` are in the order of the services, and spread over the target's ports."""

    urls: list[str]
    interval_s: float
    directory: Path
    timeout_s: float = field(default=10.0)


@dataclass(frozen=True, kw_only=True)
class Product:
    """`commands` writes what is needed into the task's directory, and returns what to run there. `packages` are Debian's."""

    name: str
    commands: Callable[[Task], list[list[str]]]
    needs: tuple[str, ...] = ()
    packages: str = ""

    def is_here(self) -> bool:
        return all(shutil.which(program, path=peers.PATH) for program in self.needs)


def healthmon(task: Task) -> list[list[str]]:
    """Everything on, in four groups."""
    services = [{"name": f"s{number}", "url": url, "group": f"g{number % GROUPS}"} for number, url in enumerate(task.urls)]
    settings = {
        "check_interval_seconds": task.interval_s,
        "timeout_seconds": min(task.timeout_s, task.interval_s),
        "data_dir": str(task.directory),
        "web": {"port": peers.free_port()},
        "self_healing": {"enabled": True, "restart_unhealthy_services": True},
        "services": services,
    }
    path = task.directory / "health_monitoring_config.json"
    path.write_text(json.dumps(settings))
    return [[sys.executable, "-P", "-m", "healthmon", "--config", str(path), "run"]]


def control(task: Task) -> list[list[str]]:
    """The shortest honest agent, see control.py."""
    path = task.directory / "urls.json"
    path.write_text(json.dumps(task.urls))
    return [[sys.executable, str(HERE / "control.py"), str(path), str(task.interval_s), str(task.directory / "control.db")]]


PRODUCTS = (
    Product(name="healthmon", commands=healthmon),
    Product(name="control", commands=control),
    Product(
        name="prometheus",
        commands=peers.prometheus,
        needs=("prometheus", "prometheus-blackbox-exporter", "prometheus-alertmanager"),
        packages="prometheus prometheus-blackbox-exporter prometheus-alertmanager",
    ),
    Product(name="monit", commands=peers.monit, needs=("monit",), packages="monit"),
    Product(name="nagios4", commands=peers.nagios4, needs=("nagios4", peers.CHECK_HTTP), packages="nagios4-core monitoring-plugins-basic"),
    Product(name="icinga2", commands=peers.icinga2, needs=(peers.ICINGA2, peers.CHECK_HTTP), packages="icinga2-bin monitoring-plugins-basic"),
)


def missing() -> list[str]:
    """Return, of each peer that is not installed, how to install it without having it started."""
    return [
        f"{product.name} is not installed, and left out: apt-get install --no-install-recommends {product.packages}"
        " (and stop the service that Debian starts, or keep it from starting: /usr/sbin/policy-rc.d)"
        for product in PRODUCTS
        if not product.is_here()
    ]


@contextlib.contextmanager
def running(product: Product, task: Task) -> Iterator[list[int]]:
    """Run a product for as long as the block lasts; yield the pids of what was started."""
    environment = {**os.environ, "PYTHONPATH": str(TOP), "PATH": peers.PATH, "TZ": "UTC"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its bytecode, too
    with (task.directory / "said").open("wb") as said, contextlib.ExitStack() as stack:
        started = []
        for command in product.commands(task):
            process = subprocess.Popen(command, cwd=task.directory, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)  # noqa: S603  our own words
            started.append(process)
            stack.enter_context(until_ended([process]))
        yield [process.pid for process in started]
        if any(process.poll() is not None for process in started):
            raise RuntimeError(f"{product.name} ended: {(task.directory / 'said').read_text(errors='replace')[-2_000:]}")


@contextlib.contextmanager
def until_ended(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Have processes run for as long as the block lasts."""
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
