"""``new``: a definition to begin from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mcp_server.app import workflow_roots
from mcp_server.cli.failures import CommandError, UsageError
from mcp_server.cli.output import say
from mcp_server.cli.parameters import Ctx
from mcp_server.definitions.library import Library, name_problems
from mcp_server.definitions.starter import SCHEMAS_FOLDER, schema_files, starter
from mcp_server.errors import ConfigurationError
from mcp_server.settings import Loaded

Name = Annotated[str, Parameter(help="The workflow's name, which becomes its folder's.")]
To = Annotated[Path | None, Parameter(help="The folder of definitions; else `.praxis-os/workflows` in the project.")]


def new(name: Name, /, *, to: To = None, ctx: Ctx) -> int:
    """Write a small workflow to begin from: two phases with tasks and gates, commented, ready to be started.

    Nothing that is there is overwritten. The JSON Schemas of its files are put beside it, into `.schemas` (and renewed
    there, if they are of an older version), so that editors complete and check what is written without a network.
    """
    loaded = ctx.loaded
    folder = Path(os.path.abspath(to)) if to is not None else _project_folder(loaded)  # noqa: PTH100 - links stay
    _refuse_a_bad_name(name)
    target = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.mkdir()
    except FileExistsError:
        taken = target if folder.is_dir() else folder
        raise CommandError(
            f"{taken} is there already, and is left as it is.", "Choose another name or folder."
        ) from None
    for path, text in starter(name).items():
        _write(target / path, text)
    for path, text in schema_files().items():
        _write(folder / SCHEMAS_FOLDER / path, text)
    _tell(name, target, loaded)
    return 0


def _project_folder(loaded: Loaded) -> Path:
    if loaded.project is None:
        raise ConfigurationError(
            "No project root is known: " + loaded.project_found_by + ".",
            remediation="Change to the project's folder, name it with --project PATH, or say where with --to DIR.",
        )
    return loaded.project / ".praxis-os" / "workflows"


def _refuse_a_bad_name(name: str) -> None:
    problems = name_problems(Path("/") / name)
    if problems or Path(name).name != name:
        remedy = "Use lower case letters, digits, '_', '-' and '.', at most 100, and no '-' or '.' in front."
        raise UsageError(f"'{name[:100]}' cannot be the name of a workflow.", remedy)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _tell(name: str, target: Path, loaded: Loaded) -> None:
    here = os.path.relpath(target) if target.is_relative_to(Path.cwd()) else str(target)
    say(f"Wrote {here}: two phases, each with two tasks and a gate.")
    library = Library(workflow_roots(loaded))
    place = next((folder for folder, _ in library.folders() if folder.name == name), None)
    if place is None or place.resolve() != target.resolve():
        say(f"It is found by its name with --workflows-dir {Path(here).parent}.")
        say(f"  pos-workflow validate {here}")
        return
    hidden = library.find(name).shadows
    if hidden:
        say(f"It hides the workflow of the same name that is {' and '.join(hidden)}.")
    say(f"  pos-workflow validate {name}             explains what is wrong or weak in it")
    say(f"  pos-workflow workflows {name} --mermaid  draws it")
