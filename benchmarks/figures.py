"""A figure beside what it is held to, and how figures are taken so that they can be compared."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import Home


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was measured, the floors that were measured in the same run, and the goal.

    ``bound`` is the goal as a number: for the ratio to the floor if there is one, else for the value.
    """

    name: str
    value: float
    unit: str
    floors: Mapping[str, float] = field(default_factory=dict[str, float])
    ratio: float | None = None
    goal: str = ""
    bound: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.bound is None:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return judged >= self.bound if self.at_least else judged <= self.bound


def beside(name: str, value: float, unit: str, floor: tuple[str, float], at_most: float) -> Figure:
    """The row of a figure that may be so many times its one floor."""
    title, least = floor
    return Figure(name, value, unit, {title: least}, value / least, f"≤ {at_most:g} × {title}", at_most)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a run has its files, and how many times less it does than the one that the page shows."""

    folder: Path
    less: int = 1

    def count(self, full: int) -> int:
        """How many there are, or how often something is done, where a full run has so many."""
        return max(1, full // self.less)

    @contextmanager
    def home(self) -> Generator[Home]:
        """A project and a user's folder of its own, empty at first and gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="pos-workflow-bench-", dir=self.folder) as name:
            yield Home.make(Path(name).resolve())


def in_turn(times: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each, taken by turns, so that a machine which is busy for a while is so for all of them.

    A first round is thrown away.
    """
    rounds = [[measure() for measure in measures] for _ in range(times + 1)]
    return [statistics.median(taken) for taken in zip(*rounds[1:], strict=True)]
