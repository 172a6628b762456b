"""How a plan by itself would be read: its phases, their tasks, what each gate asks for, and what is doubtful."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from mcp_server.definitions.plans.dynamic import read_plan
from mcp_server.definitions.plans.files import FILE_IN_FOLDER, MAX_PLAN_BYTES
from mcp_server.definitions.plans.model import Plan, PlanPhase
from mcp_server.definitions.plans.phases_of_plan import Templates, phases_of_plan
from mcp_server.definitions.problems import Problem
from mcp_server.definitions.validate import in_order
from mcp_server.domain.definition import Gate, PlanSource

SUFFIXES: Final = (".md", ".markdown", ".yaml", ".yml")
"""What the name of a plan's file ends with."""

_UNREADABLE: Final = "A plan with an error is refused by start, and no session is created."


@dataclass(frozen=True, slots=True)
class PhaseReading:
    """A phase as the plan has it, and the gate that a session would have at its end."""

    phase: PlanPhase
    gate: Gate


@dataclass(frozen=True, slots=True)
class PlanReading:
    """What was made out in a plan; without ``phases`` when it cannot be worked off."""

    parser: str
    phases: tuple[PhaseReading, ...]
    problems: tuple[Problem, ...]


def read_plan_by_itself(path: Path) -> PlanReading:
    """Read the plan in a file. Raises OSError for what cannot be read, ValueError for a name that is no plan's."""
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"a plan is a file that ends with one of {', '.join(SUFFIXES)}")
    parser = "spec_tasks_parser" if path.suffix.lower() in SUFFIXES[:2] else "workflow_definition_parser"
    with path.open("rb") as file:
        data = file.read(MAX_PLAN_BYTES + 1)
    problem = _unfit(path.name, data)
    if problem is not None:
        return PlanReading(parser, (), (problem,))
    plan, problems = read_plan(PlanSource(option=FILE_IN_FOLDER[parser], parser=parser), path.name, data)
    found = [_explained(problem) for problem in problems]
    phases: tuple[PhaseReading, ...] = ()
    if plan is not None:
        gates = (phase.gate for phase in phases_of_plan(plan, None, Templates(None, None), path.name, found))
        phases = tuple(PhaseReading(phase, gate) for phase, gate in zip(plan.phases, gates, strict=True))
        found += _doubts(plan, phases, path.name)
    return PlanReading(parser, phases, in_order(found))


def _unfit(name: str, data: bytes) -> Problem | None:
    if len(data) > MAX_PLAN_BYTES:
        message = f"has more than {MAX_PLAN_BYTES // 2**20} MiB"
        return Problem("error", name, None, message, "Split the plan.", _UNREADABLE)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Problem("error", name, line, "is not UTF-8", "Save the file as UTF-8.", _UNREADABLE)
    return None


def _explained(problem: Problem) -> Problem:
    why = problem.why or (_UNREADABLE if problem.severity == "error" else "What stands there is not worked off.")
    return Problem(problem.severity, problem.file, problem.line, problem.message, problem.hint, why)


def _doubts(plan: Plan, phases: tuple[PhaseReading, ...], name: str) -> Iterator[Problem]:
    for phase, gate in ((one.phase, one.gate) for one in phases):
        if not phase.tasks:
            message = f"the phase {phase.number} has no task"
            hint = "Write its tasks beneath it, or remove the phase."
            why = "An assistant is left with the phase's own text and decides itself what belongs to it."
            yield Problem("warning", name, phase.line, message, hint, why)
        if gate.origin == "fallback":
            message = f"the phase {phase.number} has no gate, so a summary opens it"
            hint = "Add a checklist '**Validation Gate**', or acceptance criteria."
            why = "Any sentence is a summary: the phase can be left without its work."
            yield Problem("warning", name, phase.line, message, hint, why)
    for before, after in pairwise(plan.phases):
        if after.number < before.number:
            message = f"the phase {after.number} stands after the phase {before.number}"
            hint = "Number the phases in the order in which they are worked off."
            why = "The order of the file counts, so a session gives the phase another number than the plan."
            yield Problem("warning", name, after.line, message, hint, why)
