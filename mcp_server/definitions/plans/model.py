"""What a plan says, whatever it was written in."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp_server.domain.definition import Gate

MAX_PHASES = 200
MAX_TASKS = 2_000
MAX_ITEMS = 500
"""Sentences that one gate may ask for."""


@dataclass(frozen=True, slots=True)
class PlanTask:
    """One task; ``label`` is its number as the plan writes it (``1.2``, ``T012``), ``number`` its number in the phase.

    ``body`` is its Markdown as it stands, ``line`` where the file begins to speak of it.
    """

    number: int
    label: str
    title: str
    body: str = ""
    description: str = ""
    estimated_duration: str = ""
    dependencies: str = ""
    steps: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    deliverables: tuple[str, ...] = ()
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PlanPhase:
    """One phase; ``body`` is its Markdown less the tasks, the gate included wherever the plan has it.

    ``gate_items`` are the sentences that have to hold, ``evidence`` the commands that show it, which nobody runs here.
    A plan in YAML states its ``gate`` outright.
    """

    number: int
    title: str
    body: str = ""
    objective: str = ""
    estimated_duration: str = ""
    dependencies: str = ""
    deliverables: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    gate_items: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    tasks: tuple[PlanTask, ...] = ()
    gate: Gate | None = None
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """The phases in the order in which the plan has them."""

    phases: tuple[PlanPhase, ...]
