"""How is a row run in a network, mounts and processes of its own, of which nothing is left behind?

The row is run again by a second Python inside of new namespaces; when that one ends, or is killed, the kernel ends all
that it began and undoes what it mounted. `tests/faults/namespace.py FILE FUNCTION` is that second Python.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.faults.harness import TOP, CannotRunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NEW = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
# The first process of a namespace gets no signals by default and inherits every orphan: a shell is better at that.
UP = 'ip link set lo up; "$@"; exit $?'
TIMEOUT_S = 150


def alone(run: Callable[[], float]) -> Callable[[], float]:
    """Run a row in namespaces of its own. Raises CannotRunError where they cannot be made."""

    @functools.wraps(run)
    def outside() -> float:
        _require_means()
        inside = [sys.executable, "-m", "tests.faults.namespace", run.__module__, run.__name__]
        done = subprocess.run(
            [*NEW, "sh", "-c", UP, "sh", *inside],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            cwd=TOP,
        )
        said = json.loads((done.stdout.splitlines() or ['{"problem": ""}'])[-1])
        if "seconds" in said:
            return float(said["seconds"])
        if "skipped" in said:
            raise CannotRunError(said["skipped"])
        raise AssertionError(said["problem"] or f"the row died inside of its namespaces: {done.stderr[-500:]}")

    return outside


def command(*words: str) -> None:
    """Change something in the namespaces. Raises CannotRunError where this machine does not let us."""
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotRunError(f"{' '.join(words)}: {getattr(error, 'stderr', None) or error}") from error


def mount(file: Path, over: str) -> None:
    """Put a file of ours in the place of one of the system's."""
    command("mount", "--bind", str(file), over)


def _require_means() -> None:
    if os.geteuid() != 0:
        raise CannotRunError("needs root, for a network namespace")
    for name, package in (("unshare", "util-linux"), ("ip", "iproute2"), ("iptables", "iptables")):
        if shutil.which(name) is None:
            raise CannotRunError(f"there is no {name}: apt install {package}")
    command(*NEW, "true")


def _inside(module: str, function: str) -> dict[str, float | str]:
    run = getattr(importlib.import_module(module), function).__wrapped__
    try:
        return {"seconds": run()}
    except CannotRunError as error:
        return {"skipped": str(error)}
    except AssertionError as error:
        return {"problem": (str(error).splitlines() or ["?"])[0]}


if __name__ == "__main__":
    print(json.dumps(_inside(*sys.argv[1:])))  # noqa: T201  what the Python outside reads
