"""An honest run through each of the workflows that ship, and lies on the way, as data that ships with them.

The evidence of ``test_generation_v3`` is what was seen when these very tests were written. ``workflows/README.md`` says
how a file of ``honest_evidence`` is written.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "honest_evidence"

Files = Mapping[str, str | None]
"""Texts by path from the project's root; None: the file goes."""


@dataclass(frozen=True)
class Lie:
    """What an assistant that skipped the work hands in, and what of the gate finds it out.

    ``evidence`` replaces values of the honest evidence. ``refused_by`` names checks or pieces of evidence.
    """

    says: str
    files: Files
    evidence: dict[str, Any]
    refused_by: tuple[str, ...]

    @contextmanager
    def told(self, project: Path) -> Generator[None]:
        """Put its files into a project, and put back what was there."""
        before = {name: _text(project / name) for name in self.files}
        write_files(project, self.files)
        try:
            yield
        finally:
            write_files(project, before)


@dataclass(frozen=True)
class Step:
    """The work of one phase: the lies that are told before it is done, the files that it leaves, what is then run.

    A command is of ``pos-workflow`` or ``python``, with its arguments.
    """

    files: Files = field(default_factory=dict[str, "str | None"])
    lies: tuple[Lie, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Honest:
    """What passes every gate of one workflow, in a project that holds ``files``, on ``target`` with ``options``.

    A phase with a step has its work done first.
    """

    workflow: str
    target: str
    files: Files
    evidence: dict[int, dict[str, Any]]
    options: dict[str, Any]
    steps: dict[int, Step]

    def step(self, phase: int) -> Step:
        """The work of a phase; of most there is none to be seen in the project."""
        return self.steps.get(phase, Step())

    def write_files(self, project: Path) -> None:
        """Lay out the project as the session finds it."""
        write_files(project, self.files)


def honest_evidence() -> tuple[Honest, ...]:
    """The evidence for each workflow that ships."""
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.json")))


def write_files(project: Path, files: Files) -> None:
    """Make a project hold these files, or be without them."""
    for name, text in files.items():
        path = project / name
        if text is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _read(path: Path) -> Honest:
    data = json.loads(path.read_text(encoding="utf-8"))
    return Honest(
        workflow=path.stem,
        target=data["target"],
        files=_files(data),
        evidence={int(phase): evidence for phase, evidence in data["evidence"].items()},
        options=data.get("options", {}),
        steps={int(phase): _step(step) for phase, step in data.get("steps", {}).items()},
    )


def _step(data: Mapping[str, Any]) -> Step:
    lies = (
        Lie(one["says"], _files(one), one.get("evidence", {}), tuple(one["refused_by"])) for one in data.get("lies", [])
    )
    return Step(_files(data), tuple(lies), tuple(map(tuple, data.get("commands", []))))


def _files(data: Mapping[str, Any]) -> Files:
    found: dict[str, list[str] | None] = data.get("files", {})
    return {name: None if lines is None else "\n".join(lines) for name, lines in found.items()}
