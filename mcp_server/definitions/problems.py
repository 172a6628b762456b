"""What is wrong with a definition, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

Severity = Literal["error", "warning"]

GATE_FILE: Final = "gate-definition.yaml"

_INVALID: Final = "A definition with an error is listed as invalid, and start refuses it."
_INVALID_GATE: Final = "A gate that cannot be judged would open for nobody, so start refuses the whole definition."


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect of a definition: ``file`` is relative to the definition's folder, ``line`` counts from 1.

    An ``error`` makes the definition invalid; a ``warning`` is worth mending and lets it work. ``why`` says what comes
    of it, where that is more than what comes of every problem of its kind.
    """

    severity: Severity
    file: str
    line: int | None
    message: str
    hint: str
    why: str = ""

    @property
    def consequence(self) -> str:
        """Why it matters, in one sentence."""
        if self.why or self.severity == "warning":
            return self.why or "It works, though perhaps not as it was meant."
        return _INVALID_GATE if PurePosixPath(self.file).name == GATE_FILE else _INVALID

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"
