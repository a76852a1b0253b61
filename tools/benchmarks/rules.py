"""How long does one round of 1,000 rules over 1,000 services take, beside the plain reading of the same conditions?

The plain reading walks the tree of a condition, as most evaluators do; it is asked for a tenth of the rules, and its
time multiplied. Figures are medians over rounds.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

from healthmon.rules.evaluation import truth
from healthmon.rules.language import understand
from healthmon.rules.variables import Facts

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = SERVICES = 1_000
PLAIN_SHARE = 10

# The document's, and some of those that people would add.
SHAPES = (
    "status == 'unhealthy'",
    "response_time > expected * {n}",
    "consecutive_failures >= {n}",
    "uptime_percentage < {n}",
    "unhealthy AND critical",
    "healthy AND was_unhealthy",
    "memory_usage > threshold",
    "failure_ratio_5m > 0.{n} and checks_5m >= 5 and not maintenance",
    "(response_time - expected) / expected > {n} or cpu_usage > {n} or memory_usage > threshold",
    "group == 'core' and status != 'healthy' and seconds_in_status > {n}",
)


def services() -> list[Facts]:
    """Return what is known of each service; one in ten has no container, and one in ten is ill."""
    chance = random.Random(1)  # noqa: S311  the same services every time, no secret
    return [
        Facts(
            status=chance.choices(["healthy", "unhealthy"], [9, 1])[0],
            previous_status=chance.choice(["healthy", "unhealthy", "unknown"]),
            group=chance.choice(["core", "agents"]),
            critical=chance.random() < 1 / 3,
            response_time=3 * chance.random(),
            expected_response_time=2.0,
            consecutive_failures=chance.choices([0, 3], [9, 1])[0],
            uptime_percentage=100 * chance.random(),
            failure_ratio_5m=chance.random() / 2,
            checks_5m=10,
            maintenance=False,
            memory_usage=chance.choice([None, *[100 * chance.random()] * 9]),
            cpu_usage=100 * chance.random(),
            seconds_in_status=1_000 * chance.random(),
        )
        for _ in range(SERVICES)
    ]


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measured(rounds: int) -> dict[str, float]:
    """Return the median seconds of each step."""
    texts = [SHAPES[number % len(SHAPES)].format(n=1 + number % 50) for number in range(RULES)]
    facts, conditions = services(), [understand(text, threshold=80) for text in texts]

    def fast() -> None:
        for condition in conditions:
            asked = condition.truth
            for known in facts:
                asked(known)

    def plain() -> None:
        for condition in conditions[::PLAIN_SHARE]:
            for known in facts:
                truth(condition.tree, known)

    found = [
        {
            "read and check 1,000 conditions": seconds(lambda: [understand(text, threshold=80) for text in texts]),
            "gather the facts of 1,000 services": seconds(services),
            "ask 1,000 rules of 1,000 services": seconds(fast),
            "the same by walking trees": PLAIN_SHARE * seconds(plain),
        }
        for _ in range(rounds)
    ]
    return {step: statistics.median(one[step] for one in found) for step in found[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the results here, too")
    options = parser.parse_args()
    results = measured(options.rounds)
    print(f"Python {platform.python_version()}, {options.rounds} rounds")
    for step, took in results.items():
        print(f"{step:<40}{took:8.3f} s")
    if options.json:
        options.json.write_text(json.dumps({"python": platform.python_version(), "seconds": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
