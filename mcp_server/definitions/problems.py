"""What is wrong with a definition, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect of a definition: ``file`` is relative to the definition's folder, ``line`` counts from 1.

    An ``error`` makes the definition invalid; a ``warning`` is worth mending and lets it work.
    """

    severity: Severity
    file: str
    line: int | None
    message: str
    hint: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"
