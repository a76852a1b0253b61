"""Which of several ill services the others are ill because of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from healthmon.alerts.dependencies import roots

if TYPE_CHECKING:
    from healthmon.alerts.dependencies import Node

CHAIN = {1: (2,), 2: (3,), 3: ()}


@pytest.mark.parametrize(
    ("case", "depends_on", "ill", "wanted"),
    [
        ("alone", {}, {1}, {}),
        ("its dependency is well", CHAIN, {1}, {}),
        ("its dependency is ill", CHAIN, {1, 2}, {1: 2}),
        ("the deepest is the root of all", CHAIN, {1, 2, 3}, {1: 3, 2: 3}),
        ("what is well between breaks the chain", CHAIN, {1, 3}, {}),
        ("the first named of two", {1: (4, 2)}, {1, 2, 4}, {1: 4}),
        ("the ill one of two", {1: (4, 2)}, {1, 2}, {1: 2}),
        ("a circle has no root", {1: (2,), 2: (1,)}, {1, 2}, {}),
        ("a container that nobody watches", {1: (2, "redis"), 2: ("redis",)}, {1, 2, "redis"}, {1: "redis", 2: "redis"}),
        ("what it depends on is well again", {1: ("redis",)}, {1}, {}),
        ("who hangs on a circle is told of itself", {1: (2,), 2: (3,), 3: (2,)}, {1, 2, 3}, {}),
    ],
)
def test_roots(case: str, depends_on: dict[int, tuple[Node, ...]], ill: set[Node], wanted: dict[int, Node]) -> None:
    assert roots(depends_on, ill) == wanted, case
