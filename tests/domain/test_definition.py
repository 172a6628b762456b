"""A workflow answers for its phases by their own numbers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mcp_server.domain.definition import Gate, Phase, Task, Workflow

pytestmark = pytest.mark.unit


def workflow(*numbers: int) -> Workflow:
    return Workflow(
        workflow_type="w",
        declared_type="w",
        version="1",
        name="W",
        description="A workflow",
        phases=tuple(Phase(number=number, title=f"Phase {number}", gate=Gate()) for number in numbers),
        start_phase=numbers[0],
    )


def test_phases_are_found_by_their_own_numbers() -> None:
    found = workflow(0, 2, 5)
    assert found.numbers == (0, 2, 5)
    phase = found.phase(2)
    assert phase is not None
    assert phase.number == 2
    assert found.phase(1) is None


@pytest.mark.parametrize(("number", "following"), [(0, [2, 5]), (1, [2, 5]), (2, [5]), (5, [])])
def test_the_phases_that_follow_pass_over_holes_and_end_after_the_last(number: int, following: list[int]) -> None:
    assert [phase.number for phase in workflow(0, 2, 5).after(number)] == following


def test_a_task_is_found_by_its_number() -> None:
    phase = Phase(number=1, title="P", gate=Gate(), tasks=(Task(number=0, title="First"),))
    task = phase.task(0)
    assert task is not None
    assert task.title == "First"
    assert phase.task(1) is None


def test_nothing_of_a_definition_can_be_changed() -> None:
    with pytest.raises(ValidationError):
        workflow(1).name = "other"  # pyright: ignore[reportAttributeAccessIssue]
