"""Honest evidence for every gate of the workflows that ship, as data that ships with them.

The evidence of ``test_generation_v3`` is what was seen when these very tests were written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "honest_evidence"


@dataclass(frozen=True)
class Honest:
    """What passes every gate of one workflow, in a project that holds ``files``, on ``target`` with ``options``."""

    workflow: str
    target: str
    files: dict[str, str]
    evidence: dict[int, dict[str, Any]]
    options: dict[str, Any]

    def write_files(self, project: Path) -> None:
        """Put the files that the evidence speaks of into a project."""
        for name, text in self.files.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def honest_evidence() -> tuple[Honest, ...]:
    """The evidence for each workflow that ships."""
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.json")))


def _read(path: Path) -> Honest:
    data = json.loads(path.read_text(encoding="utf-8"))
    return Honest(
        workflow=path.stem,
        target=data["target"],
        files={name: "\n".join(lines) for name, lines in data["files"].items()},
        evidence={int(phase): evidence for phase, evidence in data["evidence"].items()},
        options=data.get("options", {}),
    )
