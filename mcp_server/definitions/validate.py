"""What an author should know of a definition: every error, and what works but is weaker than it looks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.library import name_problems
from mcp_server.definitions.parse import METADATA, parse
from mcp_server.definitions.phases import GATE_FILE
from mcp_server.definitions.plans.dynamic import closing_folders
from mcp_server.definitions.problems import Problem
from mcp_server.domain.definition import Phase, Workflow
from mcp_server.domain.gates import required_names

_KNOWN_FOLDERS = ("core/", "supporting-docs/", "phases/dynamic/", "phases/closing/")
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
    for phase in workflow.phases:
        yield from _gate_doubts(phase, _gate_file(phase, closes.get(phase.number), bundle))
    used = {task.file for phase in workflow.phases for task in phase.tasks}
    for path in bundle.files:
        if path not in used and not _KNOWN_FILES.fullmatch(path) and not path.startswith(_KNOWN_FOLDERS):
            yield Problem(
                "warning", path, None, "belongs to no phase and no task", "Name it in the metadata, or move it."
            )


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

    for key in gate.unsupported:
        yield doubt(f"'{key}' is not supported by this version, so the gate blocks", "Remove it to use this version.")
    if gate.origin == "fallback":
        yield doubt("has no gate of its own, so a summary opens it", f"Add {GATE_FILE} or required_evidence.")
    elif gate.problem is None and not required_names(gate) and not gate.rules and not gate.unsupported:
        yield doubt("requires nothing, so empty evidence opens it", "Make a field required.")
    elif gate.fields and all(field.type == "boolean" for field in gate.fields) and not gate.rules:
        yield doubt("asks for booleans only, which are easily said", "Ask for a number, a path or a text as well.")
