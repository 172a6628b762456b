"""Honest evidence for every gate of the workflows that ship: the data that the self-test of ``doctor`` uses too.

``HONEST[workflow][phase]`` passes that phase's gate in a project that holds ``FILES[workflow]``, and
``TARGET[workflow]`` is what the session is about, started with ``OPTIONS[workflow]``.
"""

from __future__ import annotations

from typing import Any

from mcp_server.cli.evidence import honest_evidence

_ALL = {honest.workflow: honest for honest in honest_evidence()}

OPTIONS: dict[str, dict[str, Any]] = {workflow: honest.options for workflow, honest in _ALL.items()}
TARGET: dict[str, str] = {workflow: honest.target for workflow, honest in _ALL.items()}
FILES: dict[str, dict[str, str]] = {workflow: honest.files for workflow, honest in _ALL.items()}
HONEST: dict[str, dict[int, dict[str, Any]]] = {workflow: honest.evidence for workflow, honest in _ALL.items()}
