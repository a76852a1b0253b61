"""How are figures shown? Medians with the least and the most, and how ours relate to each peer's."""

from __future__ import annotations

import statistics
from typing import Any

# A figure's name in the results, what it is called, by what it is multiplied, and its digits.
COLUMNS = (
    ("pss_mib", "PSS MiB", 1, 1),
    ("processes", "procs", 1, 0),
    ("threads", "threads", 1, 0),
    ("cpu_percent", "CPU %", 1, 2),
    ("cpu_ms_per_look", "ms a look", 1, 2),
    ("wakeups_per_s", "wakes/s", 1, 1),
    ("looks", "looks", 1, 0),
    ("lateness_p50_s", "late p50 ms", 1_000, 1),
    ("lateness_p99_s", "late p99 ms", 1_000, 1),
    ("lateness_max_s", "late max ms", 1_000, 0),
    ("lateness_drift_s_per_minute", "drift ms/min", 1_000, 1),
    ("first_look_s", "first look s", 1, 2),
    ("ready_s", "all asked s", 1, 2),
)
OURS = "healthmon"
RATIOS = ("pss_mib", "cpu_percent", "cpu_ms_per_look")

Windows = list[dict[str, Any]]


def values(windows: Windows, figure: str) -> list[float]:
    """Return what was measured of a figure."""
    return [window[figure] for window in windows if window.get(figure) is not None]


def cell(windows: Windows, figure: str, factor: float, digits: int) -> str:
    found = [factor * value for value in values(windows, figure)]
    if not found:
        return "-"
    middle = f"{statistics.median(found):,.{digits}f}"
    least, most = f"{min(found):,.{digits}f}", f"{max(found):,.{digits}f}"
    return middle if least == most else f"{middle} ({least} to {most})"


def rows(found: dict[str, Windows]) -> list[list[str]]:
    """Return a table of one case: a line of names, and one of each product."""
    shown = [column for column in COLUMNS if any(values(windows, column[0]) for windows in found.values())]
    lines = [["", *(title for _, title, _, _ in shown)]]
    for name, windows in found.items():
        lines.append([name, *(cell(windows, figure, factor, digits) for figure, _, factor, digits in shown)])
    return lines


def ratios(found: dict[str, Windows]) -> list[str]:
    """Return, of each other product, how much of its memory and CPU ours takes."""
    lines = []
    for name, windows in found.items():
        told = []
        for figure, title, _, _ in COLUMNS:
            ours, theirs = values(found.get(OURS, []), figure), values(windows, figure)
            if name != OURS and figure in RATIOS and ours and theirs and statistics.median(theirs) > 0:
                told.append(f"{title} {statistics.median(ours) / statistics.median(theirs):.2f}")
        if told:
            lines.append(f"{OURS} / {name}: {', '.join(told)}")
    return lines


def show(title: str, found: dict[str, Windows]) -> None:
    """Print one case."""
    table = rows(found)
    widths = [max(len(line[number]) for line in table) for number in range(len(table[0]))]
    print(f"\n{title}")
    for name, *cells in table:
        print(name.ljust(widths[0]) + "  " + "  ".join(one.rjust(width) for one, width in zip(cells, widths[1:], strict=True)))
    for line in ratios(found):
        print(line)


def markdown(title: str, found: dict[str, Windows]) -> str:
    """Return one case as a table of a document."""
    head, *lines = rows(found)
    text = [f"| {title} | " + " | ".join(head[1:]) + " |", "|---" * len(head) + "|"]
    return "\n".join([*text, *("| " + " | ".join(line) + " |" for line in lines)])
