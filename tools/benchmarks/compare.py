"""Is a commit cheaper than another? `compare.py A B`: what tools/bench wrote of each, files or directories; `compare.py A`: as tables."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tables import markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

BESIDE = 2
TITLE_CHARS = 84


def figures(found: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yield every number in what was measured, and where it stands: of a list, the median of each of its figures."""
    if isinstance(found, dict):
        for key, child in found.items():
            yield from figures(child, (*path, str(key)))
    elif isinstance(found, list):
        gathered: dict[tuple[str, ...], list[float]] = {}
        for child in found:
            for where, value in figures(child):
                gathered.setdefault(where, []).append(value)
        yield from ((path + where, statistics.median(values)) for where, values in gathered.items())
    elif isinstance(found, int | float) and not isinstance(found, bool):
        yield path, float(found)


def read(name: str) -> dict[str, Any]:
    """Return what is in a file, or in all files of a directory by their names."""
    path = Path(name)
    if path.is_dir():
        return {one.stem: json.loads(one.read_text()) for one in sorted(path.glob("*.json"))}
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def main() -> None:
    """Print how two sets of figures differ, or one as the tables of docs/performance.md."""
    try:
        found = [read(name) for name in sys.argv[1:3]]
    except (OSError, ValueError) as error:
        sys.exit(f"tools/bench compare: {error}")
    if not found:
        sys.exit("tools/bench compare: name one or two files or directories that tools/bench has written")
    if len(found) < BESIDE:
        cases = found[0].get("footprint", found[0]).get("cases", {}).values()
        print("\n\n".join(markdown(case["title"], case["products"]) for case in cases))
        return
    before, after = (dict(figures(one)) for one in found)
    for where in (one for one in before if one in after):
        old, new = before[where], after[where]
        print(f"{' '.join(where):<{TITLE_CHARS}} {old:>12,.4g} {new:>12,.4g} {new / old if old else float('nan'):>7.2f}")


if __name__ == "__main__":
    main()
