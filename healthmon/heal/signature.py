"""How does a failure look, so that the same one is known again? For what is learnt about restarts."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthmon.heal.condition import ended
from healthmon.model.target import TargetState

if TYPE_CHECKING:
    from healthmon.model.status import ServiceState
    from healthmon.model.target import Target

HASH_CHARS = 12
MAX_CHARS = 200
# What differs each time although the failure is the same: addresses, ids, times, sizes, and any other number.
_PASSING = re.compile(
    r"0x[0-9a-f]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b|\d+(?:[.:,]\d+)*",
)
_BLANK = re.compile(r"\s+")
ENDED = frozenset({TargetState.EXITED, TargetState.DEAD, TargetState.RESTARTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """`key` is equal for the same failure; `text` says it to people."""

    key: str
    text: str


def signature(state: ServiceState, target: Target | None) -> Signature:
    """Return the signature of how a service fails now: the kind, the status code, the end of its container, the error."""
    error = state.last_error or ""
    parts = [state.last_reason.value, str(state.last_status_code or ""), _end(target), _lasting(error)]
    text = ": ".join(part for part in (state.last_reason.value, _end(target), _BLANK.sub(" ", error).strip()) if part)
    key = hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:HASH_CHARS]
    return Signature(key=key, text=text[:MAX_CHARS])


def _end(target: Target | None) -> str:
    if target is None or target.state not in ENDED:
        return ""
    return ended(target.exit_code, oom_killed=target.oom_killed)


def _lasting(error: str) -> str:
    return _BLANK.sub(" ", _PASSING.sub("#", error.lower())).strip()
