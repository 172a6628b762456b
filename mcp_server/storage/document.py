"""A session on its way from one version of its form to the next: what a step is given, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """A session's fields as JSON has them, the blobs that they name, and in words what could not be carried over."""

    fields: Mapping[str, Any]
    blobs: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    lost: tuple[str, ...] = ()


Step = Callable[[Document], Document]
"""From one version to the next: pure, and raises UnfitError for a document that does not make sense."""


class UnfitError(ValueError):
    """A document that no session can be made of; the message says why, to a person."""
