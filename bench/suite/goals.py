"""Goals for weft's figures: at most an amount, or at most a multiple of another figure."""

import dataclasses
from typing import Callable

BEST = "best"  # the peer that is furthest ahead, or least behind, in the same row


def fib_calls(n: int) -> int:
    """Returns the number of calls in the plain recursion for fib(n): 2 fib(n + 1) - 1."""
    a, b = 0, 1
    for _ in range(n + 1):
        a, b = b, a + b
    return 2 * a - 1


def skynet_leaves(depth: int) -> int:
    return 10**depth


def number(value: float) -> str:
    """Formats three significant digits, or all before the point, with a thousands separator."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


@dataclasses.dataclass(frozen=True)
class Goal:
    """At most `limit`: in the figure's own unit, or times a subject's figure in the same row
    (`subject`), or times weft's own figure of another metric in the same cell (`metric`)."""

    limit: float
    subject: str = ""
    metric: str = ""
    # The limit is for a count of `size`; for another count it is scaled to the work.
    work: Callable[[int], int] | None = None
    size: int = 0

    def at(self, count: int) -> "Goal":
        """Returns the goal for a measurement of `count`."""
        if self.work is None:
            return self
        limit = self.limit * self.work(count) / self.work(self.size)
        return Goal(limit, self.subject, self.metric)

    @property
    def times(self) -> str:
        """Returns the figure that the limit multiplies; nothing where it is an amount."""
        return self.subject or self.metric

    def __str__(self) -> str:
        return f"≤ {number(self.limit)}" + (f" × {self.times}" if self.times else "")


Goals = dict[int, Goal]  # by the number of workers


def at_most(one: float | None = None, two: float | None = None) -> Goals:
    """Returns amounts for one worker and for two; None where there is no goal."""
    return {n: Goal(limit) for n, limit in ((1, one), (2, two)) if limit is not None}
