"""How a plan is read, shown: its phases, their tasks, what each gate asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.tree import Tree

from mcp_server.cli.output import console, text
from mcp_server.definitions.plan_reading import PhaseReading
from mcp_server.domain.definition import Field
from mcp_server.domain.gates import required_names


def show_phases(phases: Sequence[PhaseReading]) -> None:
    """Print the phases with the lines on which the plan has them."""
    for one in phases:
        tree = Tree(
            text(f"phase {one.phase.number}  {one.phase.title}{_at(one.phase.line)}", "bold"), guide_style="dim"
        )
        for task in one.phase.tasks:
            tree.add(text(f"task {task.label}  {task.title}{_at(task.line)}"))
        gate = tree.add(text(f"gate: {', '.join(required_names(one.gate)) or 'nothing is required'}", "cyan"))
        for field in one.gate.fields:
            gate.add(text(_asked(field)))
        console().print(tree)


def _asked(field: Field) -> str:
    optional = "" if field.required else ", optional"
    said = f": {field.description}" if field.description else ""
    return f"{field.name} ({field.type}{optional}){said}"


def _at(line: int | None) -> str:
    return f" (line {line})" if line else ""


def phases_as_json(phases: Sequence[PhaseReading]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "number": one.phase.number,
            "title": one.phase.title,
            "line": one.phase.line,
            "tasks": [{"label": task.label, "title": task.title, "line": task.line} for task in one.phase.tasks],
            "gate": [
                {"name": field.name, "type": field.type, "required": field.required, "description": field.description}
                for field in one.gate.fields
            ],
        }
        for one in phases
    ]
