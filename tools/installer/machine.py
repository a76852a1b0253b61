"""How is this machine changed? One thing at a time, said as it is done; what is already so stays, and a dry run only says it."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path


class Trouble(Exception):  # noqa: N818  it ends the installation with one clear line
    """What keeps us from going on, and what to do about it."""


class Machine:
    """Does, or in a dry run only says, what an installation needs. Everything may be done twice."""

    def __init__(self, *, dry_run: bool) -> None:
        self.dry_run = dry_run
        self.changes = 0

    def say(self, text: str) -> None:
        """Say it to whoever still listens: to have nobody any more is no reason to leave things half done."""
        with suppress(BrokenPipeError):
            print(text, flush=True)

    def _change(self, text: str) -> bool:
        """Say what is changed; return whether it is to be done."""
        self.changes += 1
        self.say(f"would {text}" if self.dry_run else text)
        return not self.dry_run

    def directory(self, path: Path, *, mode: int, user: str = "root", group: str = "root") -> None:
        if path.is_dir() and _is(path, mode, user, group):
            return
        if self._change(f"make {path} ({mode:04o} {user}:{group})"):
            if path.is_symlink():
                raise Trouble(f"{path} is a symbolic link: say where it leads to instead")
            path.mkdir(parents=True, exist_ok=True)
            _give(path, mode, user, group)

    def file(self, path: Path, text: str, *, mode: int = 0o644, group: str = "root") -> bool:
        """Write a file, whole or not at all; return whether it was another before."""
        if path.is_file() and not path.is_symlink() and path.read_text(encoding="utf-8", errors="replace") == text and _is(path, mode, "root", group):
            return False
        if self._change(f"write {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8") as file:
                file.write(text)
            _give(Path(file.name), mode, "root", group)
            Path(file.name).replace(path)
        return True

    def link(self, path: Path, target: Path) -> bool:
        if path.is_symlink() and path.readlink() == target:
            return False
        if self._change(f"link {path} to {target}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name}.new")
            unfinished.unlink(missing_ok=True)
            unfinished.symlink_to(target)
            unfinished.replace(path)
        return True

    def move(self, path: Path, to: Path) -> None:
        if self._change(f"move {path} to {to}"):
            path.rename(to)

    def copy(self, source: Path, path: Path) -> None:
        if self._change(f"copy {source} to {path}"):
            shutil.copy2(source, path)

    def remove(self, path: Path) -> None:
        if not (path.exists() or path.is_symlink()):
            return
        if self._change(f"remove {path}"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def run(self, *command: str, about: str = "") -> None:
        """Run a command that changes something. Raises Trouble with what it said when it fails."""
        if not self._change(about or f"run {' '.join(command)}"):
            return
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  words, no shell
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-2_000:]
            raise Trouble(f"`{' '.join(command)}` failed: {said or done.returncode}")


def ask(*command: str) -> str:
    """Return what a command that changes nothing says; nothing when it is not there, or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  words, no shell
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def agree(question: str, *, flag: str, yes: bool | None) -> bool:
    """Ask a person; where there is none, only a flag counts."""
    if yes is not None:
        return yes
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Trouble(f"{question} There is nobody to ask here: say it with {flag}")
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _is(path: Path, mode: int, user: str, group: str) -> bool:
    found = path.stat()
    try:
        return (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (mode, pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid)
    except KeyError:
        return False


def _give(path: Path, mode: int, user: str, group: str) -> None:
    shutil.chown(path, user, group)
    os.chmod(path, mode)  # noqa: PTH101  after chown, which takes away special bits
