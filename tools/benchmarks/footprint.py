"""What does watching cost, beside the peers that are installed? Memory, CPU, wake-ups and punctuality of whole process trees.

Every product asks the same target at the same interval; looks are counted and timed where they arrive. Figures are medians
over windows and rounds, with the least and the most.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from asked import Arrivals, Target, a_target
from cases import ALL, DEFAULT, START, Case
from lateness import count, lateness
from products import PRODUCTS, Product, Task, missing, running
from tables import show
from tree import use

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
READY_WITHIN_S = 90.0
LOOK_EVERY_S = 0.02

@contextlib.contextmanager
def at_work(target: Target, products: list[Product], case: Case) -> Iterator[dict[str, list[int]]]:
    """Run products on a case; yield the pids that were started for each."""
    with contextlib.ExitStack() as stack:
        pids = {}
        for product in products:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hm-")))
            task = Task(urls=target.urls(product.name, case), interval_s=case.interval_s, directory=directory)
            pids[product.name] = stack.enter_context(running(product, task))
        yield pids


def measured(target: Target, products: list[Product], case: Case) -> dict[str, list[dict[str, Any]]]:
    """Run products on a case at the same time, and return what each used in each window."""
    found: dict[str, list[dict[str, Any]]] = {product.name: [] for product in products}
    with at_work(target, products, case) as pids:
        time.sleep(case.settle_s)
        for name in pids:
            target.arrivals(name)  # of before
        before = {name: use(roots) for name, roots in pids.items()}
        arrived: dict[str, Arrivals] = {name: {} for name in pids}
        for _ in range(case.windows):
            time.sleep(case.window_s)
            after = {name: use(roots) for name, roots in pids.items()}
            for name in pids:
                for path, times in target.arrivals(name).items():
                    arrived[name].setdefault(path, []).extend(times)
                found[name].append(_figures(before[name], after[name], arrived[name]))
            before = after
    for name, windows in found.items():
        quick = {path: times for path, times in arrived[name].items() if "/hang/" not in path}
        late = lateness(quick, case.interval_s)
        if late is not None:
            windows[-1] |= {f"lateness_{key}": value for key, value in asdict(late).items()}
    return found


def _figures(before: Any, after: Any, arrived: Arrivals) -> dict[str, Any]:
    window_s, cpu_s = after.at - before.at, after.cpu_s - before.cpu_s
    looks = count(arrived, before.at, after.at)
    return {
        "pss_mib": after.pss_mib,
        "rss_mib": after.rss_mib,
        "uss_mib": after.uss_mib,
        "processes": after.processes,
        "threads": after.threads,
        "window_s": window_s,
        "cpu_percent": 100 * cpu_s / window_s,
        "looks": looks,
        "cpu_ms_per_look": 1_000 * cpu_s / looks if looks else None,
        "wakeups_per_s": max(0.0, after.wakeups - before.wakeups) / window_s,
    }


def started(target: Target, product: Product, case: Case) -> list[dict[str, Any]]:
    """Return in how many seconds a product has asked every service once."""
    target.arrivals(product.name)
    began = time.monotonic()
    seen: dict[str, float] = {}
    with at_work(target, [product], case):
        while len(seen) < case.services and time.monotonic() - began < READY_WITHIN_S:
            time.sleep(LOOK_EVERY_S)
            for path, times in target.arrivals(product.name).items():
                seen.setdefault(path, min(times) - began)
    return [{"first_look_s": min(seen.values(), default=None), "ready_s": max(seen.values()) if len(seen) == case.services else None}]


def one_round(target: Target, key: str, products: list[Product], *, quick: bool) -> dict[str, list[dict[str, Any]]]:
    """Run one case once, for every product that can."""
    if key == START:
        return {product.name: started(target, product, ALL["a30"]) for product in products}
    case = ALL[key].shortened() if quick else ALL[key]
    able = [product for product in products if not case.only or product.name in case.only]
    if case.together:
        return measured(target, able, case)
    return {product.name: measured(target, [product], case)[product.name] for product in able}


def described(rounds: int) -> dict[str, Any]:
    """Return on what, when and of which commit figures are."""
    asked = subprocess.run(["git", "-C", str(HERE), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return {
        "commit": asked.stdout.strip() or None,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kernel": platform.release(),
        "cores": psutil.cpu_count(),
        "python": platform.python_version(),
        "load_at_start": psutil.getloadavg()[0],
        "rounds": rounds,
        "cases": {},
    }


def main() -> None:
    """Run the cases that were asked for, and print a table of each."""
    parser = argparse.ArgumentParser(prog="tools/bench footprint", description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"which cases: {', '.join([*ALL, START])} (default: {' '.join(DEFAULT)})")
    parser.add_argument("--rounds", type=int, default=1, help="how often each case runs (default 1)")
    parser.add_argument("--products", nargs="*", help="only these: healthmon, control, prometheus, monit, nagios4, icinga2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here as well, beside what is there of other cases and products")
    parser.add_argument("--quick", action="store_true", help="each case in seconds, to see that it works: the figures say little")
    parser.add_argument("--more", action="store_true", help="add rounds to those that are in FILE")
    options = parser.parse_args()
    unknown = set(options.cases) - {*ALL, START}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(HERE.parents[1] / "healthmon")], check=False)  # noqa: S603  as an installation has
    for line in missing():
        print(f"tools/bench: {line}", file=sys.stderr)
    products = [product for product in PRODUCTS if product.is_here() and (not options.products or product.name in options.products)]
    results = json.loads(options.json.read_text()) if options.json and options.json.exists() else {"cases": {}}
    results = {**results, **described(options.rounds), "cases": results["cases"]}
    for key in options.cases or DEFAULT:
        title = "start until every one of 17 services was asked" if key == START else ALL[key].title
        title += " (in short, at most 1,000 of them)" if options.quick else ""
        found: dict[str, list[dict[str, Any]]] = {}
        load = psutil.getloadavg()[0]
        for _ in range(options.rounds):
            with a_target() as target:
                for name, windows in one_round(target, key, products, quick=options.quick).items():
                    found.setdefault(name, []).extend(windows)
        case = results["cases"].setdefault(key, {"title": title, "products": {}})
        before = case["products"] if options.more else {}
        case["products"] |= {name: [*before.get(name, ()), *windows] for name, windows in found.items()}
        case |= {"commit": results["commit"], "load_before": load}
        show(title, case["products"])
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
