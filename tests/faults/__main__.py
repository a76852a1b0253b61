"""`tools/faults [ROW…] [--rounds N] [--ci] [--at-once] [--json FILE] [--table FILE]`: inject faults, check promises, print a line a row."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import at_once, harness, results

if TYPE_CHECKING:
    from collections.abc import Iterable


def main() -> int:
    """Run the rows that were asked for; return 1 when one failed."""
    harness.enter_all()
    parser = argparse.ArgumentParser(prog="tools/faults", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {' '.join(harness.ROWS)}; all without")
    parser.add_argument("--rounds", type=int, default=1, help="how often each row is run")
    parser.add_argument("--ci", action="store_true", help="the short form: only rows that CI has time for")
    parser.add_argument("--at-once", action="store_true", help="run several rows at the same time, but those that judge a schedule")
    parser.add_argument("--json", type=Path, metavar="FILE", help="put each result into this file, too, among those of other rows")
    parser.add_argument("--table", type=Path, metavar="FILE", help="run nothing: print what such a file says, in Markdown")
    options = parser.parse_args()
    if options.table:
        print(results.table(harness.ROWS, results.load(options.table)), end="")
        return 0
    unknown = set(options.rows) - set(harness.ROWS)
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(harness.ROWS)}")
    wanted = [row for row in harness.ROWS.values() if row.name in options.rows or (not options.rows and (row.in_ci or not options.ci))]
    if not options.at_once:
        return _told((harness.run(row, rounds=options.rounds) for row in wanted), kept_in=options.json)
    names = at_once.in_turn(row.name for row in wanted)
    with at_once.under_way(names, rounds=options.rounds) as result_of:
        return _told(map(result_of, names), kept_in=options.json)


def _told(found: Iterable[harness.Result], *, kept_in: Path | None) -> int:
    """Tell and keep each result at once, so that a run that is ended loses none; return 1 when one is bad."""
    told = []
    for result in found:
        told.append(result)
        print(result, flush=True)
        if kept_in:
            results.keep(kept_in, result)
    print(harness.summary(told))
    return int(any(result.problem for result in told))


if __name__ == "__main__":
    sys.exit(main())
