"""Can the machine carry a database like ours: SQLite, file system, space, clock?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon import clock
from healthmon.doctor.finding import Finding, bad, fine, note, unknown
from healthmon.errors import UsageError
from healthmon.store.sqlite import SAFE_SQLITE, require_safe_sqlite, sqlite_version

if TYPE_CHECKING:
    from healthmon.paths import Paths

NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "fuse.glusterfs", "ceph", "lustre", "afs", "ocfs2", "gfs2"}
FLEETING = {"tmpfs", "ramfs"}
MIN_FREE_BYTES, NOTE_FREE_BYTES = 200 * 2**20, 2**30
MIN_FREE_INODES = 1_000
TIMEOUT_S = 5
_VERSION = re.compile(r"^(\d+)\.(\d+)\.(\d+)")
_OCTAL = re.compile(r"\\([0-7]{3})")


def sqlite() -> list[Finding]:
    topic, ours = "sqlite", sqlite_version()
    try:
        require_safe_sqlite(ours)
    except UsageError as error:
        return [bad(topic, str(error), "pip install --upgrade apsw")]
    return [fine(topic, f"SQLite {ours}, safe for several processes that write"), *_shell()]


def _shell() -> list[Finding]:
    """The shell that people type queries into has an SQLite of its own."""
    said = said_by("sqlite3", "--version")
    found = _VERSION.match(said or "")
    if found is None or tuple(map(int, found.groups())) >= SAFE_SQLITE:
        return []
    what = f"the sqlite3 shell here is {found[0]}: to read beside the running agent is fine, to write may damage the database"
    return [note("sqlite", what, "write with `healthmon` commands, or while the agent is stopped")]


def file_system(paths: Paths) -> list[Finding]:
    topic, directory = "file system", _existing(paths.database.parent)
    kind = file_system_of(directory)
    if kind in NETWORK_FILE_SYSTEMS:
        return [bad(topic, f"{directory} is on {kind}, a network file system: SQLite's locks do not hold there", "set data_dir to a local disk")]
    if kind in FLEETING:
        return [note(topic, f"{directory} is on {kind}: everything is gone after a reboot", "set data_dir to a disk")]
    return [fine(topic, f"{directory} is on {kind}")] if kind else [unknown(topic, f"of which kind {directory} is cannot be told")]


def file_system_of(directory: Path) -> str:
    """Return the kind of the file system that a directory is on: that of the longest mount point above it."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), before.split()[4])
        if len(point) >= len(best) and directory.is_relative_to(point):
            best, kind = point, after.split()[0]
    return kind


def space(paths: Paths) -> list[Finding]:
    topic, directory = "disk", _existing(paths.database.parent)
    free, total = shutil.disk_usage(directory).free, shutil.disk_usage(directory).total
    what = f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB are free below {directory}"
    found = os.statvfs(directory)
    if found.f_files > 0 and found.f_favail < MIN_FREE_INODES:
        return [bad(topic, f"only {found.f_favail} more files can be made below {directory}", f"sudo du --inodes -x -d 2 {directory}")]
    if free < MIN_FREE_BYTES:
        return [bad(topic, what, f"sudo du -xh -d 1 {directory} | sort -h")]
    return [note(topic, what, f"sudo du -xh -d 1 {directory} | sort -h")] if free < NOTE_FREE_BYTES else [fine(topic, what)]


def timekeeping() -> list[Finding]:
    topic = "clock"
    said = said_by("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if said == "yes":
        return [fine(topic, f"synchronized, now {clock.to_people(clock.now())}")]
    if said == "no":
        return [note(topic, "not synchronized: times in history and messages may be wrong", "sudo timedatectl set-ntp true")]
    return [unknown(topic, f"whether it is synchronized cannot be told; it says {clock.to_people(clock.now())}")]


def _existing(directory: Path) -> Path:
    """Return a directory, or the first above it that is there."""
    return next((one for one in (directory, *directory.parents) if one.is_dir()), Path("/"))


def said_by(*command: str) -> str | None:
    """Return what a command says; None when it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603  our own words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
