"""The gate's judgement: evidence in, verdict out.

A gate fails closed. Whatever is missing, wrong, unknown or raises keeps it shut and is said, all findings at once
and never with the value that would open it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mcp_server.domain.definition import Gate

Outcome = Literal["passed", "refused", "blocked"]
Basis = Literal["attested", "verified", "human", "overridden"]


class Probes(Protocol):
    """What a rule needs to know of the world."""

    def file_exists(self, path: str) -> bool:
        """Whether ``path``, relative to the project root and inside it, is there."""
        ...

    def matches(self, pattern: str, text: str) -> bool:
        """Whether ``pattern`` is found in ``text``; raises when it cannot be told in bounded time."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the field (``rule N`` for a rule over several) and what is wrong with it."""

    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """One piece of evidence that was taken, and on what it rests."""

    name: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it.

    ``blocked_by`` says why the gate cannot be judged at all, ``missing`` and ``findings`` why it refused.
    """

    outcome: Outcome
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    blocked_by: tuple[str, ...] = ()


def judge(gate: Gate, evidence: Mapping[str, object], probes: Probes) -> Verdict:
    """Judge ``evidence`` at ``gate``; never raises, and an exception inside is never a pass."""
    raise NotImplementedError


def required_names(gate: Gate) -> tuple[str, ...]:
    """The names of the fields without which the gate does not open, in the definition's order."""
    raise NotImplementedError


def evidence_schema(gate: Gate) -> dict[str, Any]:
    """The evidence object as JSON Schema (draft 2020-12, no ``$ref``), less any value that opens the gate."""
    raise NotImplementedError
