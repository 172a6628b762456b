"""``validate``: every problem of a definition or of a plan, where it is, why it matters and how to mend it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from mcp_server.app import workflow_roots
from mcp_server.cli.failures import CommandError, UsageError
from mcp_server.cli.gate_trials import try_gates
from mcp_server.cli.output import console, print_json, say, text
from mcp_server.cli.parameters import AsJson, Ctx
from mcp_server.cli.plan_report import phases_as_json, show_phases
from mcp_server.definitions.library import Library, definition_folders
from mcp_server.definitions.parse import METADATA
from mcp_server.definitions.plan_reading import PlanReading, read_plan_by_itself
from mcp_server.definitions.problems import GATE_FILE, Problem
from mcp_server.definitions.validate import validate_folder
from mcp_server.settings import Loaded

Which = Annotated[
    str | None,
    Parameter(help="A definition's folder, its name or alias, or the file of a plan; else all definitions found."),
]
Evidence = Annotated[
    Path | None,
    Parameter(help="Try the gates with this file: JSON, for each phase's number `honest` evidence and `lies`."),
]
Strict = Annotated[bool, Parameter(help="Let warnings fail the run too, as a build does.")]


@dataclass(frozen=True)
class _Validated:
    """A definition or a plan; the problems' files are relative to ``base``."""

    name: str
    path: Path
    base: Path
    source: str
    problems: tuple[Problem, ...]
    plan: PlanReading | None = None

    def of(self, severity: str) -> int:
        return sum(1 for problem in self.problems if problem.severity == severity)


def validate(
    which: Which = None, /, *, strict: Strict = False, evidence: Evidence = None, json: AsJson = False, ctx: Ctx
) -> int:
    """Show every problem of a definition: file and line, what is wrong, why it matters and how to mend it.

    Errors keep a definition from being started; warnings are worth mending. The file of a plan (`tasks.md` or YAML) is
    validated by itself, and it is shown how it is read: its phases, their tasks, what each gate asks for.

    With `--evidence` the gates are tried with what their author wrote down: honest evidence has to pass, and nothing
    at all, false for everything and each lie have to be refused. It is judged by form alone; no check is run.

    Exit code 1: at least one error, with `--strict` at least one warning.
    """
    found = [_plan(Path(which))] if which is not None and Path(which).is_file() else _definitions(which, ctx.loaded)
    if evidence is not None:
        found = [_tried(found, evidence)]
    errors, warnings = (sum(one.of(severity) for one in found) for severity in ("error", "warning"))
    if json:
        definitions = [_as_json(one) for one in found if one.plan is None]
        plans = [_as_json(one) for one in found if one.plan is not None]
        print_json({"definitions": definitions, "plans": plans, "errors": errors, "warnings": warnings})
    else:
        for one in found:
            _show(one)
        what = "plan" if any(one.plan for one in found) else "definition"
        say(f"{_count(len(found), what)}: {_count(errors, 'error')}, {_count(warnings, 'warning')}.")
    return 1 if errors or (strict and warnings) else 0


def _tried(found: list[_Validated], evidence: Path) -> _Validated:
    if len(found) != 1 or found[0].plan is not None:
        raise UsageError("Evidence is for the gates of one definition.", "pos-workflow validate FOLDER --evidence FILE")
    (one,) = found
    return replace(one, problems=(*one.problems, *try_gates(one.path, evidence)))


def _definitions(which: str | None, loaded: Loaded) -> list[_Validated]:
    contested = Library(workflow_roots(loaded)).contested()
    return [
        _Validated(folder.name, folder, folder, source, (*validate_folder(folder), *contested.get(folder, ())))
        for folder, source in _folders(which, loaded)
    ]


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


def _plan(path: Path) -> _Validated:
    if path.name in {METADATA, GATE_FILE}:
        remedy = "Validate the definition's folder, which holds phases/ and metadata.json."
        raise CommandError(f"{path} is a part of a definition.", remedy)
    try:
        reading = read_plan_by_itself(path)
    except ValueError as error:
        remedy = "Name a definition's folder, or a plan: tasks.md, or YAML with a list of phases."
        raise CommandError(f"{path}: {error}.", remedy) from None
    file = path.resolve()
    return _Validated(path.name, file, file.parent, f"plan, {reading.parser}", reading.problems, reading)


def _show(one: _Validated) -> None:
    out = console()
    errors, warnings = one.of("error"), one.of("warning")
    state, style = ("invalid", "bold red") if errors else ("valid", "bold green")
    counts = f": {_count(errors, 'error')}, {_count(warnings, 'warning')}" if one.problems else ""
    out.print(Text.assemble(text(f"{one.name} ({one.source}): "), (state, style), counts), soft_wrap=True)
    if one.plan is not None:
        show_phases(one.plan.phases)
    for problem in sorted(one.problems, key=lambda problem: problem.severity):
        place = _near(one.base / problem.file) + (f":{problem.line}" if problem.line else "")
        style = "red" if problem.severity == "error" else "yellow"
        line = Text.assemble(text(f"  {place}: "), (problem.severity, style), text(f": {problem.message}"))
        out.print(line, soft_wrap=True)
        out.print(text(f"      why: {problem.consequence}", "dim"), soft_wrap=True)
        if problem.hint:
            out.print(text(f"      fix: {problem.hint}", "dim"), soft_wrap=True)


def _near(path: Path) -> str:
    """A path as it can be clicked on: relative where that is shorter."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _as_json(one: _Validated) -> dict[str, Any]:
    name: dict[str, Any] = {"workflow_type": one.name, "path": str(one.path), "source": one.source}
    if one.plan is not None:
        name = {"path": str(one.path), "parser": one.plan.parser, "phases": phases_as_json(one.plan.phases)}
    problems = [
        {
            "severity": problem.severity,
            "file": problem.file,
            "line": problem.line,
            "message": problem.message,
            "why": problem.consequence,
            "hint": problem.hint,
        }
        for problem in one.problems
    ]
    return {**name, "valid": not one.of("error"), "problems": problems}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
