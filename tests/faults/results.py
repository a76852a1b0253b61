"""Where are the results of the rows kept, and how do they read as a table?

A file of results has a line a row. Rows may be run in portions, on several days: each adds its own line, or replaces it.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

import apsw

from tests.faults.harness import TOP, total

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.faults.harness import Result, Row

LIBRARIES = ("apprise", "apsw", "docker", "requests", "supervisor", "urllib3")
HEAD = "| row | the fault, and what is promised | within | measured | n | in CI | on, commit |\n|---|---|---:|---:|---:|---|---|"


def keep(path: Path, result: Result) -> None:
    """Put a result among those of a file."""
    told = load(path) | {
        result.row.name: {
            "seconds": [round(one, 3) for one in result.seconds],
            "whole_s": round(result.whole_s, 1),
            "problem": result.problem,
            "skipped": result.skipped,
            **({"figures": dict(result.figures)} if result.figures else {}),
            **({"counts": dict(result.counts)} if result.counts else {}),
            "at": datetime.now(tz=UTC).isoformat(timespec="seconds"),
            **_about_machine(),
        }
    }
    lines = [f"{json.dumps(name)}: {json.dumps(told[name])}" for name in sorted(told, key=_in_order)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def load(path: Path) -> dict[str, dict[str, Any]]:
    return json.loads(path.read_text()) if path.exists() else {}


def table(rows: Mapping[str, Row], told: Mapping[str, Mapping[str, Any]]) -> str:
    """Return these rows in Markdown, with what was measured of them, and what it was measured on."""
    machines = {f"{one['at'][:10]}: Linux {one['kernel']}, Python {one['python']}, SQLite {one['sqlite']}, Docker {one['docker']}" for one in told.values()}
    lines = [_line(rows[name], told.get(name, {})) for name in sorted(rows, key=_in_order)]
    return "\n".join(["Measured " + "; ".join(sorted(machines)) + ".", "", _sum(rows, told), "", HEAD, *lines]) + "\n"


def _sum(rows: Mapping[str, Row], told: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what all rows come to, but for those that lose something on purpose."""
    counts = total(told[name].get("counts", {}) for name, row in rows.items() if name in told and not row.is_control)
    passed, skipped = (sum(bool(one[key]) and not one["problem"] for one in told.values()) for key in ("seconds", "skipped"))
    failed = sum(bool(one["problem"]) for one in told.values())
    return (
        f"{len(rows)} rows: {passed} passed, {failed} failed, {skipped} skipped, {len(rows.keys() - told.keys())} not run. In all of them"
        f" {counts['alerts']:,} alerts and {counts['messages']:,} messages were committed, of which {counts['lost']} were lost;"
        f" {counts['restarts']:,} restarts were seen from outside, of which {counts['extra']} were not in the ledger."
    )


def _line(row: Row, told: Mapping[str, Any]) -> str:
    seconds = told.get("seconds", ())
    passed = seconds and not told["problem"]
    measured = _seconds(max(seconds)) if passed else "**failed**" if told.get("problem") else "skipped" if told.get("skipped") else "not run"
    if passed and told.get("figures"):
        measured += " (" + ", ".join(f"{value:,g} {name.replace('_', ' ')}" for name, value in told["figures"].items()) + ")"
    about = row.about.replace("|", "\\|")
    return f"| {row.name} | {about} | {row.bound_s:g} s | {measured} | {len(seconds)} | {'yes' if row.in_ci else 'no'} | {told.get('at', '')[:10]}, {told.get('healthmon', '')} |"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{value:.2f} s"


def _in_order(name: str) -> tuple[int, str]:
    """Sort by the number of the fault; what has none comes last."""
    number = re.match(r"F(\d+)", name)
    return (int(number[1]) if number else 1_000, name)


def _about_machine() -> dict[str, str]:
    """Say what a result was measured on."""
    return {
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "docker": _output("docker", "version", "--format", "{{.Server.Version}}"),
        "libraries": " ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES),
        "healthmon": _output("git", "-C", str(TOP), "rev-parse", "--short", "HEAD"),
    }


def _output(*command: str) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    return ""
