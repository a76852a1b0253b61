"""`tools/faults [ROW…] [--rounds N] [--ci] [--json FILE] [--table FILE]`: inject faults, check promises, print a line a row."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.faults import harness, results


def main() -> int:
    """Run the rows that were asked for; return 1 when one failed."""
    harness.enter_all()
    parser = argparse.ArgumentParser(prog="tools/faults", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {' '.join(harness.ROWS)}; all without")
    parser.add_argument("--rounds", type=int, default=1, help="how often each row is run")
    parser.add_argument("--ci", action="store_true", help="the short form: only rows that CI has time for")
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
    return _run(wanted, rounds=options.rounds, kept_in=options.json)


def _run(rows: list[harness.Row], *, rounds: int, kept_in: Path | None) -> int:
    """Run these rows; each result is kept at once, so that a run that is ended loses none."""
    status = 0
    for row in rows:
        result = harness.run(row, rounds=rounds)
        status |= bool(result.problem)
        print(result, flush=True)
        if kept_in:
            results.keep(kept_in, result)
    return status


if __name__ == "__main__":
    sys.exit(main())
