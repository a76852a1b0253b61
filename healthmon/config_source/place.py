"""Which file is the configuration? The one that is named, else the first that is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon import installation
from healthmon.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

ENVIRONMENT = "HEALTHMON_CONFIG"
FILE_NAME = "health_monitoring_config.json"
PLACES = (Path("config", FILE_NAME), Path("/etc/healthmon", FILE_NAME))


class MissingError(UsageError):
    """There is no configuration at any of `places`, where one may have been."""

    def __init__(self, message: str, places: Sequence[Path]) -> None:
        super().__init__(message)
        self.places = tuple(places)


def find(explicit: Path | None) -> Path:
    """Return the configuration to use. Raises MissingError, naming every place looked at, when there is none."""
    if explicit is not None:
        return _require_file(explicit, "--config")
    if os.environ.get(ENVIRONMENT):
        return _require_file(Path(os.environ[ENVIRONMENT]), f"${ENVIRONMENT}")
    # An installed command means its installation, also where somebody stands in a checkout.
    places = PLACES if installation.own() is None else PLACES[::-1]
    for place in places:
        if _exists(place):
            return place
    looked_at = ", ".join([f"${ENVIRONMENT} (not set)", *(str(place.absolute()) for place in places)])
    raise MissingError(f"no configuration found; looked at {looked_at}: name one with --config FILE", places)


def _require_file(path: Path, origin: str) -> Path:
    if not _exists(path):
        here = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise MissingError(f"{origin} names {path}, and there is no such file{here}: check the path", [path])
    return path


def _exists(path: Path) -> bool:
    """Tell whether there is a file. Raises UsageError where that cannot be told: another may be the wrong one."""
    try:
        return path.exists()
    except OSError as error:
        raise UsageError(f"cannot look for the configuration {path}: {error.strerror}; check owner and mode of its directories") from error
