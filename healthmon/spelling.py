"""How is a person's own word shown back to them, and which known word did they probably mean?"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MATCHED_CHARS = 64  # comparing is quadratic, and no name of ours is longer


def quoted(text: str, *, limit: int = 40) -> str:
    """Write text from outside so that it can harm neither a terminal nor a log."""
    return repr(text if len(text) <= limit else text[:limit] + "…")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean '…'?` for the known word that is most like `word`, in any case, or nothing."""
    folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word[:MATCHED_CHARS].casefold(), folded, n=1)
    return f"; did you mean {quoted(folded[found[0]])}?" if found else ""
