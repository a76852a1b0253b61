"""How much is left of what a service may be down, as a bar and in a figure?"""

from __future__ import annotations

from dataclasses import dataclass

LOW_PERCENT = 25.0  # of a budget is little


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetBar:
    """`left` is below zero where more was spent than there was."""

    left: str
    width: int  # of 100
    is_low: bool


def budget_bar(left_percent: float) -> BudgetBar:
    return BudgetBar(left=f"{left_percent:.0f}%", width=max(0, min(100, round(left_percent))), is_low=left_percent < LOW_PERCENT)
