"""What did the earlier script leave on this machine, and what becomes of it? Its unit has the name that ours has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SCRIPT = "automated_health_monitoring"
_OPTION = re.compile(r"--config[= ](\S+)")
_DIRECTORY = re.compile(r"^WorkingDirectory=(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The earlier script, as its unit says it runs."""

    unit: Path
    directory: Path
    config: Path | None
    database: Path | None


def find(unit: Path, prefix: Path) -> Earlier | None:
    """Return the earlier script whose unit stands where ours is to stand; None when there is none."""
    try:
        text = unit.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    if SCRIPT not in text:
        return None
    directory = Path(found[1]) if (found := _DIRECTORY.search(text)) else prefix
    configured = directory / found[1] if (found := _OPTION.search(text)) else directory / "config" / "health_monitoring_config.json"
    database = directory / "health_monitoring.db"
    return Earlier(
        unit=unit,
        directory=directory,
        config=configured if configured.is_file() else None,
        database=database if database.is_file() else None,
    )
