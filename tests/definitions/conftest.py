"""A small definition on a real disk, to be bent in every way that real folders are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import Ask, Home

METADATA: dict[str, Any] = {
    "workflow_type": "sample_v1",
    "version": "1.0.0",
    "name": "Sample",
    "description": "A sample workflow",
    "phases": [{"phase_number": 1, "phase_name": "Only", "checkpoint": {"required_evidence": ["done", "count"]}}],
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a definition: metadata as keywords over the smallest one, files by their path."""

    def written(
        files: dict[str, str | bytes] | None = None, *, folder: str = "roots/one/sample_v1", **metadata: Any
    ) -> Path:
        path = tmp_path / folder
        path.mkdir(parents=True, exist_ok=True)
        everything = {"metadata.json": json.dumps({**METADATA, **metadata}, indent=1), **(files or {})}
        for name, content in everything.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A project of the test's own."""
    return Home.make(tmp_path)


@pytest.fixture
def ask(home: Home) -> Ask:
    """The tool in this process."""
    return home.asking()


@pytest.fixture
def define(home: Home, write: Write) -> Write:
    """Writes a definition of that name into the project, as ``write`` does."""

    def defined(name: str, files: dict[str, str | bytes] | None = None, **metadata: Any) -> Path:
        folder = home.definitions.relative_to(home.project.parent) / name
        return write(files, folder=str(folder), **{"workflow_type": name, **metadata})

    return defined
