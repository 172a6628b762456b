"""``workflows``: what can be started, and what one of them consists of."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text
from rich.tree import Tree

from mcp_server.app import workflow_roots
from mcp_server.cli.asking import pages
from mcp_server.cli.failures import CommandError, UsageError
from mcp_server.cli.mermaid import flowchart
from mcp_server.cli.output import complain, console, print_json, say, table, text
from mcp_server.cli.parameters import AsJson, Ctx
from mcp_server.definitions.library import Found, Library
from mcp_server.definitions.parse import METADATA, parse
from mcp_server.definitions.plans.dynamic import closing_folders
from mcp_server.definitions.plans.files import PlanFileError, read_plan_file
from mcp_server.domain.definition import Phase
from mcp_server.domain.gates import required_names
from mcp_server.engine import Engine


def workflows(
    name: str | None = None,
    /,
    *,
    plan: Annotated[Path | None, Parameter(help="The plan of a dynamic workflow: a file, or its folder.")] = None,
    mermaid: Annotated[bool, Parameter(help="Print the phases, gates and ways back as a Mermaid diagram.")] = False,
    copy_to: Annotated[Path | None, Parameter(help="Copy its files into this folder, which must not be there.")] = None,
    json: AsJson = False,
    ctx: Ctx,
) -> int:
    """List the workflows that can be started, or show one: its phases, their tasks, the evidence each gate requires.

    A copy of its files is for running the programs that it brings, or for making a workflow of one's own of it.

    Parameters
    ----------
    name
        A workflow's name or alias.
    """
    if name is None:
        if plan is not None or mermaid or copy_to is not None:
            raise UsageError(
                "A diagram, a plan or a copy needs the workflow's name.", "pos-workflow workflows NAME --mermaid"
            )
        _list(ctx.engine, as_json=json)
        return 0
    found = Library(workflow_roots(ctx.loaded)).find(name)
    if copy_to is not None:
        _copy(found, copy_to)
        return 0
    found = found if plan is None else _planned(found, plan)
    if mermaid:
        sys.stdout.write(_diagram(found))
    elif json:
        print_json(_whole(found))
    else:
        console().print(_tree(found))
    return 0


def _planned(found: Found, path: Path) -> Found:
    """The definition with the phases of a plan, wherever the person has it."""
    source = found.workflow.plan
    name = found.workflow.workflow_type
    if source is None:
        raise CommandError(f"{name} takes no plan: all its phases are its own.", "Leave --plan out.")
    try:
        plan = read_plan_file(source, str(path), _read)
    except PlanFileError as error:
        raise CommandError(f"--plan {error}.", "Name the plan's file, or the folder that holds it.") from None
    bundle = found.bundle.with_plan(plan.name, plan.data)
    parsed = parse(bundle)
    if parsed.workflow is None or parsed.errors:
        said = "; ".join(map(str, parsed.errors[:3]))
        raise CommandError(f"The plan cannot be worked off: {said}.", f"pos-workflow validate {path} explains it.")
    return replace(found, workflow=parsed.workflow, bundle=bundle, digest=bundle.digest)


def _read(path: str, size: int) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(size)


def _copy(found: Found, folder: Path) -> None:
    """Write the files of a definition into a new folder."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise CommandError(f"{folder} is there already, and is left as it is.", "Choose another folder.") from None
    for name, data in found.bundle.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    say(f"Copied {len(found.bundle.files)} files of {found.workflow.workflow_type} to {folder}.")


def _diagram(found: Found) -> str:
    closing = len(closing_folders(found.bundle.files)) if found.workflow.plan else 0
    try:
        return flowchart(found.workflow, closing)
    except ValueError as error:
        raise CommandError(f"There is no diagram: {error}.", "Without --mermaid the phases are listed.") from None


def _list(engine: Engine, *, as_json: bool) -> None:
    found: list[dict[str, Any]] = []
    invalid: list[dict[str, Any]] = []
    for page in pages(engine, "list_workflows"):
        found += page["workflows"]
        invalid += page["invalid"]
    if as_json:
        print_json({"workflows": found, "invalid": invalid})
        return
    rows = [
        (one["workflow_type"], one["version"], one["phases"], one["category"], _source(one), one["name"])
        for one in found
    ]
    if rows:
        table(("WORKFLOW", "VERSION", "PHASES", "CATEGORY", "SOURCE", "NAME"), rows)
    else:
        say("There are no workflows.")
    for one in invalid:
        remedy = f"pos-workflow validate {one['workflow_type']} shows every problem."
        complain(f"{one['workflow_type']} does not load: {one['problem']}", remedy, "invalid")


def _source(summary: dict[str, Any]) -> str:
    hidden = summary.get("shadows")
    return f"{summary['source']} (hides {', '.join(hidden)})" if hidden else str(summary["source"])


def _tree(found: Found) -> Tree:
    workflow = found.workflow
    hides = f", hides {', '.join(found.shadows)}" if found.shadows else ""
    head = f"{workflow.workflow_type} {workflow.version} ({found.source}{hides}): {workflow.name}"
    tree = Tree(text(head, "bold"), guide_style="dim")
    for phase in workflow.phases:
        branch = tree.add(text(f"{phase.number}  {phase.title}", "bold"))
        for task in phase.tasks:
            branch.add(text(f"{task.number}  {task.title}"))
        branch.add(_gate(phase))
    for option in workflow.options:
        tree.add(text(f"option {option.name}: {option.wanted}", "cyan"))
    for file in _further(found):
        tree.add(text(f"also there: {file}", "dim"))
    return tree


def _further(found: Found) -> list[str]:
    """What a definition brings beside its metadata and phases: documents, programs of its checks."""
    return sorted(path for path in found.bundle.files if path != METADATA and not path.startswith(("phases/", ".")))


def _gate(phase: Phase) -> Text:
    gate = phase.gate
    if gate.unsupported:
        return text(f"gate: blocked, needs {', '.join(gate.unsupported)}", "red")
    names = required_names(gate)
    optional = sum(1 for field in gate.fields if field.name not in names)
    said = f"gate: {', '.join(names) or 'no evidence is required'}"
    said += f" ({optional} optional)" if optional else ""
    if gate.checks:
        said += f"; checks {', '.join(check.id for check in gate.checks)}"
    if gate.protected_paths:
        said += f"; keeps {', '.join(gate.protected_paths)}"
    return text(said + ("; a person approves" if gate.approval else ""), "cyan")


def _whole(found: Found) -> dict[str, Any]:
    workflow = found.workflow
    return {
        "workflow_type": workflow.workflow_type,
        "name": workflow.name,
        "description": workflow.description,
        "version": workflow.version,
        "category": workflow.category,
        "aliases": list(workflow.aliases),
        "source": found.source,
        "shadows": list(found.shadows),
        "digest": found.digest,
        "options": {option.name: option.wanted for option in workflow.options},
        "further_files": _further(found),
        "metadata": dict(workflow.metadata),
        "phases": [
            {
                "phase_number": phase.number,
                "title": phase.title,
                "tasks": [{"task_number": task.number, "title": task.title} for task in phase.tasks],
                "required_evidence": list(required_names(phase.gate)),
                "checks": [check.id for check in phase.gate.checks],
                "protected_paths": list(phase.gate.protected_paths),
                "approval": phase.gate.approval is not None,
                "max_attempts": phase.gate.max_attempts,
                "unsupported": list(phase.gate.unsupported),
            }
            for phase in workflow.phases
        ],
    }
