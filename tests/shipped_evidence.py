"""Honest evidence for every gate of the workflows that ship: the data that the self-test of ``doctor`` uses too.

``HONEST[workflow][phase]`` has the form that this phase's gate wants, in a project that holds ``FILES[workflow]``: all
that is there in the end. ``TARGET[workflow]`` is what the session is about, started with ``OPTIONS[workflow]``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcp_server.cli.evidence import Honest, honest_evidence
from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.parse import parse

WORKFLOWS = Path(__file__).parents[1] / "workflows"


def _in_the_end(honest: Honest) -> dict[str, str]:
    files = {**honest.files}
    for phase in honest.evidence:
        files |= honest.step(phase).files
    return {name: text for name, text in files.items() if text is not None}


_ALL = {honest.workflow: honest for honest in honest_evidence()}

OPTIONS: dict[str, dict[str, Any]] = {workflow: honest.options for workflow, honest in _ALL.items()}
TARGET: dict[str, str] = {workflow: honest.target for workflow, honest in _ALL.items()}
FILES: dict[str, dict[str, str]] = {workflow: _in_the_end(honest) for workflow, honest in _ALL.items()}
HONEST: dict[str, dict[int, dict[str, Any]]] = {workflow: honest.evidence for workflow, honest in _ALL.items()}


def _is_attested(name: str) -> bool:
    workflow = parse(read_folder(WORKFLOWS / name).bundle).workflow
    return workflow is not None and not any(
        phase.gate.checks or phase.gate.protected_paths or phase.gate.approval for phase in workflow.phases
    )


ATTESTED: list[str] = [workflow for workflow in HONEST if _is_attested(workflow)]
"""The workflows whose gates want evidence and nothing else, so that nobody has to trust them."""
