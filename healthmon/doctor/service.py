"""Does the agent run, under whom, and is what runs what was installed?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon import installation
from healthmon.doctor.finding import Finding, bad, fine, note, unknown
from healthmon.doctor.surroundings import said_by
from healthmon.errors import EngineError
from healthmon.installation import stamp_of
from healthmon.processes.roles import is_held
from healthmon.watch.policy import ProgramState
from healthmon.watch.supervisor_rpc import SupervisorRpc

if TYPE_CHECKING:
    from healthmon.paths import Paths

UNIT = "health-monitor.service"
HEALER_UNIT = "health-monitor-healer.service"
MOST_EXPOSED = {UNIT: 2.0, HEALER_UNIT: 1.0}
_SCORE = re.compile(r"exposure level for \S+: ([\d.]+)")


def agent(paths: Paths) -> list[Finding]:
    topic = "agent"
    start = f"sudo systemctl start {UNIT}" if _unit_is_there(UNIT) else "healthmon run"
    if not any(is_held(paths.lock(role)) for role in ("agent", "evaluator", "watchdog")):
        return [bad(topic, f"nothing is watching: no agent runs on {paths.data_dir}", start)]
    try:
        programs = SupervisorRpc(paths.supervisor_socket).programs()
    except EngineError as error:
        return [bad(topic, str(error), start.replace(" start ", " restart "))]
    ill = [f"{one.name} {one.state.value}" for one in programs if one.state is not ProgramState.RUNNING]
    if ill:
        return [bad(topic, f"not all processes run: {', '.join(ill)}", "healthmon ctl status; healthmon ctl tail NAME")]
    return [fine(topic, f"{len(programs)} processes run on {paths.data_dir}")]


def unit() -> list[Finding]:
    topic = "systemd"
    if not Path("/run/systemd/system").is_dir():
        return [note(topic, "there is none here: nobody starts healthmon after a reboot, or if it is killed as a whole")]
    if not _unit_is_there(UNIT):
        return [note(topic, f"{UNIT} is not installed: nobody starts healthmon after a reboot", "sudo tools/install")]
    shown = said_by("systemctl", "show", UNIT, "--property=ActiveState,UnitFileState,NeedDaemonReload,NRestarts") or ""
    facts = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    found = []
    if facts.get("NeedDaemonReload") == "yes":
        found.append(bad(topic, "a unit file was changed, and systemd goes by the old one", "sudo systemctl daemon-reload"))
    if facts.get("UnitFileState") != "enabled":
        found.append(bad(topic, f"{UNIT} is not started after a reboot", f"sudo systemctl enable {UNIT}"))
    if facts.get("ActiveState") != "active":
        found.append(bad(topic, f"{UNIT} is {facts.get('ActiveState', 'unknown')}", f"sudo systemctl start {UNIT}; journalctl -u {UNIT} -n 20"))
    if int(facts.get("NRestarts") or 0) > 0:
        found.append(note(topic, f"systemd had to start it anew {facts['NRestarts']} times", f"journalctl -u {UNIT} | grep systemd"))
    return found or [fine(topic, f"{UNIT} is active, and enabled")]


def exposure() -> list[Finding]:
    """How much could somebody do who took over a process of ours?"""
    found = []
    for name, most in MOST_EXPOSED.items():
        if not _unit_is_there(name):
            continue
        score = _SCORE.search(said_by("systemd-analyze", "security", "--no-pager", name) or "")
        if score is None:
            found.append(unknown("sandbox", f"systemd-analyze says nothing of {name}"))
        elif float(score[1]) > most:
            found.append(bad("sandbox", f"{name} is exposed {score[1]}, shipped with at most {most:g}", f"systemd-analyze security {name}; sudo tools/install"))
        else:
            found.append(fine("sandbox", f"{name} is exposed {score[1]} of 10"))
    return found


def version() -> list[Finding]:
    """Is what was installed what its checkout holds?"""
    installed = installation.own()
    if installed is None:
        return []
    source = Path(installed.source)
    try:
        is_same = stamp_of(source) == installed.stamp
    except OSError:
        return [fine("version", f"healthmon {installed.version}, installed from {source}")]
    if is_same:
        return [fine("version", f"healthmon {installed.version}, as in {source}")]
    return [note("version", f"{source} has changed since it was installed", f"sudo {source}/tools/install")]


def _unit_is_there(name: str) -> bool:
    return said_by("systemctl", "show", name, "--property=LoadState", "--value") == "loaded"
