"""What an author should know of a definition: every error, and what works but is weaker than it looks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.library import name_problems
from mcp_server.definitions.parse import METADATA, parse
from mcp_server.definitions.plans.dynamic import closing_folders
from mcp_server.definitions.problems import GATE_FILE, Problem
from mcp_server.domain.definition import Phase, Workflow
from mcp_server.domain.gates import required_names
from mcp_server.domain.values import is_list, is_object

_KNOWN_FOLDERS = ("core/", "supporting-docs/", "phases/dynamic/", "phases/closing/")
_PHASE_FOLDER = re.compile(r"phases/(\d{1,6})(?=/)")
_KNOWN_FILES = re.compile(r"metadata\.json|[^/]*\.md|phases/\d+/(?:phase\.md|README\.md|gate-definition\.\w+)")


def validate_folder(path: Path) -> tuple[Problem, ...]:
    """Every problem of the definition in ``path``, sorted by file and line. Never raises."""
    reading = read_folder(path)
    parsed = parse(reading.bundle)
    found = [*name_problems(path), *reading.problems, *parsed.problems]
    if parsed.workflow is not None:
        found += _doubts(parsed.workflow, reading.bundle)
    return tuple(sorted(set(found), key=lambda problem: (problem.file, problem.line or 0, problem.message)))


def _doubts(workflow: Workflow, bundle: Bundle) -> Iterator[Problem]:
    total = workflow.metadata.get("total_phases")
    if workflow.plan is None and total not in {None, "dynamic", len(workflow.phases)}:
        message = f"total_phases is {total}, and there are {len(workflow.phases)} phases"
        yield Problem("warning", METADATA, None, message, "Correct it or leave it out.")
    closing = closing_folders(bundle.files) if workflow.plan else []
    closes = dict(zip(reversed(workflow.numbers), reversed(closing), strict=False))
    yield from _halves((phase for phase in workflow.phases if phase.number not in closes), workflow, bundle)
    for phase in workflow.phases:
        yield from _gate_doubts(phase, _gate_file(phase, closes.get(phase.number), bundle))
    used = {task.file for phase in workflow.phases for task in phase.tasks}
    for path in bundle.files:
        if path not in used and not _KNOWN_FILES.fullmatch(path) and not path.startswith(_KNOWN_FOLDERS):
            yield Problem(
                "warning", path, None, "belongs to no phase and no task", "Name it in the metadata, or move it."
            )


def _halves(phases: Iterable[Phase], workflow: Workflow, bundle: Bundle) -> Iterator[Problem]:
    """Phases of which there is the folder or the entry alone: they count, and may be an oversight."""
    entries = workflow.metadata.get("phases")
    listed = (
        {int(entry["phase_number"]) for entry in entries if _is_numbered(entry)} if is_list(entries) else set[int]()
    )
    folders = {int(match.group(1)): match.group() for path in bundle.files if (match := _PHASE_FOLDER.match(path))}
    for phase in phases:
        if phase.number not in listed:
            message = "is a phase of the workflow, and the metadata does not list it"
            yield Problem("warning", folders[phase.number], None, message, "List it, or remove the folder.")
        elif phase.number not in folders and not phase.instructions:
            message = f"phase {phase.number}: has no folder, so there is nothing to read"
            yield Problem("warning", METADATA, None, message, f"Write phases/{phase.number}/phase.md.")


def _is_numbered(entry: Any) -> bool:
    return is_object(entry) and str(entry.get("phase_number")).isdecimal()


def _gate_file(phase: Phase, closes: str | None, bundle: Bundle) -> str:
    if phase.gate.origin != "file":
        return METADATA
    if closes:
        return f"phases/{closes}/{GATE_FILE}"
    folders = {posixpath.dirname(path) for path in bundle.files if posixpath.basename(path) == GATE_FILE}
    own = (folder for folder in folders if re.fullmatch(rf"phases/0*{phase.number}", folder))
    return f"{next(own)}/{GATE_FILE}"


def _gate_doubts(phase: Phase, file: str) -> Iterator[Problem]:
    gate = phase.gate

    def doubt(message: str, hint: str) -> Problem:
        return Problem("warning", file, None, f"phase {phase.number}: {message}", hint)

    if gate.origin == "fallback":
        yield doubt("has no gate of its own, so a summary opens it", f"Add {GATE_FILE} or required_evidence.")
    elif gate.problem is None and not required_names(gate) and not gate.rules and not gate.unsupported:
        yield doubt("requires nothing, so empty evidence opens it", "Make a field required.")
    elif gate.fields and all(field.type == "boolean" for field in gate.fields) and not gate.rules:
        yield doubt("asks for booleans only, which are easily said", "Ask for a number, a path or a text as well.")
