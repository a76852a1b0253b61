"""How are time, length and text from anywhere written for a person who reads a message at night?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from healthmon.log import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400
SHORT_S = 600
_MENTION = re.compile(r"@(?=everyone|here|channel|all\b|group\b)|(?<=<)(?=[@!#&])|(?<=\])(?=\()", re.IGNORECASE)
_UNSEEN = "\u200b"


def one_line(text: str, limit: int) -> str:
    """Return a text that is harmless and at most `limit` characters, on one line."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def without_mentions(text: str) -> str:
    """Take the force out of what chats act on: `@everyone`, `<!channel>`, a link that hides where it goes."""
    return _MENTION.sub(lambda found: found.group() + _UNSEEN, text)


def at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def span(start: datetime, end: datetime) -> str:
    """Write from when to when, without saying the day twice; of what was short, to the second."""
    clock = "%H:%M:%S" if (end - start).total_seconds() < SHORT_S else "%H:%M"
    last = f"{end:{clock}}" if start.date() == end.date() else f"{end:%Y-%m-%d {clock}}"
    return f"{start:%Y-%m-%d {clock}}-{last} UTC"


def length(duration: timedelta) -> str:
    """Write how long something took, in the two largest units that matter."""
    seconds = max(0, round(duration.total_seconds()))
    if seconds < 2 * MINUTE_S:
        return f"{seconds} s"
    if seconds < HOUR_S:
        return f"{seconds // MINUTE_S} min"
    if seconds < DAY_S:
        return _two(seconds, HOUR_S, "h", MINUTE_S, "min")
    return _two(seconds, DAY_S, "d", HOUR_S, "h")


def _two(seconds: int, large_s: int, large: str, small_s: int, small: str) -> str:
    rest = seconds % large_s // small_s
    return f"{seconds // large_s} {large}" + (f" {rest} {small}" if rest else "")


def listed(names: Sequence[str], *, limit: int) -> str:
    """Join as many names as fit into `limit` characters; the rest is an ellipsis or a count."""
    shown: list[str] = []
    for name in names:
        if shown and sum(map(len, shown)) + 2 * len(shown) + len(name) > limit:
            break
        shown.append(name)
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
