"""Gates that open too easily."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.documents import DocumentError, read_yaml
from mcp_server.definitions.parse import METADATA
from mcp_server.definitions.problems import GATE_FILE, Problem
from mcp_server.domain.definition import Gate, Phase
from mcp_server.domain.gates import required_names


def weakness_of(phase: Phase, bundle: Bundle, closes: str | None, entry_line: int | None) -> Iterator[Problem]:
    """Why the gate of a phase shows little; ``closes`` is the folder of a closing phase, below ``phases``."""
    found = _weakness(phase.gate)
    if found is None:
        return
    message, hint, why = found
    file, line = METADATA, entry_line
    if phase.gate.origin == "file":
        file = _gate_file(phase, closes, bundle)
        line = _schema_line(bundle.files[file])
    yield Problem("warning", file, line, f"phase {phase.number}: {message}", hint, why)


def _weakness(gate: Gate) -> tuple[str, str, str] | None:
    """What is weak, how to mend it, and why it matters."""
    if gate.origin == "fallback":
        return (
            "has no gate of its own, so a summary opens it",
            f"Add {GATE_FILE} or required_evidence.",
            "Any sentence is a summary: the phase can be left without its work.",
        )
    if gate.problem is not None or gate.rules or gate.unsupported or gate.checks or gate.approval:
        return None
    if not required_names(gate) and not gate.protected_paths:
        return (
            "requires nothing, so empty evidence opens it",
            "Make a field required.",
            "The phase can be left without a word about its work.",
        )
    if gate.fields and all(field.type == "boolean" for field in gate.fields):
        return (
            "asks for booleans only, which are easily said",
            "Ask for a number, a path or a text as well, or let the server run a check.",
            "Nothing tells a true that was seen from one that was guessed, and nobody can look it up later.",
        )
    return None


def _gate_file(phase: Phase, closes: str | None, bundle: Bundle) -> str:
    if closes:
        return f"phases/{closes}/{GATE_FILE}"
    folders = {posixpath.dirname(path) for path in bundle.files if posixpath.basename(path) == GATE_FILE}
    own = (folder for folder in folders if re.fullmatch(rf"phases/0*{phase.number}", folder))
    return f"{next(own)}/{GATE_FILE}"


def _schema_line(data: bytes) -> int | None:
    try:
        return read_yaml(data.decode("utf-8-sig", errors="replace")).line(("evidence_schema",))
    except DocumentError:
        return None
