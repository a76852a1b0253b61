"""How many inputs does a fuzz test try? A few in every run, as many as HEALTHMON_FUZZ says when somebody has the time.

What once broke something, or leads far into the code, lies in `corpus/` and is tried first, every time.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

CORPUS = Path(__file__).parent / "corpus"
_LONG = int(os.environ.get("HEALTHMON_FUZZ", "0"))


def effort(few: int) -> settings:
    """Return the settings of a test that tries `few` inputs in every run."""
    return settings(max_examples=_LONG or few, deadline=None, suppress_health_check=list(HealthCheck))


def corpus(folder: str) -> list[Path]:
    return sorted((CORPUS / folder).iterdir())
