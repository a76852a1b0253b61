"""How do the results of `tools/bench history` stand in docs/performance.md?

    python tools/benchmarks/history_table.py docs/performance.md docs/history.json

puts them there, as `tools/bench history --json docs/history.json --into docs/performance.md` does once it has measured.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    Results = dict[str, Any]
    Row = tuple[str, str, str, str]

BEGIN, END = "<!-- history -->", "<!-- /history -->"
LIMITS_MS = {17: 20, 1_000: 100}
PROMISED = ("report", "dashboard")
ASKED = (*PROMISED, "slo of 30 days", "one service's 30 days", "one service's 90 days")
QUERIES = ("24 hours", "7 days")
WINDOWS = ("beside nothing", "beside the keeper's passes", "beside keepers that find nothing to delete", "beside db prune")


def put_into(document: Path, results: Path) -> None:
    """Write the table of the results between the marks of a document."""
    text = document.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    document.write_text(f"{head}{BEGIN}\n{table(json.loads(results.read_text()))}\n{END}{tail}", encoding="utf-8")


def table(found: Results) -> str:
    parts = {"size": _size, "ingest": _ingest, "answers": _answers, "pruning": _pruning}
    rows = [row for name, part in parts.items() if name in found for row in part(found[name])]
    loads = ", ".join(f"{name} {found[name]['load average before']}" for name in parts if name in found)
    lines = [("", "healthmon", "the earlier table", "promised"), ("---",) * 4, *rows, ("the load average before each part", loads, "", "")]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _size(found: Results) -> Iterator[Row]:
    of = found["bytes a check"]
    yield (
        f"bytes a check, everything counted (17 services, 30 days, every 30 s: {found['checks']:,} checks)",
        f"{of['ours']}",
        f"{of['plain with index']} with its index, {of['plain']} bare",
        "≤ 60",
    )
    for query in QUERIES:
        took = found[f"{query}, ms in the sqlite3 shell"]
        yield (
            f"the document's query over {query}, ms in Debian's `sqlite3`",
            f"{took['ours']:g}",
            f"{took['plain with index']:g} with its index, {took['plain']:g} bare",
            f"≤ 1.2 times the index: {took['ours'] / took['plain with index']:.2f}",
        )


def _ingest(found: Results) -> Iterator[Row]:
    paced = found["ours, paced"]
    yield (
        f"four writers, {paced.get('asked for', 20_000):,} checks a second asked for, {paced['seconds']:.0f} s, an evaluator and a keeper beside them",
        _committed(paced),
        _committed(found["bare table, paced"]),
        "≥ 20,000/s, p99 ≤ 50 ms, none lost, none locked",
    )
    yield "the same as fast as it goes", _committed(found["ours, unpaced"]), _committed(found["bare table, unpaced"]), ""


def _committed(one: Results) -> str:
    return (
        f"{one['checks a second']:,}/s; commit p50 {one['commit p50 ms']} ms, p99 {one['commit p99 ms']} ms, slowest {one['commit max ms']} ms;"
        f' lost {one["lost"]}, "database is locked" {one["database is locked"]}'
    )


def _answers(found: Results) -> Iterator[Row]:
    for count, limit_ms in LIMITS_MS.items():
        short, long = found[f"{count} services, 3 days"], found[f"{count} services, 90 days"]
        for what in ASKED:
            one, other = short[what], long[what]
            yield (
                f"{count:,} services: {what}, ms with 3 / 90 days of history",
                f"{one['ms']:g} / {other['ms']:g} (CPU {one['CPU ms']:g} / {other['CPU ms']:g}), {other['ms'] / one['ms']:.2f} times",
                "",
                f"≤ {limit_ms} ms, at most 1.2 times" if what in PROMISED else "",
            )
    yield f"size of 1,000 services, 90 days (checks of {found.get('days of checks', 30)})", f"{found['1000 services, 90 days']['database MiB']:,} MiB", "", ""


def _pruning(found: Results) -> Iterator[Row]:
    for window in WINDOWS:
        one = found[window]
        yield (
            f"1,000 services every 10 s, {window} ({one['seconds']:.0f} s, {one['looks']:,} looks): how late a look began",
            f"p50 {one['late p50 ms']} ms, p99 {one['p99']} ms, p99.9 {one['p99.9']} ms, latest {one['max']} ms",
            "",
            "at most 100 ms later for it" if window in {WINDOWS[1], WINDOWS[3]} else "",
        )
    yield "deleted meanwhile by `db prune`", f"{found['deleted by db prune']:,} checks, {found['left']:,} left", "", "all of it"


if __name__ == "__main__":
    put_into(*map(Path, sys.argv[1:]))
