"""Which programs does supervisord run for us? One generated file each, so that adding one leaves the others alone."""

from __future__ import annotations

import configparser
import os
import re
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor.options import UnhosedConfigParser

from healthmon.errors import UsageError
from healthmon.settings import PROBE_PROGRAM, is_our_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from healthmon.applied import Applied
    from healthmon.config import Config
    from healthmon.paths import Paths

# -P: the working directory is data_dir, and a file of the user's that is named like a module must not be imported.
OURS = (sys.executable, "-P", "-m", "healthmon", "process")
EVALUATOR = "evaluator"
HEALER = "healer"
NOTIFIER = "notifier"
KEEPER = "keeper"
WATCHDOG = "watchdog"
WEB = "web"
PROBE = PROBE_PROGRAM
HEADER = "; Written by healthmon, which writes it again. Files of your own in this directory are left alone."
CONF = "supervisord.conf"
MAX_SOCKET_PATH = 107  # what fits into sockaddr_un beside the final zero
PID_SUFFIX = ".sock.4194304"  # supervisord binds its socket under a name with its pid first
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PLAIN = re.compile(r"[^A-Za-z0-9_@+=:,./-]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BEYOND_SUPERVISORD = re.compile(r"[%*?\[\x00-\x1f\x7f]|\s[;#]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program of supervisord's, and what is said to start it."""

    name: str
    command: tuple[str, ...]
    directory: Path  # where it starts, and so what a relative path of its configuration means
    start_s: int = 1  # who lives as long has started; who dies sooner is tried again with growing pauses
    stop_wait_s: int = 20  # more than the longest wait in C code, which a signal cannot cut short


def of_monitor(applied: Applied, paths: Paths) -> list[Program]:
    """Return the programs that an applied configuration asks for."""
    return [ours(name, paths, directory=applied.directory) for name in applied.programs]


def names(config: Config) -> list[str]:
    """Return what those programs are called."""
    probes = [PROBE + group for group in sorted(config.probed_groups())]
    return [*probes, EVALUATOR, HEALER, NOTIFIER, KEEPER, WATCHDOG, *([WEB] if config.web.enabled else [])]


def ours(name: str, paths: Paths, *, directory: Path, start_s: int = 1) -> Program:
    """Return a program that runs `healthmon process NAME`, which reads what is applied in `data_dir`."""
    command = (*OURS, name, "--data-dir", str(paths.data_dir))
    return Program(name=name, command=command, directory=directory, start_s=start_s)


def start_directory(config: Config) -> Path:
    """Return where programs start: where we are when `data_dir` is a relative path, and otherwise in `data_dir` itself."""
    relative = config.data_dir is not None and not Path(config.data_dir).is_absolute()
    return Path.cwd() if relative else config.paths.data_dir


def write(paths: Paths, programs: Sequence[Program]) -> None:
    """Make the generated files say exactly `programs`. Raises UsageError, having written nothing, when they cannot."""
    require_expressible(paths, programs)
    _write(paths, programs, of_others_too=True)


def write_ours(paths: Paths, programs: Sequence[Program]) -> None:
    """Make the generated files of the monitor say exactly `programs`, and leave those of what is watched alone."""
    _write(paths, programs, of_others_too=False)


def _write(paths: Paths, programs: Sequence[Program], *, of_others_too: bool) -> None:
    texts = {paths.programs / f"{program.name}.conf": render(program, paths) for program in programs}
    found = _generated(paths)
    for path, text in texts.items():
        if found.get(path) != text:
            _replace(path, text)
    for path in found.keys() - texts.keys():
        if of_others_too or is_our_program(path.stem):
            path.unlink()


def render(program: Program, paths: Paths) -> str:
    """Write one program as supervisord reads it.

    The process writes its records into the log file itself; what arrives through the pipe is what Python says when it
    crashes. So supervisord must not rotate the file.
    """
    return f"""{HEADER}
[program:{program.name}]
command = {" ".join(map(_word, program.command))}
directory = {program.directory}
autorestart = true
startsecs = {program.start_s}
startretries = 10
stopwaitsecs = {program.stop_wait_s}
stopasgroup = true
killasgroup = true
redirect_stderr = true
stdout_logfile = {paths.log(program.name).absolute()}
stdout_logfile_maxbytes = 0
"""


def conf_file(paths: Paths) -> Path:
    """Return the file that supervisord and supervisorctl are to be given with -c; it need not exist yet."""
    return paths.data_dir.absolute() / CONF


def write_conf(paths: Paths) -> Path:
    """Put a supervisord.conf into `data_dir` where there is none, and return its path."""
    path = conf_file(paths)
    if not path.exists():
        _replace(path, conf_text())
    return path


def require_own_conf(paths: Paths) -> None:
    """Raise UsageError for a supervisord.conf in `data_dir` that runs something else than our programs on our socket."""
    path = conf_file(paths)
    if path.exists() and not _is_ours(path, paths):
        raise UsageError(
            f"{path} is not healthmon's: [include] files must name .healthmon/programs/*.conf, and [unix_http_server] file"
            " %(here)s/.healthmon/supervisor.sock; move it away, and healthmon writes its own, or set data_dir to another directory",
        )


def _is_ours(path: Path, paths: Paths) -> bool:
    """Tell whether supervisord, given the file at `path`, would find our programs and answer where we ask it."""
    parser = UnhosedConfigParser()
    parser.expansions = {"here": str(path.parent)} | {f"ENV_{name}": value for name, value in os.environ.items()}
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        patterns = parser.saneget("include", "files").split()
        address = parser.saneget("unix_http_server", "file")
    except (KeyError, ValueError, configparser.Error):
        return False
    found = {(path.parent / pattern).resolve() for pattern in patterns}
    return (paths.programs / "*.conf").resolve() in found and (path.parent / address).resolve() == paths.supervisor_socket.resolve()


def conf_text() -> str:
    """Return our supervisord.conf: it lies beside this file in an installation, at the top of a checkout."""
    packaged = resources.files(__package__).joinpath(CONF)
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return Path(__file__).parents[2].joinpath(CONF).read_text(encoding="utf-8")


def _word(text: str) -> str:
    r"""Quote one word of a command: `\` for the shell-like split, and for `;` and `#`, `%%` for the expansion."""
    if _CONTROL.search(text):
        raise UsageError(f"supervisord cannot be given {text!r}: a path with a control character in it; rename it")
    return _PLAIN.sub(lambda match: "\\" + match.group(), text).replace("%", "%%")


def require_expressible(paths: Paths, programs: Iterable[Program]) -> None:
    """Raise UsageError for what supervisord's files cannot express, whichever way it is quoted."""
    for directory in {str(paths.data_dir.absolute()), *(str(program.directory) for program in programs)}:
        if _BEYOND_SUPERVISORD.search(directory):
            raise UsageError(
                f"supervisord cannot work in {directory!r}: set data_dir to an absolute path without % * ? [ and"
                " without ; or # after a space",
            )
    for program in programs:
        if not _SAFE_NAME.fullmatch(program.name):
            raise UsageError(f"{program.name!r} cannot be a program of supervisord: only letters, digits and _ . - may be in it")
        _refuse_long_socket(paths.doorbell(program.name))
    _refuse_long_socket(paths.supervisor_socket.with_suffix(PID_SUFFIX))


def _refuse_long_socket(path: Path) -> None:
    excess = len(os.fsencode(path.absolute())) - MAX_SOCKET_PATH
    if excess > 0:
        raise UsageError(f"{path} is {excess} bytes too long for the path of a Unix socket: set data_dir to a shorter one")


def _generated(paths: Paths) -> dict[Path, str]:
    """Return the texts of the files that we wrote."""
    texts = {path: path.read_text(encoding="utf-8", errors="surrogateescape") for path in paths.programs.glob("*.conf")}
    return {path: text for path, text in texts.items() if text.startswith(HEADER)}


def _replace(path: Path, text: str) -> None:
    """Write a file so that nobody ever reads half of it."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(text, encoding="utf-8", errors="surrogateescape")
    unfinished.replace(path)
