"""Does a secret stand where all users of the host would see it: among the arguments of a hook?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthmon.config_source.node import Finding
from healthmon.config_source.relations import entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthmon.config_source.node import Path, Plain

REFERENCE = "${"
MESSAGE = "must not hold ${…}: the arguments of a program are seen by all users of the host; put it into the hooks' environment"


def findings(written: Plain) -> list[Finding]:
    """Return every such argument of the file, as it was written."""
    shared = written.get("self_healing") if isinstance(written, dict) else None
    blocks: list[tuple[Path, Plain]] = [(("self_healing",), shared)]
    blocks += [(("services", number, "heal"), entry.get("heal")) for number, entry in entries(written, "services").items()]
    return [finding for path, block in blocks for finding in _of_block(path, block)]


def _of_block(path: Path, block: Plain) -> Iterator[Finding]:
    hooks = block.get("hooks") if isinstance(block, dict) else None
    for moment in ("before", "after"):
        words = hooks.get(moment) if isinstance(hooks, dict) else None
        for place, word in enumerate(words if isinstance(words, tuple) else ()):
            if isinstance(word, str) and REFERENCE in word:
                yield Finding(path=(*path, "hooks", moment, place), message=MESSAGE)
