"""What is kept of a configuration that was applied?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class ConfigurationCause(StrEnum):
    """Why it was applied."""

    START = "start"
    RELOAD = "reload"
    DISCOVERY = "discovery"  # the healer found services by their containers' labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One applied configuration. `content` is JSON of the keys and values as they were written, without secrets."""

    number: int
    applied_at: datetime
    author: str
    cause: ConfigurationCause
    source: str
    content: str
