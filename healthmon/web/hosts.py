"""By which names may this server be called? Any other is a page of somebody else's that had its name point at us."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from healthmon.web.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


def name_in(header: str) -> str | None:
    """Return the host that a Host header names, without its port and in lower case; None when it is none."""
    match = _HOST.fullmatch(header)
    return None if match is None else match[1].strip("[]").lower().rstrip(".")


def is_allowed(header: str, *, own_address: str, configured: Iterable[str]) -> bool:
    """Tell whether to answer. `own_address` is where the connection arrived: no foreign name can stand for that."""
    name = name_in(header)
    if not name:
        return False
    return is_loopback(name) or name == own_address.lower() or name in set(configured)
