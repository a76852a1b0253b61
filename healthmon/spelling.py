"""How is a person's own word shown back to them, and which known word did they probably mean?"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LINE_CHARS = 200  # of a name or a reason that a person writes
LINE_CHARS = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
MATCHED_CHARS = 64  # comparing is quadratic, and no name of ours is longer


def is_one_line(text: str) -> bool:
    """Tell whether a name or a reason is fit to be kept and shown: nothing in it breaks or turns a line."""
    return len(text) <= MAX_LINE_CHARS and re.fullmatch(f"{LINE_CHARS}*", text) is not None


def quoted(text: str, *, limit: int = 40) -> str:
    """Write text from outside so that it can harm neither a terminal nor a log."""
    return repr(text if len(text) <= limit else text[:limit] + "…")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean '…'?` for the known word that is most like `word`, in any case, or nothing."""
    folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word[:MATCHED_CHARS].casefold(), folded, n=1)
    return f"; did you mean {quoted(folded[found[0]])}?" if found else ""
