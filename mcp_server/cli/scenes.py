"""The scenes of the self-test: a project of its own for each workflow, a server there, and a person at a terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from mcp_server.cli.evidence import Honest
from mcp_server.cli.terminal import Played, play
from mcp_server.cli.wire import Wire, WireError
from mcp_server.settings import environment_without_settings

Body = dict[str, Any]

COMMAND_SECONDS: Final = 120.0
"""How long a program of the work of a phase may take."""


@dataclass(frozen=True)
class Scene:
    """One workflow's project, the tool of the server that serves it, and the person who types commands there."""

    honest: Honest
    project: Path
    call: Callable[[Body], Body]
    person: Callable[..., Played]


def person_at(project: Path, user: Path) -> Callable[..., Played]:
    """A person who types a command of the program in a project, and ``y`` when it asks; WireError if it hangs."""

    def person(*arguments: str) -> Played:
        # -P: the working directory holds what the test wrote, and nothing is to be imported from there.
        command = [sys.executable, "-P", "-m", "mcp_server", *arguments]
        flags = ["--project", str(project), "--user-dir", str(user)]
        try:
            return play([*command, *flags], ["y"], env=environment_without_settings(), cwd=str(project))
        except subprocess.TimeoutExpired:
            raise WireError(f"pos-workflow {arguments[0]} does not come to an end") from None

    return person


def python_in(project: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of the project's own, as its assistant does; WireError if it hangs."""
    # Nothing that is cached beside it, and nothing that the project puts in the way of the standard library.
    command = [sys.executable, "-I", "-B", *arguments]
    try:
        return subprocess.run(  # noqa: S603 - what the data of this package names
            command,
            cwd=project,
            env=environment_without_settings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WireError(f"{' '.join(arguments[:2])} does not come to an end") from None


@contextmanager
def serving(honest: Honest, folder: Path, log: IO[bytes], issues: list[str]) -> Generator[Scene]:
    """Lay out the project of a workflow and serve it; how the server ends badly goes to ``issues``."""
    project, user = folder / honest.workflow, folder / "user"
    project.mkdir()
    honest.write_files(project)
    wire = Wire(["--project", str(project), "--user-dir", str(user), "--log-level", "warning"], project, log)
    try:
        wire.initialize()
        yield Scene(honest, project, wire.call, person_at(project, user))
    finally:
        # Before the folder is removed, and after a Ctrl-C too.
        code = wire.close()
        if code != 0:
            issues.append(f"The server ended with exit code {code} instead of 0.")
