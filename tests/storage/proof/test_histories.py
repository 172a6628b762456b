"""Processes that race each other: what they saw and made is what one after the other could have seen and made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from mcp_server.storage.store import Store
from tests.storage.support import Site, begun
from tests.storage.worker import SHARED, run_workers

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Step:
    """One operation on the shared session: from when to when, and the version that it saw or made."""

    began: int
    ended: int
    kind: str
    version: int


def parsed(lines: Sequence[str]) -> list[Step]:
    fields = [line.split(" ") for line in lines]
    return [Step(int(began), int(ended), kind, int(version)) for began, ended, kind, version in fields]


def require_linear(history: Sequence[Step]) -> None:
    """AssertionError unless one order explains what every operation saw and keeps what came after what.

    Versions order the changes totally, so the order is known and only has to be looked at.
    """
    changes = sorted((step for step in history if step.kind == "change"), key=lambda step: step.version)
    assert [step.version for step in changes] == list(range(2, len(changes) + 2)), "a version is missing, or made twice"
    made_from = {1: 0} | {step.version: step.began for step in changes}
    ended = iter(sorted(history, key=lambda step: step.ended))
    last, known = next(ended), 1
    for step in sorted(history, key=lambda step: step.began):
        while last.ended < step.began:
            known, last = max(known, last.version), next(ended)
        assert step.version >= known + (step.kind == "change"), "what had ended before was not seen"
        assert made_from[step.version] <= step.ended, "a version was seen before its change had begun"


@pytest.mark.parametrize("count", [pytest.param(100, id="quick"), pytest.param(1000, id="all", marks=pytest.mark.slow)])
def test_what_racing_processes_see_and_make_could_have_been_done_one_after_the_other(
    site: Site, store: Store, count: int, tally: Counter[str]
) -> None:
    begun(store, SHARED)
    history = parsed(run_workers(site, "race", 8, count))
    require_linear(history)
    changes = sum(step.kind == "change" for step in history)
    assert (len(history), store.read(SHARED).version) == (8 * count, 1 + changes)
    assert store.verify().ok
    tally["racing operations"] += len(history)


def test_processes_that_race_without_locks_are_found_out(site: Site, store: Store, tally: Counter[str]) -> None:
    begun(store, SHARED)
    with pytest.raises(AssertionError):
        require_linear(parsed(run_workers(site, "race-unlocked", 8, 50)))
    tally["mutants caught"] += 1


@pytest.mark.parametrize(
    "broken",
    [
        (Step(0, 1, "change", 2), Step(2, 3, "change", 2)),
        (Step(0, 1, "change", 2), Step(2, 3, "change", 4)),
        (Step(0, 1, "change", 3), Step(2, 3, "change", 2)),
        (Step(0, 1, "change", 2), Step(2, 3, "read", 1)),
        (Step(0, 1, "read", 2), Step(2, 3, "change", 2)),
    ],
)
def test_a_history_that_no_order_explains_is_found_out(broken: tuple[Step, ...]) -> None:
    with pytest.raises(AssertionError):
        require_linear(broken)


def test_operations_that_overlap_may_see_either_state() -> None:
    require_linear((Step(0, 5, "change", 2), Step(1, 2, "read", 1), Step(2, 3, "read", 2), Step(4, 9, "read", 2)))
