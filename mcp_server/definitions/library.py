"""Every definition that can be started, wherever it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mcp_server.definitions.bundle import Bundle
from mcp_server.domain.definition import Workflow

Source = Literal["configured", "project", "user", "bundled"]


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of definitions and what kind of place it is; one that is not there holds none."""

    path: Path
    source: Source


@dataclass(frozen=True, slots=True)
class Entry:
    """A definition that loads; ``shadows`` names the sources of those of the same name that it hides."""

    workflow: Workflow
    source: Source
    shadows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invalid:
    """A definition that does not load, and its first problem."""

    workflow_type: str
    problem: str
    source: Source


@dataclass(frozen=True, slots=True)
class Listing:
    """All definitions, each sorted by name."""

    entries: tuple[Entry, ...]
    invalid: tuple[Invalid, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A definition to start from: its bundle is what a session pins, by ``digest``."""

    workflow: Workflow
    bundle: Bundle
    digest: str
    source: Source
    shadows: tuple[str, ...]


class Library:
    """The definitions under the roots, of which the first that holds a folder of the name has it. Thread-safe."""

    def __init__(self, roots: Sequence[Root]) -> None:
        self._roots = tuple(roots)

    def listing(self) -> Listing:
        """Every definition; one that is broken hides no other."""
        raise NotImplementedError

    def find(self, name: str) -> Found:
        """The definition of that folder name, else of that alias or declared type.

        Raises NotFoundError with the nearest names, and ConfigurationError for a definition that is invalid or an alias
        that two definitions claim.
        """
        raise NotImplementedError

    def moved_on(self, workflow_type: str, source: Source, digest: str) -> bool:
        """Whether the definition on disk is no longer the one of ``digest``: changed, broken, hidden or gone."""
        raise NotImplementedError
