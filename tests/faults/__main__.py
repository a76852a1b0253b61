"""`tools/faults [ROW…] [--rounds N] [--ci] [--json FILE]`: inject faults, check promises, print a line a row."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from tests.faults import harness

ROW_FILES = ("rows_clock", "rows_crashes", "rows_notify", "rows_processes", "rows_storage")


def main() -> int:
    """Run the rows that were asked for; return 1 when one failed."""
    for name in ROW_FILES:
        importlib.import_module(f"tests.faults.{name}")
    parser = argparse.ArgumentParser(prog="tools/faults", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {' '.join(harness.ROWS)}; all without")
    parser.add_argument("--rounds", type=int, default=1, help="how often each row is run")
    parser.add_argument("--ci", action="store_true", help="the short form: only rows that CI has time for")
    parser.add_argument("--json", type=Path, help="write the results here, too")
    options = parser.parse_args()
    unknown = set(options.rows) - set(harness.ROWS)
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(harness.ROWS)}")
    wanted = [row for row in harness.ROWS.values() if row.name in options.rows or (not options.rows and (row.in_ci or not options.ci))]
    results = []
    for row in wanted:
        results.append(harness.run(row, rounds=options.rounds))
        print(results[-1], flush=True)
    if options.json:
        told = [{"row": one.row.name, "seconds": one.seconds, "problem": one.problem, "skipped": one.skipped} for one in results]
        options.json.write_text(json.dumps({"machine": harness.about_machine(), "results": told}, indent=2))
    return int(any(one.problem for one in results))


if __name__ == "__main__":
    sys.exit(main())
