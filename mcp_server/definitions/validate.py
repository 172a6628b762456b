"""What an author should know of a definition: every error, and what works but is weaker than it looks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.library import name_problems
from mcp_server.definitions.lint import doubts_of
from mcp_server.definitions.parse import parse, problems_of
from mcp_server.definitions.problems import Problem


def validate_folder(path: Path) -> tuple[Problem, ...]:
    """Every problem of the definition in ``path``, sorted by file and line. Never raises."""
    reading = read_folder(path)
    parsed = parse(reading.bundle)
    found = [*name_problems(path), *problems_of(reading, parsed)]
    if parsed.workflow is not None:
        found += doubts_of(parsed.workflow, reading.bundle)
    return in_order(found)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, sorted by file and line."""
    return tuple(sorted(set(problems), key=lambda problem: (problem.file, problem.line or 0, problem.message)))
