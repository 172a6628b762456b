"""A plan by itself: how it is read, and what is doubtful in it, with lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server.definitions.plan_reading import read_plan_by_itself
from mcp_server.domain.gates import required_names

pytestmark = pytest.mark.integration

PLAN = """\
---
title: A plan
---

# The plan

## Phase 1: Build

- [ ] **Task 1.1**: Write it
- [ ] **Task 1.2**: Test it

### Validation Gate

- [ ] All tests pass

## Phase 3: Later

- [ ] **Task 3.1**: Polish

## Phase 2: Release

### Validation Gate

- [ ] It is out
"""
YAML = """\
phases:
  - number: 1
    name: Build
    tasks:
      - Write it
      - {name: Test it}
    validation_gate:
      evidence_required:
        count: {type: integer, validator: positive}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.md"
    path.write_text(PLAN)
    return path


def test_phases_tasks_and_gates_are_read_with_their_lines(path: Path) -> None:
    reading = read_plan_by_itself(path)
    assert reading.parser == "spec_tasks_parser"
    assert [(one.phase.number, one.phase.title, one.phase.line) for one in reading.phases] == [
        (1, "Build", 7),
        (3, "Later", 16),
        (2, "Release", 20),
    ]
    assert [(task.label, task.line) for task in reading.phases[0].phase.tasks] == [("1.1", 9), ("1.2", 10)]
    assert [required_names(one.gate) for one in reading.phases] == [("all_tests_pass",), ("summary",), ("it_is_out",)]


def test_what_is_doubtful_is_a_warning_with_its_line_and_its_reason(path: Path) -> None:
    problems = read_plan_by_itself(path).problems
    assert [f"{problem.severity} {problem}" for problem in problems] == [
        "warning tasks.md:16: the phase 3 has no gate, so a summary opens it",
        "warning tasks.md:20: the phase 2 has no task",
        "warning tasks.md:20: the phase 2 stands after the phase 3",
    ]
    assert all(problem.why and problem.hint for problem in problems)


def test_line_ends_of_other_systems_move_no_line(path: Path) -> None:
    lines = [one.phase.line for one in read_plan_by_itself(path).phases]
    path.write_bytes(PLAN.replace("\n", "\r\n").encode())
    assert [one.phase.line for one in read_plan_by_itself(path).phases] == lines


@pytest.mark.parametrize("name", ["plan.yaml", "plan.YML"])
def test_a_plan_in_yaml_is_read_by_its_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(YAML)
    reading = read_plan_by_itself(path)
    assert (reading.parser, reading.problems) == ("workflow_definition_parser", ())
    (one,) = reading.phases
    assert (one.phase.line, [task.line for task in one.phase.tasks]) == (2, [5, 6])
    assert [(field.name, field.type) for field in one.gate.fields] == [("count", "integer")]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"# Nothing\n", "error tasks.md: has no phase"),
        (b"## Phase 1: A\n\xff\n", "error tasks.md:2: is not UTF-8"),
        (b"x" * (1024 * 1024 + 1), "error tasks.md: has more than 1 MiB"),
        (
            b"## Phase 1: A\n- [ ] **Task 1.1**: X\n## Phase 1: B\n- [ ] **Task 1.2**: Y\n",
            "error tasks.md:3: the phase 1 is there twice",
        ),
    ],
)
def test_what_start_would_refuse_is_an_error(path: Path, data: bytes, problem: str) -> None:
    path.write_bytes(data)
    (found,) = (one for one in read_plan_by_itself(path).problems if one.severity == "error")
    assert f"error {found}".startswith(problem)
    assert found.consequence == "A plan with an error is refused by start, and no session is created."


def test_a_file_of_another_kind_is_no_plan(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"ends with one of \.md"):
        read_plan_by_itself(tmp_path / "notes.txt")
