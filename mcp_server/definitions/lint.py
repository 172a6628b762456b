"""What works in a definition and is likely an oversight: halves, strays, and numbers that say two things."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.documents import Document, read_json
from mcp_server.definitions.markdown import first_heading
from mcp_server.definitions.nodes import Node, Report
from mcp_server.definitions.parse import METADATA
from mcp_server.definitions.plans.dynamic import closing_folders
from mcp_server.definitions.problems import Problem
from mcp_server.definitions.weak_gates import weakness_of
from mcp_server.domain.definition import Phase, Workflow
from mcp_server.domain.skipping import condition_of, read_condition
from mcp_server.domain.values import is_integer, is_list, is_object

_KNOWN_FOLDERS = ("core/", "supporting-docs/", "phases/dynamic/")
_PHASE_FOLDER = re.compile(r"phases/(\d{1,6})(?=/)")
_KNOWN_FILES = re.compile(
    r"metadata\.json|[^/]*\.md|phases/(?:\d+|closing(?:/\d+)?)/(?:phase\.md|README\.md|gate-definition\.\w+)"
)
_CONDITION = re.compile(r"\boptions\s*[.\[]|\blambda\b")
_TASK_NUMBER = re.compile(r"task-(\d{1,6})(?!\d)", re.IGNORECASE)
_PHASE_NUMBER = re.compile(r"phase\s+(\d{1,6})\b", re.IGNORECASE)


def doubts_of(workflow: Workflow, bundle: Bundle) -> Iterator[Problem]:
    """Every warning that takes the whole definition to see."""
    metadata = read_json(bundle.files[METADATA].decode("utf-8-sig", errors="replace"))
    root = Node(metadata.data, (), Report(METADATA, metadata))
    closing = closing_folders(bundle.files) if workflow.plan else []
    closes = dict(zip(reversed(workflow.numbers), reversed(closing), strict=False))
    fixed = [phase for phase in workflow.phases if phase.number not in closes]
    yield from _wrong_total(workflow, metadata)
    yield from _halves(fixed, metadata, bundle)
    yield from _misnumbered_phases(fixed)
    yield from _misnumbered_tasks(root)
    for phase in workflow.phases:
        line = metadata.line(("phases", *_entry(closes.get(phase.number, phase.number), metadata)))
        yield from _idle_condition(phase, line)
        yield from weakness_of(phase, bundle, closes.get(phase.number), line)
    yield from _strays(workflow, bundle)


def _wrong_total(workflow: Workflow, metadata: Document) -> Iterator[Problem]:
    total = workflow.metadata.get("total_phases")
    if workflow.plan is None and total not in {None, "dynamic", len(workflow.phases)}:
        message = f"total_phases is {total}, and there are {len(workflow.phases)} phases"
        why = "The phases are counted from the definition, so whoever reads the number is told wrong."
        yield Problem(
            "warning", METADATA, metadata.line(("total_phases",)), message, "Correct it or leave it out.", why
        )


def _halves(phases: Iterable[Phase], metadata: Document, bundle: Bundle) -> Iterator[Problem]:
    """Phases of which there is the folder or the entry alone: they count, and may be an oversight."""
    folders = {int(match.group(1)): match.group() for path in bundle.files if (match := _PHASE_FOLDER.match(path))}
    for phase in phases:
        entry = _entry(phase.number, metadata)
        if not entry:
            message = "is a phase of the workflow, and the metadata does not list it"
            why = "Every session walks through it, also if the folder was only left behind."
            yield Problem("warning", folders[phase.number], None, message, "List it, or remove the folder.", why)
        elif phase.number not in folders and not phase.instructions:
            message = f"phase {phase.number}: has no folder, so there is nothing to read"
            why = "Whoever enters it is told its name and nothing of what to do."
            line = metadata.line(("phases", *entry))
            yield Problem("warning", METADATA, line, message, f"Write phases/{phase.number}/phase.md.", why)


def _entry(number: int | str, metadata: Document) -> tuple[int, ...]:
    """The place in ``phases`` of the metadata that speaks of a phase, or nothing."""
    entries: Any = metadata.data.get("phases")
    for place, entry in enumerate(entries if is_list(entries) else ()):
        said = entry.get("phase_number") if is_object(entry) else None
        if said == number or (isinstance(number, int) and str(said).isdecimal() and int(str(said)) == number):
            return (place,)
    return ()


def _misnumbered_phases(phases: Iterable[Phase]) -> Iterator[Problem]:
    for phase in phases:
        match = _PHASE_NUMBER.match(first_heading(phase.instructions))
        if match and int(match.group(1)) != phase.number:
            message = f"its heading speaks of phase {match.group(1)}, and this is phase {phase.number}"
            why = "Actions ask for the number, and the assistant reads another one in the text."
            file = f"phases/{phase.number}/phase.md"
            yield Problem("warning", file, None, message, "Mend the heading, or move the folder.", why)


def _idle_condition(phase: Phase, line: int | None) -> Iterator[Problem]:
    """A condition that was meant to skip a phase, and does not."""
    why = "Every session walks through the phase, also those for which it was to be skipped."
    if not phase.skippable and read_condition(phase.skip_condition) is not None:
        message = f"phase {phase.number}: has a skip_condition, and skippable is not true"
        yield Problem("warning", METADATA, line, message, "Add skippable: true, or remove the condition.", why)
    elif phase.skippable and _CONDITION.search(phase.skip_condition) and condition_of(phase) is None:
        message = f"phase {phase.number}: the skip_condition cannot be read as an expression, so it is a note"
        hint = "Write it as in options.get('size') == 'small'."
        yield Problem("warning", METADATA, line, message, hint, why)


def _misnumbered_tasks(root: Node) -> Iterator[Problem]:
    for task in (task for phase in root.child("phases").entries() for task in phase.child("tasks").entries()):
        number, file = task.child("task_number").data, str(task.child("file").data)
        match = _TASK_NUMBER.match(posixpath.basename(file))
        if match and is_integer(number) and int(match.group(1)) != number:
            message = f"task {number} has a file of the number {match.group(1)}, {file}"
            why = "The number of the list counts for get_task, and the file's name suggests another one."
            yield Problem("warning", METADATA, task.line, message, "Give both the same number.", why)


def _strays(workflow: Workflow, bundle: Bundle) -> Iterator[Problem]:
    used = {task.file for phase in workflow.phases for task in phase.tasks}
    for path in bundle.files:
        if path in used or _KNOWN_FILES.fullmatch(path) or path.startswith(_KNOWN_FOLDERS):
            continue
        why = "It is pinned with every session and shown to nobody."
        hint = "Remove it, name it in the metadata, or move it to supporting-docs/."
        message = "belongs to no phase and no task"
        if path.startswith("phases/") and path.endswith(".md"):
            message = "is a task's file that no task reads"
            why = "Tasks are those of the metadata and files named task-<number>-<slug>.md: nobody is given this one."
            hint = "Rename it, name it as a task's file in the metadata, or remove it."
        yield Problem("warning", path, None, message, hint, why)
