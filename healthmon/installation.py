"""What was installed on this machine by `tools/install`, from which checkout, and has that changed since?

`tools/install` writes it down beside the environment that it makes. Standard library only: the installer reads it before
there is an environment.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "installation.json"
PACKAGED = ("healthmon", "supervisord.conf", "config/health_monitoring_config.json", "config/healthmon.schema.json", "tools/requirements.lock", "systemd")
STAMP_CHARS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What stands in `<prefix>/installation.json`."""

    version: str
    stamp: str  # of what was installed, see `stamp_of`
    source: str  # the checkout
    prefix: str
    user: str
    docker: str  # "no", "unit" or "healer": who may use the socket
    config: str
    data_dir: str
    files: tuple[str, ...] = ()  # everything outside the prefix that was put in place


def read(prefix: Path) -> Installation | None:
    """Return what is installed in `prefix`; None where there is nothing, or nothing that can be read."""
    try:
        found = json.loads((prefix / FILE_NAME).read_text(encoding="utf-8"))
        return Installation(**{**found, "files": tuple(found["files"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def text(installation: Installation) -> str:
    return json.dumps(asdict(installation), indent=2) + "\n"


def own() -> Installation | None:
    """Return the installation that this very Python belongs to; None in a checkout and under pipx."""
    # <prefix>/versions/<stamp>/bin/python, or <prefix>/.venv/bin/python where the checkout is the prefix
    environment = Path(sys.prefix)
    return next((found for prefix in environment.parents[:2] if (found := read(prefix)) is not None), None)


def stamp_of(checkout: Path) -> str:
    """Return what tells one state of a checkout from another, wherever it came from. Raises OSError."""
    digest = hashlib.sha256()
    for path in sorted(_files(checkout)):
        digest.update(f"{path.relative_to(checkout)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:STAMP_CHARS]


def _files(checkout: Path) -> list[Path]:
    found: list[Path] = []
    for name in PACKAGED:
        path = checkout / name
        inside = path.rglob("*") if path.is_dir() else [path]
        found += [one for one in inside if one.is_file() and "__pycache__" not in one.parts]
    return found


def main() -> None:
    """Say, before the agent starts, when its checkout has moved on: a restart alone does not bring that in."""
    installed = own()
    if installed is None:
        return
    source = Path(installed.source)
    try:
        is_same = not source.is_dir() or stamp_of(source) == installed.stamp
    except OSError:
        return  # whoever starts us may not read it, or it is being written
    if not is_same:
        print(f"<5>healthmon: {source} has changed since it was installed here: sudo {source}/tools/install brings that in")  # noqa: T201  the journal reads it


if __name__ == "__main__":
    main()
