"""Are the files that the agent stands on its own, and nobody else's to read or change?"""

from __future__ import annotations

import os
import pwd
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon.doctor.finding import Finding, bad, fine, note, unknown

if TYPE_CHECKING:
    from healthmon.config import Config
    from healthmon.paths import Paths

MAX_LOOKED_AT = 10_000
_LITERAL_SECRET = re.compile(r'"(password|token|hmac_secret|webhook_url|Authorization)"\s*:\s*"(?!\$\{)[^"]{4,}"')


def data(paths: Paths) -> list[Finding]:
    """Whose is everything below data_dir? A file of root's beside the database keeps the agent out."""
    topic = "data"
    if not paths.data_dir.is_dir():
        return [note(topic, f"{paths.data_dir} is not there yet: the first start makes it")]
    owner = paths.data_dir.stat().st_uid
    strangers = [path for path in _below(paths) if path.lstat().st_uid != owner]
    if strangers:
        name = _name(owner)
        what = f"{strangers[0]} is {_name(strangers[0].lstat().st_uid)}'s, not {name}'s" + (f" (and {len(strangers) - 1} more)" if strangers[1:] else "")
        return [bad(topic, what, f"sudo chown -R {name}: {paths.data_dir}")]
    return [fine(topic, f"everything in {paths.data_dir} is {_name(owner)}'s")]


def closed(paths: Paths, source: Path | None) -> list[Finding]:
    """Can other accounts read what they should not?"""
    found = [
        bad("secrecy", f"{path} can be {word} by every account", f"sudo chmod o-rwx {path}")
        for path, bits, word in _judged(paths, source)
        if path.exists() and path.stat().st_mode & bits
    ]
    return found or [fine("secrecy", "database, sockets and configuration are closed to other accounts")]


def _judged(paths: Paths, source: Path | None) -> list[tuple[Path, int, str]]:
    private = [paths.database, paths.database.with_name(paths.database.name + "-wal"), paths.runtime, paths.logs, paths.data_dir / "backups"]
    found = [(path, stat.S_IROTH | stat.S_IWOTH, "read") for path in private]
    if source is not None:
        found.append((source, stat.S_IWOTH, "written"))
        found.append((source.parent, stat.S_IWOTH, "written"))
    return found


def secrets(source: Path | None) -> list[Finding]:
    """Does the configuration hold secrets itself, and who may read them there?"""
    topic = "secrets"
    if source is None:
        return []
    try:
        text = source.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return [unknown(topic, f"{source} cannot be read: {error.strerror}")]
    keys = sorted({found[1] for found in _LITERAL_SECRET.finditer(text)})
    if not keys:
        return [fine(topic, "none stands in the configuration itself")]
    what = f"{source} holds {', '.join(keys)} itself"
    if source.stat().st_mode & stat.S_IROTH:
        return [bad(topic, f"{what}, and every account can read it", f"sudo chmod 0640 {source}")]
    return [note(topic, what, "put each into a file of its own, and write ${cred:NAME} or ${file:PATH}")]


def hooks(config: Config) -> list[Finding]:
    """Are the programs that are run around restarts there, and is nobody able to put another in their place?"""
    return [finding for program in config.hook_programs() for finding in _hook(Path(program))]


def _hook(program: Path) -> list[Finding]:
    topic = "hooks"
    if not os.access(program, os.X_OK):
        return [bad(topic, f"{program} is not there, or not executable", f"chmod +x {program}")]
    open_to_all = [path for path in (program, program.parent) if _is_open(path.stat().st_mode)]
    return [bad(topic, f"{path} can be written by every account, and is run as the healer", f"sudo chmod o-w {path}") for path in open_to_all]


def _is_open(mode: int) -> bool:
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def _below(paths: Paths) -> list[Path]:
    found: list[Path] = []
    for path in paths.data_dir.rglob("*"):
        found.append(path)
        if len(found) >= MAX_LOOKED_AT:
            break
    return found


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
