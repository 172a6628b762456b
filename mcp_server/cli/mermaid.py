"""A workflow as a Mermaid flowchart: phases, gates, and the ways back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from mcp_server.domain.definition import Phase, Workflow
from mcp_server.domain.gates import required_names
from mcp_server.domain.skipping import condition_of

MAX_PHASES: Final = 100
"""Mermaid draws at most 500 arrows, which no diagram can raise by itself."""

_TITLE_WIDTH: Final = 80
_NAMES: Final = 4
# Mermaid reads labels as Markdown with entities of its own; what is not plainly text is written as its number.
_SYNTAX: Final = re.compile(r"[^\w ,.:!?/+'()=\u00a0-\U0010ffff-]|(?<!\w)_|_(?!\w)|:(?! )")
# Signs by which it marks entities and formulas for itself, also where they come out of an entity.
_ITS_OWN: Final = {"\ufb02": "fl", "\u00b6": " ", "$$": "$ $"}
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


def flowchart(workflow: Workflow, closing: int = 0) -> str:
    """The diagram's text. Raises ValueError for more phases than Mermaid can draw.

    Without its plan a dynamic workflow has one box for all phases of the plan, before the last ``closing`` ones.
    """
    if len(workflow.phases) > MAX_PHASES:
        raise ValueError(f"{len(workflow.phases)} phases are more than the {MAX_PHASES} that a diagram can show")
    return "\n".join(["flowchart TD", *(f"    {line}" for line in _lines(workflow, closing))]) + "\n"


def _lines(workflow: Workflow, closing: int) -> Iterator[str]:
    phases = list(workflow.phases)
    boxes = [f"p{phase.number}" for phase in phases]
    awaits_plan = workflow.plan is not None and not any(phase.plan_phase for phase in phases)
    if awaits_plan:
        boxes.insert(len(boxes) - closing, "plan")
    yield f'begin(["Start<br/>{label(workflow.name)}"])'
    last_fixed = len(phases) - closing
    for place, phase in enumerate(phases):
        # Only the plan will tell which number a phase behind it has.
        spoken = "Closing phase" if awaits_plan and place >= last_fixed else f"Phase {phase.number}"
        yield f'p{phase.number}["{_phase(spoken, phase)}"]'
        yield f'g{phase.number}{{"{_gate(phase)}"}}'
    if awaits_plan and workflow.plan is not None:
        yield f'plan[["The phases of the plan<br/>{label("option " + workflow.plan.option)}"]]'
    yield 'done(["Completed"])'
    yield f"begin --> {_first(workflow, boxes)}"
    yield from _ways_on(boxes)
    yield from _ways_past(phases, boxes)
    yield "%% A session can be rolled back to any phase it has been in; the arrows show the nearest."
    yield from (f"{box} -.->|rollback| {before}" for before, box in pairwise(boxes))
    for phase in phases:
        if phase.gate.rollback_to is not None and f"p{phase.gate.rollback_to}" in boxes:
            yield f"g{phase.number} -.->|no-go| p{phase.gate.rollback_to}"


def _first(workflow: Workflow, boxes: list[str]) -> str:
    start = f"p{workflow.start_phase}"
    return start if start in boxes else boxes[0]


def _ways_on(boxes: list[str]) -> Iterator[str]:
    for box, following in zip(boxes, [*boxes[1:], "done"], strict=True):
        if box == "plan":
            yield f"plan --> {following}"
        else:
            gate = box.replace("p", "g")
            yield f"{box} --> {gate}"
            yield f"{gate} -->|passed| {following}"


def _ways_past(phases: list[Phase], boxes: list[str]) -> Iterator[str]:
    for phase in phases:
        if condition_of(phase) is not None:
            box = f"p{phase.number}"
            following = [*boxes, "done"][boxes.index(box) + 1]
            yield f'{box} -.->|"{label(f"skipped if {phase.skip_condition}")}"| {following}'


def _phase(spoken: str, phase: Phase) -> str:
    count = len(phase.tasks)
    tasks = f"{count} task" if count == 1 else f"{count} tasks"
    return f"{label(f'{spoken}: {phase.title}')}<br/>{tasks}"


def _gate(phase: Phase) -> str:
    gate = phase.gate
    names = [*required_names(gate), *(f"check {check.id}" for check in gate.checks)]
    if gate.approval:
        names.append("approval by a person")
    shown = names if len(names) <= _NAMES else [*names[: _NAMES - 1], f"and {len(names) - _NAMES + 1} more"]
    parts = [label(name, 40) for name in shown or ["nothing is required"]]
    if gate.unsupported:
        parts.append("blocked")
    return "Gate<br/>" + "<br/>".join(parts)


def label(text: str, width: int = _TITLE_WIDTH) -> str:
    """Text as it may stand between the quotes of a label: in one line, not too long, nothing in it that is syntax."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    for sign, plain in _ITS_OWN.items():
        line = line.replace(sign, plain)
    short = line if len(line) <= width else f"{line[: width - 1].rstrip()}…"
    return _SYNTAX.sub(lambda found: f"#{ord(found.group())};", short)
