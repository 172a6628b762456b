"""The phases of a definition: those that the metadata lists, and the folders that it does not."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcp_server.definitions.gate_files import read_gate
from mcp_server.definitions.markdown import MarkdownFile, first_heading, read_markdown
from mcp_server.definitions.nodes import Node
from mcp_server.definitions.plain_gates import gate_of_metadata
from mcp_server.definitions.problems import GATE_FILE, Problem
from mcp_server.definitions.task_files import find_file, read_tasks, report_missing
from mcp_server.domain.definition import Gate, Phase

_FOLDER = re.compile(r"phases/(\d{1,6})/")
_PHASE_PREFIX = re.compile(r"^phase\s+\d+\s*[:.\u2013\u2014-]*\s*", re.IGNORECASE)


def read_phases(root: Node, files: Mapping[str, bytes], problems: list[Problem]) -> tuple[Phase, ...]:
    """All phases of the metadata and of the folders, by number."""
    entries = _entries(root)
    folders = _folders(files, problems)
    phases: list[Phase] = []
    for number in sorted({*entries, *folders}):
        entry = entries.get(number) or Node(None, ("phases",), root.report)
        phases.append(read_phase(number, entry, folders.get(number, f"phases/{number}"), files, problems))
    if not phases and root.child("dynamic_phases").data is not True:
        root.child("phases").error("there is no phase", "List the phases, or add a folder phases/1.")
    return tuple(phases)


def _entries(root: Node) -> dict[int, Node]:
    found: dict[int, Node] = {}
    for entry in root.child("phases").entries():
        node = entry.child("phase_number")
        number = int(node.data) if isinstance(node.data, str) and node.data.isdecimal() else node.data
        if isinstance(number, str) and root.child("dynamic_phases").data is True:
            continue
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 10**6:
            why = "Phases are walked in the order of their numbers."
            node.error(f"{node.label} has to be an integer not below 0", "Number the phase.", why)
        elif number in found:
            why = "A session stands in the phase of a number, and only one can have it."
            node.error(f"the phase {number} is there twice", "Give each phase its own number.", why)
        else:
            found[number] = entry
            if not entry.child("phase_name").text():
                why = "It is listed by the heading of its phase.md, or by its number alone."
                entry.warning(f"the phase {number} has no phase_name", "Name it.", why)
    return found


def _folders(files: Mapping[str, bytes], problems: list[Problem]) -> dict[int, str]:
    found: dict[int, str] = {}
    for path in sorted(files):
        match = _FOLDER.match(path)
        if match:
            folder = match.group().rstrip("/")
            if found.setdefault(int(match.group(1)), folder) != folder:
                message = f"has the number of {found[int(match.group(1))]}"
                hint = "Keep one folder for each phase."
                why = "Nobody can tell which of the two is the phase."
                problems.append(Problem("error", folder, None, message, hint, why))
    return found


def read_phase(number: int, entry: Node, folder: str, files: Mapping[str, bytes], problems: list[Problem]) -> Phase:
    """The phase whose files lie in ``folder``, with what its entry in the metadata says of it."""
    markdown = _markdown(entry, folder, files)
    told = entry.first("estimated_effort", "estimated_duration").text(severity="warning")
    return Phase(
        number=number,
        title=entry.first("phase_name", "name").text() or _title(markdown.body) or f"Phase {number}",
        description=entry.first("purpose", "description").text(),
        instructions=markdown.body,
        tasks=read_tasks(entry.child("tasks").entries(), folder, files, problems),
        gate=_gate(entry, folder, files, problems),
        estimated_duration=told or None,
        skippable=entry.child("skippable").data is True,
        skip_condition=entry.child("skip_condition").text(severity="warning"),
    )


def _markdown(entry: Node, folder: str, files: Mapping[str, bytes]) -> MarkdownFile:
    node = entry.first("file", "phase_file")
    named = node.text()
    path = find_file(files, folder, named) if named else None
    if named and path is None:
        report_missing(node, f"the file {named}", named)
    return read_markdown(files.get(path or f"{folder}/phase.md", b""))


def _title(body: str) -> str:
    return _PHASE_PREFIX.sub("", first_heading(body))


def _gate(entry: Node, folder: str, files: Mapping[str, bytes], problems: list[Problem]) -> Gate:
    plain = gate_of_metadata(entry)
    path = f"{folder}/{GATE_FILE}"
    similar = {f"{folder}/gate-definition.yml", f"{folder}/gate-definition.json"}.intersection(files)
    hint = f"Name it {GATE_FILE}."
    why = f"Only {GATE_FILE} is a gate: what this file asks for would never be asked."
    problems.extend(Problem("error", name, None, "is not read as a gate", hint, why) for name in sorted(similar))
    if path not in files:
        return plain
    gate, report = read_gate(files[path].decode("utf-8-sig", errors="replace"), path)
    problems.extend(report.problems)
    names = {field.name for field in gate.fields}
    if plain.origin == "required_evidence" and names and names != {field.name for field in plain.fields}:
        node = entry.child("checkpoint").child("required_evidence")
        why = "Who reads the metadata prepares evidence that the gate does not ask for."
        node.warning(f"names other evidence than {path}, which counts", "Make both name the same.", why)
    asked = (gate.fields, gate.rules, gate.checks, gate.approval, gate.protected_paths)
    if gate.problem or gate.unsupported or any(asked):
        return gate
    hint = "Say under evidence_schema what has to be shown."
    why = "The file looks like a gate and is none."
    problems.append(Problem("warning", path, None, "asks for nothing, so the metadata's gate is used", hint, why))
    return gate.model_copy(update={"fields": plain.fields, "origin": plain.origin})
