"""Parts of a document that know where they stand and report what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mcp_server.definitions.documents import Document, Path
from mcp_server.definitions.problems import Problem, Severity
from mcp_server.domain.values import is_integer, is_list, is_object


@dataclass(slots=True)
class Report:
    """Collects the problems of one file."""

    file: str
    document: Document | None = None
    problems: list[Problem] = field(default_factory=list[Problem])

    def add(self, severity: Severity, path: Path, message: str, hint: str, why: str = "") -> None:
        """Note a problem of what is at ``path``."""
        self.add_at(severity, self.document.line(path) if self.document else None, message, hint, why)

    def add_at(self, severity: Severity, line: int | None, message: str, hint: str, why: str = "") -> None:
        """Note a problem of a line, or of the whole file."""
        self.problems.append(Problem(severity, self.file, line, message, hint, why))


@dataclass(frozen=True, slots=True)
class Node:
    """One part of a document; what is absent or null has the data None.

    Each reading method gives the default, and reports, where the data is of another kind.
    """

    data: Any
    path: Path
    report: Report

    @property
    def label(self) -> str:
        """How the part is called in a message."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).lstrip(".") or "the file"

    @property
    def line(self) -> int | None:
        """Where it begins."""
        return self.report.document.line(self.path) if self.report.document else None

    def error(self, message: str, hint: str, why: str = "") -> None:
        """Report an error of this part."""
        self.report.add("error", self.path, message, hint, why)

    def warning(self, message: str, hint: str, why: str = "") -> None:
        """Report a warning of this part."""
        self.report.add("warning", self.path, message, hint, why)

    def child(self, key: str) -> Node:
        """The part under ``key``."""
        found = self.data.get(key) if is_object(self.data) else None
        return Node(found, (*self.path, key), self.report)

    def first(self, *keys: str) -> Node:
        """The part under the first of ``keys`` that is there."""
        return next((node for node in map(self.child, keys) if node.data is not None), self.child(keys[0]))

    def text(self, default: str = "", *, severity: Severity = "error") -> str:
        """Text, with a number taken as it is written."""
        if self.data is None:
            return default
        if isinstance(self.data, str | int | float) and not isinstance(self.data, bool):
            return str(self.data).strip()
        self._unlike("text", severity)
        return default

    def integer(self, default: int, *, least: int = 0) -> int:
        """An integer that is not below ``least``."""
        if self.data is None:
            return default
        if is_integer(self.data) and self.data >= least:
            return self.data
        self._unlike(f"an integer not below {least}", "error")
        return default

    def boolean(self, default: bool) -> bool:
        """True or false."""
        if self.data is None:
            return default
        if isinstance(self.data, bool):
            return self.data
        self._unlike("true or false", "error")
        return default

    def entries(self) -> list[Node]:
        """The items of a list."""
        if self.data is None:
            return []
        if is_list(self.data):
            return [Node(item, (*self.path, index), self.report) for index, item in enumerate(self.data)]
        self._unlike("a list", "error")
        return []

    def members(self) -> dict[str, Node]:
        """The values of a mapping by their keys."""
        if self.data is None:
            return {}
        if is_object(self.data):
            return {key: self.child(key) for key in self.data}
        self._unlike("a mapping", "error")
        return {}

    def texts(self, *, severity: Severity = "error") -> tuple[str, ...]:
        """The texts of a list; one text alone counts as a list of it."""
        if isinstance(self.data, str):
            return (self.data.strip(),)
        if is_list(self.data):
            return tuple(text for text in (item.text(severity=severity) for item in self.entries()) if text)
        if self.data is not None:
            self._unlike("a list of texts", severity)
        return ()

    def _unlike(self, wanted: str, severity: Severity) -> None:
        self.report.add(severity, self.path, f"{self.label} has to be {wanted}", "Write it so, or leave it out.")
