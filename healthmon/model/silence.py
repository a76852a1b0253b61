"""Of what is nobody to be told, and until when?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`matchers` are as they were written: `service=doc_*`. All must match."""

    silence_id: int
    matchers: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
