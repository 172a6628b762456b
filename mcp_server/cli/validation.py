"""``validate``: every problem of a definition, where it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from mcp_server.app import workflow_roots
from mcp_server.cli.output import console, print_json, say, text
from mcp_server.cli.parameters import AsJson, Ctx
from mcp_server.definitions.library import Library, definition_folders
from mcp_server.definitions.problems import Problem
from mcp_server.definitions.validate import validate_folder
from mcp_server.settings import Loaded

Which = Annotated[str | None, Parameter(help="A definition's folder, or its name or alias; else all that are found.")]


@dataclass(frozen=True)
class _Validated:
    folder: Path
    source: str
    problems: tuple[Problem, ...]

    def of(self, severity: str) -> int:
        return sum(1 for problem in self.problems if problem.severity == severity)


def validate(which: Which = None, /, *, json: AsJson = False, ctx: Ctx) -> int:
    """Show every problem of a definition with its file and line. Exit code 1: at least one is an error.

    Errors keep a definition from being started; warnings are worth mending.
    """
    found = [_Validated(folder, source, validate_folder(folder)) for folder, source in _folders(which, ctx.loaded)]
    errors, warnings = (sum(one.of(severity) for one in found) for severity in ("error", "warning"))
    if json:
        print_json({"definitions": [_as_json(one) for one in found], "errors": errors, "warnings": warnings})
    else:
        for one in found:
            _show(one)
        say(f"{_count(len(found), 'definition')}: {_count(errors, 'error')}, {_count(warnings, 'warning')}.")
    return 1 if errors else 0


def _folders(which: str | None, loaded: Loaded) -> Iterator[tuple[Path, str]]:
    roots = workflow_roots(loaded)
    if which is not None and (os.sep in which or Path(which).is_dir()):
        yield Path(which).resolve(), "path"
        return
    library = Library(roots)
    first = {folder.name: (folder, source) for folder, source in library.folders()}
    if which is None:
        # Those that another hides are looked at too.
        every = [(folder, str(root.source)) for root in roots for folder in definition_folders(root.path)]
        yield from dict.fromkeys([*every, *first.values()])
    else:
        yield first.get(which) or first[library.find(which).workflow.workflow_type]


def _show(one: _Validated) -> None:
    out = console()
    errors, warnings = one.of("error"), one.of("warning")
    state, style = ("invalid", "bold red") if errors else ("valid", "bold green")
    counts = f": {_count(errors, 'error')}, {_count(warnings, 'warning')}" if one.problems else ""
    out.print(Text.assemble(text(f"{one.folder.name} ({one.source}): "), (state, style), counts), soft_wrap=True)
    for problem in sorted(one.problems, key=lambda problem: problem.severity):
        place = _near(one.folder / problem.file) + (f":{problem.line}" if problem.line else "")
        style = "red" if problem.severity == "error" else "yellow"
        line = Text.assemble(text(f"  {place}: "), (problem.severity, style), text(f": {problem.message}"))
        out.print(line, soft_wrap=True)
        if problem.hint:
            out.print(text(f"      {problem.hint}", "dim"), soft_wrap=True)


def _near(path: Path) -> str:
    """A path as it can be clicked on: relative where that is shorter."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _as_json(one: _Validated) -> dict[str, object]:
    return {
        "workflow_type": one.folder.name,
        "path": str(one.folder),
        "source": one.source,
        "valid": not one.of("error"),
        "problems": [
            {
                "severity": problem.severity,
                "file": problem.file,
                "line": problem.line,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in one.problems
        ],
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
