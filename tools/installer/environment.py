"""How does the Python environment of a version come about? Beside the one in use, which keeps running meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

from installer.machine import Machine, Trouble

if TYPE_CHECKING:
    from installer.layout import Layout

KEPT = 2  # versions: this one, and the one before it
DONE = "complete"


def make(machine: Machine, layout: Layout) -> None:
    """Make the environment of this version where there is none. In place, `tools/install` has done so already."""
    there = layout.version_environment
    if layout.in_place or (there / DONE).exists():
        return
    machine.remove(there)
    machine.run(sys.executable, "-m", "venv", str(there), about=f"make a Python environment in {there}")
    python = str(there / "bin" / "python")
    lock = str(layout.checkout / "tools" / "requirements.lock")
    machine.run(
        python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input", "--require-hashes", "-r", lock,
        about="install the packages of tools/requirements.lock",
    )  # fmt: skip
    if machine.dry_run:
        return
    _copy_package(layout)
    subprocess.run([python, "-m", "compileall", "-q", str(there / "lib")], check=False, capture_output=True)  # noqa: S603  as above
    subprocess.run(["chmod", "-R", "go+rX,go-w", str(there)], check=True)  # noqa: S603, S607  whatever umask made it
    (there / DONE).touch()


def _copy_package(layout: Layout) -> None:
    """Put the package and its data files where a wheel would: nothing is fetched for a build."""
    [packages] = (layout.version_environment / "lib").glob("python3.*/site-packages")
    shutil.copytree(layout.checkout / "healthmon", packages / "healthmon", ignore=shutil.ignore_patterns("__pycache__"))
    project = tomllib.loads((layout.checkout / "pyproject.toml").read_text(encoding="utf-8"))
    for source, target in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].items():
        shutil.copyfile(layout.checkout / source, packages / target)
    script = layout.version_environment / "bin" / "healthmon"
    script.write_text(f"#!{layout.version_environment}/bin/python -P\nfrom healthmon.cli.main import main\n\nmain()\n", encoding="utf-8")
    script.chmod(0o755)


def turn(machine: Machine, layout: Layout) -> bool:
    """Make the unit and the command use this version; return whether they used another."""
    if layout.in_place:
        return False
    there = layout.environment
    if there.exists() and not there.is_symlink():
        machine.move(there, layout.prefix / f".venv.before-{layout.version}-{layout.stamp}")
    return machine.link(there, layout.version_environment.relative_to(layout.prefix))


def run(layout: Layout, *words: str, user: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run this version's Python, as `user` where one is named, for what it says."""
    python = layout.version_environment / "bin" / "python"
    if not python.exists():
        raise Trouble(f"{python} is missing: run tools/install again")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEALTHMON_")} | variables
    extra = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    return subprocess.run([str(python), "-P", *words], capture_output=True, text=True, check=False, env=environ, cwd="/", **extra)  # noqa: S603  words, no shell


def completion(layout: Layout, shell: str) -> str:
    """Return what teaches a shell our commands."""
    done = run(layout, "-c", "from healthmon.cli.main import main; main()", _HEALTHMON_COMPLETE=f"{shell}_source")
    if done.returncode != 0 or not done.stdout:
        raise Trouble(f"no completion for {shell}: {done.stderr.strip()[-300:]}")
    return done.stdout


def forget_old(machine: Machine, layout: Layout) -> None:
    """Remove versions that nobody goes back to."""
    if layout.in_place or machine.dry_run or not layout.versions.is_dir():
        return
    newest = sorted(layout.versions.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    current = [layout.version_environment]
    for path in [one for one in newest if one not in current][KEPT - 1 :]:
        machine.remove(path)
