"""From a bundle to a workflow, purely: the same bytes give the same workflow and the same problems."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.problems import Problem
from mcp_server.domain.definition import Workflow


@dataclass(frozen=True, slots=True)
class Parsed:
    """``workflow`` is None when nothing can be made of the files; an ``error`` among the problems makes it invalid."""

    workflow: Workflow | None
    problems: tuple[Problem, ...]


def parse(bundle: Bundle) -> Parsed:
    """Read a whole definition; never raises."""
    raise NotImplementedError
