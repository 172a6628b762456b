"""Gates that open too easily."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.documents import DocumentError, Path, read_yaml
from mcp_server.definitions.parse import METADATA
from mcp_server.definitions.problems import GATE_FILE, Problem
from mcp_server.domain.checks import CONDITIONS_OF, Check
from mcp_server.domain.definition import Gate, Phase
from mcp_server.domain.gates import required_names

_TRUE_OF_FAILURES: Final = frozenset({"stdout_not_matches", "stdout_min_lines"})
"""Conditions that a program's output may well meet when it fails."""


def weakness_of(phase: Phase, bundle: Bundle, closes: str | None, entry_line: int | None) -> Iterator[Problem]:
    """Why the gate of a phase shows little; ``closes`` is the folder of a closing phase, below ``phases``."""
    yield from _weak_checks(phase, bundle, closes)
    found = _weakness(phase.gate)
    if found is None:
        return
    message, hint, why = found
    file, line = METADATA, entry_line
    if phase.gate.origin == "file":
        file = _gate_file(phase, closes, bundle)
        (line,) = _lines(bundle.files[file], [("evidence_schema",)])
    yield Problem("warning", file, line, f"phase {phase.number}: {message}", hint, why)


def _weak_checks(phase: Phase, bundle: Bundle, closes: str | None) -> Iterator[Problem]:
    """Checks that a program passes which fails: it says nothing wrong, or has lines enough to say why it failed."""
    if phase.gate.problem is not None or phase.gate.origin != "file":
        return
    weak = [(index, check.id) for index, check in enumerate(phase.gate.checks) if _holds_of_failures(check)]
    if not weak:
        return
    file = _gate_file(phase, closes, bundle)
    lines = _lines(bundle.files[file], [("checks", index, "pass") for index, _ in weak])
    for (_, name), line in zip(weak, lines, strict=True):
        message = f"phase {phase.number}: a program that fails passes the check '{name}'"
        why = "What is asked of its output holds as well when it ends early, with any exit code."
        yield Problem("warning", file, line, message, "Add exit_code, as in exit_code: 0.", why)


def _holds_of_failures(check: Check) -> bool:
    asked = {key for key in CONDITIONS_OF["run"] if getattr(check.conditions, key) is not None}
    return check.kind == "run" and asked <= _TRUE_OF_FAILURES


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


def _lines(data: bytes, paths: list[Path]) -> list[int | None]:
    """Where each part of a gate file begins."""
    try:
        document = read_yaml(data.decode("utf-8-sig", errors="replace"))
    except DocumentError:
        return [None] * len(paths)
    return [document.line(path) for path in paths]
