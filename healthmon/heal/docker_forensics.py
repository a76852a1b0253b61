"""What do the engine's own words tell of a container that its restart would erase? JSON comes in, parts go out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.heal.docker_logs import log_lines
from healthmon.heal.docker_usage import memory_percent
from healthmon.heal.forensics import part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from healthmon.heal.docker_events import Event
    from healthmon.heal.docker_usage import Reading
    from healthmon.heal.docker_words import Json
    from healthmon.model.forensics import Part

TOP_ARGUMENTS = "-eo pid,ppid,stat,etime,time,rss,nlwp,wchan:20,args"  # of procps; the engine finds the container's by their pid
PROCESSES = 100
HEALTH_LINES = 20  # of the output of one of Docker's own checks
_STATE = ("Status", "Pid", "ExitCode", "OOMKilled", "Error", "StartedAt", "FinishedAt")


def state_part(inspect: Json) -> Part:
    """Return what a start resets. The environment is left out: it is where secrets are kept."""
    state, host, config = inspect["State"], inspect["HostConfig"], inspect["Config"]
    facts = {name: state.get(name) for name in _STATE if state.get(name) not in (None, "")}
    policy = host.get("RestartPolicy") or {}
    facts |= {
        "RestartCount": inspect.get("RestartCount"),
        "RestartPolicy": policy.get("Name") or "no",
        "MemoryLimit": host.get("Memory") or "none",
        "Image": f"{config.get('Image')} ({str(inspect.get('Image'))[:19]})",
    }
    return part("container", (f"{name}: {value}" for name, value in facts.items()))


def health_part(inspect: Json) -> Part:
    """Return what Docker's own check said, oldest first."""
    health = inspect["State"].get("Health")
    return part("docker health", () if not isinstance(health, Mapping) else _health(health))


def _health(health: Json) -> Iterator[str]:
    yield f"{health.get('Status')}, {health.get('FailingStreak')} failures in a row"
    for entry in health.get("Log") or ():
        yield f"{str(entry.get('Start'))[:19]}  exit code {entry.get('ExitCode')}"
        yield from (f"    {line}" for line in str(entry.get("Output") or "").splitlines()[:HEALTH_LINES])


def log_part(answer: bytes) -> Part:
    return part("log", (f"{at}  {text}" if at else text for at, text in log_lines(answer)))


def processes_part(top: Json) -> Part:
    """Return a line a process, under one with titles; the last column, the command, is as long as it is."""
    titles, rows = list(top["Titles"]), [list(row) for row in top["Processes"]]
    shown = rows[:PROCESSES]
    widths = [max(len(str(row[column])) for row in (titles, *shown)) for column in range(len(titles))]
    lines = ["  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (titles, *shown)]
    left_out = len(rows) - len(shown)
    return part("processes", lines, problem=f"{left_out} more are left out" if left_out else "")


def usage_part(reading: Reading | None) -> Part:
    if reading is None:
        return part("usage", (), problem="the engine has no numbers of it")
    used, limit = reading.memory_bytes / 2**20, reading.memory_limit_bytes / 2**20
    memory = f"memory: {used:.0f} MiB of {limit:.0f} ({memory_percent(reading):.1f} %)"
    return part("usage", (memory, f"CPU since its start: {reading.cpu_ns / 1e9:.1f} s"))


def events_part(events: Iterable[Event]) -> Part:
    """Return what happened to it, oldest first."""
    return part("events", map(_event, events))


def _event(event: Event) -> str:
    signal = f" signal {event.signal}" if event.signal > 0 else ""
    code = "" if event.exit_code is None else f" exit code {event.exit_code}"
    return f"{clock.to_iso(event.at)}  {event.action}{signal}{code}"
